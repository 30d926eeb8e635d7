//! Who is audited first: the line of offers, and what is audited again.

use crate::{
	impls::step::Step, types::*, Audits, Config, Datasets, Error, Event, FirstRescan, Line, NextRescan,
	Pallet, Parameters, Rescans, RunningAudits,
};
use alloc::{collections::BTreeMap, vec::Vec};
use blyan_primitives::datasets::DatasetStage;
use core::cmp::Reverse;
use polkadot_sdk::frame_support::{
	defensive, ensure,
	traits::{Defensive, Get},
	BoundedVec,
};

impl<T: Config> Pallet<T> {
	/// What the line becomes with another offer at its end, and who makes room for it: who stands last, if there is
	/// no room, or none for newcomers.
	///
	/// # Errors
	/// That would be the newcomer itself.
	pub(crate) fn entered_line(
		entry: WaitingOf<T>,
	) -> Result<(BoundedVec<WaitingOf<T>, T::MaxLine>, Option<WaitingOf<T>>), Error<T>> {
		let mut line = Line::<T>::get().into_inner();
		let newcomers = line.iter().filter(|waiting| waiting.is_newcomer).count() as u32;
		let is_crowded = entry.is_newcomer && newcomers >= NEWCOMERS_SHARE.mul_floor(T::MaxLine::get());
		let is_full = line.len() as u32 >= T::MaxLine::get();
		let newest = line.len();
		line.push(entry);
		let mut displaced = None;
		if is_crowded || is_full {
			let ranks = ranks::<T>(&RunningAudits::<T>::get(), &line);
			let last = line
				.iter()
				.zip(ranks)
				.enumerate()
				.filter(|(_, (waiting, _))| waiting.is_newcomer || !is_crowded)
				.min_by_key(|(place, (_, rank))| (*rank, Reverse(*place)))
				.map(|(place, _)| place);
			ensure!(last.is_some_and(|last| last != newest), Error::<T>::LineFull);
			displaced = last.map(|last| line.remove(last));
		}
		let line = BoundedVec::try_from(line).map_err(|_| Error::<T>::LineFull)?;
		Ok((line, displaced))
	}

	/// Begins the audit of who is first in line, if there is a place.
	pub(crate) fn admit_offer() {
		let running = RunningAudits::<T>::get();
		let audited = running.iter().filter(|entry| !entry.is_rescan).count() as u32;
		if audited >= Parameters::<T>::get().max_audits {
			return;
		}
		let mut line = Line::<T>::get();
		let ranks = ranks::<T>(&running, &line);
		let first = ranks
			.into_iter()
			.enumerate()
			.max_by_key(|(place, rank)| (*rank, Reverse(*place)))
			.map(|(place, _)| place);
		let Some(first) = first else { return };
		let id = line.remove(first).dataset;
		Line::<T>::put(line);
		if let Some(mut dataset) = Datasets::<T>::get(id).defensive() {
			dataset.stage = DatasetStage::Audit;
			Self::begin_audit(id, &mut dataset);
			Datasets::<T>::insert(id, dataset);
		}
	}

	/// Has an approved dataset wait for being audited again.
	pub(crate) fn queue_rescan(id: DatasetId) -> Step {
		let place = NextRescan::<T>::get();
		Rescans::<T>::insert(place, id);
		NextRescan::<T>::put(place.saturating_add(1));
		Step::RescanDue
	}

	/// Begins the next audit of an approved dataset, if there is a place.
	pub(crate) fn admit_rescan() {
		let place = FirstRescan::<T>::get();
		if place >= NextRescan::<T>::get() {
			return;
		}
		let again = RunningAudits::<T>::get().iter().filter(|entry| entry.is_rescan).count() as u32;
		if again >= Parameters::<T>::get().max_rescans {
			return;
		}
		FirstRescan::<T>::put(place.saturating_add(1));
		let Some(id) = Rescans::<T>::take(place).defensive() else { return };
		// It may have been quarantined meanwhile, and even approved again: then something else is due for it.
		let Some(mut dataset) = Datasets::<T>::get(id) else { return };
		if matches!(dataset.stage, DatasetStage::Approved { .. }) && dataset.due.is_none() {
			Self::begin_audit(id, &mut dataset);
			Datasets::<T>::insert(id, dataset);
		}
	}

	/// Begins an audit. Whoever calls this has seen that there is a place, and stores the dataset.
	pub(crate) fn begin_audit(id: DatasetId, dataset: &mut DatasetOf<T>) {
		let now = Self::now();
		let number = dataset.audits;
		dataset.audits = number.saturating_add(1);
		let audit = Audit {
			number,
			attempt: 0,
			attempt_since: now,
			draw_tries: 0,
			seed: None,
			seats: BoundedVec::new(),
			phase: Phase::AwaitingDraw,
		};
		let entry = Running {
			dataset: id,
			contributor: dataset.contributor.clone(),
			is_rescan: !matches!(dataset.stage, DatasetStage::Audit),
		};
		if RunningAudits::<T>::try_append(entry).is_err() {
			defensive!("more audits run than `validate` allows for");
		}
		Audits::<T>::insert(id, audit);
		Self::schedule(id, dataset, now.saturating_add(Parameters::<T>::get().draw_delay));
		Self::deposit_event(Event::AuditBegun { dataset: id, audit: number });
	}

	/// Has an audit run no more.
	pub(crate) fn end_audit(id: DatasetId) {
		Audits::<T>::remove(id);
		RunningAudits::<T>::mutate(|running| running.retain(|entry| entry.dataset != id));
	}
}

/// The rank of each offer in line, oldest first: first its contributor's weight, divided by one more than that has
/// before it, audited or in line; then its work. So places go to contributors in the proportion of their standing, as
/// seats go to parties by the method of highest averages (D'Hondt), whatever number each sends. Shares are in 2^-16.
fn ranks<T: Config>(running: &[Running<T::AccountId>], line: &[WaitingOf<T>]) -> Vec<(u64, u32)> {
	let mut before = BTreeMap::<&T::AccountId, u64>::new();
	for entry in running.iter().filter(|entry| !entry.is_rescan) {
		let count = before.entry(&entry.contributor).or_default();
		*count = count.saturating_add(1);
	}
	line.iter()
		.map(|entry| {
			let count = before.entry(&entry.contributor).or_default();
			*count = count.saturating_add(1);
			let weight = u64::from(entry.weight).saturating_mul(1 << 16);
			(weight.checked_div(*count).unwrap_or_default(), entry.work)
		})
		.collect()
}
