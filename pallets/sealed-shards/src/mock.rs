//! A runtime of balances and sealed lots. Models and rounds are a small world in storage.

use crate as pallet_sealed_shards;
use crate::*;
use blyan_primitives::{
	cid::{Cid, CidCodec},
	dag::{ModelId, SubmissionId},
	learning::{Domain, DomainName, Gate, ValidationPool},
	sealed::{key_hash, LotId, LotKey, LotState, NewLot, SealedTerms},
	traits::{DrawnLots, SealedReserve, SealedRounds, WantedLots},
	Balance, Hash,
};
use polkadot_sdk::{
	frame_support::{
		self, assert_ok, derive_impl, storage_alias,
		traits::fungible::{hold::Inspect, Inspect as _},
		Blake2_128Concat, BoundedVec, Twox64Concat,
	},
	frame_system, pallet_balances,
	sp_core::{ConstU128, ConstU32},
	sp_io::TestExternalities,
	sp_runtime::BuildStorage,
};

pub type AccountId = u64;
pub type BlockNumber = u64;
type Block = frame_system::mocking::MockBlock<Test>;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		SealedShards: pallet_sealed_shards,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type AccountStore = System;
	type ExistentialDeposit = ConstU128<1>;
	type RuntimeHoldReason = RuntimeHoldReason;
}

pub const DEPOSIT: Balance = 10;
pub const BOND: Balance = 100;
pub const OPENING_BLOCKS: u32 = 5;
pub const RETENTION_BLOCKS: u32 = 20;
pub const MAX_RESERVE: u32 = 12;

impl Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Rounds = World;
	type LotDeposit = ConstU128<DEPOSIT>;
	type MaxReserve = ConstU32<MAX_RESERVE>;
	type MaxBatch = ConstU32<4>;
	type WeightInfo = ();
}

pub const OWNER: AccountId = 1;
pub const TRAINER: AccountId = 2;
pub const SEALER: AccountId = 10;
/// Sealers are numbered from [`SEALER`] on.
pub const SEALERS: u64 = 12;
pub const STRANGER: AccountId = 99;
pub const ENDOWMENT: Balance = 10_000;
pub const MODEL: ModelId = 0;
/// A model whose training is not open.
pub const UNOPENED: ModelId = 1;
pub const SHARD_BYTES: u32 = 64;
pub const SHARDS: u32 = 4;

/// A round: what it waits for, until when, and whether it is open.
#[storage_alias]
type Waiting = StorageMap<World, Twox64Concat, SubmissionId, (Vec<LotId>, BlockNumber, bool)>;
#[storage_alias]
type Training = StorageMap<World, Blake2_128Concat, AccountId, ()>;

/// Rounds and models that the runtime has and this mock has not.
pub struct World;

impl World {
	pub fn set_training(who: AccountId) {
		Training::insert(who, ());
	}

	pub fn close(round: SubmissionId) {
		Waiting::mutate(round, |entry| entry.as_mut().unwrap().2 = false);
	}

	pub fn waiting(round: SubmissionId) -> Vec<LotId> {
		Waiting::get(round).map(|(lots, ..)| lots).unwrap_or_default()
	}

	/// Draws for a round that waits from now on.
	pub fn draw(round: SubmissionId, seed: u8, excluded: &[AccountId]) -> DrawnLots {
		Self::draw_with(round, &pool(), Hash::repeat_byte(seed), excluded, System::block_number())
	}

	pub fn draw_with(
		round: SubmissionId,
		pool: &ValidationPool,
		seed: Hash,
		excluded: &[AccountId],
		before: BlockNumber,
	) -> DrawnLots {
		let gate = gate();
		let wanted = WantedLots { model: MODEL, round, pool, gate: &gate, seed, excluded, before };
		let drawn = SealedShards::draw(&wanted);
		if let DrawnLots::Lots { lots, .. } = &drawn {
			let until = System::block_number() + u64::from(SealedShards::opening_blocks());
			Waiting::insert(round, (lots.clone(), until, true));
		}
		drawn
	}

	/// Ends the opening phase as a round does.
	pub fn end_opening(round: SubmissionId) {
		for lot in Self::waiting(round) {
			SealedShards::void(lot);
		}
		Waiting::mutate(round, |entry| entry.as_mut().unwrap().0.clear());
	}
}

impl SealedRounds<AccountId> for World {
	fn is_owner(model: ModelId, who: &AccountId) -> bool {
		model <= UNOPENED && *who == OWNER
	}

	fn terms(model: ModelId) -> Option<(ValidationPool, Gate)> {
		(model == MODEL).then(|| (pool(), gate()))
	}

	fn has_open_round(who: &AccountId) -> bool {
		Training::contains_key(who)
	}

	fn is_open(round: SubmissionId) -> bool {
		Waiting::get(round).is_some_and(|(.., is_open)| is_open)
	}

