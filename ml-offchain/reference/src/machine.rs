//! What the module asks of the host: numbers of components, and no more memory than it may have.

use crate::ReferenceError;
use blyan_model::Weights;
use blyan_primitives::dag::Component;
use std::sync::Arc;
use wasmtime::{Caller, Memory, ResourceLimiter, Trap};

/// The module of what it imports.
pub(crate) const IMPORTS: &str = "blyan";

/// What belongs to one evaluation.
pub(crate) struct Machine {
	/// Shared with the caller's: a clone copies no number.
	weights: Weights,
	/// In the order that the module counts them in.
	components: Arc<[Component]>,
	pub memory: Option<Memory>,
	limit_bytes: u64,
	/// Whether the module asked for more memory than that.
	pub is_out_of_memory: bool,
}

impl Machine {
	pub fn new(weights: &Weights, components: Arc<[Component]>, limit_bytes: u64) -> Self {
		Self { weights: weights.clone(), components, memory: None, limit_bytes, is_out_of_memory: false }
	}

	/// Copies numbers of a component, little-endian, to where the module wants them.
	fn copy(&self, component: u32, offset: u64, to: &mut [u8]) -> Result<(), ReferenceError> {
		let nonsense =
			|| ReferenceError::Module(format!("it reads component {component} from number {offset} on"));
		let component = *self.components.get(component as usize).ok_or_else(nonsense)?;
		let count = to.len() / 4;
		let copied = self.weights.with_component(component, |numbers| {
			let from = usize::try_from(offset).ok()?;
			let numbers = numbers.get(from..from.checked_add(count)?)?;
			for (to, number) in to.chunks_exact_mut(4).zip(numbers) {
				to.copy_from_slice(&number.to_le_bytes());
			}
			Some(())
		})?;
		copied.ok_or_else(nonsense)
	}
}

impl ResourceLimiter for Machine {
	fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
		let fits = desired as u64 <= self.limit_bytes;
		self.is_out_of_memory |= !fits;
		Ok(fits)
	}

	fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
		// The module calls through no table; what the linker gives it is small.
		Ok(desired <= 1024)
	}
}

/// `blyan.read`: see the guest's `abi`. A number costs a unit of fuel.
pub(crate) fn read(
	mut caller: Caller<'_, Machine>,
	component: u32,
	offset: u64,
	count: u32,
	to: u32,
) -> wasmtime::Result<()> {
	let fuel = caller.get_fuel()?.checked_sub(count.into()).ok_or(Trap::OutOfFuel)?;
	caller.set_fuel(fuel)?;
	let memory =
		caller.data().memory.ok_or_else(|| ReferenceError::Module("it reads before it is asked".into()))?;
	let (bytes, machine) = memory.data_and_store_mut(&mut caller);
	let range = usize::try_from(to).ok().zip((count as usize).checked_mul(4));
	let to = range.and_then(|(at, len)| bytes.get_mut(at..at.checked_add(len)?));
	let to = to.ok_or_else(|| ReferenceError::Module("it reads to where it has no memory".into()))?;
	Ok(machine.copy(component, offset, to)?)
}
