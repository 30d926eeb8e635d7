//! The agenda: what is due when, and serving it within a weight limit, the longest waiting first.

use crate::{
	impls::step::Step, types::*, weights::WeightInfo, Agenda, Audits, Config, Datasets, NextDue, Pallet,
};
use blyan_primitives::{datasets::DatasetStage, BlockNumber};
use polkadot_sdk::{
	frame_support::{
		defensive,
		traits::Defensive,
		weights::{Weight, WeightMeter},
	},
	frame_system,
	sp_runtime::SaturatedConversion,
};

impl<T: Config> Pallet<T> {
	/// The height of the block that is being made.
	pub(crate) fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	/// Has something due for a dataset in that block, or the next one, in place of what was due before. Whoever calls
	/// this stores the dataset.
	pub(crate) fn schedule(id: DatasetId, dataset: &mut DatasetOf<T>, at: BlockNumber) {
		Self::unschedule(id, dataset);
		let at = at.max(Self::now().saturating_add(1));
		Agenda::<T>::insert(at, id, ());
		dataset.due = Some(at);
	}

	/// Has nothing due for a dataset.
	pub(crate) fn unschedule(id: DatasetId, dataset: &mut DatasetOf<T>) {
		if let Some(due) = dataset.due.take() {
			Agenda::<T>::remove(due, id);
		}
	}

	/// The least [`Config::ServiceWeight`] by which whatever is due is served in the end.
	pub fn least_service_weight() -> Weight {
		T::WeightInfo::admit()
			.saturating_mul(2)
			.saturating_add(T::WeightInfo::serve_slot().saturating_mul(2))
			.saturating_add(Step::max_weight::<T>())
	}

	/// Serves what is due, and begins audits where there are places.
	pub(crate) fn serve(meter: &mut WeightMeter) {
		if meter.try_consume(T::WeightInfo::admit().saturating_mul(2)).is_err() {
			return;
		}
		Self::admit_offer();
		Self::admit_rescan();
		let now = Self::now();
		let mut slot = NextDue::<T>::get();
		while slot <= now && meter.try_consume(T::WeightInfo::serve_slot()).is_ok() {
			while let Some(id) = Agenda::<T>::iter_key_prefix(slot).next() {
				// What a step takes is known only afterwards.
				if !meter.can_consume(Step::max_weight::<T>()) {
					NextDue::<T>::put(slot);
					return;
				}
				Agenda::<T>::remove(slot, id);
				meter.consume(Self::advance(id).weight::<T>());
			}
			slot = slot.saturating_add(1);
		}
		NextDue::<T>::put(slot);
	}

	/// Does what is due for a dataset that was just taken off the agenda.
	fn advance(id: DatasetId) -> Step {
		let Some(mut dataset) = Datasets::<T>::get(id).defensive() else { return Step::Lapsed };
		dataset.due = None;
		let step = match (Audits::<T>::get(id), dataset.stage) {
			(Some(audit), _) => Self::advance_audit(id, &mut dataset, audit),
			(None, DatasetStage::Approved { .. }) => Self::queue_rescan(id),
			(None, DatasetStage::Vote { until, is_extended }) => {
				Self::close_vote(id, &mut dataset, until, is_extended)
			}
			(None, DatasetStage::Rejected { .. }) => Self::leave_over(id),
			(None, DatasetStage::Quarantined { reason, .. }) => Self::lapse(id, &mut dataset, reason),
			(None, DatasetStage::Appealed { reason, .. }) => Self::lapse_appeal(id, &mut dataset, reason),
			(None, DatasetStage::Pending | DatasetStage::Audit) => {
				defensive!("what is in line, or audited without an audit, has nothing due");
				Step::Lapsed
			}
		};
		Datasets::<T>::insert(id, dataset);
		step
	}

	fn advance_audit(id: DatasetId, dataset: &mut DatasetOf<T>, mut audit: AuditOf<T>) -> Step {
		let step = match audit.phase {
			Phase::AwaitingDraw => Self::try_draw(id, dataset, &mut audit),
			Phase::Commit { .. } => Self::close_commit(id, dataset, &mut audit),
			Phase::Reveal { .. } => Self::close_reveal(id, dataset, &mut audit),
		};
		// An audit that is over is no more.
		Audits::<T>::mutate_extant(id, |kept| *kept = audit);
		step
	}
}
