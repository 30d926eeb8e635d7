//! A chain in memory that keeps the rules of a round, and workers to put on it.

#![allow(dead_code)]

pub mod datasets;
pub mod sealed;

use blyan_chain_client::{
	fake::{FakeChain, FakeState, PalletError},
	Call, ChainEvent, ModelOwner, Owed, Signer,
};
use blyan_exchange::{Identity, Network, NetworkConfig};
use blyan_primitives::{
	api::{
		AuditStage, BlockInfo, BlockStanding, DisputeInfo, DisputeStage, ModelInfo, RoundInfo, RoundPhase,
		WorkerInfo,
	},
	architecture::{Architecture, ExpertCount},
	dag::{Block, BlockKind, ManifestEntry, ModelId, NewBlock, NewBlocks, SemVer, SubmissionId},
	delta::DeltaChain,
	draw::draw_shards,
	economy::BLY,
	learning::{
		self, DisputeId, Finding, Gate, Purpose, RefereeFinding, RejectReason, Report, ShardLosses, Verdict,
	},
	manifest, merkle,
	worker::{Role, Roles, INITIAL_REPUTATION},
	AccountId, Hash,
};
use blyan_store::Store;
use blyan_worker::{
	config::Config,
	content::Content,
	import_text::{import_text, Division, ImportedText},
	register_model::{FirstWeights, Registration},
	worker::Connection,
};
use std::{
	collections::{BTreeMap, BTreeSet, VecDeque},
	path::Path,
	sync::{Arc, Mutex},
	time::Duration,
};

/// What each accepted submission earns its trainer and its evaluators.
pub const REWARD: u128 = 5 * BLY;
/// Between blocks.
pub const BLOCK_TIME: Duration = Duration::from_millis(20);

pub fn signer(name: &str) -> Signer {
	Signer::from_suri(&format!("//{name}").into()).unwrap()
}

pub fn architecture() -> Architecture {
	Architecture::byte_level(1, ExpertCount { min: 2, current: 2, max: 4 }, 1, 16, 16, 2, 16)
}

pub fn gate() -> Gate {
	Gate { z_milli: 2_326, delta: 1_000_000, rho: 500_000_000, tolerance: 1_000_000, shards_per_domain: 8 }
}

/// A chain on which one call after another is in a block of its own, and committees are whoever is
/// registered as an evaluator.
#[derive(Clone)]
pub struct TestChain {
	pub fake: FakeChain,
	hidden: Arc<Mutex<Hidden>>,
}

#[derive(Default)]
struct Hidden {
	commitments: BTreeMap<(SubmissionId, AccountId), Hash>,
	findings: BTreeMap<SubmissionId, BTreeMap<AccountId, Finding>>,
	earned: BTreeMap<AccountId, u128>,
	refusals: VecDeque<(String, PalletError)>,
	/// Who measures, if it is not every evaluator, and how many referees there are. Reports can be contested then.
	contestable: Option<(Vec<AccountId>, usize)>,
	/// Rounds whose time to contest is over, once no dispute on them is open.
	settling: BTreeSet<SubmissionId>,
	referee_commitments: BTreeMap<(DisputeId, AccountId), Hash>,
	referee_findings: BTreeMap<DisputeId, BTreeMap<AccountId, RefereeFinding>>,
	decided: Vec<Decided>,
	datasets: datasets::Datasets,
}

/// What a dispute came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decided {
	pub accused: AccountId,
	pub challenger: AccountId,
	pub position: u32,
	pub opened: ShardLosses,
	/// What every referee computed; `None` if they are unable.
	pub exact: Option<ShardLosses>,
	pub is_struck: bool,
}

impl TestChain {
	pub fn new() -> Self {
		let chain = Self { fake: FakeChain::new(), hidden: Arc::default() };
		let hidden = chain.hidden.clone();
		chain.fake.on_call(move |state, who, call| hidden.lock().unwrap().carry_out(state, who, call));
		chain
	}

	pub fn endow(&self, account: &AccountId) {
		self.fake.edit(|state| state.balances.insert(account.clone(), 10_000 * BLY));
	}

	pub fn connection(&self, name: &str) -> Connection {
		let signer = signer(name);
		self.endow(signer.account());
		Connection { chain: Arc::new(self.fake.clone()), signer }
	}

