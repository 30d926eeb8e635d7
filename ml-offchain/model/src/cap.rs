//! A cap on how much of a sequence is routed to experts on probation.
//!
//! Source: the routing-share cap of specification 1, "Probation". It holds for answers only: what trains and
//! measures a model routes as its router says.

use crate::{
	cpu::experts::{pick, weigh},
	layout::Layout,
	ModelError,
};
use blyan_primitives::{architecture::Gating, dag::Component};
use std::collections::BTreeSet;

/// The whole of a share, in parts per billion.
const WHOLE: u64 = 1_000_000_000;

/// How much of a sequence may be routed to some experts.
///
/// Each of them may be chosen for at most `ceil(share x tokens)` of the first `tokens` tokens of a sequence,
/// whatever their number, the prompt's included. A token that would exceed it goes to the next best expert. Only
/// where a layer has too few other experts is the share exceeded: a token always has as many experts as the
/// architecture says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RoutingCap {
	/// The share of each, in parts per billion. From a billion on there is no cap.
	pub share_parts_per_billion: u32,
	/// Layer and index of the experts that the cap is for.
	pub experts: BTreeSet<(u16, u16)>,
}

/// What a sequence has used of a [`RoutingCap`].
#[derive(Debug)]
pub(crate) struct Quota {
	/// In parts per billion.
	share: u64,
	layers: Vec<LayerQuota>,
	/// Since it was made, over all sequences.
	turned_away: u64,
}

#[derive(Clone, Debug, Default)]
struct LayerQuota {
	/// Tokens of the sequence so far.
	tokens: u64,
	experts: Vec<Capped>,
}

/// An expert under the cap.
#[derive(Clone, Debug)]
struct Capped {
	index: u32,
	/// Tokens of the sequence that were routed to it.
	uses: u64,
}

impl LayerQuota {
	/// How often each may be used, the next token included.
	fn allowed(&self, share: u64) -> u64 {
		(share * (self.tokens + 1)).div_ceil(WHOLE)
	}

	/// Whether one more use of the expert would exceed its share.
	fn is_over(&self, allowed: u64, expert: u32) -> bool {
		self.experts.iter().any(|capped| capped.index == expert && capped.uses >= allowed)
	}
}

impl Quota {
	/// Nothing used yet; `None` where the cap caps nothing.
	///
	/// # Errors
	/// The cap is for an expert that the architecture does not have.
	pub fn new(cap: &RoutingCap, layout: &Layout) -> Result<Option<Self>, ModelError> {
		let mut layers = vec![LayerQuota::default(); layout.architecture.layers.into()];
		for (layer, index) in &cap.experts {
			let component = Component::Expert { layer: *layer, index: *index };
			layout.slot(component)?;
			let here = layers.get_mut(usize::from(*layer)).ok_or(ModelError::UnknownComponent(component))?;
			here.experts.push(Capped { index: (*index).into(), uses: 0 });
		}
		let share = u64::from(cap.share_parts_per_billion);
		let is_needed = share < WHOLE && !cap.experts.is_empty();
		Ok(is_needed.then_some(Self { share, layers, turned_away: 0 }))
	}

	/// Begins a sequence.
	pub fn restart(&mut self) {
		for layer in &mut self.layers {
			layer.tokens = 0;
			layer.experts.iter_mut().for_each(|capped| capped.uses = 0);
		}
	}

	/// Times that a token was not routed to an expert because that was over its share.
	pub fn turned_away(&self) -> u64 {
		self.turned_away
	}

	/// [`choose`](crate::cpu::experts::choose) for the sequence's next token in that layer, within the cap.
	pub fn choose(
		&mut self,
		layer: usize,
		scores: &mut [f32],
		gating: Gating,
		chosen: &mut [u32],
		gates: &mut [f32],
	) {
		let here = &mut self.layers[layer];
		pick(scores, chosen, |_| false);
		let allowed = here.allowed(self.share);
		let over = |chosen: &[u32]| chosen.iter().filter(|expert| here.is_over(allowed, **expert)).count();
		let wanted = over(chosen);
		if wanted > 0 {
			pick(scores, chosen, |expert| here.is_over(allowed, expert));
			// Those over their share that fill a place are the best of them: they were wanted too.
			self.turned_away += (wanted - over(chosen)) as u64;
		}
		here.tokens += 1;
		for capped in &mut here.experts {
			capped.uses += u64::from(chosen.contains(&capped.index));
		}
		weigh(scores, gating, chosen, gates);
	}

