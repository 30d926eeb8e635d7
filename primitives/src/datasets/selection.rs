//! Which datasets a run learns from, and how much of each. Pure: who has the same candidates and the same seed comes to
//! the same.
//!
//! Rules: spec "Dataset chain", selection for training.
//!
//! A dataset's **mass** is `isqrt(bytes) x (score + 1)`. The square root keeps a large text from drowning the others,
//! and from being worth inflating: four times the bytes count twice. The score is what auditors found of it.
//!
//! | policy | of which datasets | weights |
//! | --- | --- | --- |
//! | `gold_only` | gold | by mass |
//! | `balanced` | every tier that there is | 60/30/10 among the tiers; within one, by mass |
//! | `diversity_max` | as many domains as can be, then as many languages in each | the same for each domain; within one, for each language; within that, by mass. Then each by what a sample of its tier weighs in training |
//!
//! A policy of tiers in fixed proportions (`balanced`) has decided what a tier is worth; where tiers mix freely
//! (`diversity_max`), the tier's training weight counts.
//!
//! Where there are more candidates than may be chosen, they are drawn by lot, with chances by mass: otherwise nobody
//! would ever learn from the others.

use super::{LanguageCode, Ppm, Tier, MAX_DOMAIN_BYTES, PPM};
use crate::{
	draw::Lots,
	manifest::{DatasetId, DatasetUse, DatasetUses, MAX_DATASETS},
	Hash,
};
use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, Encode};
use polkadot_sdk::{
	sp_core::{bounded::BoundedVec, ConstU32},
	sp_runtime::{
		helpers_128bit::multiply_by_rational_with_rounding, traits::IntegerSquareRoot, Perbill, Rounding,
	},
};

/// What a trainer would learn from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum SelectionPolicy {
	/// Gold alone.
	GoldOnly,
	/// Gold, silver and experimental as 60, 30 and 10; of the tiers that there are, in that proportion.
	Balanced,
	/// Of as many domains and languages as can be.
	DiversityMax,
}

/// A dataset that may be chosen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
	/// Which.
	pub dataset: DatasetId,
	/// How good it is.
	pub tier: Tier,
	/// Its length, in bytes.
	pub bytes: u64,
	/// What it is about.
	pub domain: BoundedVec<u8, ConstU32<MAX_DOMAIN_BYTES>>,
	/// Its languages, the most frequent first. It counts as of that one.
	pub languages: Vec<LanguageCode>,
	/// Its score.
	pub score: Ppm,
	/// Whether it is marked as of no use: then it is not chosen.
	pub is_zero: bool,
}

impl Candidate {
	/// What chances and weights are in proportion to: above zero, and below 2^53.
	fn mass(&self) -> u128 {
		let root = u128::from(self.bytes.integer_sqrt()).max(1);
		root.saturating_mul(u128::from(self.score.min(PPM)).saturating_add(1))
	}

	/// Its most frequent language, if it has any.
	fn language(&self) -> Option<LanguageCode> {
		self.languages.first().copied()
	}
}

/// The share of a tier in [`SelectionPolicy::Balanced`], in per cent.
const fn balanced_share(tier: Tier) -> u128 {
	match tier {
		Tier::Gold => 60,
		Tier::Silver => 30,
		Tier::Experimental => 10,
	}
}

/// Chooses `most` datasets and [`MAX_DATASETS`] at most, with weights that add up to one and none of which is zero; none
/// if there is nothing to choose from. The order of the candidates does not matter, and one that is named twice counts once.
pub fn select(policy: SelectionPolicy, candidates: &[Candidate], seed: Hash, most: u32) -> DatasetUses {
	let most = most.min(MAX_DATASETS) as usize;
	let eligible = candidates
		.iter()
		.filter(|one| !one.is_zero && one.bytes > 0)
		.map(|one| (one.dataset, one))
		.collect::<BTreeMap<_, _>>();
	let eligible = eligible.into_values().collect::<Vec<_>>();
	let lots = &mut Lots::new(seed, (b"datasets", policy));
	let chosen = match policy {
		SelectionPolicy::GoldOnly => gold_only(eligible, lots, most),
		SelectionPolicy::Balanced => balanced(eligible, lots, most),
		SelectionPolicy::DiversityMax => diversity_max(eligible, lots, most),
	};
	apportion(chosen)
}