	/// Has these measure, and as many others be referees once there are. Rounds wait to be settled, see [`Self::settle`].
	pub fn contestable(&self, committee: Vec<AccountId>, referees: usize) {
		self.hidden.lock().unwrap().contestable = Some((committee, referees));
	}

	/// Ends the time to contest a round.
	pub fn settle(&self, round: SubmissionId) {
		self.hidden.lock().unwrap().settling.insert(round);
	}

	/// Decides what the dataset chain does.
	pub fn datasets<T>(&self, change: impl FnOnce(&mut datasets::Datasets) -> T) -> T {
		change(&mut self.hidden.lock().unwrap().datasets)
	}

	pub fn decided(&self) -> Vec<Decided> {
		self.hidden.lock().unwrap().decided.clone()
	}

	/// Finalizes blocks, draws committees and closes epochs, until dropped.
	pub fn run(&self) -> Ticker {
		let chain = self.clone();
		Ticker(tokio::spawn(async move {
			loop {
				tokio::time::sleep(BLOCK_TIME).await;
				chain.fake.edit(|state| chain.hidden.lock().unwrap().tick(state));
				chain.fake.finalize(vec![]);
			}
		}))
	}

	/// Makes the next call of that name fail.
	pub fn refuse_next(&self, call: &str, pallet: &str, error: &str) {
		self.hidden.lock().unwrap().refusals.push_back((call.into(), PalletError::new(pallet, error)));
	}

	/// Makes the blocks of a round heads, whatever was measured.
	pub fn force(&self, round: SubmissionId) {
		self.fake.edit(|state| move_heads(state, &state.rounds[&round].clone()));
	}

	pub fn findings(&self, round: SubmissionId) -> BTreeMap<AccountId, Finding> {
		self.hidden.lock().unwrap().findings.get(&round).cloned().unwrap_or_default()
	}

	pub fn round(&self, round: SubmissionId) -> Option<RoundInfo<AccountId>> {
		self.fake.edit(|state| state.rounds.get(&round).cloned())
	}

	/// Waits for a round's verdict.
	pub async fn verdict(&self, round: SubmissionId) -> RoundInfo<AccountId> {
		self.until(|chain| chain.round(round).filter(|info| matches!(info.phase, RoundPhase::Closed(_))))
			.await
	}

	pub async fn until<T>(&self, found: impl Fn(&Self) -> Option<T>) -> T {
		let look = async {
			loop {
				if let Some(found) = found(self) {
					return found;
				}
				tokio::time::sleep(BLOCK_TIME).await;
			}
		};
		tokio::time::timeout(Duration::from_secs(120), look).await.expect("it takes no two minutes")
	}

	pub fn calls(&self, account: &AccountId, wanted: impl Fn(&Call) -> bool) -> usize {
		let all = self.fake.submissions();
		all.iter().filter(|submission| submission.account == *account && wanted(&submission.call)).count()
	}
}

pub struct Ticker(tokio::task::JoinHandle<()>);

impl Drop for Ticker {
	fn drop(&mut self) {
		self.0.abort();
	}
}

fn refuse<T>(pallet: &str, error: &str) -> Result<T, PalletError> {
	Err(PalletError::new(pallet, error))
}

