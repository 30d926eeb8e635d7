//! Who may be a validator: nominated proof of stake, and what becomes of those who cheat.
//!
//! FRAME's own pallets. Nothing here mints: validators are to be paid by pallet `rewards`. Decision 022 says why
//! the numbers are what they are.

use crate::{configs::EPOCH_DURATION_IN_SLOTS, *};
use alloc::vec::Vec;
use blyan_primitives::economy::BLY;
use frame_election_provider_support::{
	bounds::{ElectionBounds, ElectionBoundsBuilder},
	onchain, ScoreProvider, SequentialPhragmen, VoteWeight,
};
use frame_support::{
	parameter_types,
	traits::{ConstBool, ConstU32, Nothing},
	weights::Weight,
};
use pallet_session::historical::IdentificationTuple;
use pallet_staking::WeightInfo as _;
use sp_runtime::{
	traits::{SaturatedConversion, UniqueSaturatedInto},
	Perbill,
};
use sp_staking::{
	currency_to_vote::CurrencyToVote,
	offence::{Kind, Offence, OffenceDetails, OffenceError, OnOffenceHandler, ReportOffence},
	EraIndex, SessionIndex, StakingInterface,
};

/// Sessions of an hour that make an era: validators are elected once a day.
pub const SESSIONS_PER_ERA: SessionIndex = 24;
/// Eras that a stake stays after it was unbonded: 28 days, in which what was done with it can be proven.
pub const BONDING_ERAS: EraIndex = 28;
/// Whole eras between that of an offence and the slash, in which governance can cancel it: 24 hours at least.
pub const SLASH_DEFER_ERAS: EraIndex = 1;
/// Of the stake, own and nominated, for signing two blocks of a slot or two votes of a round.
pub const EQUIVOCATION_SLASH: Perbill = Perbill::from_percent(10);

/// Most validators at a time.
pub const MAX_SEATS: u32 = 100;
/// Most candidates. With more there would be no elections any more, so each preset sets this as the limit.
pub const MAX_CANDIDATES: u32 = 200;
/// Voters that an election counts: nominators and candidates, those with the most stake first.
pub const MAX_VOTERS: u32 = 1_000;
/// Candidates that a nominator may name.
const MAX_NOMINATIONS: u32 = 16;
/// Nominators that count for a validator, those with the most stake first.
const MAX_BACKERS: u32 = 500;

/// Units of BLY that make a vote. With the cap of a thousand million BLY, all votes fit in 64 bits, and what a vote
/// is worth does not change with the supply.
const UNITS_PER_VOTE: Balance = 1_000;
/// Scores at which bags of voters end: from 100 BLY to more than there can be, each a quarter more than the last.
const BAGS: usize = 74;
static BAG_THRESHOLDS: [VoteWeight; BAGS] = bag_thresholds();

const fn bag_thresholds() -> [VoteWeight; BAGS] {
	let mut bags = [0; BAGS];
	let mut threshold = (100 * BLY / UNITS_PER_VOTE) as VoteWeight;
	let mut place = 0;
	while place < BAGS {
		bags[place] = threshold;
		threshold += threshold / 4;
		place += 1;
	}
	bags
}

parameter_types! {
	pub const BagThresholds: &'static [VoteWeight] = &BAG_THRESHOLDS;
	pub const SessionsPerEra: SessionIndex = SESSIONS_PER_ERA;
	pub const BondingDuration: EraIndex = BONDING_ERAS;
	pub const SlashDeferDuration: EraIndex = SLASH_DEFER_ERAS;
	/// Sessions whose equivocations can still be proven: as long as the stake of then is there.
	pub const MaxSetIdSessionEntries: u64 = BONDING_ERAS as u64 * SESSIONS_PER_ERA as u64;
	/// Blocks for which a report stays valid, likewise.
	pub const ReportLongevity: u64 = MaxSetIdSessionEntries::get() * EPOCH_DURATION_IN_SLOTS;
	pub Bounds: ElectionBounds = ElectionBoundsBuilder::default()
		.voters_count(MAX_VOTERS.into())
		.targets_count(MAX_CANDIDATES.into())
		.build();
}

/// Most nominators that a report of an equivocation may have to slash.
pub type MaxBackers = ConstU32<MAX_BACKERS>;

/// Balances as votes and back.
pub struct Votes;

impl CurrencyToVote<Balance> for Votes {
	fn to_vote(value: Balance, _issuance: Balance) -> u64 {
		(value / UNITS_PER_VOTE).unique_saturated_into()
	}

	fn to_currency(value: u128, _issuance: Balance) -> Balance {
		value.saturating_mul(UNITS_PER_VOTE)
	}