/// Datasets, with what their weights are in proportion to.
type Chosen<'a> = Vec<(&'a Candidate, u128)>;

fn gold_only<'a>(mut eligible: Vec<&'a Candidate>, lots: &mut Lots, most: usize) -> Chosen<'a> {
	eligible.retain(|one| one.tier == Tier::Gold);
	draw(eligible, most, lots).into_iter().map(|one| (one, one.mass())).collect()
}

fn balanced<'a>(eligible: Vec<&'a Candidate>, lots: &mut Lots, most: usize) -> Chosen<'a> {
	let mut tiers = Vec::new();
	for tier in Tier::ALL {
		let of_tier = eligible.iter().copied().filter(|one| one.tier == tier).collect::<Vec<_>>();
		if !of_tier.is_empty() {
			tiers.push((tier, draw(of_tier, most, lots), 0usize));
		}
	}
	// The best tiers, if there are fewer places.
	tiers.truncate(most);
	// Place by place to the tier that has the largest share for each place with it (D'Hondt), one to each at first.
	for place in 0..most {
		let has_place = |(_, drawn, places): &&mut (Tier, Vec<&Candidate>, usize)| *places < drawn.len();
		let next = match tiers.get_mut(place) {
			Some(first) => Some(first),
			None => tiers.iter_mut().filter(has_place).max_by_key(|(tier, _, places)| {
				balanced_share(*tier)
					.saturating_mul(1_000_000)
					.checked_div((*places as u128).saturating_add(1))
			}),
		};
		let Some((_, _, places)) = next else { break };
		*places = places.saturating_add(1);
	}
	let mut chosen = Vec::new();
	for (tier, drawn, places) in tiers {
		let drawn = drawn.into_iter().take(places).collect::<Vec<_>>();
		let sum = drawn.iter().map(|one| one.mass()).sum::<u128>();
		chosen.extend(drawn.into_iter().map(|one| (one, part(balanced_share(tier), one.mass(), sum))));
	}
	chosen
}

fn diversity_max<'a>(eligible: Vec<&'a Candidate>, lots: &mut Lots, most: usize) -> Chosen<'a> {
	let mut groups = BTreeMap::<_, BTreeMap<_, Vec<&Candidate>>>::new();
	for one in eligible {
		groups.entry(one.domain.clone()).or_default().entry(one.language()).or_default().push(one);
	}
	// Of each language in lots' order; the languages of a domain in turn; and so the domains.
	let mut domains = Vec::new();
	for languages in groups.into_values() {
		let languages = languages.into_values().map(|of_language| draw(of_language, most, lots)).collect();
		domains.push(in_turn(shuffled(languages, lots)));
	}
	let mut order = in_turn(shuffled(domains, lots));
	order.truncate(most);

	let mut chosen = BTreeMap::<_, BTreeMap<_, Vec<&Candidate>>>::new();
	for one in order {
		chosen.entry(one.domain.clone()).or_default().entry(one.language()).or_default().push(one);
	}
	let mut weighed = Vec::new();
	for languages in chosen.values() {
		for of_language in languages.values() {
			let sum = of_language.iter().map(|one| one.mass()).sum::<u128>();
			for one in of_language {
				let tier = u128::from(one.tier.training_weight().deconstruct());
				let groups = (chosen.len() as u128).saturating_mul(languages.len() as u128);
				weighed.push((*one, part(tier, one.mass(), sum.saturating_mul(groups))));
			}
		}
	}
	weighed
}

/// A number so large that little is lost of parts of it, and so small that sums and products of such stay in range.
const SCALE: u128 = 1 << 60;

/// `share x mass / sum`, in units of 1 / [`SCALE`]. A share is below 2^30, so the result is below 2^90.
fn part(share: u128, mass: u128, sum: u128) -> u128 {
	let fraction = multiply_by_rational_with_rounding(SCALE, mass, sum, Rounding::Down);
	fraction.unwrap_or_default().saturating_mul(share)
}

