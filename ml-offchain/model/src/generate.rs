//! Generation, token by token, over a cache of keys and values.

use crate::{
	cap::{Quota, RoutingCap},
	cpu::{forward::check_tokens, step::Cache, Sizes},
	ModelError, Weights,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{collections::VecDeque, ops::ControlFlow};

/// Most alternatives that are told of for a token.
pub const MAX_TOP_LOGPROBS: usize = 20;

/// How tokens are chosen, and when to stop.
#[derive(Clone, PartialEq, Debug)]
pub struct Sampling {
	/// Divides the logits; 0 always takes the likeliest (of equal ones, the lowest token).
	pub temperature: f32,
	/// Draws only from the likeliest tokens whose probabilities add up to this, in (0, 1].
	pub top_p: f32,
	/// The same seed, weights and prompt give the same tokens on the same kind of machine.
	pub seed: u64,
	/// Most tokens to generate.
	pub max_tokens: usize,
	/// Generation ends where one of these appears; it is not part of the answer.
	pub stop: Vec<Vec<u32>>,
	/// How many alternatives to tell of for each token, at most [`MAX_TOP_LOGPROBS`].
	pub top_logprobs: usize,
}

impl Default for Sampling {
	fn default() -> Self {
		Self { temperature: 1.0, top_p: 1.0, seed: 0, max_tokens: 16, stop: Vec::new(), top_logprobs: 0 }
	}
}

impl Sampling {
	/// # Errors
	/// The first field that is out of range.
	pub fn validate(&self) -> Result<(), ModelError> {
		let refuse = |field, why: String| Err(ModelError::Config { field, why });
		if !(self.temperature >= 0.0 && self.temperature.is_finite()) {
			return refuse(
				"temperature",
				format!("is {}; it must be 0 or more, and finite", self.temperature),
			);
		}
		if !(self.top_p > 0.0 && self.top_p <= 1.0) {
			return refuse("top_p", format!("is {}; it must be above 0 and at most 1", self.top_p));
		}
		if self.top_logprobs > MAX_TOP_LOGPROBS {
			return refuse("top_logprobs", format!("is {}; at most {MAX_TOP_LOGPROBS}", self.top_logprobs));
		}
		if self.stop.iter().any(Vec::is_empty) {
			return refuse("stop", "holds an empty sequence; leave it out".into());
		}
		Ok(())
	}
}

/// A token of an answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Emitted {
	/// The token.
	pub token: u32,
	/// Natural logarithm of its probability before temperature and `top_p`.
	pub logprob: f32,
	/// The likeliest tokens at this place, likeliest first, as many as were asked for.
	pub top: Vec<(u32, f32)>,
}

/// Why generation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finish {
	/// A stop sequence appeared, or a token that stands for no text.
	Stop,
	/// `max_tokens` were generated.
	Length,
	/// The receiver asked for no more.
	Cancelled,
}

/// What generation did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Generation {
	/// Tokens of the prompt.
	pub prompt_tokens: usize,
	/// Tokens that were computed, those of a stop sequence included.
	pub generated_tokens: usize,
	/// Why it ended.
	pub finish: Finish,
}

/// Continues prompts. Holds a cache for one at a time; make one for each request in flight.
///
/// When the context is full it *slides*: the last half of it is read anew from position 0, and
/// generation goes on. Of a prompt longer than the context, the last `context` tokens are read. A cap on
/// routing counts what is read: what it was before does not matter.
pub struct Generator {
	weights: Weights,
	sizes: Sizes,
	cache: Cache,
}

impl Generator {
	/// A generator of these weights, which it shares.
	pub fn new(weights: &Weights) -> Self {
		Self::within(weights, None)
	}

	/// A generator of these weights whose sequences keep within a cap on routing. Where that caps nothing, what
	/// is generated is the same to the bit as without.
	///
	/// # Errors
	/// The cap is for an expert that the architecture does not have.
	pub fn capped(weights: &Weights, cap: &RoutingCap) -> Result<Self, ModelError> {
		Ok(Self::within(weights, Quota::new(cap, &weights.layout)?))
	}

	fn within(weights: &Weights, quota: Option<Quota>) -> Self {
		let sizes = Sizes::new(&weights.layout);
		Self { weights: weights.clone(), sizes, cache: Cache::within(quota) }
	}

