//! What the fake answers.

use super::{block_hash, disconnected, FakeChain, Fault, PalletError};
use crate::{
	call::{Call, SignedCall},
	chain::{BlockRef, Chain, FinalizedBlocks, Journal, Owed, Receipt, Wait},
	error::{ChainError, SubmitError},
	key::Signer,
};
use async_trait::async_trait;
use blyan_primitives::{
	api::{
		AuditStage, AuditTerms, BlockInfo, CanaryKeyInfo, DataUseInfo, DatasetRecord, DatasetStageKind,
		DatasetUtility, DisputeInfo, LotInfo, LotteryPeriod, ManifestInfo, ModelInfo, OfferDemand, RoundInfo,
		VersionInfo, WorkDemand, WorkerInfo,
	},
	canary::{CanaryKey, PeriodNumber},
	dag::{BlockId, Generation, ManifestEntry, ModelId, SubmissionId},
	datasets::QualityLimits,
	learning::{DisputeId, Finding},
	manifest::{DataTerms, DatasetId},
	sealed::{LotId, LotState, SealedTerms},
	usage::{UsageAccountInfo, UsageParameters},
	worker::Role,
	AccountId, Balance, BlockNumber, Hash,
};
use futures::StreamExt;

#[async_trait]
impl Chain for FakeChain {
	fn genesis_hash(&self) -> Hash {
		block_hash(0)
	}

	async fn finalized_head(&self) -> Result<BlockRef, ChainError> {
		self.read(|inner| {
			let number = inner.chain.len() as BlockNumber - 1;
			BlockRef { number, hash: block_hash(number) }
		})
	}

	fn finalized_blocks(&self, from: Option<BlockNumber>) -> FinalizedBlocks {
		let start = (self.clone(), self.changes.subscribe(), from);
		futures::stream::unfold(start, |(chain, mut changes, next)| async move {
			loop {
				// Before the look: a change after it is then noticed.
				changes.borrow_and_update();
				let found = chain.read(|inner| {
					let number = next.unwrap_or(inner.chain.len() as BlockNumber - 1);
					inner.chain.get(number as usize).cloned()
				});
				if let Ok(Some(block)) = found {
					let next = Some(block.number + 1);
					return Some((Ok(block), (chain, changes, next)));
				}
				// The sender lives as long as `chain` does.
				changes.changed().await.ok()?;
			}
		})
		.boxed()
	}

	async fn models(&self) -> Result<Vec<ModelInfo<AccountId>>, ChainError> {
		self.read(|inner| inner.state.models.values().cloned().collect())
	}

	async fn model(&self, model: ModelId) -> Result<Option<ModelInfo<AccountId>>, ChainError> {
		self.read(|inner| inner.state.models.get(&model).cloned())
	}

	async fn block(&self, block: BlockId) -> Result<Option<BlockInfo<AccountId>>, ChainError> {
		self.read(|inner| inner.state.blocks.get(&block).cloned())
	}

	async fn manifest(
		&self,
		model: ModelId,
		generation: Option<Generation>,
	) -> Result<Vec<ManifestEntry>, ChainError> {
		self.read(|inner| {
			let newest = inner.state.models.get(&model).map(|model| model.generation);
			let key = generation.or(newest).map(|generation| (model, generation));
			key.and_then(|key| inner.state.manifests.get(&key)).cloned().unwrap_or_default()
		})
	}

	async fn lineage(&self, block: BlockId, depth: u32) -> Result<Vec<BlockInfo<AccountId>>, ChainError> {
		self.read(|inner| {
			let parent = |block: &BlockId| {
				inner
					.state
					.blocks
					.get(block)?
					.block
					.parents
					.first()
					.and_then(|parent| inner.state.blocks.get(parent))
			};
			let ancestors = std::iter::successors(parent(&block), |ancestor| parent(&ancestor.id));
			ancestors.take(depth as usize).cloned().collect()
		})
	}

