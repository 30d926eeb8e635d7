use crate::common::*;
use blyan_model::{evaluate_tokens, Device, ModelError, TokenShard, MAX_LOSS};
use blyan_primitives::dag::Component;
use blyan_reference::{Options, Reference, ReferenceError, MODULE};

#[test]
fn shard_loss_should_refuse_a_shard_with_nothing_to_predict() {
	let weights = random(&tiny(), 1);
	for len in [0, 1] {
		let error =
			measure_with(reference(), &weights, &TokenShard::from_bytes(&vec![b'x'; len])).unwrap_err();
		let expected = len as u64;
		assert!(
			matches!(error, ReferenceError::Model(ModelError::TextTooShort { got, needed: 2 }) if got == expected),
			"{error}"
		);
	}
	let no_bytes = TokenShard { tokens: vec![1, 2], predicted_bytes: 0 };
	assert!(matches!(
		measure_with(reference(), &weights, &no_bytes),
		Err(ReferenceError::Model(ModelError::TextTooShort { .. }))
	));
	assert!(measure(&weights, &shard(2)).bits_per_byte > 0.0, "two bytes are enough");
}

#[test]
fn shard_loss_should_name_the_token_when_one_is_outside_the_vocabulary() {
	let shard = TokenShard { tokens: vec![7, 256], predicted_bytes: 1 };
	let error = measure_with(reference(), &random(&tiny(), 1), &shard).unwrap_err();
	assert!(
		matches!(
			error,
			ReferenceError::Model(ModelError::Token { token: 256, position: 1, vocabulary: 256 })
		),
		"{error}"
	);
}

#[test]
fn shard_loss_should_say_so_when_fuel_runs_out_wherever_it_does() {
	let weights = random(&tiny(), 1);
	let needed = measure(&weights, &shard(100)).fuel;
	// Fuel is looked at where functions and rounds of loops begin: a few instructions may be free at the end.
	for given in [0, 1, 1000, needed / 2, needed - 10_000] {
		let error = reference().shard_loss(&weights, &shard(100), given).unwrap_err();
		assert!(
			matches!(error, ReferenceError::OutOfFuel { given: said } if said == given),
			"{given}: {error}"
		);
	}
	assert_eq!(reference().shard_loss(&weights, &shard(100), needed).unwrap().fuel, needed);
}

#[test]
fn shard_loss_should_say_so_when_memory_does_not_suffice() {
	for memory_bytes in [1 << 16, 1 << 21] {
		let small = Reference::load_with(MODULE, Options { memory_bytes, ..Options::default() }).unwrap();
		let error = measure_with(&small, &random(&tiny(), 1), &shard(100)).unwrap_err();
		assert!(
			matches!(error, ReferenceError::OutOfMemory { limit_bytes } if limit_bytes == memory_bytes),
			"{error}"
		);
	}
}

#[test]
fn shard_loss_should_be_the_worst_as_on_the_fast_path_when_weights_are_no_numbers() {
	for bad in [f32::NAN, -f32::NAN, f32::from_bits(0x7fa0_0001), f32::INFINITY] {
		let mut weights = random(&tiny(), 1);
		weights.component_mut(Component::Backbone).unwrap().fill(bad);
		let measured = measure(&weights, &shard(50));
		assert_eq!(measured.bits_per_byte, MAX_LOSS, "{bad}");
		assert_eq!(evaluate_tokens(Device::Cpu, &weights, &[shard(50)], 1).unwrap(), [MAX_LOSS], "{bad}");
	}
}

#[test]
fn shard_loss_should_be_that_of_numbers_when_no_token_visits_the_expert_that_is_none() {
	let clean = measure(&random(&tiny(), 1), &shard(2)).bits_per_byte;
	let mut losses: Vec<f64> = (0..3)
		.map(|index| {
			let mut weights = random(&tiny(), 1);
			weights.component_mut(Component::Expert { layer: 0, index }).unwrap()[5] = f32::NAN;
			measure(&weights, &shard(2)).bits_per_byte
		})
		.collect();
	losses.sort_by(f64::total_cmp);
	assert_eq!(losses, [clean, MAX_LOSS, MAX_LOSS], "one token visits two of three");
}

#[test]
fn load_should_say_what_is_wrong_when_a_module_is_none() {
	let said = |module: &[u8]| match Reference::load(module).unwrap_err() {
		ReferenceError::Module(why) => why,
		other => panic!("{other}"),
	};
	said(b"");
	said(b"(module)");
	said(&MODULE[..MODULE.len() / 2]);
	assert!(said(b"\0asm\x01\0\0\0").contains("exports no memory"));
	// Imports a function that there is none of: (import "other" "read" (func)).
	let import = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02\x0e\x01\x05other\x04read\0\0";
	assert!(said(import).contains("other"), "{}", said(import));
	// A memory that threads share: what one of them reads depends on the others.
	let shared = b"\0asm\x01\0\0\0\x05\x04\x01\x03\x01\x01";
	assert!(said(shared).contains("threads"), "{}", said(shared));
}

/// The processor's setting to flush small numbers to zero, which is a thread's, and which libraries set.
#[cfg(target_arch = "x86_64")]
#[test]
#[allow(unsafe_code)]
fn shard_loss_should_refuse_when_the_processor_flushes_small_numbers_or_rounds_otherwise() {
	use blyan_reference_guest::Fault;

	fn set(mode: u32) {
		// SAFETY: sets how this thread rounds, from a word that lives until it is read.
		unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &mode, options(nostack, readonly)) };
	}
	const USUAL: u32 = 0x1f80;
	let weights = random(&tiny(), 1);
	let shard = shard(20);
	let modes =
		[("flush", 0x8000), ("take for zero", 0x40), ("down", 0x2000), ("up", 0x4000), ("truncate", 0x6000)];
	for (name, mode) in modes {
		set(USUAL | mode);
		let outcome = measure_with(reference(), &weights, &shard);
		set(USUAL);
		assert!(matches!(outcome, Err(ReferenceError::Refused(Fault::Rounding))), "{name}: {outcome:?}");
	}
	measure(&weights, &shard);
}