impl Hidden {
	fn carry_out(
		&mut self,
		state: &mut FakeState,
		who: &AccountId,
		call: &Call,
	) -> Result<Vec<ChainEvent>, PalletError> {
		if self.refusals.front().is_some_and(|(name, _)| *name == call.full_name()) {
			return Err(self.refusals.pop_front().unwrap().1);
		}
		if let Some(result) = sealed::carry_out(state, who, call) {
			return result;
		}
		if let Some(result) = self.datasets.carry_out(state, who, call) {
			return result;
		}
		match call.clone() {
			Call::RegisterWorker { roles, endpoint, bond, .. } => {
				if state.workers.contains_key(who) {
					return refuse("Workers", "AlreadyRegistered");
				}
				let worker = WorkerInfo {
					account: who.clone(),
					roles,
					endpoint: endpoint.to_vec(),
					bond,
					reputation: INITIAL_REPUTATION,
					engagements: 0,
					active: true,
				};
				state.workers.insert(who.clone(), worker);
			}
			Call::UpdateEndpoint { endpoint } => match state.workers.get_mut(who) {
				Some(worker) => worker.endpoint = endpoint.to_vec(),
				None => return refuse("Workers", "WorkerNotFound"),
			},
			Call::RegisterModel { name, architecture } => {
				let model = state.models.len() as ModelId;
				let info = ModelInfo {
					id: model,
					name,
					owner: Some(who.clone()),
					architecture,
					version: SemVer::GENESIS,
					generation: 0,
					root: None,
					pool: None,
					gate: None,
					referee: None,
					migration: None,
					probation_routing_share: Default::default(),
				};
				state.models.insert(model, info);
				let (owner, components) = (ModelOwner::Account(who.clone()), architecture.component_count());
				return Ok(vec![ChainEvent::ModelRegistered { model, owner, components, deposit: 0 }]);
			}
			Call::AddGenesisBlocks { model, blocks } => return add_genesis(state, who, model, blocks),
			Call::OpenTraining { model, pool, gate, referee } => {
				let Some(info) = state.models.get_mut(&model) else {
					return refuse("ProofOfLearning", "NotModelOwner");
				};
				info.pool = Some(pool);
				info.gate = Some(gate);
				info.referee = Some(referee);
			}
			Call::SubmitBlocks { model, blocks, .. } => {
				let purpose = Purpose::of(&blocks, None);
				return submit(state, who, model, purpose, blocks);
			}
			Call::ProposeMigration { model, migration } => {
				state.models.get_mut(&model).unwrap().migration = Some(migration);
			}
			Call::SubmitMigration { model, migration, blocks, .. } => {
				if state.models[&model].migration != Some(migration) {
					return refuse("ExpertDag", "MigrationNotWanted");
				}
				return submit(state, who, model, Purpose::Migration(migration), blocks);
			}
			Call::RollBack { model, blocks, .. } => {
				let blocks = blocks.into_iter().map(|challenged| {
					let Block { component, parents, .. } = state.blocks[&challenged].block.clone();
					let Block { content, bytes, format, .. } = state.blocks[&parents[0]].block;
					NewBlock {
						component,
						kind: BlockKind::Rollback,
						parents: vec![parents[0], challenged].try_into().unwrap(),
						content,
						bytes,
						format,
						manifest_hash: Hash::zero(),
					}
				});
				let blocks = NewBlocks::truncate_from(blocks.collect());
				return submit(state, who, model, Purpose::Rollback, blocks);
			}
			Call::Commit { round, commitment } => return self.commit(state, who, round, commitment),
			Call::Reveal { round, finding, salt } => return self.reveal(state, who, round, finding, salt),
			Call::Contest { round, evaluator, position } => {
				return contest(state, who, round, evaluator, position)
			}
			Call::OpenLosses { dispute, losses } => {
				let Some(info) = state.disputes.get_mut(&dispute) else {
					return refuse("Disputes", "DisputeNotFound");
				};
				if !matches!(info.stage, DisputeStage::AwaitingOpening { .. }) {
					return refuse("Disputes", "NotAwaitingOpening");
				}
				assert_eq!(info.accused, *who);
				let round = &state.rounds[&info.round];
				let (pool, gate) = (round.pool.clone().unwrap(), round.gate.unwrap());
				let shards = draw_shards(round.seed.unwrap(), &pool, &gate);
				let report = Report::of_losses(&pool, &gate, &shards, &losses);
				assert_eq!(
					self.findings[&info.round][who],
					Finding::Measured(report),
					"it opens what it reported"
				);
				info.shard = Some(shards[info.position as usize]);
				info.opened = Some(losses[info.position as usize]);
				info.stage = DisputeStage::AwaitingReferees;
			}
			Call::CommitAsReferee { dispute, commitment } => {
				let Some(info) = state.disputes.get_mut(&dispute) else {
					return refuse("Disputes", "DisputeNotFound");
				};
				if !matches!(info.stage, DisputeStage::Commit { .. }) || info.committed.contains(who) {
					return refuse("Disputes", "AlreadyCommitted");
				}
				info.committed.push(who.clone());
				self.referee_commitments.insert((dispute, who.clone()), commitment);
				if info.committed.len() == info.referees.len() {
					info.stage = DisputeStage::Reveal { until: u32::MAX };
				}
			}
			Call::RevealAsReferee { dispute, finding, salt } => {
				let Some(info) = state.disputes.get_mut(&dispute) else {
					return refuse("Disputes", "DisputeNotFound");
				};
				if info.revealed.contains(who) {
					return refuse("Disputes", "AlreadyRevealed");
				}
				let expected = learning::referee_commitment(who, dispute, info.attempt, &finding, &salt);
				assert_eq!(self.referee_commitments.get(&(dispute, who.clone())), Some(&expected));
				info.revealed.push(who.clone());
				self.referee_findings.entry(dispute).or_default().insert(who.clone(), finding);
				if info.revealed.len() == info.referees.len() {
					self.decide(state, dispute);
				}
			}
			Call::CommitAsAuditor { round, commitment } => {
				let info = state.training_manifests.get_mut(&round).unwrap();
				assert!(matches!(info.stage, AuditStage::Commit { .. }) && info.auditors.contains(who));
				info.committed.push(who.clone());
				info.stage = AuditStage::Reveal { until: u32::MAX };
				self.commitments.insert((round, who.clone()), commitment);
			}
			Call::RevealAsAuditor { round, finding, salt } => {
				let info = state.training_manifests.get_mut(&round).unwrap();
				let expected = manifest::commitment(who, round, info.attempt, &finding, &salt);
				assert_eq!(self.commitments.get(&(round, who.clone())), Some(&expected));
				info.revealed.push((who.clone(), finding));
			}
			Call::ClaimRewards { epoch } => {
				let open = state.claimable_epochs.entry(who.clone()).or_default();
				let Some(at) = open.iter().position(|other| *other == epoch) else {
					return refuse("Rewards", "ClaimNotFound");
				};
				open.remove(at);
				let amount = state.owed.remove(who).unwrap_or_default().claimable;
				*state.balances.entry(who.clone()).or_default() += amount;
				return Ok(vec![ChainEvent::RewardPaid { account: who.clone(), epoch, amount }]);
			}
			Call::SubmitReceipts { receipts } => {
				let paid = receipts.into_iter().map(|signed| ChainEvent::ReceiptPaid {
					client: signed.receipt.client,
					server: signed.receipt.server,
					until: signed.receipt.until,
					paid: signed.receipt.fee,
					burned: 0,
					accrued: 0,
				});
				return Ok(paid.collect());
			}
			other => panic!("{other:?}"),
		}
		Ok(vec![])
	}

