//! Types and pure maths that the pallets and the workers share. `no_std`, no FRAME.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`architecture`] | the record that describes a Mixture-of-Experts model; drives runtime and workers alike |
//! | [`checkpoint`] | what two thirds of the validators sign of the chain |
//! | [`cid`] | content identifiers as IPFS writes them |
//! | [`dag`] | blocks, components, versions |
//! | [`datasets`] | what the quality gate says of a dataset, and what follows from it |
//! | [`delta`] | chains of deltas, and when to compact them |
//! | [`merkle`] | the sparse Merkle tree whose root names a version, and the tree over shard losses |
//! | [`learning`] | measurements, commitments, the statistical gate |
//! | [`draw`] | what is drawn by lot: validation shards |
//! | [`seats`] | who is drawn by lot: a heap of workers' weights |
//! | [`manifest`] | what a submission learned from, and what auditors find of it |
//! | [`panel`] | commit and reveal by those who were drawn for it |
//! | [`migration`] | changes of a model's architecture |
//! | [`economy`] | units, issuance, proportional settlement |
//! | [`sealed`] | lots of sealed shards, and where the text of a shard is |
//! | [`submission`] | what comes with the blocks of a submission |
//! | [`usage`] | receipts for the use of components |
//! | [`worker`] | roles, machines, faults |
//! | [`traits`] | the seams between pallets |
//! | [`api`] | runtime APIs |

#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]
#![cfg_attr(
	not(test),
	deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)
)]

extern crate alloc;

pub mod api;
pub mod architecture;
pub mod canary;
pub mod checkpoint;
pub mod cid;
pub mod dag;
pub mod datasets;
pub mod delta;
pub mod draw;
pub mod economy;
pub mod learning;
pub mod manifest;
pub mod merkle;
pub mod migration;
pub mod panel;
pub mod sealed;
pub mod seats;
pub mod submission;
pub mod traits;
pub mod usage;
pub mod worker;

use polkadot_sdk::{
	sp_core::H256,
	sp_runtime::{
		generic,
		traits::{BlakeTwo256, IdentifyAccount, Verify},
		MultiAddress, MultiSignature,
	},
};

/// Any signature a transaction may carry.
pub type Signature = MultiSignature;
/// An account: the public key, or the hash of one.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// How a transaction names an account.
pub type Address = MultiAddress<AccountId, ()>;
/// An amount of BLY in its smallest unit, see [`economy::BLY`].
pub type Balance = u128;
/// A transaction count.
pub type Nonce = u32;
/// The height of a chain block.
pub type BlockNumber = u32;
/// BLAKE2-256 hash.
pub type Hash = H256;
/// Chain header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A moment in milliseconds since the Unix epoch.
pub type Moment = u64;

/// Chain time of one slot, in milliseconds.
pub const SLOT_MILLISECONDS: u64 = 2_000;
