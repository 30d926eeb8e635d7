//! What it costs to insert a submission into graphs of a thousand to a million blocks.
//!
//! The graph lies in a Merkle trie in memory, committed as at the end of a block; each submission then runs on
//! top of that trie, and its changes are committed in turn. Reads and writes are counted as the calls that the
//! pallet makes into the state machine. Their number must not depend on the size of the graph; the time of each
//! grows with the depth of the trie, which is the logarithm of the state to the base 16, and with what the
//! processor's caches hold of it. Nothing caches the trie's nodes here; a node's trie cache does.
//!
//! Parents are either the last heads of a component, as when it is trained further, or lie anywhere in its
//! history, which is the worst that can be sent.
//!
//! ```text
//! cargo bench -p pallet-expert-dag --profile dev --bench insert_sweep -- [--json FILE]
//! ```

use blyan_primitives::{
	architecture::{Architecture, ExpertCount},
	cid::{Cid, CidCodec},
	dag::{
		Block as DagBlock, BlockId, BlockKind, Component, ContentFormat, ModelId, NewBlock, NewBlocks,
		Parents, SubmissionId, MAX_PARENTS,
	},
	delta::DeltaChain,
	learning::Purpose,
	traits::ModelGraph,
	Balance, Hash,
};
use pallet_expert_dag::{Acceptance, BlockCount, BlockRecord, BlockStatus, Blocks, Heads, NextModelId, Skip};
use polkadot_sdk::{
	frame_support::{self, derive_impl, parameter_types},
	frame_system, pallet_balances, sp_io,
	sp_runtime::{
		traits::{BlakeTwo256, Hash as _},
		BoundedVec, BuildStorage, Perbill,
	},
};
use std::{
	fs,
	process::ExitCode,
	sync::{
		atomic::{AtomicU32, AtomicU64, Ordering},
		Arc,
	},
	time::{Duration, Instant},
};
use tracing::{
	field::{Field, Visit},
	span, Event, Metadata, Subscriber,
};

type AccountId = u64;
type Block = frame_system::mocking::MockBlock<Runtime>;

const OWNER: AccountId = 1;
const TRAINER: AccountId = 2;
/// Sizes of the graph, in blocks.
const SIZES: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// Blocks that each submission carries, with the most parents each.
const BLOCKS_PER_SUBMISSION: usize = 8;
/// Submissions measured for each size and parentage, after [`WARM_UP`] that are not.
const SUBMISSIONS: usize = 200;
const WARM_UP: usize = 20;
/// How many blocks are put into the trie at once.
const CHUNK: u32 = 50_000;

