//! The pallets as a [`Model`]: a state is what they have in storage, and what happened.

use crate::{
	accounts::{self, Books},
	actions::{next_block, possible, referee_of, Action, Service},
	explorer::Model,
	history::History,
	invariants,
	mock::{
		AccountId, Balances, ExpertDag, Places, ProofOfLearning, RuntimeEvent, RuntimeGenesisConfig,
		RuntimeOrigin, System, Test, Workers,
	},
	sabotage::{self, Sabotage},
	scenario::*,
};
use blyan_primitives::{
	architecture::{Architecture, ExpertCount},
	cid::{Cid, CidCodec},
	dag::{Block, BlockKind, Component, ContentFormat, NewBlock, NewBlocks, Parents, SubmissionId},
	draw::draw_shards,
	learning::{self, Domain, DomainName, Finding, RefereeFinding, Report, ValidationPool},
	worker::{Endpoint, Role, Roles},
	Hash,
};
use codec::Encode;
use polkadot_sdk::{
	frame_support::{traits::fungible::Mutate, BoundedVec},
	pallet_balances,
	sp_core::storage::Storage,
	sp_io::hashing::blake2_128,
	sp_runtime::BuildStorage,
	sp_state_machine::BasicExternalities,
};
use std::{
	collections::BTreeMap,
	panic::{catch_unwind, AssertUnwindSafe},
};

/// What storage has otherwise than at the beginning; `None` for what is gone.
pub type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// All there is to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct State {
	changes: Changes,
	history: History,
}

/// The pallets with a cast.
pub struct World {
	scenario: Scenario,
	sabotage: Option<Sabotage>,
	genesis: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl World {
	/// With the pallets as they are.
	pub fn new(scenario: Scenario) -> Self {
		Self::with_sabotage(scenario, None)
	}

	/// With something gone wrong.
	pub fn with_sabotage(scenario: Scenario, sabotage: Option<Sabotage>) -> Self {
		Places::set(scenario.places);
		let mut externalities = BasicExternalities::new(genesis(&scenario));
		externalities.execute_with(|| set_up(&scenario));
		Self { scenario, sabotage, genesis: externalities.into_storages().top }
	}

	/// Runs that on a state's storage; with what it changed there. A panic is an error.
	fn run<R>(
		&self,
		changes: &Changes,
		f: impl FnOnce() -> Result<R, String>,
	) -> Result<(R, Changes), String> {
		let mut top = self.genesis.clone();
		for (key, value) in changes {
			match value {
				Some(value) => top.insert(key.clone(), value.clone()),
				None => top.remove(key),
			};
		}
		let mut externalities = BasicExternalities::new(Storage { top, ..Default::default() });
		Places::set(self.scenario.places);
		sabotage::set(self.sabotage);
		let result = externalities.execute_with(|| catch_unwind(AssertUnwindSafe(f)));
		sabotage::set(None);
		let result = result.map_err(|panic| {
			let text = panic.downcast_ref::<String>().cloned();
			let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
			format!("panic: {}", text.unwrap_or_default())
		})??;
		let mut after = externalities.into_storages().top;
		let mut changes = Changes::new();
		for (key, value) in &self.genesis {
			match after.remove(key) {
				Some(now) if now == *value => {}
				now => {
					changes.insert(key.clone(), now);
				}
			}
		}
		changes.extend(after.into_iter().map(|(key, value)| (key, Some(value))));
		Ok((result, changes))
	}
}

impl Model for World {
	type State = State;
	type Action = Action;

	fn initial(&self) -> Vec<State> {
		let history = |truths: &[Truth; 2]| History::new(*truths, self.scenario.allowance);
		let truths = self.scenario.truths.iter();
		truths.map(|truths| State { changes: Changes::new(), history: history(truths) }).collect()
	}

	fn fingerprint(&self, state: &State) -> u128 {
		u128::from_le_bytes(blake2_128(&(&state.changes, &state.history).encode()))
	}

