//! Version 2: submissions wait in line, carry a proof of work, and the absent of a committee are replaced.
//!
//! Every round keeps where it stands. Open ones are all being measured, as they were; were there more than may be
//! open now, the youngest would end without a verdict. The new parameters take their defaults, but that no proof of
//! work is asked for until governance does.

use crate::{types::*, Config, MeasuredRounds, OpenRoundCount, Pallet, Parameters, Rounds, TrackRecords};
use alloc::{collections::BTreeMap, vec::Vec};
use blyan_primitives::{
	dag::{BlockIds, Generation, ModelId},
	learning::{Medians, Purpose},
	Balance, Hash,
};
use codec::{Decode, Encode};
use polkadot_sdk::{
	frame_support::{
		migrations::VersionedMigration,
		storage::unhashed,
		traits::{Get, UncheckedOnRuntimeUpgrade},
		weights::Weight,
		BoundedVec,
	},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	sp_runtime::traits::Zero,
};

/// From version 1 to version 2.
pub type MigrateToV2<T> =
	VersionedMigration<1, 2, UncheckedMigrateToV2<T>, Pallet<T>, <T as frame_system::Config>::DbWeight>;

/// The parameters of version 1.
#[derive(Encode, Decode)]
pub struct OldParameters {
	committee_size: u32,
	min_committee: u32,
	draw_delay: u32,
	commit_blocks: u32,
	reveal_blocks: u32,
	contest_blocks: u32,
	max_attempts: u32,
	max_draw_tries: u32,
	submission_bond: Balance,
	bond_per_mib: Balance,
	measurement_fee: Balance,
}

impl From<OldParameters> for RoundParameters {
	fn from(old: OldParameters) -> Self {
		Self {
			committee_size: old.committee_size,
			min_committee: old.min_committee,
			draw_delay: old.draw_delay,
			commit_blocks: old.commit_blocks,
			reveal_blocks: old.reveal_blocks,
			contest_blocks: old.contest_blocks,
			max_attempts: old.max_attempts,
			max_draw_tries: old.max_draw_tries,
			submission_bond: old.submission_bond,
			bond_per_mib: old.bond_per_mib,
			measurement_fee: old.measurement_fee,
			work_bits: 0,
			..Self::default()
		}
	}
}

/// What an attempt of version 1 was measured by.
#[derive(Encode, Decode)]
pub struct OldDraw {
	generation: Generation,
	root: Hash,
	seed: Hash,
	terms: TrainingTerms,
}

impl From<OldDraw> for Draw {
	fn from(old: OldDraw) -> Self {
		let OldDraw { generation, root, seed, terms } = old;
		Self { generation, root, seed, terms, sealed: SealedDraw::default() }
	}
}

/// A round of version 1. Its phases are the first of those there are now.
#[derive(Encode, Decode)]
pub struct OldRound<AccountId, BlockNumber> {
	model: ModelId,
	trainer: AccountId,
	purpose: Purpose,
	blocks: BlockIds,
	components: Components,
	bytes: u64,
	bond: Balance,
	fee: Balance,
	submitted_at: BlockNumber,
	attempt: u32,
	attempt_since: BlockNumber,
	draw_tries: u32,
	draw: Option<OldDraw>,
	committee: Vec<Seat<AccountId>>,
	phase: Phase<BlockNumber>,
	due: Option<BlockNumber>,
	open_disputes: u32,
	medians: Option<Medians>,
}

type OldRoundOf<T> = OldRound<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;

fn new_round<T: Config>(old: OldRoundOf<T>) -> RoundOf<T> {
	Round {
		model: old.model,
		trainer: old.trainer,
		purpose: old.purpose,
		blocks: old.blocks,
		components: old.components,
		bytes: old.bytes,
		// What was sealed with nothing is no canary.
		seal: Hash::zero(),
		bond: old.bond,
		fee: old.fee,
		submitted_at: old.submitted_at,
		attempt: old.attempt,
		attempt_since: old.attempt_since,
		draw_tries: old.draw_tries,
		draw: old.draw.map(Draw::from),
		committee: BoundedVec::truncate_from(old.committee),
		phase: old.phase,
		due: old.due,
		open_disputes: old.open_disputes,
		medians: old.medians,
		canary: None,
		absent: BoundedVec::new(),
		replacements: 0,
	}
}

