//! Offers: what they must come with, and what is known of who makes them.

use crate::{
	types::*, Config, Contributors, Datasets, Error, Event, LatestVersions, Leftovers, Line, NewcomersToday,
	NextLeftover, Pallet, Parameters, Versions,
};
use blyan_primitives::{
	api::OfferDemand,
	datasets::{offer_challenge, DatasetOffer, DatasetStage, OfferFlaw, OfferWork, Standing},
	BlockNumber,
};
use polkadot_sdk::{frame_support::ensure, frame_system, sp_runtime::DispatchResult};

/// What a proof of work came to.
struct ProvenWork {
	/// The block that it was made for; `None` if no work is asked for.
	anchor: Option<BlockNumber>,
	/// Zero bits.
	bits: u32,
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_offer(who: T::AccountId, offer: DatasetOffer, work: OfferWork) -> DispatchResult {
		offer.check().map_err(Error::<T>::from)?;
		ensure!(Self::offer_demand(&who).left_today > 0, Error::<T>::QuotaUsedUp);
		let ProvenWork { anchor, bits } = Self::check_work(&who, &offer, work)?;
		let id = offer.content;
		let kept = Datasets::<T>::get(id);
		let may_come_again = |kept: &DatasetOf<T>| kept.contributor == who && is_blamelessly_over(kept);
		ensure!(kept.as_ref().is_none_or(may_come_again), Error::<T>::DatasetKept);
		let key = (who.clone(), offer.name.clone(), offer.version);
		ensure!(Versions::<T>::get(&key).is_none_or(|other| other == id), Error::<T>::VersionTaken);
		let latest = LatestVersions::<T>::get(&who, &offer.name);
		ensure!(latest.is_none_or(|latest| offer.version > latest), Error::<T>::VersionNotRising);
		let record = Contributors::<T>::get(&who).unwrap_or_default();
		let standing = record.reliability.standing;
		let entry = Waiting {
			dataset: id,
			contributor: who.clone(),
			weight: Self::quota(&record),
			is_newcomer: standing == Standing::Newcomer,
			work: bits,
		};
		let (line, displaced) = Self::entered_line(entry)?;

		// First, so that the contributor's record outlives what is forgotten.
		Self::note_offer(&who, standing, anchor);
		if kept.is_some() {
			Self::forget(id);
		}
		Line::<T>::put(line);
		Versions::<T>::insert(&key, id);
		let dataset = Dataset {
			offer,
			contributor: who.clone(),
			offered_at: Self::now(),
			stage: DatasetStage::Pending,
			due: None,
			audits: 0,
			report: None,
			score: 0,
			ballot: None,
			deposit: 0,
		};
		Datasets::<T>::insert(id, dataset);
		Self::deposit_event(Event::DatasetOffered { dataset: id, contributor: who });
		if let Some(last) = displaced {
			Self::displace(last, id);
		}
		Ok(())
	}

	/// What an offer of that account must come with.
	pub fn offer_demand(who: &T::AccountId) -> OfferDemand {
		let parameters = Parameters::<T>::get();
		let record = Contributors::<T>::get(who).unwrap_or_default();
		let today = Self::day(&parameters);
		let used = if record.day == today { record.offers } else { 0 };
		let is_newcomer = record.reliability.standing == Standing::Newcomer;
		let flood = if is_newcomer { Self::flood_bits(&parameters, today) } else { 0 };
		OfferDemand {
			bits: if parameters.work_bits == 0 { 0 } else { parameters.work_bits.saturating_add(flood) },
			max_age: parameters.work_blocks,
			after: record.anchor,
			left_today: Self::quota(&record).saturating_sub(used),
		}
	}

	/// A bit for each doubling of what newcomers offered today beyond what is usual.
	fn flood_bits(parameters: &DatasetParameters, today: u32) -> u32 {
		let count = NewcomersToday::<T>::get();
		let offers = if count.day == today { count.offers } else { 0 };
		offers.checked_div(parameters.usual_offers).and_then(u32::checked_ilog2).unwrap_or_default()
	}

