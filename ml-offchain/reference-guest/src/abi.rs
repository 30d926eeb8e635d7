//! What the Wasm module imports and exports.
//!
//! | | | |
//! | --- | --- | --- |
//! | import | `blyan.read(component: i32, offset: i64, count: i32, to: i32)` | see [`Machine::read`]; traps if it cannot |
//! | export | `memory` | |
//! | export | `reserve(bytes: i32) -> i32` | the address of so many bytes for the input; 0 if there is no room |
//! | export | `evaluate(at: i32, bytes: i32) -> i64` | the bits of the loss as f64, never negative; or a [`Fault`]'s code |
//!
//! An instance is for one evaluation: what it takes of the memory it does not give back.
#![allow(unsafe_code)]

use crate::{evaluate as evaluate_input, Fault, Machine};
use core::{arch::wasm32, slice};

const PAGE_BYTES: u64 = 1 << 16;

mod host {
	#[link(wasm_import_module = "blyan")]
	extern "C" {
		pub fn read(component: u32, offset: u64, count: u32, to: *mut f32);
	}
}

extern "C" {
	/// Where the linker's own memory ends: stack and statics lie below.
	static __heap_base: u8;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
	wasm32::unreachable()
}

/// Fresh pages for so many elements of four bytes: the address of the first.
fn pages(count: u64) -> Result<usize, Fault> {
	let bytes = count.checked_mul(4).ok_or(Fault::Memory)?;
	// No slice may be longer, by the rules of Rust.
	if bytes > isize::MAX as u64 {
		return Err(Fault::Memory);
	}
	match wasm32::memory_grow::<0>(bytes.div_ceil(PAGE_BYTES) as usize) {
		usize::MAX => Err(Fault::Memory),
		// The last page of all may end at 2^32, but none begins there.
		before => (before as u64)
			.checked_mul(PAGE_BYTES)
			.and_then(|at| usize::try_from(at).ok())
			.ok_or(Fault::Memory),
	}
}

struct Instance;

impl Machine for Instance {
	fn read(&mut self, component: u32, offset: u64, to: &mut [f32]) -> Result<(), Fault> {
		// SAFETY: the host writes `to.len()` numbers at `to`, which is exclusively ours, and nothing else;
		// a length in 32-bit memory fits.
		unsafe { host::read(component, offset, to.len() as u32, to.as_mut_ptr()) };
		Ok(())
	}

	fn numbers(&mut self, count: u64) -> Result<&'static mut [f32], Fault> {
		let at = pages(count)?;
		// SAFETY: fresh pages, zeroed, aligned, given out once, and `count` elements long at least.
		Ok(unsafe { slice::from_raw_parts_mut(at as *mut f32, count as usize) })
	}

	fn indices(&mut self, count: u64) -> Result<&'static mut [u32], Fault> {
		let at = pages(count)?;
		// SAFETY: as for numbers.
		Ok(unsafe { slice::from_raw_parts_mut(at as *mut u32, count as usize) })
	}
}

#[no_mangle]
extern "C" fn reserve(bytes: u32) -> u32 {
	pages(u64::from(bytes).div_ceil(4)).map_or(0, |at| at as u32)
}

#[no_mangle]
extern "C" fn evaluate(at: u32, bytes: u32) -> i64 {
	// SAFETY: only the address is taken.
	let base = unsafe { core::ptr::addr_of!(__heap_base) } as u64;
	let end = u64::from(at) + u64::from(bytes);
	let is_within = u64::from(at) >= base && end <= wasm32::memory_size::<0>() as u64 * PAGE_BYTES;
	if !is_within || at % 4 != 0 || bytes % 4 != 0 || bytes > isize::MAX as u32 {
		return Fault::Length.code();
	}
	// SAFETY: within the memory, above everything of the linker's, aligned; buffers are taken of fresh
	// pages, so nothing writes here while it is read.
	let words = unsafe { slice::from_raw_parts(at as usize as *const u32, bytes as usize / 4) };
	match evaluate_input(words, &mut Instance) {
		// Not negative, so the sign bit is free to tell a fault.
		Ok(loss) => loss.to_bits() as i64,
		Err(fault) => fault.code(),
	}
}
