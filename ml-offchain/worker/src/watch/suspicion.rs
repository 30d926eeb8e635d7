//! Whether a report can be right, and which shard to contest if it cannot: a pure function of one's own losses.
//!
//! What the other measured of each shard is not public before it opens its losses, and a bond is lost on a shard of
//! which it told the truth. But its report says where a lie may be: the gains of the domains say how much of it is in
//! each, and the standard error how it lies within them. So a lie that was told of every shard of a domain alike, or of
//! one shard alone, is found from the report. A report that neither explains is not contested: see decision 012.

use crate::evaluator::{measure, step::ShardLoss};
use blyan_primitives::learning::{is_outside_tolerance, medians, Gate, NanoBits, Report, ValidationPool};

/// How far the standard error of an explanation may be from the reported one, as a part of the gate's tolerance. Two
/// honest measurements differ by a few thousandths of it.
const EXPLAINED_PART: NanoBits = 100;
/// By how much a loss must be off before it is contested, in tenths of the gate's tolerance: beyond the tolerance is
/// what referees strike.
const LEAST_DEVIATION_TENTHS: NanoBits = 11;

/// What one's own measurement says of somebody else's report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Suspicion {
	/// Within the tolerance.
	Agrees,
	/// It cannot be right, and a dispute about that shard shows it.
	Contestable {
		/// Which of the shards drawn for the round, counted from 0.
		position: u32,
	},
	/// It cannot be right, but which shard shows it cannot be told.
	Unexplained,
}

/// Compares a report with one's own losses, both of the same round.
pub fn suspicion(pool: &ValidationPool, gate: &Gate, own: &[ShardLoss], report: &Report) -> Suspicion {
	let mine = measure::report(pool, gate, own);
	if !is_outside_tolerance(gate, &medians(&[&mine]), report) {
		return Suspicion::Agrees;
	}
	if report.losses_root == mine.losses_root {
		// It measured the very same and reports something else: no opening of it is taken, whatever the shard.
		return Suspicion::Contestable { position: 0 };
	}
	// Where one shard explains it, that is off as well if all of its domain are; so the reverse order would be unsafe.
	let explained = explanations(pool, gate, own, &mine, report)
		.filter(|lie| lie.deviation > gate.tolerance.saturating_mul(LEAST_DEVIATION_TENTHS) / 10)
		.map(|lie| (!lie.is_single, lie.predicted.abs_diff(report.standard_error), lie.position))
		.filter(|(_, distance, _)| *distance <= (gate.tolerance / EXPLAINED_PART).max(1).unsigned_abs())
		.min();
	match explained {
		Some((_, _, position)) => Suspicion::Contestable { position },
		None => Suspicion::Unexplained,
	}
}

/// A lie that would explain the means of a report.
struct Lie {
	/// Whether it is of one shard alone.
	is_single: bool,
	/// The standard error that would be reported then.
	predicted: NanoBits,
	/// The shard that shows it best.
	position: u32,
	/// How far the worse of that shard's losses would be off.
	deviation: NanoBits,
}

