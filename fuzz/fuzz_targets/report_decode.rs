//! What a transaction carries is refused, or has one encoding, within the length that weights assume.
#![no_main]

use blyan_primitives::{
	architecture::Architecture,
	cid::Cid,
	dag::{Block, BlockIds, NewBlock, NewBlocks, MAX_BLOCKS},
	delta::DeltaChain,
	learning::{Finding, Gate, Report, ValidationPool, Verdict},
	migration::Migration,
	worker::{Endpoint, Role, Roles},
	AccountId,
};
use codec::{Decode, Encode, MaxEncodedLen};
use libfuzzer_sys::fuzz_target;
use std::fmt::Debug;

fn decoded<T: Decode + Encode + MaxEncodedLen + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
	let mut rest = bytes;
	let value = T::decode(&mut rest).ok()?;
	let read = &bytes[..bytes.len() - rest.len()];
	assert_eq!(value.encode(), read, "two encodings of {value:?}");
	assert!(read.len() <= T::max_encoded_len(), "{value:?} is longer than it says it can be");
	Some(value)
}

fuzz_target!(|input: &[u8]| {
	let Some(([kind, number], bytes)) = input.split_first_chunk() else { return };
	match kind % 16 {
		0 => {
			if let Some(report) = decoded::<Report>(bytes) {
				report.is_valid((*number).into());
			}
		}
		1 => drop(decoded::<Finding>(bytes)),
		2 => drop(decoded::<NewBlock>(bytes)),
		3 => drop(decoded::<NewBlocks>(bytes)),
		4 => {
			if let Some(block) = decoded::<Block<AccountId>>(bytes) {
				block.id();
			}
		}
		5 => {
			if let Some(architecture) = decoded::<Architecture>(bytes) {
				if architecture.validate().is_ok() {
					architecture.component_capacity().expect("a valid architecture can be numbered");
					architecture.tree_depth();
					let numbered = |component| architecture.component_index(component).is_some();
					assert!(architecture.components().take(1000).all(numbered));
				}
			}
		}
		6 => {
			if let Some((gate, pool)) = decoded::<(Gate, ValidationPool)>(bytes) {
				gate.is_valid_for(&pool);
				pool.shard_count();
			}
		}
		7 => drop(decoded::<ValidationPool>(bytes)),
		8 => drop(decoded::<Verdict>(bytes)),
		9 => {
			if let Some(roles) = decoded::<Roles>(bytes) {
				assert_eq!(roles.is_empty(), Role::ALL.iter().all(|role| !roles.contains(*role)));
			}
		}
		10 => drop(decoded::<Endpoint>(bytes)),
		11 => drop(decoded::<BlockIds>(bytes)),
		12 => {
			if let Some(chain) = decoded::<DeltaChain>(bytes) {
				chain.extended((*number).into()).is_due();
			}
		}
		13 => drop(decoded::<Cid>(bytes)),
		14 => {
			if let Some((migration, architecture)) = decoded::<(Migration, Architecture)>(bytes) {
				let after = migration.apply(&architecture);
				let blocks = migration.components(&architecture);
				assert!(blocks.len() <= MAX_BLOCKS as usize && blocks.is_empty() == after.is_err());
			}
		}
		_ => drop(decoded::<Gate>(bytes)),
	}
});