	async fn version(
		&self,
		model: ModelId,
		generation: Option<Generation>,
	) -> Result<Option<VersionInfo>, ChainError> {
		self.read(|inner| {
			let newest = inner.state.models.get(&model)?;
			let generation = generation.unwrap_or(newest.generation);
			if let Some(version) = inner.state.versions.get(&(model, generation)) {
				return Some(version.clone());
			}
			(generation == newest.generation).then_some(())?;
			Some(VersionInfo {
				generation,
				version: newest.version,
				root: newest.root?,
				architecture: newest.architecture,
				submission: None,
				released_at: 0,
			})
		})
	}

	async fn children(&self, block: BlockId) -> Result<Vec<BlockId>, ChainError> {
		self.read(|inner| {
			let known = inner.state.blocks.values();
			let mut children: Vec<_> = known
				.filter(|info| info.block.parents.contains(&block))
				.map(|info| (info.submission, info.id))
				.collect();
			// Submissions are numbered as they come: the oldest first, as the chain tells them.
			children.sort_unstable();
			children.into_iter().map(|(_, id)| id).collect()
		})
	}

	async fn round(&self, round: SubmissionId) -> Result<Option<RoundInfo<AccountId>>, ChainError> {
		self.read(|inner| inner.state.rounds.get(&round).cloned())
	}

	async fn rounds(&self, start: SubmissionId, count: u32) -> Result<Vec<RoundInfo<AccountId>>, ChainError> {
		self.read(|inner| {
			inner.state.rounds.range(start..).take(count as usize).map(|(_, round)| round.clone()).collect()
		})
	}

	async fn work_demand(&self, _: &AccountId) -> Result<WorkDemand, ChainError> {
		self.read(|inner| inner.state.work_demand)
	}

	async fn findings(&self, round: SubmissionId) -> Result<Vec<(AccountId, Finding)>, ChainError> {
		self.read(|inner| inner.state.findings.get(&round).cloned().unwrap_or_default())
	}

	async fn dispute(&self, dispute: DisputeId) -> Result<Option<DisputeInfo<AccountId>>, ChainError> {
		self.read(|inner| inner.state.disputes.get(&dispute).cloned())
	}

	async fn disputes(&self, round: Option<SubmissionId>) -> Result<Vec<DisputeInfo<AccountId>>, ChainError> {
		self.read(|inner| {
			let open = inner.state.disputes.values();
			open.filter(|dispute| round.is_none_or(|round| dispute.round == round)).cloned().collect()
		})
	}

	async fn sealed_terms(&self, model: ModelId) -> Result<Option<SealedTerms>, ChainError> {
		self.read(|inner| inner.state.sealed_terms.get(&model).copied())
	}

	async fn lot(&self, lot: LotId) -> Result<Option<LotInfo<AccountId>>, ChainError> {
		self.read(|inner| inner.state.lots.get(&lot).cloned())
	}

	async fn lots_of_round(&self, round: SubmissionId) -> Result<Vec<LotInfo<AccountId>>, ChainError> {
		self.read(|inner| {
			let drawn = inner.state.lots_of_round.get(&round).into_iter().flatten();
			drawn.filter_map(|lot| inner.state.lots.get(lot).cloned()).collect()
		})
	}

	async fn lots(&self, model: Option<ModelId>) -> Result<Vec<LotInfo<AccountId>>, ChainError> {
		self.read(|inner| {
			let kept = inner.state.lots.values();
			kept.filter(|lot| model.is_none_or(|model| lot.model == model)).cloned().collect()
		})
	}

	async fn retired_lots(&self, model: ModelId) -> Result<Vec<LotInfo<AccountId>>, ChainError> {
		let mut lots = self.lots(Some(model)).await?;
		lots.retain(|lot| matches!(lot.state, LotState::Retired { .. }));
		Ok(lots)
	}

	async fn lottery(&self, period: Option<PeriodNumber>) -> Result<Option<LotteryPeriod>, ChainError> {
		self.read(|inner| match period {
			Some(period) => inner.state.lottery.get(&period).cloned(),
			None => inner.state.lottery.values().next_back().cloned(),
		})
	}

