//! What a committee's findings come to. Pure: no storage, no side effect.

use crate::types::Seat;
use alloc::vec::Vec;
pub use blyan_primitives::learning::quorum;
use blyan_primitives::{
	learning::{self, Finding, Gate, Medians, Purpose, RejectReason, Report},
	sealed::LotId,
};

/// What the committee's findings come to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome<AccountId> {
	/// A quorum measured, and most of it agrees.
	Measured {
		/// Over every report.
		medians: Medians,
		/// What the gate says of them.
		gate: Result<(), RejectReason>,
		/// Who is within the tolerance.
		agreeing: Vec<AccountId>,
		/// Who is not, or claims that what a quorum measured cannot be read.
		contradicted: Vec<AccountId>,
	},
	/// A quorum could not measure, all for the same reason.
	Refused {
		/// [`RejectReason::Unfetchable`] or [`RejectReason::Malformed`].
		reason: RejectReason,
		/// Who found so.
		agreeing: Vec<AccountId>,
		/// Who claims to have measured what a quorum found cannot be.
		contradicted: Vec<AccountId>,
	},
	/// A quorum could not measure, because that sealed lot is no good.
	UnusableLot {
		/// Which.
		lot: LotId,
	},
	/// No kind of finding has a quorum.
	NoQuorum,
	/// A quorum measured, and no majority of it is within the tolerance of the medians.
	NoAgreement,
}

/// Tallies the findings of a committee.
///
/// Absent is not a vote, and neither is what was struck. Unable is not one either: who could not fetch what a quorum measured is not
/// contradicted, for content may come and go; who calls it malformed is, for its hash fixes what it is.
pub fn tally<AccountId: Clone>(
	purpose: &Purpose,
	gate: &Gate,
	committee: &[Seat<AccountId>],
) -> Outcome<AccountId> {
	let mut measured: Vec<(AccountId, &Report)> = Vec::new();
	let (mut unfetchable, mut malformed) = (Vec::new(), Vec::new());
	let mut unusable = Vec::<LotId>::new();
	for seat in committee {
		match seat.standing() {
			Some(Finding::Measured(report)) => measured.push((seat.evaluator.clone(), report)),
			Some(Finding::Unfetchable) => unfetchable.push(seat.evaluator.clone()),
			Some(Finding::Malformed) => malformed.push(seat.evaluator.clone()),
			Some(Finding::UnusableLot(lot)) => unusable.push(*lot),
			None => {}
		}
	}
	let quorum = quorum(committee.len() as u32) as usize;
	// An empty committee has no quorum of anything.
	let has_quorum = |count: usize| count > 0 && count >= quorum;
	// No two lots can both have one, for a quorum is more than half.
	let of_lot = |lot: &LotId| unusable.iter().filter(|other| *other == lot).count();
	let no_good = unusable.iter().find(|lot| has_quorum(of_lot(lot)));

	if has_quorum(measured.len()) {
		tally_measured(purpose, gate, measured, malformed)
	} else if has_quorum(unfetchable.len()) {
		Outcome::Refused {
			reason: RejectReason::Unfetchable,
			agreeing: unfetchable,
			contradicted: Vec::new(),
		}
	} else if has_quorum(malformed.len()) {
		let contradicted = measured.into_iter().map(|(evaluator, _)| evaluator).collect();
		Outcome::Refused { reason: RejectReason::Malformed, agreeing: malformed, contradicted }
	} else if let Some(lot) = no_good {
		Outcome::UnusableLot { lot: *lot }
	} else {
		Outcome::NoQuorum
	}
}