	fn commit(
		&mut self,
		state: &mut FakeState,
		who: &AccountId,
		id: SubmissionId,
		commitment: Hash,
	) -> Result<Vec<ChainEvent>, PalletError> {
		let Some(round) = state.rounds.get_mut(&id) else {
			return refuse("ProofOfLearning", "RoundNotFound");
		};
		if !matches!(round.phase, RoundPhase::Commit { .. }) {
			return refuse("ProofOfLearning", "NotInCommitPhase");
		}
		if round.committed.contains(who) {
			return refuse("ProofOfLearning", "AlreadyCommitted");
		}
		round.committed.push(who.clone());
		self.commitments.insert((id, who.clone()), commitment);
		if round.committed.len() == round.committee.len() {
			round.phase = RoundPhase::Reveal { until: u32::MAX };
		}
		Ok(vec![])
	}

	fn reveal(
		&mut self,
		state: &mut FakeState,
		who: &AccountId,
		id: SubmissionId,
		finding: Finding,
		salt: [u8; 32],
	) -> Result<Vec<ChainEvent>, PalletError> {
		let Some(round) = state.rounds.get_mut(&id) else {
			return refuse("ProofOfLearning", "RoundNotFound");
		};
		if !matches!(round.phase, RoundPhase::Reveal { .. }) {
			return refuse("ProofOfLearning", "NotInRevealPhase");
		}
		if round.revealed.contains(who) {
			return refuse("ProofOfLearning", "AlreadyRevealed");
		}
		let expected = learning::commitment(who, id, round.attempt, &round.blocks, &finding, &salt);
		if self.commitments.get(&(id, who.clone())) != Some(&expected) {
			return refuse("ProofOfLearning", "RevealMismatch");
		}
		round.revealed.push(who.clone());
		let findings = self.findings.entry(id).or_default();
		findings.insert(who.clone(), finding);
		if round.revealed.len() == round.committee.len() {
			let revealed: Vec<Finding> = findings.values().cloned().collect();
			if sealed::restart(state, id, &revealed) {
				findings.clear();
			} else if self.contestable.is_some() {
				state.rounds.get_mut(&id).unwrap().phase = RoundPhase::Contest { until: u32::MAX };
				state.findings.insert(id, self.findings[&id].clone().into_iter().collect());
			} else {
				self.close(state, id, &revealed);
			}
		}
		Ok(vec![])
	}