/// See [`MigrateToV2`].
pub struct UncheckedMigrateToV2<T>(core::marker::PhantomData<T>);

impl<T: Config> UncheckedOnRuntimeUpgrade for UncheckedMigrateToV2<T> {
	/// Rewrites every round that is kept, in one block: there is no chain yet that keeps many.
	fn on_runtime_upgrade() -> Weight {
		if let Some(old) = unhashed::get::<OldParameters>(&Parameters::<T>::hashed_key()) {
			Parameters::<T>::put(RoundParameters::from(old));
		}
		let mut rewritten = 0u64;
		Rounds::<T>::translate_values::<OldRoundOf<T>, _>(|old| {
			rewritten = rewritten.saturating_add(1);
			Some(new_round::<T>(old))
		});
		let rounds = Rounds::<T>::iter().collect::<BTreeMap<_, _>>();
		let open = OpenRoundCount::<T>::get();
		let mut measured = MeasuredRounds::<T>::get();
		for (id, mut round) in rounds {
			let record = TrackRecord { newest: id, anchor: None, setbacks: 0, since: Zero::zero() };
			TrackRecords::<T>::insert(&round.trainer, record);
			if !round.is_open() {
				continue;
			}
			let entry = Measured { round: id, trainer: round.trainer.clone() };
			if measured.try_push(entry).is_err() {
				if round.due.is_some() {
					Pallet::<T>::unschedule(id, &mut round);
				}
				Pallet::<T>::conclude_without_verdict(id, &mut round);
				Rounds::<T>::insert(id, round);
			}
		}
		MeasuredRounds::<T>::put(measured);
		let writes = rewritten.saturating_mul(2).saturating_add(u64::from(open)).saturating_add(3);
		T::DbWeight::get().reads_writes(writes, writes)
	}

	#[cfg(feature = "try-runtime")]
	fn pre_upgrade() -> Result<Vec<u8>, polkadot_sdk::sp_runtime::TryRuntimeError> {
		Ok((Rounds::<T>::iter_keys().count() as u64, OpenRoundCount::<T>::get()).encode())
	}

