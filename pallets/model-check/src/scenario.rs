//! The cast of an exploration, what is true of what it submits, and what each may do how often.

use crate::mock::{AccountId, BlockNumber, EXISTENTIAL_DEPOSIT};
use blyan_primitives::{
	dag::ModelId,
	learning::{Gate, ShardLosses, BIT_PER_BYTE},
	Balance,
};
use codec::Encode;
use pallet_disputes::DisputeParameters;
use pallet_proof_of_learning::{draw_backoff, RoundParameters};

/// The block in which everything begins.
pub const FIRST_BLOCK: BlockNumber = 2;
/// The one model that there is.
pub const MODEL: ModelId = 0;
/// Owns the model.
pub const OWNER: AccountId = 1;
/// Each has blocks of its own to submit.
pub const TRAINERS: [AccountId; 2] = [10, 11];
/// Contests, and is no worker.
pub const CHALLENGER: AccountId = 20;
/// Planted what turns out to be a canary.
pub const PLANTER: AccountId = 30;
/// What it accrues for that, besides the fee.
pub const CANARY_REWARD: Balance = 500;
/// Evaluators are numbered from here.
pub const FIRST_EVALUATOR: AccountId = 100;
/// What everybody has at first.
pub const ENDOWMENT: Balance = 1_000_000;
/// What workers bond.
pub const WORKER_BOND: Balance = 100_000;
/// Least payment of rewards.
pub const MIN_PAYOUT: Balance = EXISTENTIAL_DEPOSIT;

/// What every model is measured by here.
pub const GATE: Gate =
	Gate { z_milli: 2_326, delta: 1_000_000, rho: 20_000_000, tolerance: 1_000_000, shards_per_domain: 1 };
/// Domains of the pool: one shard of each is drawn.
pub const DOMAINS: usize = 2;

/// What is true of a submission.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode)]
pub enum Truth {
	/// It improves the model.
	Better,
	/// It does not.
	NoBetter,
	/// It makes the model worse.
	Worse,
	/// Its content is nowhere.
	Unfetchable,
	/// Its content is not what its block says.
	Malformed,
}

/// What an evaluator may say of a submission.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode)]
pub enum Claim {
	/// That it improves the model, with losses to show.
	Better,
	/// That it does not, likewise.
	NoBetter,
	/// That it makes the model worse, likewise.
	Worse,
	/// That it improves the model, with losses that do not come to that.
	Invented,
	/// That it cannot be fetched.
	Unfetchable,
	/// That it cannot be read.
	Malformed,
}

impl Claim {
	/// What it says, whether it can be shown or not.
	pub fn says(self) -> Truth {
		match self {
			Self::Better | Self::Invented => Truth::Better,
			Self::NoBetter => Truth::NoBetter,
			Self::Worse => Truth::Worse,
			Self::Unfetchable => Truth::Unfetchable,
			Self::Malformed => Truth::Malformed,
		}
	}

	/// Whether that is what an honest evaluator says.
	pub fn is_honest(self, truth: Truth) -> bool {
		self != Self::Invented && self.says() == truth
	}

	/// The losses that stand behind a measurement.
	pub fn losses(self) -> Vec<ShardLosses> {
		losses_of(if self == Self::Invented { Truth::NoBetter } else { self.says() })
	}
}

/// What is measured of each shard if that is true.
pub fn losses_of(truth: Truth) -> Vec<ShardLosses> {
	let gain = match truth {
		Truth::Better => 50_000_000,
		Truth::Worse => -50_000_000,
		Truth::NoBetter | Truth::Unfetchable | Truth::Malformed => 0,
	};
	let baseline = 3 * BIT_PER_BYTE;
	vec![ShardLosses { baseline, candidate: baseline - gain }; DOMAINS]
}

/// What a referee may say of a shard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode)]
pub enum Ruling {
	/// What is computed if the submission is better.
	Better,
	/// What is computed if it is not.
	NoBetter,
	/// What is computed if it is worse.
	Worse,
	/// That it could not be computed.
	Unable,
}

impl Ruling {
	/// Whether that is what an honest referee says.
	pub fn is_honest(self, truth: Truth) -> bool {
		matches!(
			(self, truth),
			(Self::Better, Truth::Better) | (Self::NoBetter, Truth::NoBetter) | (Self::Worse, Truth::Worse)
		)
	}
}

/// How often the cast may still do what is not its part in a round, and blocks be short of something.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Encode)]
pub struct Allowance {
	/// Submissions of each trainer.
	pub submissions: [u8; 2],
	/// Disputes that are begun.
	pub contests: u8,
	/// Submissions that turn out to be canaries.
	pub canaries: u8,
	/// Evaluators that leave.
	pub departures: u8,
	/// Changes of the model's terms.
	pub terms: u8,
	/// Blocks in which there is no time for deadlines, or for one alone.
	pub busy_blocks: u8,
	/// Blocks without randomness in which something may be drawn.
	pub dark_blocks: u8,
}