	/// What [`Quota::choose`] would choose for the next token, without a step being made.
	pub fn guess(&self, layer: usize, scores: &[f32], chosen: &mut [u32]) {
		let here = &self.layers[layer];
		let allowed = here.allowed(self.share);
		pick(scores, chosen, |expert| here.is_over(allowed, expert));
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		byte_tokens,
		cpu::{
			experts::choose,
			forward::{forward, logits, Keep, Tape},
			step::Cache,
			Sizes,
		},
		layout::tests::{tiny, variants},
		weights::tests::lively,
		Generator, Sampling, Weights,
	};
	use blyan_primitives::architecture::{Architecture, ExpertCount};
	use proptest::prelude::*;
	use std::ops::ControlFlow;

	const QUARTER: u32 = 250_000_000;

	fn cap(share_parts_per_billion: u32, experts: &[(u16, u16)]) -> RoutingCap {
		RoutingCap { share_parts_per_billion, experts: experts.iter().copied().collect() }
	}

	/// Of a layer with those experts under the cap.
	fn layer_quota(share: u64, capped: &[u32]) -> Quota {
		let experts = capped.iter().map(|index| Capped { index: *index, uses: 0 }).collect();
		Quota { share, layers: vec![LayerQuota { tokens: 0, experts }], turned_away: 0 }
	}

	fn uses(quota: &Quota) -> Vec<u64> {
		quota.layers.iter().flat_map(|layer| layer.experts.iter().map(|capped| capped.uses)).collect()
	}

	fn answer(generator: &mut Generator, prompt: &str, max_tokens: usize) -> Vec<(u32, u32)> {
		let mut emitted = Vec::new();
		let sampling = Sampling { max_tokens, seed: 3, ..Sampling::default() };
		generator
			.generate(&byte_tokens(prompt.as_bytes()), &sampling, |e| {
				emitted.push((e.token, e.logprob.to_bits()));
				ControlFlow::Continue(())
			})
			.unwrap();
		emitted
	}

	#[derive(Clone, Debug)]
	struct Case {
		top_k: usize,
		share: u64,
		capped: Vec<u32>,
		gating: Gating,
		/// By token; few values, so that many are equal.
		scores: Vec<Vec<f32>>,
	}

	fn any_case() -> impl Strategy<Value = Case> {
		(1usize..=8).prop_flat_map(|experts| {
			let capped = proptest::collection::vec(any::<bool>(), experts);
			let score = prop_oneof![(-3i8..3).prop_map(f32::from), -2f32..2.0];
			let scores = proptest::collection::vec(proptest::collection::vec(score, experts), 1..40);
			let share = prop_oneof![Just(0), Just(1), Just(WHOLE / 3), Just(WHOLE), 0..=WHOLE];
			let gating = prop_oneof![Just(Gating::Chosen), Just(Gating::All)];
			(1..=experts, share, capped, gating, scores).prop_map(|(top_k, share, capped, gating, scores)| {
				Case {
					top_k,
					share,
					capped: (0u32..).zip(capped).filter_map(|(index, is)| is.then_some(index)).collect(),
					gating,
					scores,
				}
			})
		})
	}