	fn takes_opening(round: SubmissionId, lot: LotId) -> bool {
		Self::awaits(round, lot)
			&& Waiting::get(round).is_some_and(|(_, until, _)| System::block_number() <= until)
	}

	fn note_opened(round: SubmissionId, lot: LotId) {
		Waiting::mutate(round, |entry| entry.as_mut().unwrap().0.retain(|other| *other != lot));
	}

	fn awaits(round: SubmissionId, lot: LotId) -> bool {
		Self::waiting(round).contains(&lot)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_model() -> (ModelId, AccountId) {
		(MODEL, OWNER)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_opening(lot: LotId) -> SubmissionId {
		Waiting::insert(7, (vec![lot], BlockNumber::MAX, true));
		7
	}
}

pub fn pool() -> ValidationPool {
	let domain = Domain { name: DomainName::default(), shards: 20 };
	ValidationPool {
		content: Cid { codec: CidCodec::Raw, digest: [1; 32] },
		shard_bytes: SHARD_BYTES,
		domains: BoundedVec::truncate_from(vec![domain; 2]),
	}
}

/// Eight public shards: at most twelve sealed ones.
pub fn gate() -> Gate {
	Gate { z_milli: 2_326, delta: 0, rho: 0, tolerance: 1, shards_per_domain: 4 }
}

pub fn key(number: u64) -> LotKey {
	[number as u8 + 1; 32]
}

/// A lot whose text differs with `number`.
pub fn new_lot(number: u64) -> NewLot {
	NewLot {
		content: Cid { codec: CidCodec::Raw, digest: [number as u8; 32] },
		shards: SHARDS,
		shard_bytes: SHARD_BYTES,
		root: Hash::from_low_u64_be(number + 1),
		key_hash: key_hash(&key(number)),
		domain: DomainName::truncate_from(b"prose".to_vec()),
	}
}

/// Seals the lot of that number, and returns the number that the chain gave it.
pub fn seal(sealer: AccountId, number: u64) -> LotId {
	let id = NextLotId::<Test>::get();
	let lots = BoundedVec::truncate_from(vec![new_lot(number)]);
	assert_ok!(SealedShards::add_lots(RuntimeOrigin::signed(sealer), MODEL, lots));
	id
}

/// One lot of each of the first `count` sealers, numbered as on the chain, sealed before the next block.
pub fn seal_each(count: u64) {
	(0..count).for_each(|number| assert_eq!(seal(SEALER + number, number), number));
	next_block();
}

pub fn set_terms(lots: u32) {
	let terms = SealedTerms { lots, shards_per_lot: SHARDS };
	assert_ok!(SealedShards::set_terms(RuntimeOrigin::signed(OWNER), MODEL, terms));
}

pub fn drawn(drawn: DrawnLots) -> Vec<LotId> {
	match drawn {
		DrawnLots::Lots { lots, shards_per_lot } => {
			assert_eq!(shards_per_lot, SHARDS);
			lots
		}
		other => panic!("nothing was drawn: {other:?}"),
	}
}

pub fn state(lot: LotId) -> LotState<BlockNumber> {
	Lots::<Test>::get(lot).unwrap().state
}

pub fn held(who: AccountId) -> Balance {
	Balances::total_balance_on_hold(&who)
}

pub fn total(who: AccountId) -> Balance {
	Balances::total_balance(&who)
}

pub fn next_block() {
	System::set_block_number(System::block_number() + 1);
}

pub fn run_blocks(count: u32) {
	(0..count).for_each(|_| next_block());
}

pub fn events() -> Vec<Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::SealedShards(event) => Some(event),
			_ => None,
		})
		.collect()
}

pub fn assert_event(event: Event<Test>) {
	assert!(events().contains(&event), "{event:?} is not among {:#?}", events());
}

#[derive(Default)]
pub struct ExtBuilder;

impl ExtBuilder {
	pub fn build(self) -> TestExternalities {
		let sealers = (0..SEALERS).map(|number| SEALER + number);
		let endowed = [OWNER, TRAINER, STRANGER].into_iter().chain(sealers);
		let parameters = SealedParameters {
			opening_blocks: OPENING_BLOCKS,
			retention_blocks: RETENTION_BLOCKS,
			bond: BOND,
		};
		let genesis = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig {
				balances: endowed.map(|who| (who, ENDOWMENT)).collect(),
				..Default::default()
			},
			sealed_shards: GenesisConfig { parameters, ..Default::default() },
			..Default::default()
		};
		let mut ext = TestExternalities::new(genesis.build_storage().unwrap());
		ext.execute_with(|| System::set_block_number(1));
		ext
	}

	/// Runs a test, and checks the invariants after it.
	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			SealedShards::do_try_state().unwrap();
		});
	}
}