	/// Times that a token was not routed to an expert because the cap turned it away, since this generator was
	/// made.
	pub fn turned_away(&self) -> u64 {
		self.cache.quota().map_or(0, Quota::turned_away)
	}

	/// Generates tokens after `prompt`, and hands each to `receive` as soon as it is sure not to be
	/// the beginning of a stop sequence.
	///
	/// # Errors
	/// An empty prompt, a token outside the vocabulary, sampling out of range, weights that overflow or cannot
	/// be loaded, a tokenizer that was not given.
	pub fn generate(
		&mut self,
		prompt: &[u32],
		sampling: &Sampling,
		mut receive: impl FnMut(&Emitted) -> ControlFlow<()>,
	) -> Result<Generation, ModelError> {
		sampling.validate()?;
		check_tokens(prompt, self.weights.architecture().vocabulary)?;
		if prompt.is_empty() {
			return Err(ModelError::EmptyPrompt);
		}
		let context = self.weights.architecture().context as usize;
		let kept = (context / 2).max(1);
		let tokenizer = self.weights.tokenizer()?.cloned();
		// What the model sees: as much of the text as the context holds.
		let mut seen: VecDeque<u32> =
			prompt[prompt.len().saturating_sub(context)..].iter().copied().collect();
		let mut random = ChaCha8Rng::seed_from_u64(sampling.seed);
		let mut held = Held::new(&sampling.stop);
		let done = |generated_tokens, finish| {
			Ok(Generation { prompt_tokens: prompt.len(), generated_tokens, finish })
		};
		for generated in 0..sampling.max_tokens {
			let logits = if generated == 0 {
				self.cache.refill(&self.weights, &self.sizes, seen.make_contiguous())?
			} else if self.cache.len() == context {
				seen.drain(..seen.len() - kept);
				self.cache.refill(&self.weights, &self.sizes, seen.make_contiguous())?
			} else {
				let last = seen.back().copied().unwrap_or_default();
				self.cache.step(&self.weights, &self.sizes, last)?
			};
			let emitted = choose(logits, sampling, &mut random)?;
			if tokenizer.as_ref().is_some_and(|tokenizer| tokenizer.is_special(emitted.token)) {
				let is_left = held.release_all(&mut receive).is_break();
				return done(generated + 1, if is_left { Finish::Cancelled } else { Finish::Stop });
			}
			seen.push_back(emitted.token);
			match held.push(emitted) {
				Next::Stopped => {
					let finish = if held.release_all(&mut receive).is_break() {
						Finish::Cancelled
					} else {
						Finish::Stop
					};
					return done(generated + 1, finish);
				}
				Next::Ready(count) => {
					if held.release(count, &mut receive).is_break() {
						return done(generated + 1, Finish::Cancelled);
					}
				}
			}
		}
		let finish =
			if held.release_all(&mut receive).is_break() { Finish::Cancelled } else { Finish::Length };
		done(sampling.max_tokens, finish)
	}
}

/// Chooses the next token.
fn choose(logits: &[f32], sampling: &Sampling, random: &mut ChaCha8Rng) -> Result<Emitted, ModelError> {
	let mut best = 0;
	for (token, logit) in logits.iter().enumerate() {
		if !logit.is_finite() {
			return Err(ModelError::NotFinite("a logit"));
		}
		if *logit > logits[best] {
			best = token;
		}
	}
	let max = f64::from(logits[best]);
	let log_sum = logits.iter().map(|logit| (f64::from(*logit) - max).exp()).sum::<f64>().ln() + max;
	let logprob = |token: usize| (f64::from(logits[token]) - log_sum) as f32;
	let by_likelihood = |a: &usize, b: &usize| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b));

	let token = if sampling.temperature == 0.0 {
		best
	} else {
		let mut order: Vec<usize> = (0..logits.len()).collect();
		if sampling.top_p < 1.0 {
			order.sort_unstable_by(by_likelihood);
		}
		let temperature = f64::from(sampling.temperature);
		let weights: Vec<f64> =
			order.iter().map(|t| ((f64::from(logits[*t]) - max) / temperature).exp()).collect();
		let nucleus = f64::from(sampling.top_p) * weights.iter().sum::<f64>();
		let (mut count, mut total) = (0, 0.0);
		while count < weights.len() && (count == 0 || total < nucleus) {
			total += weights[count];
			count += 1;
		}
		let mut left = random.gen::<f64>() * total;
		let drawn = weights[..count].iter().position(|weight| {
			left -= weight;
			left < 0.0
		});
		// Rounding may leave a crumb beyond the last.
		order[drawn.unwrap_or(count - 1)]
	};
	let mut top: Vec<usize> = Vec::new();
	if sampling.top_logprobs > 0 {
		top.extend(0..logits.len());
		let count = sampling.top_logprobs.min(top.len());
		if count < top.len() {
			top.select_nth_unstable_by(count, by_likelihood);
			top.truncate(count);
		}
		top.sort_unstable_by(by_likelihood);
	}
	Ok(Emitted {
		token: token as u32,
		logprob: logprob(token),
		top: top.into_iter().map(|token| (token as u32, logprob(token))).collect(),
	})
}

