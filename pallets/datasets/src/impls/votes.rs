//! The vote of registered workers, and what is held for it.

use crate::{
	impls::step::Step, types::*, Config, Datasets, Error, Event, HoldReason, Pallet, Parameters, Votes,
};
use blyan_primitives::{
	datasets::{best_tier, share_down, DatasetStage, Refusal},
	traits::{AuditRewards, AuditedWork, WorkerRegistry},
	worker::Fault,
	BlockNumber,
};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{
			fungible::hold::Mutate,
			tokens::{Fortitude, Precision},
			Defensive,
		},
	},
	sp_runtime::DispatchResult,
};

impl<T: Config> Pallet<T> {
	/// Opens the vote on a dataset whose audit is good enough for some tier.
	pub(crate) fn open_vote(id: DatasetId, dataset: &mut DatasetOf<T>) {
		let parameters = Parameters::<T>::get();
		let now = Self::now();
		let until = now.saturating_add(parameters.vote_blocks);
		let quorum = parameters.quorum.mul_ceil(T::Workers::active_workers()).max(1);
		dataset.ballot = Some(Ballot { opened: now, ayes: 0, nays: 0, quorum, unsettled: 0, result: None });
		dataset.stage = DatasetStage::Vote { until, is_extended: false };
		Self::schedule(id, dataset, until.saturating_add(1));
		Self::deposit_event(Event::VoteOpened { dataset: id, until, quorum });
	}

	pub(crate) fn do_vote(who: T::AccountId, id: DatasetId, aye: bool) -> DispatchResult {
		let mut dataset = Datasets::<T>::get(id).ok_or(Error::<T>::DatasetNotFound)?;
		let now = Self::now();
		let is_open = matches!(dataset.stage, DatasetStage::Vote { until, .. } if now <= until);
		ensure!(is_open, Error::<T>::NotInVotePhase);
		let ballot = dataset.ballot.as_mut().ok_or(Error::<T>::NotInVotePhase)?;
		// Registered earlier, and not in the block in which it was opened: whoever sees a vote cannot come for it.
		let is_eligible = T::Workers::active_since(&who).is_some_and(|since| since < ballot.opened);
		ensure!(is_eligible, Error::<T>::NotEligible);
		let is_partial = who == dataset.contributor || T::Workers::are_associates(&who, &dataset.contributor);
		ensure!(!is_partial, Error::<T>::VoterPartial);
		ensure!(!Votes::<T>::contains_key(id, &who), Error::<T>::AlreadyVoted);
		let held = Parameters::<T>::get().vote_deposit;
		T::Currency::hold(&HoldReason::DatasetVote.into(), &who, held)
			.map_err(|_| Error::<T>::DepositNotAvailable)?;

		let side = if aye { &mut ballot.ayes } else { &mut ballot.nays };
		*side = side.saturating_add(1);
		ballot.unsettled = ballot.unsettled.saturating_add(1);
		Datasets::<T>::insert(id, dataset);
		Votes::<T>::insert(id, &who, Vote { aye, held });
		Self::deposit_event(Event::Voted { dataset: id, voter: who, aye });
		Ok(())
	}

	/// Ends the vote, or extends it once if too few voted.
	pub(crate) fn close_vote(
		id: DatasetId,
		dataset: &mut DatasetOf<T>,
		until: BlockNumber,
		is_extended: bool,
	) -> Step {
		let Some(mut ballot) = dataset.ballot.defensive() else { return Step::VoteClosed };
		let parameters = Parameters::<T>::get();
		let voted = ballot.ayes.saturating_add(ballot.nays);
		if voted < ballot.quorum && !is_extended {
			// From when it ended, however late that is served.
			let until = until.saturating_add(parameters.extension_blocks);
			dataset.stage = DatasetStage::Vote { until, is_extended: true };
			Self::schedule(id, dataset, until.saturating_add(1));
			Self::deposit_event(Event::VoteExtended { dataset: id, until });
			return Step::VoteClosed;
		}
		let approval = share_down(ballot.ayes.into(), voted.into());
		let tier = dataset
			.report
			.as_ref()
			.filter(|_| voted >= ballot.quorum)
			.and_then(|report| best_tier(report, approval, &parameters.limits));
		ballot.result = Some(match tier {
			_ if voted < ballot.quorum => VoteResult::Void,
			Some(_) => VoteResult::Passed,
			None => VoteResult::Failed,
		});
		dataset.ballot = Some(ballot);
		match tier {
			Some(tier) => Self::approve(id, dataset, tier),
			None if voted < ballot.quorum => Self::reject(id, dataset, Refusal::NoQuorum),
			None => Self::reject(id, dataset, Refusal::Votes),
		}
		Step::VoteClosed
	}

	pub(crate) fn do_settle_vote(id: DatasetId, voter: T::AccountId) -> DispatchResult {
		let mut dataset = Datasets::<T>::get(id).ok_or(Error::<T>::DatasetNotFound)?;
		let vote = Votes::<T>::get(id, &voter).ok_or(Error::<T>::VoteNotFound)?;
		let ballot = dataset.ballot.as_mut().ok_or(Error::<T>::VoteNotFound)?;
		let result = ballot.result.ok_or(Error::<T>::VoteOpen)?;
		ballot.unsettled = ballot.unsettled.saturating_sub(1);
		Datasets::<T>::insert(id, dataset);
		Votes::<T>::remove(id, &voter);
		Self::settle(id, voter, vote, result);
		Ok(())
	}

	/// Returns or burns what is held for a vote that is no longer kept.
	pub(crate) fn settle(id: DatasetId, voter: T::AccountId, vote: Vote, result: VoteResult) {
		let reason = HoldReason::DatasetVote.into();
		let came_out = match result {
			VoteResult::Passed => Some(true),
			VoteResult::Failed => Some(false),
			VoteResult::Void => None,
		};
		let is_wrong = came_out.is_some_and(|came_out| came_out != vote.aye);
		let reward = if came_out == Some(vote.aye) { Parameters::<T>::get().vote_reward } else { 0 };
		// Neither can fail: nothing else takes what is held for this reason.
		let (returned, burned) = if is_wrong {
			let burned =
				T::Currency::burn_held(&reason, &voter, vote.held, Precision::BestEffort, Fortitude::Force);
			T::Workers::note_fault(&voter, Fault::WrongVote);
			(0, burned.defensive().unwrap_or_default())
		} else {
			let returned = T::Currency::release(&reason, &voter, vote.held, Precision::BestEffort);
			(returned.defensive().unwrap_or_default(), 0)
		};
		if reward > 0 {
			T::Audits::accrue_audit(&voter, reward, AuditedWork::Dataset(id));
		}
		Self::deposit_event(Event::VoteSettled { dataset: id, voter, returned, burned, reward });
	}
}