/// `most` datasets at most, in the order in which they are drawn without replacement, with chances by mass.
fn draw<'a>(from: Vec<&'a Candidate>, most: usize, lots: &mut Lots) -> Vec<&'a Candidate> {
	let mut from = from.into_iter().map(|one| (one, one.mass())).collect::<Vec<_>>();
	let mut drawn = Vec::new();
	while drawn.len() < most && !from.is_empty() {
		let mut lot = lots.below(from.iter().map(|(_, mass)| *mass).sum());
		let place = from.iter().position(|(_, mass)| {
			let is_this = lot < *mass;
			lot = lot.saturating_sub(*mass);
			is_this
		});
		drawn.push(from.remove(place.unwrap_or(0)).0);
	}
	drawn
}

/// In an order by lot, each with the same chance (Fisher and Yates).
fn shuffled<T>(mut from: Vec<T>, lots: &mut Lots) -> Vec<T> {
	let mut order = Vec::new();
	while !from.is_empty() {
		order.push(from.remove(lots.below(from.len() as u128) as usize));
	}
	order
}

/// The first of each, then the second of each, and so on.
fn in_turn<T>(of: Vec<Vec<T>>) -> Vec<T> {
	let mut of = of.into_iter().map(Vec::into_iter).collect::<Vec<_>>();
	let mut all = Vec::new();
	loop {
		let before = all.len();
		all.extend(of.iter_mut().filter_map(Iterator::next));
		if all.len() == before {
			return all;
		}
	}
}

