//! The explorer on a system of which everything is known.

use crate::explorer::{explore, Extent, Model, Outcome};

/// Jugs of 3 and 5 litres: fill, empty, or pour one into the other.
struct Jugs {
	/// The amount in the second jug that must never be.
	forbidden: u8,
}

impl Model for Jugs {
	type State = (u8, u8);
	type Action = &'static str;

	fn initial(&self) -> Vec<Self::State> {
		vec![(0, 0)]
	}

	fn fingerprint(&self, (small, large): &Self::State) -> u128 {
		u128::from(*small) << 8 | u128::from(*large)
	}

	fn actions(&self, (_, large): &Self::State) -> Result<Vec<&'static str>, String> {
		if *large == self.forbidden {
			return Err(format!("{large} litres"));
		}
		Ok(vec!["fill small", "fill large", "empty small", "empty large", "pour small", "pour large"])
	}

	fn next(
		&self,
		(small, large): &Self::State,
		action: &Self::Action,
	) -> Result<Option<Self::State>, String> {
		let (s, l) = (*small, *large);
		let next = match *action {
			"fill small" => (3, l),
			"fill large" => (s, 5),
			"empty small" => (0, l),
			"empty large" => (s, 0),
			"pour small" => (s - s.min(5 - l), l + s.min(5 - l)),
			_ => (s + l.min(3 - s), l - l.min(3 - s)),
		};
		Ok((next != (s, l)).then_some(next))
	}
}

#[test]
fn explorer_should_visit_every_state_once_when_nothing_is_wrong() {
	let Outcome::Exhausted(Extent { states, depth, ends, .. }) = explore(&Jugs { forbidden: 9 }, 100) else {
		panic!("nothing is wrong");
	};
	// One of the jugs is full or empty: 24 states less the 2 * 4 in which neither is. The furthest are 7 away:
	// four litres in the larger alone, and one litre there beside a full smaller one.
	assert_eq!((states, depth, ends), (16, 7, 0));
}

#[test]
fn explorer_should_give_a_shortest_trace_when_something_is_wrong() {
	let Outcome::Wrong { what, trace } = explore(&Jugs { forbidden: 4 }, 100) else {
		panic!("four litres can be measured");
	};
	assert_eq!(what, "4 litres");
	// The well-known six steps.
	let steps = ["fill large", "pour large", "empty small", "pour large", "fill large", "pour large"];
	assert_eq!(trace, [&["beginning 0"], steps.as_slice()].concat());
}

#[test]
fn explorer_should_say_so_when_it_was_stopped() {
	assert!(matches!(explore(&Jugs { forbidden: 9 }, 5), Outcome::Stopped(_)));
}
