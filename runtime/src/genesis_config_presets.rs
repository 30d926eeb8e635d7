//! Starting states: `development` (one validator, sudo) and `local_testnet` (two validators, no sudo).
//!
//! The validators are elected from their stakes from the first block on, as any others would be.
//!
//! Both start with exactly the genesis supply. Their keys are the well-known development keys: neither
//! is for a network with money at stake.

use crate::{
	configs::{EPOCH_CONFIG, MAX_CANDIDATES},
	*,
};
use alloc::{vec, vec::Vec};
use blyan_primitives::{
	economy::{BLY, GENESIS_SUPPLY},
	usage::UsageParameters,
};
use frame_support::build_struct_json_patch;
use pallet_canaries::CanaryParameters;
use pallet_datasets::DatasetParameters;
use pallet_disputes::DisputeParameters;
use pallet_manifests::AuditParameters;
use pallet_proof_of_learning::RoundParameters;
use pallet_rewards::RewardParameters;
use pallet_sealed_shards::SealedParameters;
use pallet_staking::StakerStatus;
use serde_json::Value;
use sp_consensus_babe::AuthorityId as BabeId;
use sp_consensus_grandpa::AuthorityId as GrandpaId;
use sp_genesis_builder::{PresetId, DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::Perbill;

/// What each development account starts with; the first takes what is left of the genesis supply.
const ENDOWMENT: Balance = 1_000_000 * BLY;
/// What each validator of genesis has bonded of that.
const VALIDATOR_BOND: Balance = 100_000 * BLY;
/// What who joins has to bond at least.
const MIN_VALIDATOR_BOND: Balance = 10_000 * BLY;
/// What a nominator has to bond at least: the first of the bags that sort the voters begins there.
const MIN_NOMINATOR_BOND: Balance = 100 * BLY;
/// Seats of a local network: those who join need not displace anybody.
const LOCAL_SEATS: u32 = 16;

/// A validator under its development keys: sr25519 for blocks, ed25519 for finality.
fn validator(account: Sr25519Keyring, finality: Ed25519Keyring) -> (AccountId, AccountId, SessionKeys) {
	let keys =
		SessionKeys { babe: BabeId::from(account.public()), grandpa: GrandpaId::from(finality.public()) };
	(account.to_account_id(), account.to_account_id(), keys)
}

/// Zero bits of a proof of work on a local network: a fraction of a second. A development chain asks for none, so
/// that a round can be walked through by hand.
const LOCAL_WORK_BITS: u32 = 16;

/// Periods short enough to watch a whole life cycle; the rules are those of any network.
fn local_round_parameters(work_bits: u32) -> RoundParameters {
	RoundParameters {
		committee_size: 3,
		min_committee: 3,
		commit_blocks: 40,
		reveal_blocks: 15,
		contest_blocks: 6,
		work_bits,
		..RoundParameters::default()
	}
}

/// Few referees: a local network has few evaluators, of whom some are on the committee.
fn local_dispute_parameters() -> DisputeParameters {
	DisputeParameters {
		opening_blocks: 10,
		commit_blocks: 40,
		reveal_blocks: 15,
		referees: 3,
		..DisputeParameters::default()
	}
}

/// Time enough to be seen; a local network's sealer runs beside it.
fn local_sealed_parameters() -> SealedParameters {
	SealedParameters { opening_blocks: 20, retention_blocks: 40, ..SealedParameters::default() }
}

/// Every key is drawn in every period, and periods are short.
fn local_canary_parameters() -> CanaryParameters {
	CanaryParameters { period_blocks: 5, chance: Perbill::one(), ..CanaryParameters::default() }
}

/// One auditor: a local network has few workers.
fn local_audit_parameters() -> AuditParameters {
	AuditParameters { auditors: 1, commit_blocks: 40, reveal_blocks: 15, ..AuditParameters::default() }
}

/// A dataset's life in two minutes, looked at by as many auditors as a local network has.
fn local_dataset_parameters(work_bits: u32) -> DatasetParameters {
	DatasetParameters {
		auditors: 2,
		commit_blocks: 15,
		reveal_blocks: 10,
		vote_blocks: 20,
		extension_blocks: 10,
		work_bits,
		..DatasetParameters::default()
	}
}

fn local_reward_parameters() -> RewardParameters {
	RewardParameters { epoch_blocks: 20, min_payout: BLY / 100, ..RewardParameters::default() }
}

/// A checkpoint every ten seconds.
fn local_checkpoint_parameters() -> pallet_checkpoints::CheckpointParameters {
	pallet_checkpoints::CheckpointParameters { checkpoint_blocks: 5, quick_blocks: 4, ..Default::default() }
}

/// Deposits can be had back within a minute.
fn local_usage_parameters() -> UsageParameters {
	UsageParameters {
		fresh_blocks: 20,
		max_age_blocks: 30,
		withdrawal_blocks: 30,
		..UsageParameters::default()
	}
}

fn genesis(
	validators: Vec<(AccountId, AccountId, SessionKeys)>,
	seats: u32,
	sudo: Option<AccountId>,
	work_bits: u32,
) -> Value {
	let accounts: Vec<AccountId> = Sr25519Keyring::iter().map(|key| key.to_account_id()).collect();
	let rest =
		GENESIS_SUPPLY.saturating_sub(ENDOWMENT.saturating_mul(accounts.len().saturating_sub(1) as Balance));
	let balances: Vec<(AccountId, Balance)> = accounts
		.into_iter()
		.enumerate()
		.map(|(place, account)| (account, if place == 0 { rest } else { ENDOWMENT }))
		.collect();
	let stakers = validators
		.iter()
		.map(|(stash, _, _)| (stash.clone(), stash.clone(), VALIDATOR_BOND, StakerStatus::Validator))
		.collect();
	build_struct_json_patch!(RuntimeGenesisConfig {
		balances: BalancesConfig { balances },
		babe: BabeConfig { epoch_config: EPOCH_CONFIG },
		staking: StakingConfig {
			stakers,
			validator_count: seats,
			// One is enough to go on with, so that an offender can lose its seat where there are two.
			minimum_validator_count: 1,
			min_validator_bond: MIN_VALIDATOR_BOND,
			min_nominator_bond: MIN_NOMINATOR_BOND,
			max_validator_count: Some(MAX_CANDIDATES),
		},
		session: SessionConfig { keys: validators },
		sudo: SudoConfig { key: sudo },
		proof_of_learning: ProofOfLearningConfig { parameters: local_round_parameters(work_bits) },
		disputes: DisputesConfig { parameters: local_dispute_parameters() },
		sealed_shards: SealedShardsConfig { parameters: local_sealed_parameters() },
		canaries: CanariesConfig { parameters: local_canary_parameters() },
		manifests: ManifestsConfig { parameters: local_audit_parameters() },
		datasets: DatasetsConfig { parameters: local_dataset_parameters(work_bits) },
		rewards: RewardsConfig { parameters: local_reward_parameters() },
		usage: UsageConfig { parameters: local_usage_parameters() },
		checkpoints: CheckpointsConfig { parameters: local_checkpoint_parameters() },
	})
}

/// The names of the presets.
pub fn preset_names() -> Vec<PresetId> {
	vec![PresetId::from(DEV_RUNTIME_PRESET), PresetId::from(LOCAL_TESTNET_RUNTIME_PRESET)]
}

/// A preset as JSON, or `None` if there is none of that name.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
	let alice = || validator(Sr25519Keyring::Alice, Ed25519Keyring::Alice);
	let bob = || validator(Sr25519Keyring::Bob, Ed25519Keyring::Bob);
	let patch = match id.as_ref() {
		DEV_RUNTIME_PRESET => genesis(vec![alice()], 1, Some(Sr25519Keyring::Alice.to_account_id()), 0),
		LOCAL_TESTNET_RUNTIME_PRESET => genesis(vec![alice(), bob()], LOCAL_SEATS, None, LOCAL_WORK_BITS),
		_ => return None,
	};
	serde_json::to_vec(&patch).ok()
}