fn explanations<'a>(
	pool: &'a ValidationPool,
	gate: &'a Gate,
	own: &'a [ShardLoss],
	mine: &Report,
	report: &Report,
) -> impl Iterator<Item = Lie> + 'a {
	// Of each shard, its domain.
	let counts = pool.domains.iter().map(|domain| gate.shards_per_domain.min(domain.shards) as usize);
	let domains: Vec<usize> =
		counts.enumerate().flat_map(|(domain, count)| std::iter::repeat_n(domain, count)).collect();
	let of_domain: Vec<NanoBits> = report
		.domain_gains
		.iter()
		.zip(mine.domain_gains.iter())
		.map(|(theirs, mine)| theirs.saturating_sub(*mine))
		.collect();
	let baseline = report.baseline.saturating_sub(mine.baseline);
	// Of several, the first.
	let worst =
		(0..of_domain.len()).rev().max_by_key(|domain| of_domain[*domain].unsigned_abs()).unwrap_or(0);
	let in_worst = domains.iter().filter(|domain| **domain == worst).count() as NanoBits;
	let tolerance = gate.tolerance.unsigned_abs();
	let is_only_worst = (0..of_domain.len())
		.all(|domain| domain == worst || of_domain[domain].unsigned_abs() <= tolerance / 2);

	let error_with = move |lie: &dyn Fn(usize) -> NanoBits| {
		let losses: Vec<ShardLoss> = own
			.iter()
			.enumerate()
			// What matters to the error is the gain, whichever loss it is that was lied about.
			.map(|(place, loss)| ShardLoss { baseline: loss.baseline.saturating_add(lie(place)), ..*loss })
			.collect();
		measure::report(pool, gate, &losses).standard_error
	};
	let deviation = |gain: NanoBits, baseline: NanoBits| {
		let candidate = baseline.saturating_sub(gain);
		baseline.saturating_abs().max(candidate.saturating_abs())
	};

	let of_place = |place: usize| domains.get(place).and_then(|domain| of_domain.get(*domain)).copied();
	let everywhere = Lie {
		is_single: false,
		predicted: error_with(&|place| of_place(place).unwrap_or_default()),
		position: domains.iter().position(|domain| *domain == worst).unwrap_or(0) as u32,
		deviation: deviation(of_domain.get(worst).copied().unwrap_or_default(), baseline),
	};
	let size = of_domain.get(worst).copied().unwrap_or_default().saturating_mul(in_worst);
	let of_one = deviation(size, baseline.saturating_mul(own.len() as NanoBits));
	let places: Vec<usize> = (0..own.len())
		.filter(|place| is_only_worst && size != 0 && domains.get(*place) == Some(&worst))
		.collect();
	let single = places.into_iter().map(move |place| Lie {
		is_single: true,
		predicted: error_with(&|other| if other == place { size } else { 0 }),
		position: place as u32,
		deviation: of_one,
	});
	std::iter::once(everywhere).chain(single)
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::{
		cid::{Cid, CidCodec},
		learning::{Domain, DomainName, BIT_PER_BYTE},
		Hash,
	};
	use proptest::prelude::*;

	const DOMAINS: usize = 4;
	const EACH: usize = 16;
	const TOLERANCE: NanoBits = BIT_PER_BYTE / 1_000;

	fn pool() -> ValidationPool {
		let domain = Domain { name: DomainName::default(), shards: 64 };
		ValidationPool {
			content: Cid { codec: CidCodec::Raw, digest: [0; 32] },
			shard_bytes: 4,
			domains: vec![domain; DOMAINS].try_into().unwrap(),
		}
	}

	fn gate() -> Gate {
		Gate { z_milli: 2_326, delta: 0, rho: 0, tolerance: TOLERANCE, shards_per_domain: EACH as u32 }
	}

	fn losses(seed: &[(NanoBits, NanoBits)]) -> Vec<ShardLoss> {
		let loss = |((baseline, gain), shard): (&(NanoBits, NanoBits), u32)| ShardLoss {
			shard,
			baseline: *baseline,
			candidate: baseline - gain,
		};
		seed.iter().zip(0..).map(loss).collect()
	}

	/// Losses as a round has them: 1 to 6 bits per byte, gains of up to a fifth of a bit.
	fn measured() -> impl Strategy<Value = Vec<ShardLoss>> {
		let shard = (BIT_PER_BYTE..6 * BIT_PER_BYTE, -BIT_PER_BYTE / 5..BIT_PER_BYTE / 5);
		proptest::collection::vec(shard, DOMAINS * EACH).prop_map(|seed| losses(&seed))
	}

	/// What other hardware measures: off by some 1e-7 bits.
	fn on_other_hardware(own: &[ShardLoss], noise: &[NanoBits]) -> Vec<ShardLoss> {
		own.iter()
			.zip(noise.iter().cycle())
			.map(|(loss, noise)| ShardLoss { candidate: loss.candidate + noise, ..*loss })
			.collect()
	}

	fn gain(loss: &ShardLoss) -> NanoBits {
		loss.baseline - loss.candidate
	}

	fn judge(own: &[ShardLoss], theirs: &[ShardLoss]) -> Suspicion {
		suspicion(&pool(), &gate(), own, &measure::report(&pool(), &gate(), theirs))
	}

	/// Whether referees strike that shard.
	fn is_struck(own: &[ShardLoss], theirs: &[ShardLoss], position: u32) -> bool {
		let (own, theirs) = (own[position as usize], theirs[position as usize]);
		let far = |a: NanoBits, b: NanoBits| a.abs_diff(b) > TOLERANCE as u64;
		far(own.baseline, theirs.baseline) || far(own.candidate, theirs.candidate)
	}

	proptest! {
		#[test]
		fn honest_reports_should_agree_whatever_the_hardware(
			own in measured(), noise in proptest::collection::vec(-1_000i64..1_000, 7),
		) {
			prop_assert_eq!(judge(&own, &on_other_hardware(&own, &noise)), Suspicion::Agrees);
		}

		#[test]
		fn lie_about_one_shard_should_be_found_in_it(
			own in measured(),
			noise in proptest::collection::vec(-200i64..200, 7),
			place in 0..DOMAINS * EACH,
			size in BIT_PER_BYTE / 10..BIT_PER_BYTE,
			is_praise: bool,
		) {
			let mut theirs = on_other_hardware(&own, &noise);
			theirs[place].candidate += if is_praise { -size } else { size };
			match judge(&own, &theirs) {
				Suspicion::Contestable { position } => prop_assert!(
					position as usize == place
						// Another shard with the same gain, to what the hardware leaves to be seen, explains it too.
						|| (gain(&own[position as usize]) - gain(&own[place])).abs() < BIT_PER_BYTE / 1_000,
					"{} is not {}", position, place,
				),
				other => prop_assert!(false, "{:?}", other),
			}
		}

		#[test]
		fn lie_about_every_shard_should_be_contested_where_it_is_struck(
			own in measured(),
			noise in proptest::collection::vec(-200i64..200, 7),
			sizes in proptest::collection::vec(-BIT_PER_BYTE / 20..BIT_PER_BYTE / 20, DOMAINS),
			is_of_baseline: bool,
		) {
			prop_assume!(sizes.iter().any(|size| size.abs() > 2 * TOLERANCE));
			let mut theirs = on_other_hardware(&own, &noise);
			for (place, loss) in theirs.iter_mut().enumerate() {
				let loss = if is_of_baseline { &mut loss.baseline } else { &mut loss.candidate };
				*loss += sizes[place / EACH];
			}
			match judge(&own, &theirs) {
				Suspicion::Contestable { position } => prop_assert!(is_struck(&own, &theirs, position)),
				other => prop_assert!(false, "{:?}", other),
			}
		}
	}

	#[test]
	fn lie_should_not_be_contested_when_it_is_spread_so_that_the_shard_cannot_be_told() {
		let seed: Vec<_> = (0..64).map(|i| (2 * BIT_PER_BYTE, (i * 37 % 64) * 3_000_000)).collect();
		let (own, mut theirs) = (losses(&seed), losses(&seed));
		for (place, size) in [(3, 300_000_000), (7, 90_000_000), (9, -40_000_000)] {
			theirs[place].candidate -= size;
		}
		assert_eq!(judge(&own, &theirs), Suspicion::Unexplained);
	}

	#[test]
	fn report_that_is_not_of_its_own_losses_should_be_contested_anywhere() {
		let own = losses(&[(2 * BIT_PER_BYTE, 1_000); DOMAINS * EACH]);
		let mut report = measure::report(&pool(), &gate(), &own);
		report.gain += 2 * TOLERANCE;
		let found = suspicion(&pool(), &gate(), &own, &report);
		assert_eq!(found, Suspicion::Contestable { position: 0 });
		// And by losses that nobody has: there is nothing to be sure of.
		report.losses_root = Hash::repeat_byte(1);
		assert_eq!(suspicion(&pool(), &gate(), &own, &report), Suspicion::Unexplained);
	}

	#[test]
	fn report_with_a_mended_error_should_not_be_contested() {
		let own = losses(&(0..64).map(|i| (2 * BIT_PER_BYTE, i * 1_000_000)).collect::<Vec<_>>());
		let mut report = measure::report(&pool(), &gate(), &own);
		report.losses_root = Hash::repeat_byte(1);
		report.standard_error += 2 * TOLERANCE;
		assert_eq!(suspicion(&pool(), &gate(), &own, &report), Suspicion::Unexplained);
	}
}