	/// Ends a dispute whose referees all revealed.
	fn decide(&mut self, state: &mut FakeState, dispute: DisputeId) {
		let info = state.disputes.remove(&dispute).unwrap();
		let round = state.rounds.get_mut(&info.round).unwrap();
		let mut exact: Vec<RefereeFinding> = self.referee_findings[&dispute].values().copied().collect();
		exact.dedup();
		assert_eq!(exact.len(), 1, "referees disagree: {exact:?}");
		let exact = match exact[0] {
			RefereeFinding::Exact(exact) => Some(exact),
			RefereeFinding::Unable => None,
		};
		let opened = info.opened.unwrap();
		let tolerance = round.gate.unwrap().tolerance;
		let is_struck = exact.is_some_and(|exact| !opened.is_within(tolerance, &exact));
		round.open_disputes -= 1;
		if is_struck {
			round.struck.push(info.accused.clone());
			self.findings.get_mut(&info.round).unwrap().remove(&info.accused);
			state.findings.get_mut(&info.round).unwrap().retain(|(who, _)| *who != info.accused);
		}
		let DisputeInfo { accused, challenger, position, .. } = info;
		self.decided.push(Decided { accused, challenger, position, opened, exact, is_struck });
	}

	fn close(&mut self, state: &mut FakeState, id: SubmissionId, findings: &[Finding]) {
		let reports: Vec<&Report> = findings
			.iter()
			.filter_map(|finding| match finding {
				Finding::Measured(report) => Some(report),
				_ => None,
			})
			.collect();
		let round = state.rounds.get_mut(&id).unwrap();
		let gate = state.models[&round.model].gate.unwrap();
		let verdict = if reports.len() == findings.len() {
			let medians = learning::medians(&reports);
			let verdict =
				round.purpose.judge(&gate, &medians).map_or_else(Verdict::Rejected, |()| Verdict::Accepted);
			round.medians = Some(medians);
			verdict
		} else if findings.contains(&Finding::Malformed) {
			Verdict::Rejected(RejectReason::Malformed)
		} else {
			Verdict::Rejected(RejectReason::Unfetchable)
		};
		round.phase = RoundPhase::Closed(verdict);
		let round = round.clone();
		if verdict == Verdict::Accepted {
			move_heads(state, &round);
			for account in round.committee.iter().chain([&round.trainer]) {
				*self.earned.entry(account.clone()).or_default() += REWARD;
			}
		} else {
			for block in &round.blocks {
				state.blocks.get_mut(block).unwrap().standing = BlockStanding::Rejected;
			}
		}
	}

	/// Draws committees; closes the epoch.
	fn tick(&mut self, state: &mut FakeState) {
		self.datasets.tick(state);
		let evaluators: Vec<AccountId> = state
			.workers
			.values()
			.filter(|worker| worker.roles.contains(Role::Evaluator))
			.map(|worker| worker.account.clone())
			.collect();
		let (committee, count) = self.contestable.clone().unwrap_or_else(|| (evaluators.clone(), 0));
		let others: Vec<AccountId> = evaluators.into_iter().filter(|who| !committee.contains(who)).collect();
		let waiting = |dispute: &&mut DisputeInfo<AccountId>| dispute.stage == DisputeStage::AwaitingReferees;
		for dispute in state.disputes.values_mut().filter(waiting).filter(|_| others.len() >= count) {
			dispute.referees = others[..count].to_vec();
			dispute.stage = DisputeStage::Commit { until: u32::MAX };
		}
		for id in self.settling.clone() {
			let round = &state.rounds[&id];
			if matches!(round.phase, RoundPhase::Contest { .. }) && round.open_disputes == 0 {
				self.settling.remove(&id);
				let findings: Vec<Finding> = self.findings[&id].values().cloned().collect();
				self.close(state, id, &findings);
			}
		}
		let generations: BTreeMap<ModelId, u32> =
			state.models.iter().map(|(id, info)| (*id, info.generation)).collect();
		for mut round in state.rounds.clone().into_values() {
			if round.phase == RoundPhase::AwaitingDraw && !committee.is_empty() {
				let Some(phase) = sealed::draw(state, &round) else { continue };
				round.committee = committee.clone();
				round.baseline = Some(generations[&round.model]);
				round.seed = Some(Hash::repeat_byte(round.id as u8));
				round.phase = phase;
				state.rounds.insert(round.id, round);
			}
		}
		for (account, earned) in std::mem::take(&mut self.earned) {
			let owed = Owed { claimable: earned, accruing: 0 };
			state.owed.insert(account.clone(), owed);
			state.claimable_epochs.entry(account).or_default().push(0);
		}
	}
}