	proptest! {
		#[test]
		fn share_should_hold_at_every_token_and_every_place_be_filled_by_the_best_left(case in any_case()) {
			let Case { top_k, share, capped, gating, scores } = case;
			let mut quota = layer_quota(share, &capped);
			let mut used = vec![0u64; scores[0].len()];
			for (token, row) in scores.iter().enumerate() {
				let (mut chosen, mut gates) = (vec![0; top_k], vec![0.0; top_k]);
				quota.choose(0, &mut row.clone(), gating, &mut chosen, &mut gates);
				let most = (share as u128 * (token as u128 + 1)).div_ceil(WHOLE.into()) as u64;
				let is_over = |expert: u32| capped.contains(&expert) && used[expert as usize] + 1 > most;
				let mut order: Vec<u32> = (0..row.len() as u32).collect();
				order.sort_by(|a, b| {
					let score = |expert: &u32| row[*expert as usize];
					is_over(*a).cmp(&is_over(*b)).then(score(b).partial_cmp(&score(a)).unwrap()).then(a.cmp(b))
				});
				prop_assert_eq!(&chosen, &order[..top_k]);
				for expert in chosen {
					used[expert as usize] += 1;
				}
				if row.len() - capped.len() >= top_k {
					for expert in &capped {
						prop_assert!(used[*expert as usize] <= most, "expert {} at token {}", expert, token);
					}
				}
			}
		}

		#[test]
		fn choice_should_be_that_without_a_cap_to_the_bit_when_the_share_is_whole_or_nothing_is_capped(
			case in any_case(), is_whole in any::<bool>(),
		) {
			let Case { top_k, share, capped, gating, scores } = case;
			let mut quota =
				if is_whole { layer_quota(WHOLE, &capped) } else { layer_quota(share, &[]) };
			for row in scores {
				let (mut chosen, mut gates) = (vec![0; top_k], vec![0.0; top_k]);
				let (mut expected, mut weights) = (chosen.clone(), gates.clone());
				let (mut probabilities, mut expected_probabilities) = (row.clone(), row);
				quota.choose(0, &mut probabilities, gating, &mut chosen, &mut gates);
				choose(&mut expected_probabilities, gating, &mut expected, &mut weights);
				let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
				prop_assert_eq!(chosen, expected);
				prop_assert_eq!(bits(&gates), bits(&weights));
				prop_assert_eq!(bits(&probabilities), bits(&expected_probabilities));
			}
			prop_assert_eq!(quota.turned_away(), 0);
		}
	}

	#[test]
	fn choose_should_weigh_over_those_it_took_and_count_who_was_turned_away() {
		let mut quota = layer_quota(0, &[0]);
		let (mut chosen, mut gates) = ([0; 2], [0.0; 2]);
		quota.choose(0, &mut [9.0, 1.0, 1.0, 0.0], Gating::Chosen, &mut chosen, &mut gates);
		assert_eq!((chosen, gates), ([1, 2], [0.5, 0.5]));
		assert_eq!(quota.turned_away(), 1);
		quota.choose(0, &mut [0.0, 1.0, 1.0, 1.0], Gating::Chosen, &mut chosen, &mut gates);
		assert_eq!((chosen, quota.turned_away()), ([1, 2], 1), "nobody wanted it");
		quota.choose(0, &mut [5.0, 5.0, 5.0, 5.0], Gating::All, &mut chosen, &mut gates);
		assert_eq!((chosen, gates), ([1, 2], [0.25, 0.25]), "over all: it keeps its probability");

		let mut all = layer_quota(0, &[0, 1, 2]);
		all.choose(0, &mut [1.0, 3.0, 2.0], Gating::Chosen, &mut chosen, &mut gates);
		assert_eq!((chosen, all.turned_away()), ([1, 2], 0), "nobody else is there");
	}

	#[test]
	fn prompt_and_single_steps_should_route_alike_when_capped() {
		/// As in the test of steps without a cap.
		const TOLERANCE: f32 = 2e-4;
		let cap = cap(QUARTER, &[(0, 1), (1, 0), (1, 2)]);
		for (name, architecture) in variants() {
			let weights = lively(&architecture);
			let s = Sizes::new(&weights.layout);
			let tokens: Vec<u32> = (0..16).map(|i| i * 37 % 256).collect();
			let mut tape = Tape::default();
			let mut whole = Quota::new(&cap, &weights.layout).unwrap();
			forward(&weights, &s, &tokens, 16, Keep::Nothing, whole.as_mut(), &mut tape).unwrap();
			logits(&weights, &s, 0, &mut tape);
			let mut cache = Cache::within(Quota::new(&cap, &weights.layout).unwrap());
			cache.refill(&weights, &s, &tokens[..3]).unwrap();
			for (i, expected) in tape.logits.chunks(256).enumerate().skip(3) {
				let got = cache.step(&weights, &s, tokens[i]).unwrap();
				let largest = expected.iter().fold(1f32, |m, x| m.max(x.abs()));
				for (got, expected) in got.iter().zip(expected) {
					assert!((got - expected).abs() / largest < TOLERANCE, "{name}, position {i}");
				}
			}
			let (whole, stepped) = (whole.unwrap(), cache.quota().unwrap());
			assert_eq!(uses(&whole), uses(stepped), "{name}");
			assert!(uses(&whole).iter().sum::<u64>() > 0, "{name}");
			assert_eq!(whole.turned_away(), stepped.turned_away(), "{name}");
			assert!(whole.turned_away() > 0, "{name}: the cap decides something");
		}
	}