frame_support::construct_runtime!(
	pub enum Runtime {
		System: frame_system,
		Balances: pallet_balances,
		ExpertDag: pallet_expert_dag,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Runtime {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Runtime {
	type AccountStore = System;
	type Balance = Balance;
	type ExistentialDeposit = frame_support::traits::ConstU128<1>;
}

parameter_types! {
	pub const Treasury: AccountId = 99;
	pub const ModelDeposit: Balance = 1;
	pub const ComponentDeposit: Balance = 1;
	pub const MaxNameLength: u32 = 64;
	pub const MaxContentBytes: u64 = 1 << 40;
	pub const MaxDeltaChain: u32 = 32;
	pub const ProbationBlocks: u64 = 10;
	pub const ProbationRoutingShare: Perbill = Perbill::from_percent(25);
}

impl pallet_expert_dag::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type GovernanceOrigin = frame_system::EnsureRoot<AccountId>;
	type GovernanceAccount = Treasury;
	type ModelDeposit = ModelDeposit;
	type ComponentDeposit = ComponentDeposit;
	type MaxNameLength = MaxNameLength;
	type MaxContentBytes = MaxContentBytes;
	type MaxDeltaChain = MaxDeltaChain;
	type ProbationBlocks = ProbationBlocks;
	type ProbationRoutingShare = ProbationRoutingShare;
	type WeightInfo = ();
}

/// Four layers of fifteen experts: 65 components.
fn architecture() -> Architecture {
	Architecture::byte_level(4, ExpertCount { min: 15, current: 15, max: 15 }, 2, 128, 256, 4, 128)
}

fn new_block(component: Component, kind: BlockKind, parents: Parents, nonce: u64) -> NewBlock {
	let digest = BlakeTwo256::hash_of(&(component, nonce)).0;
	NewBlock {
		component,
		kind,
		parents,
		content: Cid { codec: CidCodec::DagPb, digest },
		bytes: 1 << 20,
		format: ContentFormat::TensorBlock,
		manifest_hash: Hash::zero(),
	}
}

/// Where the parents of a submission lie.
#[derive(Clone, Copy)]
enum Parentage {
	/// The last heads of the component.
	Recent,
	/// Anywhere in its history.
	Scattered,
}

/// A graph of `size` blocks in a trie, and the history of each component.
struct Graph {
	ext: sp_io::TestExternalities,
	model: ModelId,
	histories: Vec<(Component, Vec<BlockId>)>,
}

impl Graph {
	fn of(size: u32) -> Self {
		let mut storage =
			frame_system::GenesisConfig::<Runtime>::default().build_storage().expect("default builds");
		pallet_balances::GenesisConfig::<Runtime> {
			balances: vec![(OWNER, 1_000_000)],
			..Default::default()
		}
		.assimilate_storage(&mut storage)
		.expect("balances build");
		let mut ext = sp_io::TestExternalities::new(storage);
		let model = ext.execute_with(|| {
			System::set_block_number(1);
			let model = NextModelId::<Runtime>::get();
			let name = BoundedVec::truncate_from(b"sweep".to_vec());
			ExpertDag::register_model(RuntimeOrigin::signed(OWNER), name, architecture())
				.expect("model is valid");
			let components = architecture().components().collect::<Vec<_>>();
			for chunk in components.chunks(64) {
				let blocks = chunk.iter().map(|c| new_block(*c, BlockKind::Genesis, Parents::new(), 0));
				let blocks = NewBlocks::truncate_from(blocks.collect());
				ExpertDag::add_genesis_blocks(RuntimeOrigin::signed(OWNER), model, blocks)
					.expect("blocks are valid");
			}
			model
		});
		let histories = ext.execute_with(|| {
			let history = |component| {
				let index = architecture().component_index(component).expect("component is declared");
				(component, vec![Heads::<Runtime>::get(model, index).expect("model is released")])
			};
			architecture().components().map(history).collect()
		});
		let mut graph = Self { ext, model, histories };
		let mut placed = graph.histories.len() as u32;
		while placed < size {
			let until = size.min(placed.saturating_add(CHUNK));
			graph.place(placed..until);
			graph.commit();
			placed = until;
		}
		graph
	}

	/// Puts accepted blocks into storage directly, a component after the other, each on the one before it. (The
	/// skips are single steps: what is measured does not follow them.)
	fn place(&mut self, numbers: std::ops::Range<u32>) {
		let Self { ext, model, histories } = self;
		ext.execute_with(|| {
			BlockCount::<Runtime>::put(u64::from(numbers.end));
			for number in numbers {
				let component = number as usize % histories.len();
				let (component, history) = &mut histories[component];
				let index = architecture().component_index(*component).expect("component is declared");
				let previous = *history.last().expect("a history begins with a genesis block");
				let parents = Parents::truncate_from(vec![previous]);
				let new = new_block(*component, BlockKind::Update, parents, number.into());
				let block = DagBlock::from_new(*model, TRAINER, new);
				let id = block.id();
				let skip = Some(Skip { block: previous, span: 1 });
				let acceptance = Acceptance { since: number, previous: Some(previous), skip };
				let (submission, status) = (Some(number.into()), BlockStatus::Accepted(acceptance));
				Blocks::<Runtime>::mutate_extant(previous, |previous| previous.children += 1);
				let deltas = DeltaChain::whole(block.bytes);
				let record = BlockRecord { block, submission, status, children: 0, made_in: 0, deltas };
				Blocks::<Runtime>::insert(id, record);
				Heads::<Runtime>::insert(*model, index, id);
				history.push(id);
			}
		});
	}

	fn commit(&mut self) {
		self.ext.execute_with(System::reset_events);
		self.ext.commit_all().expect("no storage transaction is open");
	}

	fn submission(&self, number: SubmissionId, parentage: Parentage) -> NewBlocks {
		let blocks = (0..BLOCKS_PER_SUBMISSION).map(|place| {
			// Neighbours in the list are distinct components.
			let (component, history) = &self.histories[(number as usize + place) % self.histories.len()];
			let lot =
				|draw: u32| BlakeTwo256::hash_of(&(number, place as u32, draw)).to_low_u64_be() as usize;
			let mut parents = Vec::<BlockId>::new();
			for draw in 0.. {
				if parents.len() == MAX_PARENTS as usize {
					break;
				}
				let parent = match parentage {
					Parentage::Recent => history[history.len() - 1 - draw as usize],
					Parentage::Scattered => history[lot(draw) % history.len()],
				};
				if !parents.contains(&parent) {
					parents.push(parent);
				}
			}
			new_block(*component, BlockKind::Update, Parents::truncate_from(parents), u64::MAX - number)
		});
		NewBlocks::truncate_from(blocks.collect())
	}

	fn insert(&mut self, number: SubmissionId, parentage: Parentage) -> Duration {
		let (model, blocks) = (self.model, self.submission(number, parentage));
		self.ext.execute_with(|| {
			let start = Instant::now();
			let inserted = <ExpertDag as ModelGraph<AccountId>>::insert(
				model,
				number,
				&TRAINER,
				blocks,
				&Purpose::Improvement,
			);
			let elapsed = start.elapsed();
			inserted.expect("the submission is valid");
			elapsed
		})
	}
}

/// Counts what goes into the state machine, by its trace.
#[derive(Clone, Default)]
struct Counter {
	reads: Arc<AtomicU64>,
	writes: Arc<AtomicU64>,
	spans: Arc<AtomicU32>,
}

struct Method<'a>(&'a Counter);

impl Visit for Method<'_> {
	fn record_str(&mut self, field: &Field, value: &str) {
		if field.name() != "method" {
			return;
		}
		match value {
			"Get" | "Exists" => self.0.reads.fetch_add(1, Ordering::Relaxed),
			"Put" => self.0.writes.fetch_add(1, Ordering::Relaxed),
			_ => 0,
		};
	}

	fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl Subscriber for Counter {
	fn enabled(&self, metadata: &Metadata<'_>) -> bool {
		metadata.target() == "state"
	}

	fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
		span::Id::from_u64(u64::from(self.spans.fetch_add(1, Ordering::Relaxed)) + 1)
	}

	fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

	fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

	fn event(&self, event: &Event<'_>) {
		event.record(&mut Method(self));
	}

	fn enter(&self, _: &span::Id) {}

	fn exit(&self, _: &span::Id) {}
}