	fn will_downscale(_issuance: Balance) -> Option<bool> {
		Some(true)
	}
}

/// Elections in the block that needs them: what they count is bounded.
pub struct Elections;

impl onchain::Config for Elections {
	// What is beyond the bounds is left out, the least stake first, rather than fail.
	type Sort = ConstBool<true>;
	type System = Runtime;
	type Solver = SequentialPhragmen<AccountId, Perbill>;
	type MaxBackersPerWinner = MaxBackers;
	type MaxWinnersPerPage = ConstU32<MAX_SEATS>;
	type DataProvider = Staking;
	type WeightInfo = frame_election_provider_support::weights::SubstrateWeight<Runtime>;
	type Bounds = Bounds;
}

/// Sizes for the benchmarks of staking.
pub struct StakingBenchmarks;

impl pallet_staking::BenchmarkingConfig for StakingBenchmarks {
	type MaxValidators = ConstU32<MAX_CANDIDATES>;
	type MaxNominators = ConstU32<MAX_VOTERS>;
}

impl pallet_staking::Config for Runtime {
	type OldCurrency = Balances;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type CurrencyBalance = Balance;
	type UnixTime = Timestamp;
	type CurrencyToVote = Votes;
	type ElectionProvider = onchain::OnChainExecution<Elections>;
	type GenesisElectionProvider = Self::ElectionProvider;
	type NominationsQuota = pallet_staking::FixedNominationsQuota<MAX_NOMINATIONS>;
	type HistoryDepth = ConstU32<84>;
	// No era pays anything: pallet `rewards` mints, and nothing else does.
	type EraPayout = ();
	type RewardRemainder = ();
	type Reward = ();
	type RuntimeEvent = RuntimeEvent;
	// A slash is burned.
	type Slash = ();
	type SessionsPerEra = SessionsPerEra;
	type BondingDuration = BondingDuration;
	type SlashDeferDuration = SlashDeferDuration;
	// Root is governance.
	type AdminOrigin = frame_system::EnsureRoot<AccountId>;
	type SessionInterface = Self;
	type NextNewSession = Session;
	type MaxExposurePageSize = ConstU32<64>;
	type MaxValidatorSet = ConstU32<MAX_SEATS>;
	type VoterList = VoterList;
	type TargetList = pallet_staking::UseValidatorsMap<Self>;
	type MaxUnlockingChunks = ConstU32<32>;
	type MaxControllersInDeprecationBatch = ConstU32<100>;
	type EventListeners = ();
	type Filter = Nothing;
	type BenchmarkingConfig = StakingBenchmarks;
	type WeightInfo = pallet_staking::weights::SubstrateWeight<Runtime>;
}

/// The votes of who is a nominator or a candidate. Staking gives them to everybody who has bonded, so that anybody
/// could put others on the list by `rebag`, where they take the places of voters.
pub struct VoterScores;

impl ScoreProvider<AccountId> for VoterScores {
	type Score = VoteWeight;

	fn score(who: &AccountId) -> Option<VoteWeight> {
		use pallet_staking::{Nominators, Validators};
		// Benchmarks of the list make up accounts that are neither.
		let votes = cfg!(feature = "runtime-benchmarks")
			|| Nominators::<Runtime>::contains_key(who)
			|| Validators::<Runtime>::contains_key(who);
		votes.then(|| <Staking as ScoreProvider<AccountId>>::score(who)).flatten()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn set_score_of(who: &AccountId, score: VoteWeight) {
		<Staking as ScoreProvider<AccountId>>::set_score_of(who, score);
	}
}

impl pallet_bags_list::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_bags_list::weights::SubstrateWeight<Runtime>;
	type ScoreProvider = VoterScores;
	type BagThresholds = BagThresholds;
	// A slash does not move a voter to its bag; whoever is behind it can, by `rebag`.
	type MaxAutoRebagPerBlock = ConstU32<0>;
	type Score = VoteWeight;
}

impl pallet_session::historical::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type FullIdentification = ();
	type FullIdentificationOf = pallet_staking::UnitIdentificationOf<Self>;
}

impl pallet_offences::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type IdentificationTuple = IdentificationTuple<Self>;
	type OnOffenceHandler = Punishment;
}

/// What BABE and GRANDPA report to. What is older than the bonding period is dropped.
pub type Equivocations = EquivocationsTo<pallet_staking::FilterHistoricalOffences<Staking, Offences>>;

/// Passes equivocations on with the slash of the spec instead of their own.
pub struct EquivocationsTo<R>(core::marker::PhantomData<R>);