/// Tokens that may yet turn out to begin a stop sequence.
struct Held<'a> {
	stop: &'a [Vec<u32>],
	tokens: VecDeque<Emitted>,
}

enum Next {
	/// So many of the held tokens can be no part of a stop sequence.
	Ready(usize),
	/// A stop sequence is complete and has been taken away.
	Stopped,
}

impl<'a> Held<'a> {
	fn new(stop: &'a [Vec<u32>]) -> Self {
		Self { stop, tokens: VecDeque::new() }
	}

	fn push(&mut self, emitted: Emitted) -> Next {
		self.tokens.push_back(emitted);
		let ends_with = |len: usize, sequence: &[u32]| {
			len <= self.tokens.len()
				&& self
					.tokens
					.iter()
					.skip(self.tokens.len() - len)
					.map(|e| e.token)
					.eq(sequence[..len].iter().copied())
		};
		if let Some(stop) =
			self.stop.iter().filter(|stop| ends_with(stop.len(), stop)).max_by_key(|stop| stop.len())
		{
			self.tokens.truncate(self.tokens.len() - stop.len());
			return Next::Stopped;
		}
		let waiting = self
			.stop
			.iter()
			.filter_map(|stop| (1..stop.len()).rev().find(|len| ends_with(*len, stop)))
			.max()
			.unwrap_or_default();
		Next::Ready(self.tokens.len() - waiting)
	}

	fn release(
		&mut self,
		count: usize,
		receive: &mut impl FnMut(&Emitted) -> ControlFlow<()>,
	) -> ControlFlow<()> {
		self.tokens.drain(..count).try_for_each(|emitted| receive(&emitted))
	}