fn contest(
	state: &mut FakeState,
	who: &AccountId,
	id: SubmissionId,
	accused: AccountId,
	position: u32,
) -> Result<Vec<ChainEvent>, PalletError> {
	let round = state.rounds.get_mut(&id).unwrap();
	if !matches!(round.phase, RoundPhase::Contest { .. }) {
		return refuse("Disputes", "RoundNotContestable");
	}
	let is_open = state.disputes.values().any(|d| (&d.accused, d.position) == (&accused, position));
	if is_open || round.struck.contains(&accused) {
		return refuse("Disputes", "AlreadyContested");
	}
	round.open_disputes += 1;
	let dispute = state.disputes.keys().last().map_or(0, |last| last + 1);
	let (challenger, bond, open_until) = (who.clone(), 100 * BLY, u32::MAX);
	let info = DisputeInfo {
		id: dispute,
		round: id,
		accused: accused.clone(),
		challenger: challenger.clone(),
		bond,
		position,
		shard: None,
		opened: None,
		attempt: 0,
		referees: vec![],
		committed: vec![],
		revealed: vec![],
		stage: DisputeStage::AwaitingOpening { until: open_until },
	};
	state.disputes.insert(dispute, info);
	Ok(vec![ChainEvent::FindingContested {
		dispute,
		round: id,
		accused,
		challenger,
		position,
		bond,
		open_until,
	}])
}

fn entry_of(info: &BlockInfo<AccountId>) -> ManifestEntry {
	let Block { component, content, bytes, .. } = info.block;
	let (deltas, probation_until) = (info.deltas.length, info.probation_until);
	ManifestEntry { component, block: info.id, content, bytes, deltas, probation_until }
}

fn root_of(info: &ModelInfo<AccountId>, manifest: &[ManifestEntry]) -> Option<Hash> {
	let a = info.architecture;
	let heads = manifest.iter().map(|entry| (a.component_index(entry.component).unwrap(), entry.block));
	merkle::version_root_of_heads(&a, heads)
}

/// Stores a block; one that is a delta lengthens the chain of its first parent.
fn put_block(
	state: &mut FakeState,
	block: Block<AccountId>,
	submission: Option<SubmissionId>,
	standing: BlockStanding,
) -> BlockInfo<AccountId> {
	let deltas = match block.kind {
		BlockKind::Delta => state.blocks[&block.parents[0]].deltas.extended(block.bytes),
		BlockKind::Rollback => state.blocks[&block.parents[0]].deltas,
		_ => DeltaChain::whole(block.bytes),
	};
	let (id, probation_until) = (block.id(), None);
	let info = BlockInfo { id, block, submission, standing, deltas, children: 0, probation_until };
	state.blocks.insert(info.id, info.clone());
	info
}

fn add_genesis(
	state: &mut FakeState,
	who: &AccountId,
	model: ModelId,
	blocks: NewBlocks,
) -> Result<Vec<ChainEvent>, PalletError> {
	for new in blocks {
		let known = state.manifests.entry((model, 0)).or_default();
		if known.iter().any(|entry| entry.component == new.component) {
			return refuse("ExpertDag", "HeadExists");
		}
		let block = Block::from_new(model, who.clone(), new);
		let entry = entry_of(&put_block(state, block, None, BlockStanding::Head { since: 0 }));
		state.manifests.entry((model, 0)).or_default().push(entry);
	}
	let info = state.models.get_mut(&model).unwrap();
	let manifest = state.manifests.entry((model, 0)).or_default();
	if manifest.len() as u32 == info.architecture.component_count() {
		manifest.sort_by_key(|entry| info.architecture.component_index(entry.component));
		info.root = root_of(info, manifest);
	}
	Ok(vec![])
}