/// Weights in proportion, each above zero, that add up to exactly one: what rounding leaves goes to the largest. In the
/// order of the datasets' names.
fn apportion(mut chosen: Chosen) -> DatasetUses {
	chosen.sort_by_key(|(one, _)| one.dataset);
	let sum = chosen.iter().map(|(_, weight)| *weight).sum::<u128>();
	let whole = Perbill::one().deconstruct();
	let mut parts = chosen
		.iter()
		.map(|(_, weight)| {
			let parts = multiply_by_rational_with_rounding(whole.into(), *weight, sum, Rounding::Down);
			(parts.unwrap_or_default() as u32).max(1)
		})
		.collect::<Vec<_>>();
	let others = parts.iter().sum::<u32>();
	if let Some(largest) = parts.iter_mut().max() {
		// The largest of sixteen is a sixteenth of the whole at least, and sixteen parts too many are given at most.
		*largest = whole.saturating_sub(others.saturating_sub(*largest));
	}
	let uses = chosen
		.iter()
		.zip(parts)
		.map(|((one, _), parts)| DatasetUse { dataset: one.dataset, weight: Perbill::from_parts(parts) });
	DatasetUses::truncate_from(uses.collect())
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::cid::{Cid, CidCodec};
	use alloc::{collections::BTreeSet, vec};
	use polkadot_sdk::sp_runtime::traits::{BlakeTwo256, Hash as _};
	use proptest::prelude::*;
	use SelectionPolicy::*;

	const POLICIES: [SelectionPolicy; 3] = [GoldOnly, Balanced, DiversityMax];

	fn dataset(number: u8) -> DatasetId {
		Cid { codec: CidCodec::Raw, digest: [number; 32] }
	}

	fn candidate(number: u8, tier: Tier, domain: &str, language: &[u8; 3]) -> Candidate {
		Candidate {
			dataset: dataset(number),
			tier,
			bytes: 1_000_000,
			domain: BoundedVec::truncate_from(domain.as_bytes().to_vec()),
			languages: vec![*language],
			score: 500_000,
			is_zero: false,
		}
	}

	fn seed(number: u32) -> Hash {
		BlakeTwo256::hash_of(&number)
	}

	/// Numbers of the datasets that were chosen, with their weights in parts per billion.
	fn numbered(uses: &DatasetUses) -> Vec<(u8, u32)> {
		uses.iter().map(|used| (used.dataset.digest[0], used.weight.deconstruct())).collect()
	}

	fn mixed() -> Vec<Candidate> {
		let gold = [(1, "law", b"eng"), (2, "law", b"deu"), (3, "code", b"eng")];
		let silver = [(4, "law", b"eng"), (5, "medicine", b"fra")];
		let experimental = [(6, "poetry", b"ita"), (7, "code", b"eng"), (8, "code", b"eng")];
		let of = |tier, list: &[(u8, &str, &[u8; 3])]| {
			list.iter()
				.map(|(number, domain, code)| candidate(*number, tier, domain, code))
				.collect::<Vec<_>>()
		};
		let mut all = of(Tier::Gold, &gold);
		all.extend(of(Tier::Silver, &silver));
		all.extend(of(Tier::Experimental, &experimental));
		all
	}

	#[test]
	fn gold_only_should_weigh_gold_by_the_root_of_its_bytes_and_its_score() {
		let mut candidates = mixed();
		candidates[0].bytes *= 4;
		candidates[1].score = 1_000_000;
		let chosen = select(GoldOnly, &candidates, seed(1), 16);
		// 2 : 2 : 1, but for the one that is added to scores; what rounding leaves goes to the largest.
		assert_eq!(numbered(&chosen), [(1, 400_000_161), (2, 399_999_760), (3, 200_000_079)]);
		let without = candidates.split_off(3);
		assert!(select(GoldOnly, &without, seed(1), 16).is_empty(), "there is no gold");
	}

	#[test]
	fn balanced_should_divide_among_the_tiers_that_there_are() {
		let shares = |candidates: &[Candidate], most| {
			let mut shares = BTreeMap::new();
			for used in select(Balanced, candidates, seed(3), most) {
				let of = candidates.iter().find(|one| one.dataset == used.dataset).unwrap();
				*shares.entry(of.tier).or_insert(0) += used.weight.deconstruct();
			}
			shares
				.into_values()
				.rev()
				.map(|share| (f64::from(share) / 1e6).round() as u32)
				.collect::<Vec<_>>()
		};
		let mut candidates = mixed();
		assert_eq!(shares(&candidates, 16), [600, 300, 100]);
		assert_eq!(shares(&candidates, 3), [600, 300, 100], "one of each");
		assert_eq!(shares(&candidates, 2), [667, 333], "the best, where there are fewer places than tiers");
		candidates.retain(|one| one.tier != Tier::Silver);
		assert_eq!(shares(&candidates, 16), [857, 143], "60 to 10");
		candidates.retain(|one| one.tier == Tier::Experimental);
		assert_eq!(shares(&candidates, 16), [1_000]);
	}

	#[test]
	fn balanced_should_give_places_by_the_same_proportion() {
		let candidates = (0..60)
			.map(|number| candidate(number, Tier::ALL[usize::from(number % 3)], "law", b"eng"))
			.collect::<Vec<_>>();
		let mut counts = [0; 3];
		for (number, _) in numbered(&select(Balanced, &candidates, seed(0), 10)) {
			counts[usize::from(number % 3)] += 1;
		}
		assert_eq!(counts, [6, 3, 1]);
	}

	#[test]
	fn diversity_max_should_spread_over_domains_and_then_languages() {
		let domains = |uses: &DatasetUses| {
			let all = mixed();
			let of = |used: &DatasetUse| {
				all.iter().find(|one| one.dataset == used.dataset).unwrap().domain.clone()
			};
			uses.iter().map(of).collect::<BTreeSet<_>>().len()
		};
		for number in 0..50 {
			let four = select(DiversityMax, &mixed(), seed(number), 4);
			assert_eq!((four.len(), domains(&four)), (4, 4), "one of each domain");
			let five = select(DiversityMax, &mixed(), seed(number), 5);
			assert_eq!(domains(&five), 4);
			// Law has two languages, which come before a second dataset of either.
			let law = numbered(&select(DiversityMax, &mixed()[..2], seed(number), 2));
			assert_eq!(law, [(1, 500_000_000), (2, 500_000_000)]);
			let of_law = [mixed()[0].clone(), mixed()[1].clone(), mixed()[3].clone()];
			let two = numbered(&select(DiversityMax, &of_law, seed(number), 2));
			assert!(two.iter().any(|(dataset, _)| *dataset == 2), "{two:?}");
		}
		// A domain each for gold, silver and experimental: what a sample of a tier weighs decides.
		let three = [mixed()[2].clone(), mixed()[4].clone(), mixed()[5].clone()];
		assert_eq!(
			numbered(&select(DiversityMax, &three, seed(1), 16)),
			[(3, 500_000_000), (5, 350_000_000), (6, 150_000_000)]
		);
	}

	#[test]
	fn draw_should_reach_every_dataset_as_often_as_its_mass_says() {
		let mut candidates =
			(0..4).map(|number| candidate(number, Tier::Gold, "law", b"eng")).collect::<Vec<_>>();
		// As much mass as the three others together.
		candidates[0].bytes *= 9;
		let mut counts = [0u32; 4];
		for number in 0..6_000 {
			let chosen = numbered(&select(GoldOnly, &candidates, seed(number), 1));
			assert_eq!(chosen[0].1, 1_000_000_000);
			counts[usize::from(chosen[0].0)] += 1;
		}
		// Expected are 3,000 and 1,000 each, with standard deviations of 39 and 29.
		assert!((2_800..3_200).contains(&counts[0]), "{counts:?}");
		assert!(counts[1..].iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
	}

	#[test]
	fn selection_should_be_as_it_always_was() {
		let chosen = |policy, most| numbered(&select(policy, &mixed(), seed(7), most));
		assert_eq!(chosen(GoldOnly, 2), [(1, 500_000_000), (3, 500_000_000)]);
		assert_eq!(
			chosen(Balanced, 5),
			[(1, 199_999_999), (2, 199_999_999), (3, 199_999_999), (5, 300_000_003), (7, 100_000_000)]
		);
		assert_eq!(
			chosen(DiversityMax, 5),
			[(2, 232_558_139), (4, 162_790_697), (5, 325_581_398), (6, 139_534_883), (7, 139_534_883)]
		);
		// Of law an eighth in German, and a sixteenth each for gold and silver in English; of code a twelfth each for
		// gold and two experimental ones; a quarter each for medicine and poetry: times what a tier's sample weighs.
		assert_eq!(
			chosen(DiversityMax, 16),
			[
				(1, 101_694_915),
				(2, 203_389_830),
				(3, 135_593_220),
				(4, 71_186_440),
				(5, 284_745_765),
				(6, 122_033_898),
				(7, 40_677_966),
				(8, 40_677_966),
			]
		);
	}

	fn any_candidate() -> impl Strategy<Value = Candidate> {
		let tier = prop::sample::select(Tier::ALL.to_vec());
		let language = prop::collection::vec(prop::sample::select(vec![*b"eng", *b"deu", *b"fra"]), 0..3);
		(any::<u8>(), tier, any::<u64>(), 0u8..6, language, 0..=PPM, prop::bool::weighted(0.2)).prop_map(
			|(number, tier, bytes, domain, languages, score, is_zero)| Candidate {
				dataset: dataset(number),
				tier,
				// Of any length, from one byte to all there can be.
				bytes: bytes >> (number % 64),
				domain: BoundedVec::truncate_from(vec![b'a' + domain]),
				languages,
				score,
				is_zero,
			},
		)
	}

	proptest! {
		#[test]
		fn selection_should_be_whole_and_the_same_in_any_order(
			mut candidates in prop::collection::vec(any_candidate(), 0..40),
			seed: [u8; 32],
			most in 0u32..20,
		) {
			candidates.sort_by_key(|one| one.dataset);
			candidates.dedup_by_key(|one| one.dataset);
			let may = |policy, one: &Candidate| {
				!one.is_zero && one.bytes > 0 && (policy != GoldOnly || one.tier == Tier::Gold)
			};
			for policy in POLICIES {
				let chosen = select(policy, &candidates, seed.into(), most);
				let eligible = candidates.iter().filter(|one| may(policy, one)).collect::<Vec<_>>();
				let wanted = eligible.len().min(most as usize).min(MAX_DATASETS as usize);
				prop_assert_eq!(chosen.len(), wanted);
				let sum = chosen.iter().map(|used| used.weight.deconstruct()).sum::<u32>();
				prop_assert_eq!(sum, if wanted == 0 { 0 } else { 1_000_000_000 });
				prop_assert!(chosen.iter().all(|used| !used.weight.is_zero()));
				prop_assert!(chosen.windows(2).all(|pair| pair[0].dataset < pair[1].dataset));
				prop_assert!(chosen.iter().all(|used| eligible.iter().any(|one| one.dataset == used.dataset)));
				let mut reversed = candidates.clone();
				reversed.reverse();
				prop_assert_eq!(select(policy, &reversed, seed.into(), most), chosen);
			}
		}
	}
}