	fn release_all(&mut self, receive: &mut impl FnMut(&Emitted) -> ControlFlow<()>) -> ControlFlow<()> {
		self.release(self.tokens.len(), receive)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{byte_tokens, layout::tests::tiny, weights::tests::overflow};

	fn answer(weights: &Weights, prompt: &str, sampling: &Sampling) -> (Vec<Emitted>, Generation) {
		let mut emitted = Vec::new();
		let generation = Generator::new(weights)
			.generate(&byte_tokens(prompt.as_bytes()), sampling, |e| {
				emitted.push(e.clone());
				ControlFlow::Continue(())
			})
			.unwrap();
		(emitted, generation)
	}

	fn tokens(emitted: &[Emitted]) -> Vec<u32> {
		emitted.iter().map(|e| e.token).collect()
	}

	#[test]
	fn generate_should_repeat_itself_when_the_seed_is_the_same_and_slide_when_the_context_is_full() {
		let weights = Weights::init(&tiny(), 1).unwrap();
		let sampling = Sampling { max_tokens: 50, seed: 7, ..Sampling::default() };
		let (once, generation) = answer(&weights, "a prompt that is longer than the context", &sampling);
		assert_eq!(once.len(), 50, "three contexts long");
		assert_eq!(
			generation,
			Generation { prompt_tokens: 40, generated_tokens: 50, finish: Finish::Length }
		);
		assert_eq!(once, answer(&weights, "a prompt that is longer than the context", &sampling).0);
		let other = Sampling { seed: 8, ..sampling };
		assert_ne!(once, answer(&weights, "a prompt that is longer than the context", &other).0);
	}

	#[test]
	fn generate_should_go_on_as_if_asked_anew_when_the_context_slides() {
		let weights = Weights::init(&tiny(), 1).unwrap();
		let sampling = Sampling { temperature: 0.0, max_tokens: 10, top_logprobs: 1, ..Sampling::default() };
		let prompt = "exactly 16 bytes";
		let (emitted, _) = answer(&weights, prompt, &sampling);
		let mut text = byte_tokens(prompt.as_bytes());
		text.push(emitted[0].token);
		let mut anew = Vec::new();
		Generator::new(&weights)
			.generate(&text[text.len() - 8..], &Sampling { max_tokens: 1, ..sampling }, |e| {
				anew.push(e.clone());
				ControlFlow::Continue(())
			})
			.unwrap();
		assert_eq!(anew[0], emitted[1]);
	}

	#[test]
	fn generate_should_tell_the_likeliest_first_when_asked_for_logprobs() {
		let weights = Weights::init(&tiny(), 1).unwrap();
		let sampling = Sampling { temperature: 0.0, max_tokens: 3, top_logprobs: 5, ..Sampling::default() };
		for e in answer(&weights, "x", &sampling).0 {
			assert_eq!(e.top.len(), 5);
			assert_eq!((e.token, e.logprob), e.top[0]);
			assert!(e.top.windows(2).all(|w| w[0].1 >= w[1].1) && e.logprob < 0.0);
		}
	}

	#[test]
	fn generate_should_draw_only_the_likeliest_when_top_p_is_tiny() {
		let weights = Weights::init(&tiny(), 1).unwrap();
		let greedy = Sampling { temperature: 0.0, max_tokens: 12, ..Sampling::default() };
		let nucleus = Sampling { temperature: 1.0, top_p: 1e-6, seed: 5, ..greedy.clone() };
		assert_eq!(tokens(&answer(&weights, "x", &greedy).0), tokens(&answer(&weights, "x", &nucleus).0));
	}

	#[test]
	fn generate_should_leave_the_stop_sequence_out_when_it_appears() {
		let weights = Weights::init(&tiny(), 1).unwrap();
		let free = Sampling { max_tokens: 20, seed: 3, ..Sampling::default() };
		let (all, _) = answer(&weights, "x", &free);
		let all = tokens(&all);
		let stop = vec![all[6..9].to_vec(), vec![all[6], all[7], all[8].wrapping_add(1) % 256]];
		let (emitted, generation) = answer(&weights, "x", &Sampling { stop, ..free });
		let first = all.windows(3).position(|w| w == &all[6..9]).unwrap();
		assert_eq!(tokens(&emitted), all[..first]);
		assert_eq!((generation.finish, generation.generated_tokens), (Finish::Stop, first + 3));
	}

	#[test]
	fn generate_should_end_when_the_receiver_asks_for_no_more() {
		let weights = Weights::init(&tiny(), 1).unwrap();
		let mut count = 0;
		let generation = Generator::new(&weights)
			.generate(&[1], &Sampling::default(), |_| {
				count += 1;
				if count == 4 {
					ControlFlow::Break(())
				} else {
					ControlFlow::Continue(())
				}
			})
			.unwrap();
		assert_eq!((count, generation.finish, generation.generated_tokens), (4, Finish::Cancelled, 4));
	}

	#[test]
	fn generate_should_name_what_is_wrong_when_input_is_bad() {
		let mut weights = Weights::init(&tiny(), 1).unwrap();
		let ask = |prompt: &[u32], sampling: Sampling| {
			Generator::new(&weights).generate(prompt, &sampling, |_| ControlFlow::Continue(())).unwrap_err()
		};
		let good = Sampling::default();
		assert!(matches!(ask(&[], good.clone()), ModelError::EmptyPrompt));
		assert!(matches!(ask(&[3, 256], good.clone()), ModelError::Token { token: 256, position: 1, .. }));
		let config = |error, name| matches!(error, ModelError::Config { field, .. } if field == name);
		assert!(config(ask(&[1], Sampling { temperature: f32::NAN, ..good.clone() }), "temperature"));
		assert!(config(ask(&[1], Sampling { top_p: 0.0, ..good.clone() }), "top_p"));
		assert!(config(ask(&[1], Sampling { top_logprobs: 21, ..good.clone() }), "top_logprobs"));
		assert!(config(ask(&[1], Sampling { stop: vec![vec![]], ..good.clone() }), "stop"));
		overflow(&mut weights);
		let error =
			Generator::new(&weights).generate(&[1], &good, |_| ControlFlow::Continue(())).unwrap_err();
		assert!(matches!(error, ModelError::NotFinite(_)));
	}
}