impl<R, Reporter, Offender, O> ReportOffence<Reporter, Offender, O> for EquivocationsTo<R>
where
	R: ReportOffence<Reporter, Offender, Equivocation<O>>,
	O: Offence<Offender>,
{
	fn report_offence(reporters: Vec<Reporter>, offence: O) -> Result<(), OffenceError> {
		R::report_offence(reporters, Equivocation(offence))
	}

	fn is_known_offence(offenders: &[Offender], time_slot: &O::Slot) -> bool {
		R::is_known_offence(offenders, time_slot)
	}
}

/// An equivocation as it is slashed here: a tenth for one alone, be it a machine set up twice by mistake; for several
/// in the same slot or round at least that, and as much as NPoS asks for, `(3 * offenders / validators)^2`.
pub struct Equivocation<O>(O);

impl<Offender, O: Offence<Offender>> Offence<Offender> for Equivocation<O> {
	const ID: Kind = O::ID;
	type Slot = O::Slot;

	fn offenders(&self) -> Vec<Offender> {
		self.0.offenders()
	}

	fn session_index(&self) -> SessionIndex {
		self.0.session_index()
	}

	fn validator_set_count(&self) -> u32 {
		self.0.validator_set_count()
	}

	fn slot(&self) -> Self::Slot {
		self.0.slot()
	}

	fn slash_fraction(&self, offenders_count: u32) -> Perbill {
		if offenders_count > 1 {
			self.0.slash_fraction(offenders_count).max(EQUIVOCATION_SLASH)
		} else {
			EQUIVOCATION_SLASH
		}
	}
}

/// What follows an offence: its slash is computed and deferred, and the offender is a candidate no more until it says
/// so again.
pub struct Punishment;

impl OnOffenceHandler<AccountId, IdentificationTuple<Runtime>, Weight> for Punishment {
	fn on_offence(
		offenders: &[OffenceDetails<AccountId, IdentificationTuple<Runtime>>],
		slash_fractions: &[Perbill],
		session: SessionIndex,
	) -> Weight {
		let slashed = <Staking as OnOffenceHandler<_, IdentificationTuple<Runtime>, _>>::on_offence(
			offenders,
			slash_fractions,
			session,
		);
		for details in offenders {
			// Fails only for who has withdrawn everything since, and is no candidate.
			let _ = <Staking as StakingInterface>::chill(&details.offender.0);
		}
		let chilled = <Runtime as pallet_staking::Config>::WeightInfo::chill();
		slashed
			.saturating_add(chilled.saturating_mul(offenders.len().saturated_into()))
			.saturating_add(reschedule_late_slashes(session))
	}
}

/// Staking puts a slash off until `SLASH_DEFER_ERAS` after the era of the offence, and applies those of each era when
/// it starts. If the offence was reported later than that, that era is over, and the slash would never be applied: it
/// is put off from now instead, but not past the time when what was unbonded at the offence can be withdrawn.
fn reschedule_late_slashes(session: SessionIndex) -> Weight {
	use pallet_staking::{ActiveEra, BondedEras, UnappliedSlashes};
	let weight = <Runtime as frame_system::Config>::DbWeight::get();
	let active = ActiveEra::<Runtime>::get().map_or(0, |era| era.index);
	let eras = BondedEras::<Runtime>::get();
	let Some((era, _)) = eras.into_iter().rev().find(|(_, first_session)| *first_session <= session) else {
		return weight.reads(2);
	};
	let missed = era.saturating_add(SLASH_DEFER_ERAS).saturating_add(1);
	if missed > active {
		return weight.reads(2);
	}
	let slashes = UnappliedSlashes::<Runtime>::take(missed);
	// The era in which a stake can be withdrawn is planned a session before it starts.
	let latest = era.saturating_add(BONDING_ERAS).saturating_sub(1);
	let next = active.saturating_add(1);
	let due = next.saturating_add(SLASH_DEFER_ERAS).min(latest).max(next);
	UnappliedSlashes::<Runtime>::mutate(due, |waiting| waiting.extend(slashes));
	weight.reads_writes(4, 2)
}

// Reports of equivocations are transactions that nobody signs.
impl<C> frame_system::offchain::CreateTransactionBase<C> for Runtime
where
	RuntimeCall: From<C>,
{
	type Extrinsic = UncheckedExtrinsic;
	type RuntimeCall = RuntimeCall;
}

impl<C> frame_system::offchain::CreateBare<C> for Runtime
where
	RuntimeCall: From<C>,
{
	fn create_bare(call: RuntimeCall) -> UncheckedExtrinsic {
		UncheckedExtrinsic::new_bare(call)
	}
}