	async fn canary_key(&self, key: CanaryKey) -> Result<Option<CanaryKeyInfo<AccountId>>, ChainError> {
		self.read(|inner| inner.state.canary_keys.get(&key).cloned())
	}

	async fn contest_bond(&self, accused: &AccountId) -> Result<Balance, ChainError> {
		self.read(|inner| inner.state.contest_bonds.get(accused).copied().unwrap_or_default())
	}

	async fn training_manifest(
		&self,
		round: SubmissionId,
	) -> Result<Option<ManifestInfo<AccountId>>, ChainError> {
		self.read(|inner| inner.state.training_manifests.get(&round).cloned())
	}

	async fn audits(&self, auditor: Option<&AccountId>) -> Result<Vec<ManifestInfo<AccountId>>, ChainError> {
		self.read(|inner| {
			let is_wanted = |info: &&ManifestInfo<AccountId>| {
				let is_drawn = auditor.is_none_or(|auditor| info.auditors.contains(auditor));
				is_drawn && !matches!(info.stage, AuditStage::Closed(_))
			};
			inner.state.training_manifests.values().filter(is_wanted).cloned().collect()
		})
	}

	async fn data_terms(&self, model: ModelId) -> Result<DataTerms, ChainError> {
		self.read(|inner| inner.state.data_terms.get(&model).copied().unwrap_or_default())
	}

	async fn may_learn_from(&self, model: ModelId, dataset: DatasetId) -> Result<bool, ChainError> {
		self.read(|inner| inner.state.learnable.get(&model).is_some_and(|may| may.contains(&dataset)))
	}

	async fn model_lineage(&self, model: ModelId) -> Result<Vec<DataUseInfo>, ChainError> {
		self.read(|inner| inner.state.data_uses.iter().filter(|used| used.model == model).cloned().collect())
	}

	async fn dataset_models(&self, dataset: DatasetId) -> Result<Vec<DataUseInfo>, ChainError> {
		self.read(|inner| {
			inner.state.data_uses.iter().filter(|used| used.dataset == dataset).cloned().collect()
		})
	}

	async fn dataset_utility(&self, dataset: DatasetId) -> Result<Option<DatasetUtility>, ChainError> {
		self.read(|inner| inner.state.dataset_utility.get(&dataset).cloned())
	}

	async fn dataset(&self, dataset: DatasetId) -> Result<Option<DatasetRecord<AccountId>>, ChainError> {
		self.read(|inner| inner.state.kept_datasets.get(&dataset).cloned())
	}

	async fn kept_datasets(
		&self,
		stage: Option<DatasetStageKind>,
	) -> Result<Vec<DatasetRecord<AccountId>>, ChainError> {
		self.read(|inner| {
			let kept = inner.state.kept_datasets.values();
			kept.filter(|record| stage.is_none_or(|stage| record.stage.kind() == stage)).cloned().collect()
		})
	}

	async fn dataset_audits(
		&self,
		auditor: Option<&AccountId>,
	) -> Result<Vec<DatasetRecord<AccountId>>, ChainError> {
		self.read(|inner| {
			let is_wanted = |record: &&DatasetRecord<AccountId>| {
				let audit = record.audit.as_ref();
				audit.is_some_and(|audit| auditor.is_none_or(|auditor| audit.auditors.contains(auditor)))
			};
			inner.state.kept_datasets.values().filter(is_wanted).cloned().collect()
		})
	}

	async fn offer_demand(&self, account: &AccountId) -> Result<OfferDemand, ChainError> {
		let nothing = OfferDemand { bits: 0, max_age: 64, after: None, left_today: 20 };
		self.read(|inner| inner.state.offer_demands.get(account).copied().unwrap_or(nothing))
	}

	async fn dataset_vote(&self, dataset: DatasetId, voter: &AccountId) -> Result<Option<bool>, ChainError> {
		self.read(|inner| inner.state.dataset_votes.get(&(dataset, voter.clone())).copied())
	}