fn submit(
	state: &mut FakeState,
	who: &AccountId,
	model: ModelId,
	purpose: Purpose,
	blocks: NewBlocks,
) -> Result<Vec<ChainEvent>, PalletError> {
	let id = state.rounds.len() as SubmissionId;
	let blocks: Vec<Block<AccountId>> =
		blocks.into_iter().map(|new| Block::from_new(model, who.clone(), new)).collect();
	if blocks.iter().any(|block| state.blocks.contains_key(&block.id())) {
		return refuse("ExpertDag", "BlockExists");
	}
	for block in &blocks {
		assert!(
			block.parents.iter().all(|parent| state.blocks.contains_key(parent)),
			"its parents are there"
		);
	}
	let round = RoundInfo {
		id,
		model,
		trainer: who.clone(),
		purpose,
		blocks: blocks.iter().map(Block::id).collect(),
		components: blocks.iter().map(|block| block.component).collect(),
		bond: 100 * BLY,
		submitted_at: 0,
		attempt: 0,
		baseline: None,
		seed: None,
		pool: state.models[&model].pool.clone(),
		gate: state.models[&model].gate,
		referee: state.models[&model].referee,
		committee: vec![],
		committed: vec![],
		revealed: vec![],
		struck: vec![],
		open_disputes: 0,
		phase: RoundPhase::AwaitingDraw,
		medians: None,
	};
	for block in blocks {
		put_block(state, block, Some(id), BlockStanding::Candidate);
	}
	state.rounds.insert(id, round);
	Ok(vec![])
}

fn move_heads(state: &mut FakeState, round: &RoundInfo<AccountId>) {
	let info = state.models.get_mut(&round.model).unwrap();
	let mut manifest = state.manifests[&(round.model, info.generation)].clone();
	info.generation += 1;
	if let Some(migration) = round.purpose.migration() {
		info.architecture = migration.apply(&info.architecture).unwrap();
		info.migration = None;
	}
	for id in &round.blocks {
		let block = state.blocks.get_mut(id).unwrap();
		block.standing = BlockStanding::Head { since: info.generation };
		manifest.retain(|entry| entry.component != block.block.component);
		manifest.push(entry_of(block));
	}
	let a = info.architecture;
	manifest.retain(|entry| a.component_index(entry.component).is_some());
	manifest.sort_by_key(|entry| a.component_index(entry.component));
	info.root = root_of(info, &manifest);
	state.manifests.insert((round.model, info.generation), manifest);
}

/// A configuration of a worker in `folder`, on any free port.
pub fn config(folder: &Path, name: &str) -> Config {
	Config {
		key_env: Some("UNUSED".into()),
		data_dir: folder.join(name),
		listen: ([127, 0, 0, 1], 0).into(),
		threads: 1,
		machine_id: Some(name.into()),
		shutdown_seconds: 10,
		evaluate: blyan_worker::config::EvaluateConfig { fetch_timeout_seconds: 2, ..Default::default() },
		..Config::default()
	}
}

/// Content as another worker than those of a test would get it: into that store, from whom the chain names.
pub async fn content(store: Store, connection: &Connection) -> Content {
	let network = Network::start(store, Identity::ephemeral(), NetworkConfig::default()).await.unwrap();
	Content::new(network, connection.chain.clone(), connection.account().clone())
}

/// Imports a text that can be learned from into the worker's store.
pub fn import(config: &Config) -> ImportedText {
	let text: String = (0..3_000).map(|i| format!("the {} fox jumps over the lazy dog. ", i % 7)).collect();
	std::fs::create_dir_all(&config.data_dir).unwrap();
	let path = config.data_dir.join("text");
	std::fs::write(&path, text).unwrap();
	let store = Store::open(config.store_dir()).unwrap();
	let division = Division { shard_bytes: 32, shards_per_domain: 16, domains: 2 };
	import_text(&path, &store, &config.store_dir(), division, |_, _| {}).unwrap()
}

pub fn registration(imported: &ImportedText) -> Registration {
	Registration {
		name: "tiny".into(),
		architecture: architecture(),
		pool: (&imported.pool).try_into().unwrap(),
		gate: gate(),
		referee: Hash::repeat_byte(4),
		weights: FirstWeights::Seed(1),
	}
}

/// Registers an account as a trainer with that endpoint, without a worker behind it.
pub fn register_bare(chain: &TestChain, account: &AccountId, endpoint: &str) {
	chain.fake.edit(|state| {
		let worker = WorkerInfo {
			account: account.clone(),
			roles: Roles::default().with(Role::Trainer),
			endpoint: endpoint.as_bytes().to_vec(),
			bond: 1_000 * BLY,
			reputation: INITIAL_REPUTATION,
			engagements: 0,
			active: true,
		};
		state.workers.insert(account.clone(), worker);
	});
}