	fn four_experts() -> Architecture {
		Architecture { experts: ExpertCount { min: 2, current: 4, max: 4 }, ..tiny() }
	}

	#[test]
	fn answer_should_be_the_same_bits_when_the_cap_caps_nothing() {
		let weights = lively(&four_experts());
		let expected = answer(&mut Generator::new(&weights), "x", 40);
		for cap in [RoutingCap::default(), cap(u32::MAX, &[(0, 1)]), cap(WHOLE as u32, &[(0, 0), (1, 3)])] {
			let mut generator = Generator::capped(&weights, &cap).unwrap();
			assert_eq!(answer(&mut generator, "x", 40), expected);
			assert_eq!(generator.turned_away(), 0);
		}
	}

	#[test]
	fn answer_should_differ_repeat_itself_and_not_depend_on_the_one_before_when_capped() {
		let weights = lively(&four_experts());
		let cap = cap(QUARTER / 10, &[(0, 0), (0, 1), (1, 0), (1, 1)]);
		let mut generator = Generator::capped(&weights, &cap).unwrap();
		let once = answer(&mut generator, "a prompt", 60);
		assert_ne!(once, answer(&mut Generator::new(&weights), "a prompt", 60));
		let counted = generator.turned_away();
		assert!(counted > 0);
		assert_eq!(answer(&mut generator, "a prompt", 60), once, "three contexts long");
		assert_eq!(generator.turned_away(), 2 * counted);
	}

	#[test]
	fn sequence_should_be_counted_anew_when_the_context_slides() {
		let weights = lively(&four_experts());
		let cap = cap(QUARTER, &[(0, 0), (0, 1), (1, 0), (1, 1)]);
		let fresh = || Generator::capped(&weights, &cap).unwrap();
		let prompt = "exactly 16 bytes";
		let sampling = Sampling { temperature: 0.0, max_tokens: 2, ..Sampling::default() };
		let mut emitted = Vec::new();
		let mut ask = |prompt: &[u32], sampling: &Sampling| {
			fresh()
				.generate(prompt, sampling, |e| {
					emitted.push(e.clone());
					ControlFlow::Continue(())
				})
				.unwrap();
			std::mem::take(&mut emitted)
		};
		let mut text = byte_tokens(prompt.as_bytes());
		let slid = ask(&text, &sampling);
		text.push(slid[0].token);
		assert_eq!(ask(&text[text.len() - 8..], &Sampling { max_tokens: 1, ..sampling })[0], slid[1]);
	}

	#[test]
	fn layer_should_still_answer_when_all_its_experts_are_capped_to_nothing() {
		let weights = lively(&four_experts());
		let all: Vec<(u16, u16)> = (0..2).flat_map(|layer| (0..4).map(move |i| (layer, i))).collect();
		let mut generator = Generator::capped(&weights, &cap(0, &all)).unwrap();
		let expected = answer(&mut Generator::new(&weights), "x", 20);
		assert_eq!(answer(&mut generator, "x", 20), expected, "all are alike, so the best are taken");
		assert_eq!(generator.turned_away(), 0);
	}

	#[test]
	fn capped_should_name_the_expert_that_the_architecture_lacks() {
		let weights = Weights::init(&tiny(), 1).unwrap();
		for (layer, index) in [(2, 0), (0, 3)] {
			let error = Generator::capped(&weights, &cap(QUARTER, &[(layer, index)])).err().unwrap();
			let absent = Component::Expert { layer, index };
			assert!(matches!(error, ModelError::UnknownComponent(c) if c == absent), "{error}");
		}
	}
}