	fn day(parameters: &DatasetParameters) -> u32 {
		Self::now().checked_div(parameters.day_blocks).unwrap_or_default()
	}

	/// Offers a day of a contributor.
	pub(crate) fn quota(record: &Contributor) -> u32 {
		let quotas = Parameters::<T>::get().quotas;
		record.reliability.quota(quotas.of(record.reliability.standing))
	}

	/// Checks the proof of work: a few reads and two hashes.
	fn check_work(who: &T::AccountId, offer: &DatasetOffer, work: OfferWork) -> Result<ProvenWork, Error<T>> {
		let demand = Self::offer_demand(who);
		if demand.bits == 0 {
			return Ok(ProvenWork { anchor: None, bits: 0 });
		}
		let now = Self::now();
		ensure!(work.anchor < now, Error::<T>::WorkAnchorUnknown);
		ensure!(now.saturating_sub(work.anchor) <= demand.max_age, Error::<T>::WorkTooOld);
		ensure!(demand.after.is_none_or(|after| work.anchor > after), Error::<T>::WorkReused);
		let hash = frame_system::Pallet::<T>::block_hash(
			frame_system::pallet_prelude::BlockNumberFor::<T>::from(work.anchor),
		);
		ensure!(!hash.is_zero(), Error::<T>::WorkAnchorUnknown);
		let bits = work.bits(&offer_challenge(who, &offer.content, &hash));
		ensure!(bits >= demand.bits, Error::<T>::WorkInsufficient);
		Ok(ProvenWork { anchor: Some(work.anchor), bits })
	}

	fn note_offer(who: &T::AccountId, standing: Standing, anchor: Option<BlockNumber>) {
		let today = Self::day(&Parameters::<T>::get());
		Contributors::<T>::mutate(who, |entry| {
			let record = entry.get_or_insert_default();
			if record.day != today {
				(record.day, record.offers) = (today, 0);
			}
			record.offers = record.offers.saturating_add(1);
			record.anchor = anchor.or(record.anchor);
			record.kept = record.kept.saturating_add(1);
		});
		if standing == Standing::Newcomer {
			NewcomersToday::<T>::mutate(|count| {
				if count.day != today {
					*count = DayCount { day: today, offers: 0 };
				}
				count.offers = count.offers.saturating_add(1);
			});
		}
	}

	/// Forgets an offer that is off the line. Its contributor's record is kept for a day.
	fn displace(last: WaitingOf<T>, by: DatasetId) {
		let Waiting { dataset: id, contributor, .. } = last;
		if let Some(dataset) = Datasets::<T>::take(id) {
			Versions::<T>::remove((contributor.clone(), dataset.offer.name, dataset.offer.version));
		}
		let from = Self::now().saturating_add(Parameters::<T>::get().day_blocks);
		Self::leave(Leftover::Displaced { contributor: contributor.clone(), from });
		Self::deposit_event(Event::OfferDisplaced { dataset: id, contributor, by });
	}

	/// Has something forgotten when there is time.
	pub(crate) fn leave(leftover: Leftover<T::AccountId>) {
		let place = NextLeftover::<T>::get();
		Leftovers::<T>::insert(place, leftover);
		NextLeftover::<T>::put(place.saturating_add(1));
	}
}

/// Whether a dataset was turned away with nobody to blame, and nothing hangs on it any more.
fn is_blamelessly_over<AccountId>(dataset: &Dataset<AccountId>) -> bool {
	let is_settled = dataset.ballot.as_ref().is_none_or(|ballot| ballot.unsettled == 0);
	is_settled && matches!(dataset.stage, DatasetStage::Rejected { reason, .. } if !reason.is_rejection())
}

impl<T> From<OfferFlaw> for Error<T> {
	fn from(flaw: OfferFlaw) -> Self {
		match flaw {
			OfferFlaw::Name => Self::NameInvalid,
			OfferFlaw::Domain => Self::DomainInvalid,
			OfferFlaw::Licence => Self::LicenceInvalid,
			OfferFlaw::Languages => Self::LanguagesInvalid,
			OfferFlaw::Sizes => Self::SizesInvalid,
		}
	}
}