/// One line of the table.
struct Row {
	size: u32,
	/// Inserting below recent parents.
	recent: Duration,
	/// Inserting below scattered parents.
	scattered: Duration,
	/// Bringing what was inserted into the trie.
	commit: Duration,
	reads: u64,
	writes: u64,
}

fn median(mut times: Vec<Duration>) -> Duration {
	times.sort();
	times[times.len() / 2]
}

fn measure(size: u32) -> Row {
	let mut graph = Graph::of(size);
	// Numbers beyond those of the blocks that were placed.
	let mut numbers = u64::from(size)..;
	let mut next = || numbers.next().expect("numbers do not run out");
	let mut commits = Vec::new();
	let [recent, scattered] = [Parentage::Recent, Parentage::Scattered].map(|parentage| {
		let mut inserts = Vec::new();
		for _ in 0..WARM_UP + SUBMISSIONS {
			inserts.push(graph.insert(next(), parentage));
			let start = Instant::now();
			graph.commit();
			commits.push(start.elapsed());
		}
		median(inserts.split_off(WARM_UP))
	});
	let counter = Counter::default();
	tracing::subscriber::with_default(counter.clone(), || graph.insert(next(), Parentage::Scattered));
	let [reads, writes] = [&counter.reads, &counter.writes].map(|count| count.load(Ordering::Relaxed));
	Row { size, recent, scattered, commit: median(commits), reads, writes }
}

fn main() -> ExitCode {
	let arguments = std::env::args().skip(1).collect::<Vec<_>>();
	if arguments.iter().any(|argument| argument == "--list") {
		// Asked by a test runner: there are no tests here.
		return ExitCode::SUCCESS;
	}
	let json = arguments.iter().position(|argument| argument == "--json").map(|at| arguments.get(at + 1));
	if json == Some(None) {
		eprintln!("error: --json wants the path of a file to write");
		return ExitCode::FAILURE;
	}

	println!(
		"inserting {BLOCKS_PER_SUBMISSION} blocks of {MAX_PARENTS} parents each: medians of {SUBMISSIONS} submissions"
	);
	println!(
		"{:>10} {:>14} {:>17} {:>12} {:>7} {:>7}",
		"blocks", "recent parents", "scattered parents", "commit", "reads", "writes"
	);
	let rows = SIZES.map(|size| {
		let row = measure(size);
		let micros = |time: Duration| format!("{:.1} µs", time.as_secs_f64() * 1e6);
		let (recent, scattered, commit) = (micros(row.recent), micros(row.scattered), micros(row.commit));
		println!(
			"{:>10} {recent:>14} {scattered:>17} {commit:>12} {:>7} {:>7}",
			row.size, row.reads, row.writes
		);
		row
	});
	let [smallest, .., largest] = &rows;
	let ratio = |of: fn(&Row) -> Duration| of(largest).as_secs_f64() / of(smallest).as_secs_f64();
	let (recent, scattered, commit) =
		(ratio(|row| row.recent), ratio(|row| row.scattered), ratio(|row| row.commit));
	println!(
		"a million blocks beside a thousand: {recent:.2} times the time with recent parents, \
		 {scattered:.2} with scattered ones"
	);

	if let Some(Some(path)) = json {
		let text = format!(
			"{{\"insert_ratio_1e6_over_1e3\": {recent:.4}, \
			 \"scattered_insert_ratio_1e6_over_1e3\": {scattered:.4}, \
			 \"commit_ratio_1e6_over_1e3\": {commit:.4}, \"reads\": {}, \"writes\": {}}}\n",
			largest.reads, largest.writes
		);
		if let Err(error) = fs::write(path, text) {
			eprintln!("error: cannot write {path}: {error}");
			return ExitCode::FAILURE;
		}
	}
	if rows.iter().any(|row| (row.reads, row.writes) != (smallest.reads, smallest.writes)) {
		eprintln!("error: the number of reads or writes depends on the size of the graph");
		return ExitCode::FAILURE;
	}
	ExitCode::SUCCESS
}
