//! What nodes ask.

use crate::{Certificates, Config, NewestCertificate, OpenCheckpoint, Pallet, Voters, Votes};
use alloc::{collections::BTreeSet, vec::Vec};
use blyan_primitives::checkpoint::{CheckpointCertificate, OpenCheckpointInfo};
use polkadot_sdk::sp_core::ed25519::Public;

impl<T: Config> Pallet<T> {
	/// The newest checkpoint that enough validators signed, with every signature that came in time.
	pub fn latest_checkpoint() -> Option<CheckpointCertificate> {
		Self::certificate(NewestCertificate::<T>::get()?)
	}

	/// The checkpoint of that height, if enough validators signed it and it is kept.
	pub fn checkpoint(number: u32) -> Option<CheckpointCertificate> {
		let (slot, _) = Certificates::<T>::iter().find(|(_, certified)| certified.block.number == number)?;
		Self::certificate(slot)
	}

	/// The certificate in a slot.
	pub(crate) fn certificate(slot: u32) -> Option<CheckpointCertificate> {
		let certified = Certificates::<T>::get(slot)?;
		let signatures = (0..certified.voters)
			.filter_map(|seat| Votes::<T>::get(slot, seat))
			.filter(|vote| vote.is_right && vote.number == certified.block.number)
			.map(|vote| (vote.key, vote.signature))
			.collect();
		Some(CheckpointCertificate { block: certified.block, voters: certified.voters, signatures })
	}

	/// The checkpoint that may be voted on, and which of these keys have yet to.
	pub fn open_checkpoint_for(keys: Vec<Public>) -> Option<OpenCheckpointInfo> {
		let open = OpenCheckpoint::<T>::get()?;
		let keys = keys.into_iter().collect::<BTreeSet<_>>();
		let seats = (0..open.voters)
			.filter_map(|seat| Some((seat, Voters::<T>::get(open.set, seat)?.key)))
			.filter(|(seat, key)| {
				keys.contains(key)
					&& Votes::<T>::get(open.slot, seat).is_none_or(|vote| vote.number != open.block.number)
			})
			.collect();
		Some(OpenCheckpointInfo { block: open.block, voters: open.voters, votes: open.votes, seats })
	}
}