fn tally_measured<AccountId: Clone>(
	purpose: &Purpose,
	gate: &Gate,
	measured: Vec<(AccountId, &Report)>,
	malformed: Vec<AccountId>,
) -> Outcome<AccountId> {
	let reports = measured.iter().map(|(_, report)| *report).collect::<Vec<_>>();
	let medians = learning::medians(&reports);
	let total = measured.len();
	let (outside, within): (Vec<_>, Vec<_>) =
		measured.into_iter().partition(|(_, report)| learning::is_outside_tolerance(gate, &medians, report));
	// Of an even number of reports the median may lie between two camps, where nobody is.
	if within.len() <= total / 2 {
		return Outcome::NoAgreement;
	}
	let gate = purpose.judge(gate, &medians);
	Outcome::Measured {
		medians,
		gate,
		agreeing: within.into_iter().map(|(evaluator, _)| evaluator).collect(),
		contradicted: outside.into_iter().map(|(evaluator, _)| evaluator).chain(malformed).collect(),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::{
		learning::{NanoBits, BIT_PER_BYTE},
		Hash,
	};
	use polkadot_sdk::sp_core::bounded::BoundedVec;
	use proptest::prelude::*;

	fn gate() -> Gate {
		Gate { z_milli: 2_326, delta: 1_000_000, rho: 20_000_000, tolerance: 1_000_000, shards_per_domain: 4 }
	}

	fn measured(gain: NanoBits) -> Option<Finding> {
		Some(Finding::Measured(Report {
			baseline: 3 * BIT_PER_BYTE,
			gain,
			standard_error: 1_000,
			domain_gains: BoundedVec::truncate_from(vec![gain]),
			losses_root: Hash::zero(),
		}))
	}

	fn committee(findings: &[Option<Finding>]) -> Vec<Seat<u64>> {
		let seat = |(number, finding): (usize, &Option<Finding>)| Seat {
			commitment: finding.is_some().then_some(Hash::zero()),
			finding: finding.clone(),
			..Seat::new(number as u64)
		};
		findings.iter().enumerate().map(seat).collect()
	}

	const GOOD: NanoBits = 50_000_000;

	#[test]
	fn tally_should_follow_the_quorum_when_one_lies_and_one_is_absent() {
		let seats = committee(&[measured(GOOD), measured(GOOD), measured(GOOD), measured(-GOOD), None]);
		let Outcome::Measured { medians, gate, agreeing, contradicted } =
			tally(&Purpose::Improvement, &gate(), &seats)
		else {
			panic!("a quorum measured")
		};
		assert_eq!((medians.gain, gate), (GOOD, Ok(())));
		assert_eq!((agreeing, contradicted), (vec![0, 1, 2], vec![3]));
	}

	#[test]
	fn tally_should_blame_malformed_and_not_unfetchable_when_a_quorum_measured() {
		let mut findings = vec![measured(GOOD); 5];
		findings.extend([Some(Finding::Unfetchable), Some(Finding::Malformed)]);
		let Outcome::Measured { agreeing, contradicted, .. } =
			tally(&Purpose::Improvement, &gate(), &committee(&findings))
		else {
			panic!("a quorum measured")
		};
		assert_eq!((agreeing.len(), contradicted), (5, vec![6]));
	}

	#[test]
	fn tally_should_not_count_the_absent_as_a_vote() {
		let seats = committee(&[measured(GOOD), measured(GOOD), measured(GOOD), None, None]);
		assert_eq!(tally(&Purpose::Improvement, &gate(), &seats), Outcome::NoQuorum);
		let seats = committee(&[Some(Finding::Unfetchable), None, None]);
		assert_eq!(tally(&Purpose::Improvement, &gate(), &seats), Outcome::NoQuorum);
		assert_eq!(tally::<u64>(&Purpose::Improvement, &gate(), &[]), Outcome::NoQuorum);
	}

	#[test]
	fn tally_should_not_count_what_was_struck_as_a_vote() {
		let liars = [measured(-GOOD), measured(-GOOD), measured(-GOOD)];
		let mut seats = committee(&[liars.as_slice(), &vec![measured(GOOD); 6]].concat());
		seats[0].struck = true;
		seats[1].struck = true;
		let Outcome::Measured { medians, agreeing, contradicted, .. } =
			tally(&Purpose::Improvement, &gate(), &seats)
		else {
			panic!("seven of nine are left, and a quorum is six")
		};
		assert_eq!((medians.gain, agreeing.len(), contradicted), (GOOD, 6, vec![2]));
		seats[2].struck = true;
		seats[3].struck = true;
		assert_eq!(tally(&Purpose::Improvement, &gate(), &seats), Outcome::NoQuorum);
	}

	#[test]
	fn tally_should_not_add_up_different_reasons() {
		let seats = committee(&[
			Some(Finding::Unfetchable),
			Some(Finding::Malformed),
			Some(Finding::Unfetchable),
			None,
		]);
		assert_eq!(tally(&Purpose::Improvement, &gate(), &seats), Outcome::NoQuorum);
	}

	#[test]
	fn tally_should_blame_a_lot_only_when_a_quorum_names_that_one() {
		let (first, second) = (Some(Finding::UnusableLot(7)), Some(Finding::UnusableLot(8)));
		let tally =
			|findings: &[Option<Finding>]| tally(&Purpose::Improvement, &gate(), &committee(findings));
		let two = [first.clone(), second.clone(), first.clone(), second, None];
		assert_eq!(tally(&two), Outcome::NoQuorum);
		let four = [first.clone(), measured(GOOD), first.clone(), first.clone(), first.clone()];
		assert_eq!(tally(&four), Outcome::UnusableLot { lot: 7 });
		let measured = [measured(GOOD), first, measured(GOOD), measured(GOOD), measured(GOOD)];
		let Outcome::Measured { contradicted, .. } = tally(&measured) else { panic!("a quorum measured") };
		assert_eq!(contradicted, Vec::<u64>::new(), "who could not fetch a lot is not contradicted");
	}

	#[test]
	fn tally_should_blame_nobody_when_two_camps_are_equal() {
		let seats = committee(&[measured(GOOD), measured(GOOD), measured(-GOOD), measured(-GOOD), None]);
		assert_eq!(tally(&Purpose::Improvement, &gate(), &seats), Outcome::NoAgreement);
	}

	#[test]
	fn tally_should_refuse_malformed_content_and_blame_who_measured_it() {
		let seats = committee(&[
			Some(Finding::Malformed),
			Some(Finding::Malformed),
			Some(Finding::Malformed),
			Some(Finding::Malformed),
			measured(GOOD),
		]);
		let refused = Outcome::Refused {
			reason: RejectReason::Malformed,
			agreeing: vec![0, 1, 2, 3],
			contradicted: vec![4],
		};
		assert_eq!(tally(&Purpose::Improvement, &gate(), &seats), refused);
	}

	fn any_finding() -> impl Strategy<Value = Option<Finding>> {
		prop_oneof![
			1 => Just(None),
			1 => Just(Some(Finding::Unfetchable)),
			1 => Just(Some(Finding::Malformed)),
			1 => (0..2u64).prop_map(|lot| Some(Finding::UnusableLot(lot))),
			4 => Just(measured(GOOD)),
			1 => (-GOOD..GOOD).prop_map(measured),
		]
	}

	proptest! {
		#[test]
		fn tally_should_name_nobody_twice_and_nobody_who_is_absent(
			findings in proptest::collection::vec(any_finding(), 0..22)
		) {
			let seats = committee(&findings);
			let (agreeing, contradicted) = match tally(&Purpose::Improvement, &gate(), &seats) {
				Outcome::Measured { agreeing, contradicted, .. } => {
					let reports = findings.iter().filter(|f| matches!(f, Some(Finding::Measured(_)))).count();
					prop_assert!(2 * agreeing.len() > reports);
					prop_assert!(reports as u32 >= quorum(seats.len() as u32));
					(agreeing, contradicted)
				},
				Outcome::Refused { agreeing, contradicted, .. } => {
					prop_assert!(agreeing.len() as u32 >= quorum(seats.len() as u32));
					(agreeing, contradicted)
				},
				Outcome::UnusableLot { .. } | Outcome::NoQuorum | Outcome::NoAgreement => return Ok(()),
			};
			let mut named = agreeing.into_iter().chain(contradicted).collect::<Vec<_>>();
			let total = named.len();
			named.sort_unstable();
			named.dedup();
			prop_assert_eq!(named.len(), total);
			prop_assert!(named.iter().all(|n| seats[*n as usize].finding.is_some()));
		}

		/// Fewer than half of those who measure cannot move the verdict, whatever they report.
		#[test]
		fn tally_should_not_follow_a_minority(honest in 3usize..11, lie in -GOOD..GOOD, gain in prop::bool::ANY) {
			let truth = if gain { GOOD } else { -GOOD };
			let mut findings = vec![measured(truth); honest];
			findings.extend(vec![measured(lie); honest - 1]);
			let Outcome::Measured { gate, .. } = tally(&Purpose::Improvement, &gate(), &committee(&findings)) else {
				return Err(TestCaseError::fail("a majority agrees"));
			};
			prop_assert_eq!(gate.is_ok(), gain);
		}
	}
}
