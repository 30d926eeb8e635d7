//! What the forward pass asks of whoever runs it.

use crate::Fault;

/// Memory and weights.
pub trait Machine {
	/// Copies numbers of a component, from `offset` on. Components count from 0 in the order of
	/// `Architecture::components`; their numbers are in the order of `blyan_model::component_tensors`.
	///
	/// # Errors
	/// [`Fault::Component`]: there are not so many.
	fn read(&mut self, component: u32, offset: u64, to: &mut [f32]) -> Result<(), Fault>;

	/// Memory for numbers, all zero.
	///
	/// # Errors
	/// [`Fault::Memory`].
	fn numbers(&mut self, count: u64) -> Result<&'static mut [f32], Fault>;

	/// Memory for indices, all zero.
	///
	/// # Errors
	/// [`Fault::Memory`].
	fn indices(&mut self, count: u64) -> Result<&'static mut [u32], Fault>;
}
