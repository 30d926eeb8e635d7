//! A check for each invariant of the crate's documentation, by number.

use crate::{types::*, *};
use alloc::collections::BTreeMap;
use blyan_primitives::checkpoint::threshold;
use polkadot_sdk::{
	frame_support::{ensure, traits::Get},
	sp_runtime::TryRuntimeError,
};

impl<T: Config> Pallet<T> {
	/// Checks every invariant of the README.
	///
	/// # Errors
	/// The first that does not hold.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::check_sessions()?;
		Self::check_seats()?;
		Self::check_standings()?;
		Self::check_tallies()?;
		Self::check_open()?;
		Self::check_certificates()?;
		Self::check_evidence()
	}

	/// 1. Sessions in storage follow one another from the one that is settled to the one that runs.
	fn check_sessions() -> Result<(), TryRuntimeError> {
		let (Some(running), Some(at)) = (Running::<T>::get(), Settled::<T>::get()) else {
			ensure!(
				Sessions::<T>::iter_keys().next().is_none(),
				"checkpoints: a session that nobody was told of"
			);
			return Ok(());
		};
		ensure!(at.sessions <= T::KeptSessions::get(), "checkpoints: more sessions wait than are kept");
		let mut session = at.session;
		for _ in 0..at.sessions {
			let record = Sessions::<T>::get(session).ok_or("checkpoints: a session is missing")?;
			let next = record.next.ok_or("checkpoints: a session that waits is not over")?;
			let following = Sessions::<T>::get(next.session).ok_or("checkpoints: a session is missing")?;
			ensure!(
				next.session > session && next.has_other_set == (following.set != record.set),
				"checkpoints: a session does not know what followed"
			);
			session = next.session;
		}
		let record = Sessions::<T>::get(session).ok_or("checkpoints: a session is missing")?;
		ensure!(
			session == running.session && record.set == running.set && record.next.is_none(),
			"checkpoints: the last session is not the one that runs"
		);
		let first = Sessions::<T>::get(at.session).ok_or("checkpoints: a session is missing")?;
		ensure!(at.seat < first.validators, "checkpoints: a seat is settled that there is not");
		ensure!(at.seat == 0 || at.sessions > 0, "checkpoints: a session is settled that runs");
		let kept = Sessions::<T>::iter_keys().count() as u64;
		ensure!(kept == u64::from(at.sessions).saturating_add(1), "checkpoints: a session was not forgotten");
		Ok(())
	}

	/// The sets of sessions in storage, with the first seat and the number of seats that they must have.
	fn sets() -> BTreeMap<SetNumber, (u32, u32)> {
		let at = Settled::<T>::get();
		let mut sets = BTreeMap::new();
		for (session, record) in Sessions::<T>::iter() {
			// The seats of a set go as its last session is settled.
			let first = at
				.filter(|at| at.session == session && record.next.is_some_and(|next| next.has_other_set))
				.map_or(0, |at| at.seat);
			let entry = sets.entry(record.set).or_insert((first, record.validators));
			entry.0 = entry.0.max(first);
		}
		sets
	}

	/// 2. The sets of sessions in storage have every seat that is not settled for good, and no other set has any.
	fn check_seats() -> Result<(), TryRuntimeError> {
		let sets = Self::sets();
		for (set, (first, validators)) in &sets {
			ensure!(*validators <= T::MaxValidators::get(), "checkpoints: a set has too many seats");
			for seat in *first..*validators {
				ensure!(Voters::<T>::contains_key(set, seat), "checkpoints: a seat is empty");
			}
		}
		for (set, seat, _) in Voters::<T>::iter() {
			let is_kept = sets.get(&set).is_some_and(|(first, count)| (*first..*count).contains(&seat));
			ensure!(is_kept, "checkpoints: a seat is kept of a set that is gone");
		}
		Ok(())
	}

	/// 3. A standing is of a validator of the set that it names, and each validator has one, of its newest set.
	fn check_standings() -> Result<(), TryRuntimeError> {
		let mut newest = BTreeMap::new();
		for (set, _, voter) in Voters::<T>::iter() {
			let entry = newest.entry(voter.account).or_insert(set);
			*entry = set.max(*entry);
		}
		for (account, set) in &newest {
			let standing = Standings::<T>::get(account).ok_or("checkpoints: a validator has no standing")?;
			ensure!(standing.set == *set, "checkpoints: a standing names another set");
			ensure!(
				standing.known <= UPTIME_SESSIONS
					&& standing.active.checked_shr(standing.known).unwrap_or_default() == 0,
				"checkpoints: a standing has more sessions than were"
			);
		}
		ensure!(
			Standings::<T>::iter_keys().all(|account| newest.contains_key(&account)),
			"checkpoints: a standing is of no validator"
		);
		Ok(())
	}

	/// 4. A tally is of a session in storage and of a validator that is not settled, and has no more votes than there
	///    were checkpoints.
	fn check_tallies() -> Result<(), TryRuntimeError> {
		let at = Settled::<T>::get();
		for (session, account, tally) in Tallies::<T>::iter() {
			let record = Sessions::<T>::get(session).ok_or("checkpoints: a tally is of no session")?;
			let first = at.filter(|at| at.session == session).map_or(0, |at| at.seat);
			let has_seat = (first..record.validators)
				.filter_map(|seat| Voters::<T>::get(record.set, seat))
				.any(|voter| voter.account == account);
			ensure!(has_seat, "checkpoints: a tally is of nobody who is to be settled");
			ensure!(tally.quick <= tally.votes, "checkpoints: more votes were quick than there were");
			ensure!(
				tally.votes.checked_add(tally.wrong).is_some_and(|votes| votes <= record.checkpoints),
				"checkpoints: more votes than checkpoints"
			);
		}
		Ok(())
	}

	/// 5. The open checkpoint is of a session in storage, has as many votes as are kept for it, and is certified when they
	///    are enough.
	fn check_open() -> Result<(), TryRuntimeError> {
		let Some(open) = OpenCheckpoint::<T>::get() else { return Ok(()) };
		let record = Sessions::<T>::get(open.session).ok_or("checkpoints: a checkpoint is of no session")?;
		ensure!(
			(record.set, record.validators) == (open.set, open.voters),
			"checkpoints: a checkpoint is of another set"
		);
		let votes = (0..open.voters)
			.filter_map(|seat| Votes::<T>::get(open.slot, seat))
			.filter(|vote| vote.number == open.block.number && vote.is_right)
			.count();
		ensure!(votes as u64 == u64::from(open.votes), "checkpoints: votes are not as many as are kept");
		ensure!(
			open.is_certified == (open.votes >= threshold(open.voters)),
			"checkpoints: certified without enough votes, or not with them"
		);
		let certified = Certificates::<T>::get(open.slot).map(|certified| certified.block);
		ensure!(
			certified == open.is_certified.then_some(open.block),
			"checkpoints: the slot has another certificate"
		);
		Ok(())
	}

	/// 6. Slots are as many as are to be. Every certificate proves what it says; the newest has the greatest height.
	fn check_certificates() -> Result<(), TryRuntimeError> {
		let genesis = Self::genesis_hash();
		let mut newest = None;
		for (slot, certified) in Certificates::<T>::iter() {
			ensure!(slot < T::KeptCheckpoints::get(), "checkpoints: a certificate beyond the slots");
			let certificate = Self::certificate(slot).ok_or("checkpoints: a certificate is gone")?;
			let keys = certificate.signatures.iter().map(|(key, _)| *key).collect::<alloc::vec::Vec<_>>();
			ensure!(
				keys.len() as u64 >= u64::from(threshold(certified.voters))
					&& certificate.verify(&genesis, &keys).is_ok(),
				"checkpoints: a certificate proves nothing"
			);
			newest = newest.max(Some((certified.block.number, slot)));
		}
		ensure!(
			NewestCertificate::<T>::get() == newest.map(|(_, slot)| slot),
			"checkpoints: the newest certificate is another"
		);
		for (slot, seat, _) in Votes::<T>::iter() {
			ensure!(
				slot < T::KeptCheckpoints::get() && seat < T::MaxValidators::get(),
				"checkpoints: a vote beyond the slots"
			);
		}
		Ok(())
	}

	/// 7. The newest wrong votes are kept, as many as there were or as may be, each signed by its key.
	fn check_evidence() -> Result<(), TryRuntimeError> {
		use polkadot_sdk::sp_runtime::traits::Verify;
		let count = EvidenceCount::<T>::get();
		let oldest = count.saturating_sub(T::MaxEvidence::get().into());
		let kept = Evidence::<T>::iter_keys().count() as u64;
		ensure!(kept == count.saturating_sub(oldest), "checkpoints: wrong votes are missing, or too many");
		let genesis = Self::genesis_hash();
		for (number, wrong) in Evidence::<T>::iter() {
			ensure!((oldest..count).contains(&number), "checkpoints: a wrong vote was not forgotten");
			ensure!(
				wrong.signature.verify(wrong.vote.block.payload(&genesis).as_slice(), &wrong.key),
				"checkpoints: a wrong vote is not signed"
			);
		}
		Ok(())
	}
}