	#[cfg(feature = "try-runtime")]
	fn post_upgrade(state: Vec<u8>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
		let (rounds, open) =
			<(u64, u32)>::decode(&mut state.as_slice()).map_err(|_| "the state before is not to be read")?;
		polkadot_sdk::frame_support::ensure!(
			Rounds::<T>::iter_values().count() as u64 == rounds,
			"a round was lost, or is not to be read"
		);
		polkadot_sdk::frame_support::ensure!(
			OpenRoundCount::<T>::get() == open.min(T::MaxOpenRounds::get()),
			"an open round was lost"
		);
		Pallet::<T>::do_try_state()
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::mock::*;
	use blyan_primitives::{learning::Verdict, worker::Role};
	use polkadot_sdk::frame_support::traits::{OnRuntimeUpgrade, StorageVersion};

	fn old_round(round: RoundOf<Test>) -> OldRoundOf<Test> {
		OldRound {
			model: round.model,
			trainer: round.trainer,
			purpose: round.purpose,
			blocks: round.blocks,
			components: round.components,
			bytes: round.bytes,
			bond: round.bond,
			fee: round.fee,
			submitted_at: round.submitted_at,
			attempt: round.attempt,
			attempt_since: round.attempt_since,
			draw_tries: round.draw_tries,
			draw: round.draw.map(|Draw { generation, root, seed, terms, .. }| OldDraw {
				generation,
				root,
				seed,
				terms,
			}),
			committee: round.committee.into_inner(),
			phase: round.phase,
			due: round.due,
			open_disputes: round.open_disputes,
			medians: round.medians,
		}
	}

	/// Makes the storage what version 1 would have left of it.
	fn downgrade() {
		let rounds = Rounds::<Test>::iter().collect::<Vec<_>>();
		for (id, round) in rounds {
			unhashed::put(&Rounds::<Test>::hashed_key_for(id), &old_round(round));
		}
		let p = Parameters::<Test>::get();
		let old = OldParameters {
			committee_size: p.committee_size,
			min_committee: p.min_committee,
			draw_delay: p.draw_delay,
			commit_blocks: p.commit_blocks,
			reveal_blocks: p.reveal_blocks,
			contest_blocks: p.contest_blocks,
			max_attempts: p.max_attempts,
			max_draw_tries: p.max_draw_tries,
			submission_bond: p.submission_bond,
			bond_per_mib: p.bond_per_mib,
			measurement_fee: p.measurement_fee,
		};
		unhashed::put(&Parameters::<Test>::hashed_key(), &old);
		MeasuredRounds::<Test>::kill();
		let _ = TrackRecords::<Test>::clear(u32::MAX, None);
		StorageVersion::new(1).put::<Pallet<Test>>();
	}

	#[test]
	fn migration_should_keep_every_round_where_it_stands() {
		ExtBuilder::default().evaluators(9).build_and_execute(|| {
			let closed = submit_and_draw(TRAINER);
			find_all(closed, measured(NO_GAIN));
			let contested = submit_and_draw(OTHER_TRAINER);
			run_to_contest(contested, measured(NO_GAIN));
			let drawn = submit_and_draw(TRAINER);
			commit(committee(drawn)[0], drawn, &measured(NO_GAIN));
			let waiting = submit(TRAINER);
			let before = Rounds::<Test>::iter().collect::<BTreeMap<_, _>>();
			downgrade();
			assert_eq!(Rounds::<Test>::get(drawn), None, "the old layout is not the new one");

			MigrateToV2::<Test>::on_runtime_upgrade();

			assert_eq!(StorageVersion::get::<Pallet<Test>>(), 2);
			assert_eq!(Rounds::<Test>::iter().collect::<BTreeMap<_, _>>(), before);
			assert_eq!(Parameters::<Test>::get(), RoundParameters { work_bits: 0, ..changed_by_default() });
			check_invariants();
			// And everything goes on.
			committee(drawn)[1..].iter().for_each(|who| commit(*who, drawn, &measured(NO_GAIN)));
			committee(drawn).iter().for_each(|who| reveal(*who, drawn, &measured(NO_GAIN)));
			run_to_settlement(drawn);
			run_to_draw(waiting);
			find_all(waiting, measured(NO_GAIN));
			assert!([closed, contested, drawn, waiting].iter().all(|id| verdict(*id).is_some()));
		});
	}

	/// The mock's parameters, with what is new at its default.
	fn changed_by_default() -> RoundParameters {
		let RoundParameters { forgive_blocks, max_measured, replacements, work_blocks, .. } =
			RoundParameters::default();
		RoundParameters { forgive_blocks, max_measured, replacements, work_blocks, ..parameters() }
	}

	#[test]
	fn migration_should_end_what_may_not_be_open_any_more() {
		ExtBuilder::default().build_and_execute(|| {
			World::register(STRANGER, Role::Trainer);
			let ids = (0..MAX_OPEN_ROUNDS)
				.map(|n| submit(if n % 2 == 0 { TRAINER } else { OTHER_TRAINER }))
				.collect::<Vec<_>>();
			// One more than may be, as if the bound had been higher.
			let (last, mut extra) = (ids.len() as RoundId, get(ids[0]));
			extra.trainer = STRANGER;
			extra.blocks = Default::default();
			extra.components = Default::default();
			(extra.bond, extra.fee, extra.due, extra.phase) = (0, 0, None, Phase::AwaitingDraw);
			crate::NextRoundId::<Test>::put(last + 1);
			OpenRoundCount::<Test>::mutate(|count| *count += 1);
			crate::OpenRoundsOf::<Test>::insert(STRANGER, 1);
			Rounds::<Test>::insert(last, extra);
			World::tell_of(last);
			downgrade();

			MigrateToV2::<Test>::on_runtime_upgrade();

			assert_eq!(verdict(last), Some(Verdict::Inconclusive));
			assert!(ids.iter().all(|id| get(*id).is_open()));
			assert_eq!(OpenRoundCount::<Test>::get(), MAX_OPEN_ROUNDS);
			// What has no blocks is no round; it was only there to be ended.
			Rounds::<Test>::remove(last);
			crate::NextRoundId::<Test>::put(last);
			TrackRecords::<Test>::remove(STRANGER);
		});
	}
}