	fn actions(&self, state: &State) -> Result<Vec<Action>, String> {
		let read = || {
			invariants::check(&self.scenario, &state.history)?;
			Ok(possible(&self.scenario, &state.history))
		};
		self.run(&state.changes, read).map(|(actions, _)| actions)
	}

	fn next(&self, state: &State, action: &Action) -> Result<Option<State>, String> {
		let mut history = state.history.clone();
		let step = || {
			let before = Books::read();
			if !action.perform(&mut history)? {
				return Ok(false);
			}
			let events = System::read_events_no_consensus().map(|record| record.event).collect::<Vec<_>>();
			do_damage(&events);
			let after = Books::read();
			accounts::check(&state.history, &before, &after, &events)?;
			history.follow(&self.scenario, &before, &after, &events)?;
			System::reset_events();
			Ok(true)
		};
		let (taken, changes) = self.run(&state.changes, step)?;
		if taken {
			Ok(Some(State { changes, history }))
		} else if changes == state.changes {
			Ok(None)
		} else {
			Err("what is not taken changes something all the same".into())
		}
	}
}

/// What goes wrong besides what [`sabotage`] does at the seams.
fn do_damage(events: &[RuntimeEvent]) {
	use pallet_proof_of_learning::{Agenda, Event};
	for event in events {
		match event {
			RuntimeEvent::ProofOfLearning(Event::BondReturned { trainer, amount, .. })
				if sabotage::is(Sabotage::BondDoubled) =>
			{
				let _ = Balances::mint_into(trainer, *amount);
			}
			RuntimeEvent::ProofOfLearning(Event::RevealOpened { until, .. })
				if sabotage::is(Sabotage::AgendaForgotten) =>
			{
				Agenda::<Test>::remove(until + 1);
			}
			_ => {}
		}
	}
}

fn genesis(scenario: &Scenario) -> Storage {
	let endowed = [OWNER, CHALLENGER].into_iter().chain(TRAINERS).chain(scenario.evaluators());
	let genesis = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig {
			balances: endowed.map(|who| (who, ENDOWMENT)).collect(),
			..Default::default()
		},
		workers: pallet_workers::GenesisConfig {
			parameters: pallet_workers::WorkerParameters { min_bond: 1_000, unbonding_blocks: 2 },
			..Default::default()
		},
		proof_of_learning: pallet_proof_of_learning::GenesisConfig {
			parameters: scenario.rounds.clone(),
			..Default::default()
		},
		disputes: pallet_disputes::GenesisConfig {
			parameters: scenario.disputes.clone(),
			..Default::default()
		},
		rewards: pallet_rewards::GenesisConfig {
			parameters: pallet_rewards::RewardParameters {
				epoch_blocks: 10,
				min_payout: MIN_PAYOUT,
				learning_rate: 1_000_000,
				claim_expiry_epochs: 2,
				data_patience_epochs: 1,
				credits: Default::default(),
			},
			..Default::default()
		},
		..Default::default()
	};
	match genesis.build_storage() {
		Ok(storage) => storage,
		Err(error) => panic!("genesis: {error}"),
	}
}

/// Registers everybody and a model, and opens its training.
fn set_up(scenario: &Scenario) {
	System::set_block_number(FIRST_BLOCK - 1);
	for who in TRAINERS {
		register(who, Role::Trainer);
	}
	for who in scenario.evaluators() {
		register(who, Role::Evaluator);
	}
	let owner = RuntimeOrigin::signed(OWNER);
	let name = BoundedVec::truncate_from(b"tiny".to_vec());
	let registered = ExpertDag::register_model(owner.clone(), name, architecture());
	let blocks = NewBlocks::truncate_from(architecture().components().map(genesis_block).collect());
	let released = ExpertDag::add_genesis_blocks(owner.clone(), MODEL, blocks);
	let opened = ProofOfLearning::open_training(owner, MODEL, pool(), GATE, referee_of(scenario));
	assert!(
		registered.is_ok() && released.is_ok() && opened.is_ok(),
		"{registered:?} {released:?} {opened:?}"
	);
	next_block(Service::All, true);
	System::reset_events();
}