/// What is explored.
#[derive(Clone, Debug)]
pub struct Scenario {
	/// How many evaluators there are.
	pub evaluators: u64,
	/// How rounds are run.
	pub rounds: RoundParameters,
	/// How many rounds may be open.
	pub places: u32,
	/// How disputes are run.
	pub disputes: DisputeParameters,
	/// Whether the terms name a reference evaluator: without one nothing can be contested.
	pub contestable: bool,
	/// What may be true of what the two trainers submit: each is a beginning.
	pub truths: Vec<[Truth; 2]>,
	/// What evaluators may claim.
	pub claims: Vec<Claim>,
	/// What referees may find.
	pub rulings: Vec<Ruling>,
	/// Who contests.
	pub challengers: Vec<AccountId>,
	/// How many of the shards, from the first on, are contested.
	pub contested_shards: u32,
	/// How often what may happen.
	pub allowance: Allowance,
	/// Whether everything is submitted in the first block, and nothing later.
	pub hurried: bool,
	/// Whether calls that must be refused are tried wherever there is one.
	pub intrusive: bool,
	/// Whether rewards are claimed.
	pub paydays: bool,
}

impl Scenario {
	/// One trainer and a committee of that many, with the shortest phases that can be set; nothing besides.
	pub fn new(committee: u32) -> Self {
		Self {
			evaluators: committee.into(),
			rounds: RoundParameters {
				committee_size: committee,
				min_committee: committee,
				draw_delay: 2,
				commit_blocks: 1,
				reveal_blocks: 1,
				contest_blocks: 1,
				max_attempts: 1,
				max_draw_tries: 2,
				submission_bond: 1_000,
				bond_per_mib: 10,
				measurement_fee: 100,
				work_bits: 0,
				work_blocks: 10,
				// No rejection is forgiven before the end.
				forgive_blocks: 10_000,
				max_measured: 4,
				replacements: 0,
			},
			places: 4,
			disputes: DisputeParameters {
				bond: 1_000,
				opening_blocks: 1,
				draw_delay: 2,
				commit_blocks: 1,
				reveal_blocks: 1,
				referees: 1,
				max_attempts: 1,
				max_draw_tries: 2,
			},
			contestable: false,
			truths: vec![[Truth::Better; 2]],
			claims: vec![Claim::Better, Claim::NoBetter],
			rulings: vec![Ruling::Better, Ruling::NoBetter, Ruling::Unable],
			challengers: vec![CHALLENGER],
			contested_shards: 1,
			allowance: Allowance { submissions: [1, 0], ..Default::default() },
			hurried: false,
			intrusive: false,
			paydays: false,
		}
	}

	/// Everybody who evaluates or referees.
	pub fn evaluators(&self) -> impl Iterator<Item = AccountId> {
		FIRST_EVALUATOR..FIRST_EVALUATOR + self.evaluators
	}

	/// The longest that a dispute can be open, in blocks, whatever anybody does or does not.
	pub fn longest_dispute(&self) -> BlockNumber {
		let p = &self.disputes;
		let attempt = p.draw_delay * p.max_draw_tries + (p.commit_blocks + 1) + (p.reveal_blocks + 1);
		u64::from(p.opening_blocks + 1 + p.max_attempts * attempt) + self.delays()
	}

	/// The longest that a round can be open once it is measured, likewise: every try to draw in every attempt
	/// and for every replacement, every phase to its end, and a dispute begun in the last block that takes
	/// one.
	pub fn longest_round(&self) -> BlockNumber {
		let p = &self.rounds;
		let draw = p.draw_delay + (1..p.max_draw_tries).map(draw_backoff).sum::<u32>();
		let phases = (1 + p.replacements) * (draw + p.commit_blocks + 1) + (p.reveal_blocks + 1);
		let contest = match self.contestable {
			true if self.allowance.contests > 0 => p.contest_blocks as u64 + 1 + self.longest_dispute() + 1,
			true => p.contest_blocks as u64 + 1,
			false => 0,
		};
		u64::from(p.max_attempts) * (u64::from(phases) + contest) + self.delays()
	}

	/// The longest that a submission can be in line: until every other one was measured.
	pub fn longest_wait(&self) -> BlockNumber {
		self.rivals() * self.longest_round()
	}

	/// Submissions that there can be besides any one.
	fn rivals(&self) -> u64 {
		self.allowance.submissions.iter().map(|n| u64::from(*n)).sum::<u64>().saturating_sub(1)
	}

	/// Blocks by which deadlines are served late: those that are busy, and one for each other round that wants
	/// the same slot of the agenda, at each step.
	fn delays(&self) -> BlockNumber {
		let RoundParameters { max_attempts, max_draw_tries, replacements, .. } = self.rounds;
		let steps = u64::from(max_attempts * (1 + replacements) * (max_draw_tries + 4));
		u64::from(self.allowance.busy_blocks) + self.rivals() * steps
	}
}