	async fn audit_terms(&self) -> Result<AuditTerms, ChainError> {
		let usual = || AuditTerms { rules: 1, limits: QualityLimits::default() };
		self.read(|inner| inner.state.audit_terms.clone().unwrap_or_else(usual))
	}

	async fn worker(&self, account: &AccountId) -> Result<Option<WorkerInfo<AccountId>>, ChainError> {
		self.read(|inner| inner.state.workers.get(account).cloned())
	}

	async fn workers(&self, role: Role) -> Result<Vec<WorkerInfo<AccountId>>, ChainError> {
		self.read(|inner| {
			inner.state.workers.values().filter(|worker| worker.roles.contains(role)).cloned().collect()
		})
	}

	async fn owed(&self, account: &AccountId) -> Result<Owed, ChainError> {
		self.read(|inner| inner.state.owed.get(account).copied().unwrap_or_default())
	}

	async fn claimable_epochs(&self, account: &AccountId) -> Result<Vec<u32>, ChainError> {
		self.read(|inner| inner.state.claimable_epochs.get(account).cloned().unwrap_or_default())
	}

	async fn credits(&self, account: &AccountId) -> Result<u64, ChainError> {
		self.read(|inner| inner.state.credits.get(account).copied().unwrap_or_default())
	}

	async fn usage_account(
		&self,
		account: &AccountId,
	) -> Result<Option<UsageAccountInfo<AccountId>>, ChainError> {
		self.read(|inner| inner.state.usage_accounts.get(account).cloned())
	}

	async fn usage_parameters(&self) -> Result<UsageParameters, ChainError> {
		self.read(|inner| inner.state.usage_parameters)
	}

	async fn free_balance(&self, account: &AccountId) -> Result<Balance, ChainError> {
		self.read(|inner| inner.state.balances.get(account).copied().unwrap_or_default())
	}

	async fn constant(&self, pallet: &str, name: &str) -> Result<Vec<u8>, ChainError> {
		let found = self.read(|inner| inner.state.constants.get(&(pallet.into(), name.into())).cloned())?;
		found.ok_or_else(|| ChainError::incompatible(format!("it has no constant {pallet}.{name}")))
	}

	async fn submit_journalled(
		&self,
		signer: &Signer,
		call: Call,
		_: Wait,
		journal: Journal<'_>,
	) -> Result<Receipt, SubmitError> {
		let name = call.full_name();
		let (fault, signed) = {
			let mut inner = self.lock();
			let fault = inner.faults.pop_front();
			if !inner.is_connected || fault == Some(Fault::NotSent) {
				return Err(SubmitError::NotSent { call: name, source: Box::new(disconnected()) });
			}
			(fault, inner.sign(signer.account(), &call))
		};
		journal(&signed).map_err(|source| SubmitError::Journal { call: name.clone(), source })?;
		let unknown = || SubmitError::Unknown {
			call: name.clone(),
			transaction: signed.transaction,
			source: Box::new(disconnected()),
		};
		let result = match fault {
			Some(Fault::LostBeforeSending) => Err(unknown()),
			Some(Fault::LostAfterSending) => self.lock().carry_out(&signed, None).and(Err(unknown())),
			Some(Fault::Refused(reason)) => {
				Err(SubmitError::Refused { call: name.clone(), reason, code: crate::error::pool::INVALID })
			}
			Some(Fault::Dispatch { pallet, error }) => {
				self.lock().carry_out(&signed, Some(PalletError { pallet, error }))
			}
			Some(Fault::NotSent) | None => self.lock().carry_out(&signed, None),
		};
		self.changed();
		result
	}

	async fn resume(&self, signed: &SignedCall) -> Result<Receipt, SubmitError> {
		let result = {
			let mut inner = self.lock();
			if !inner.is_connected {
				return Err(SubmitError::Unknown {
					call: signed.call.clone(),
					transaction: signed.transaction,
					source: Box::new(disconnected()),
				});
			}
			inner.carry_out(signed, None)
		};
		self.changed();
		result
	}
}