fn register(who: AccountId, role: Role) {
	let registered = Workers::register(
		RuntimeOrigin::signed(who),
		Roles::default().with(role),
		Hash::from_low_u64_be(who),
		[1; 32],
		Endpoint::truncate_from(b"http://127.0.0.1:1".to_vec()),
		WORKER_BOND,
	);
	assert!(registered.is_ok(), "{registered:?}");
}

/// One layer with one expert: the smallest that there is.
fn architecture() -> Architecture {
	Architecture::byte_level(1, ExpertCount { min: 1, current: 1, max: 1 }, 1, 16, 32, 2, 32)
}

const TRAINED: Component = Component::Expert { layer: 0, index: 0 };

fn genesis_block(component: Component) -> NewBlock {
	NewBlock {
		component,
		kind: BlockKind::Genesis,
		parents: Parents::default(),
		content: Cid { codec: CidCodec::DagPb, digest: [0; 32] },
		bytes: 1,
		format: ContentFormat::TensorBlock,
		manifest_hash: Hash::zero(),
	}
}

/// What a trainer submits: each number always the same.
pub fn new_block(trainer: AccountId, number: u8) -> NewBlock {
	let first = Block::from_new(MODEL, OWNER, genesis_block(TRAINED)).id();
	let mut digest = [trainer as u8; 32];
	digest[0] = number;
	NewBlock {
		kind: BlockKind::Update,
		parents: Parents::truncate_from(vec![first]),
		content: Cid { codec: CidCodec::DagPb, digest },
		..genesis_block(TRAINED)
	}
}

/// What candidates are measured on.
pub fn pool() -> ValidationPool {
	let domain = || Domain { name: DomainName::default(), shards: 4 };
	ValidationPool {
		content: Cid { codec: CidCodec::DagPb, digest: [7; 32] },
		shard_bytes: 512,
		domains: BoundedVec::truncate_from((0..DOMAINS).map(|_| domain()).collect()),
	}
}

/// The reference evaluator.
pub fn referee() -> Hash {
	Hash::repeat_byte(4)
}

/// What evaluators salt their commitments with. All the same, so that a copy would be as good as the original
/// if it were not bound to the account.
pub const SALT: [u8; 32] = [1; 32];
/// The same for referees.
pub const RULING_SALT: [u8; 32] = [2; 32];

/// What an evaluator sends who claims that.
pub fn finding_of(round: SubmissionId, claim: Claim) -> Finding {
	match claim {
		Claim::Unfetchable => Finding::Unfetchable,
		Claim::Malformed => Finding::Malformed,
		Claim::Better | Claim::NoBetter | Claim::Worse => Finding::Measured(report_of(round, claim)),
		Claim::Invented => {
			let losses_root = report_of(round, claim).losses_root;
			Finding::Measured(Report { losses_root, ..report_of(round, Claim::Better) })
		}
	}
}

fn report_of(round: SubmissionId, claim: Claim) -> Report {
	let draw = pallet_proof_of_learning::Rounds::<Test>::get(round).and_then(|round| round.draw);
	let seed = draw.map(|draw| draw.seed).unwrap_or_default();
	Report::of_losses(&pool(), &GATE, &draw_shards(seed, &pool(), &GATE), &claim.losses())
}

/// The hash that it commits to.
pub fn commitment_of(who: AccountId, round: SubmissionId, claim: Claim) -> Hash {
	let record = pallet_proof_of_learning::Rounds::<Test>::get(round);
	let (attempt, blocks) = record.map(|round| (round.attempt, round.blocks)).unwrap_or_default();
	learning::commitment(&who, round, attempt, &blocks, &finding_of(round, claim), &SALT)
}

/// What a referee sends who rules that.
pub fn ruling_of(ruling: Ruling) -> RefereeFinding {
	let exact =
		|truth| losses_of(truth).first().map_or(RefereeFinding::Unable, |l| RefereeFinding::Exact(*l));
	match ruling {
		Ruling::Better => exact(Truth::Better),
		Ruling::NoBetter => exact(Truth::NoBetter),
		Ruling::Worse => exact(Truth::Worse),
		Ruling::Unable => RefereeFinding::Unable,
	}
}
