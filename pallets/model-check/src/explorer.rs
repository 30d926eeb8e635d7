//! Visits every state that can be reached, breadth first, and stops at the first that should not be.
//!
//! A [`Model`] is what it is in `stateright`, but for failures, which are returned where they are found: see
//! `docs/decisions/018-our-own-explorer.md` for why it is not `stateright` itself.

use rayon::prelude::*;
use std::{
	collections::HashMap,
	fmt,
	time::{Duration, Instant},
};

/// How many states are expanded at once: bounds how many successors are in memory before they are compared.
const CHUNK: usize = 512;

/// A system that goes from state to state by actions.
pub trait Model: Sync {
	/// All there is to know about the system.
	type State: Send + Sync;
	/// What may happen to it.
	type Action: Clone + Send + Sync + fmt::Display;

	/// Where it begins.
	fn initial(&self) -> Vec<Self::State>;

	/// The same for equal states, and for no others but by a collision of hashes.
	fn fingerprint(&self, state: &Self::State) -> u128;

	/// What may happen next; nothing at the end.
	///
	/// # Errors
	/// What is wrong with the state.
	fn actions(&self, state: &Self::State) -> Result<Vec<Self::Action>, String>;

	/// What comes of an action; `None` if nothing does.
	///
	/// # Errors
	/// What is wrong with what happened.
	fn next(&self, state: &Self::State, action: &Self::Action) -> Result<Option<Self::State>, String>;
}

/// How far an exploration went.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Extent {
	/// Distinct states.
	pub states: usize,
	/// Steps from one to another, or the same.
	pub transitions: usize,
	/// States after which nothing happens.
	pub ends: usize,
	/// Actions on the longest of the shortest ways to a state.
	pub depth: usize,
	/// The most states of the same depth.
	pub widest: usize,
	/// How long it took.
	pub elapsed: Duration,
}

impl fmt::Display for Extent {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let Self { states, transitions, ends, depth, widest, elapsed } = self;
		let seconds = elapsed.as_secs_f32();
		write!(
			f,
			"{states} states ({ends} ends, {widest} at most at a depth), {transitions} transitions, depth {depth}, {seconds:.1} s"
		)
	}
}

/// What an exploration came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
	/// There are no other states, and all are as they should be.
	Exhausted(Extent),
	/// There were more states than it was let visit.
	Stopped(Extent),
	/// Something is wrong, with a shortest way there.
	Wrong {
		/// What.
		what: String,
		/// The number of the initial state, and the actions.
		trace: Vec<String>,
	},
}

impl fmt::Display for Outcome {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Exhausted(extent) => write!(f, "exhausted: {extent}"),
			Self::Stopped(extent) => write!(f, "NOT exhausted: {extent}"),
			Self::Wrong { what, trace } => {
				writeln!(f, "{what}, after")?;
				trace.iter().enumerate().try_for_each(|(number, step)| writeln!(f, "{number:>4}  {step}"))
			}
		}
	}
}

/// What becomes of one state.
enum Expansion<M: Model> {
	Wrong(Option<M::Action>, String),
	Successors(Vec<(u128, M::Action, Option<M::State>)>),
}

/// How a state was first come to.
enum Origin<A> {
	Initial(usize),
	Step(usize, A),
}

/// Visits every state of a model, or `most` of them.
pub fn explore<M: Model>(model: &M, most: usize) -> Outcome {
	let begun = Instant::now();
	let mut extent = Extent::default();
	let mut seen = HashMap::<u128, usize>::new();
	let mut origins = Vec::<Origin<M::Action>>::new();
	let mut level = Vec::new();
	for (number, state) in model.initial().into_iter().enumerate() {
		if let std::collections::hash_map::Entry::Vacant(place) = seen.entry(model.fingerprint(&state)) {
			place.insert(origins.len());
			level.push((origins.len(), state));
			origins.push(Origin::Initial(number));
		}
	}
	while !level.is_empty() {
		extent.widest = extent.widest.max(level.len());
		let mut next_level = Vec::new();
		let mut wrong: Option<(String, Vec<String>)> = None;
		for chunk in level.chunks(CHUNK) {
			let expansions =
				chunk.par_iter().map(|(_, state)| expand(model, state, &seen)).collect::<Vec<_>>();
			for ((place, _), expansion) in chunk.iter().zip(expansions) {
				let successors = match expansion {
					Expansion::Successors(successors) => successors,
					Expansion::Wrong(action, what) => {
						let trace = trace::<M>(&origins, *place, action);
						// Of what is found at the same depth, what takes the fewest actions.
						if wrong.as_ref().is_none_or(|(_, known)| trace.len() < known.len()) {
							wrong = Some((what, trace));
						}
						continue;
					}
				};
				extent.ends += usize::from(successors.is_empty());
				extent.transitions += successors.len();
				for (fingerprint, action, state) in successors {
					let Some(state) = state else { continue };
					if let std::collections::hash_map::Entry::Vacant(free) = seen.entry(fingerprint) {
						free.insert(origins.len());
						next_level.push((origins.len(), state));
						origins.push(Origin::Step(*place, action));
					}
				}
			}
		}
		if let Some((what, trace)) = wrong {
			return Outcome::Wrong { what, trace };
		}
		(extent.states, extent.elapsed) = (origins.len(), begun.elapsed());
		if extent.states > most {
			return Outcome::Stopped(extent);
		}
		extent.depth += usize::from(!next_level.is_empty());
		level = next_level;
	}
	Outcome::Exhausted(extent)
}

fn expand<M: Model>(model: &M, state: &M::State, seen: &HashMap<u128, usize>) -> Expansion<M> {
	let actions = match model.actions(state) {
		Ok(actions) => actions,
		Err(what) => return Expansion::Wrong(None, what),
	};
	let mut successors = Vec::new();
	for action in actions {
		match model.next(state, &action) {
			Ok(None) => {}
			Ok(Some(next)) => {
				let fingerprint = model.fingerprint(&next);
				// What is known already is counted and not kept.
				let next = (!seen.contains_key(&fingerprint)).then_some(next);
				successors.push((fingerprint, action, next));
			}
			Err(what) => return Expansion::Wrong(Some(action), what),
		}
	}
	Expansion::Successors(successors)
}

fn trace<M: Model>(origins: &[Origin<M::Action>], place: usize, last: Option<M::Action>) -> Vec<String> {
	let mut steps = last.iter().map(ToString::to_string).collect::<Vec<_>>();
	let mut place = place;
	loop {
		match &origins[place] {
			Origin::Step(before, action) => {
				steps.push(action.to_string());
				place = *before;
			}
			Origin::Initial(number) => {
				steps.push(format!("beginning {number}"));
				steps.reverse();
				return steps;
			}
		}
	}
}
