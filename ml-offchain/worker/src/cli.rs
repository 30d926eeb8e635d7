//! What a person types.

use crate::{
	collect::GRACE_HOURS,
	components::parse_component,
	datasets::cli::{
		AppealArgs, DatasetArgs, DatasetsArgs, LineageArgs, OfferArgs, SettleVotesArgs, VoteArgs,
	},
	progress::ProgressMode,
	referee::exact::module_hash,
};
use blyan_exchange::Provider;
use blyan_primitives::{
	cid::Cid,
	dag::{BlockId, Component, ModelId, SubmissionId, MAX_BLOCKS},
	learning::{DisputeId, Gate, BIT_PER_BYTE},
	migration::Migration,
	sealed::{MAX_LOTS, MAX_LOT_SHARDS},
	AccountId, Hash,
};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{net::SocketAddr, path::PathBuf, str::FromStr};

/// Trains, evaluates and serves models on the Blyan chain.
#[derive(Parser, Debug)]
#[command(name = "blyan-worker", version, about, max_term_width = 100)]
pub struct Cli {
	/// What to do.
	#[command(subcommand)]
	pub command: Command,
	/// Say more on standard error: -v what it does, -vv how. RUST_LOG overrides.
	#[arg(short, long, global = true, action = clap::ArgAction::Count)]
	pub verbose: u8,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
	/// Train components, submit them, wait for the verdict, and go on serving their content.
	Train(TrainArgs),
	/// As a validator: plant a canary when its key is drawn, and show it when it was measured.
	Plant(TrainArgs),
	/// As a validator: have a key take part in the canaries' lottery.
	SetCanaryKey(SetCanaryKeyArgs),
	/// Measure candidates whenever drawn for a committee.
	Evaluate(ConfigArgs),
	/// Measure every round, and contest what evaluators report that cannot be right.
	Watch(ConfigArgs),
	/// Derive batches of training manifests again whenever drawn for it, and say whether they match.
	AuditManifests(ConfigArgs),
	/// Look at samples of offered datasets whenever drawn for it, say what the quality gate finds, and vote if the
	/// configuration says so.
	AuditDatasets(ConfigArgs),
	/// Audit both manifests and datasets.
	Auditor(ConfigArgs),
	/// Answer requests from the weights the chain accepted last.
	Serve(ConfigArgs),
	/// Turn a text into a validation pool and a training text.
	ImportText(ImportTextArgs),
	/// Bring a checkpoint into the store as a model, or write one back.
	#[command(subcommand)]
	Model(ModelCommand),
	/// Register a model with fresh or imported weights and open its training.
	RegisterModel(RegisterModelArgs),
	/// As a model's owner: let a submission change its architecture, or take that back.
	ProposeMigration(ProposeMigrationArgs),
	/// Have it measured whether a model was better before some blocks that are on probation, and gone back to
	/// what was head before them if it was.
	RollBack(RollBackArgs),
	/// As a model's owner: say by how much sealed text its rounds are judged.
	SetSealedTerms(SetSealedTermsArgs),
	/// Seal lots of a text that nobody has seen, for a model's rounds to be judged by; holds a bond for each.
	Seal(SealArgs),
	/// Serve what was sealed and open it when a round has drawn it, until told to stop. A worker that runs
	/// with the same configuration does so by itself.
	OpenLots(ConfigArgs),
	/// Have deposit and bond returned of lots that were opened long enough ago.
	ReclaimLots(ConfigArgs),
	/// Write the text of a model's retired lots to a file, to train on.
	RetiredText(RetiredTextArgs),
	/// Contest what an evaluator reported of a round; holds a bond.
	Contest(ContestArgs),
	/// Show an open dispute.
	Dispute(DisputeArgs),
	/// Show the open disputes.
	Disputes(DisputesArgs),
	/// Show registration, rounds, what is owed and why not yet.
	Status(StatusArgs),
	/// Show what a submission says that it learned from, and what auditors found of that.
	Manifest(ManifestArgs),
	/// As a model's owner: say how good its data must be, and whether submissions must say what they learned from.
	SetDataTerms(SetDataTermsArgs),
	/// Offer a dataset for training, serve it, and follow what becomes of it.
	Offer(Box<OfferArgs>),
	/// As a registered worker: vote on a dataset; holds a little until the vote is settled.
	Vote(VoteArgs),
	/// Have returned, or burned, what is held for votes that are over.
	SettleVotes(SettleVotesArgs),
	/// As its contributor: appeal against what became of a dataset; holds a deposit.
	Appeal(AppealArgs),
	/// Show a dataset: offer, stage, report, votes, and what came of it.
	Dataset(DatasetArgs),
	/// List the datasets that the chain keeps.
	Datasets(DatasetsArgs),
	/// Show what a model learned from, or which models learned from a dataset.
	Lineage(LineageArgs),
	/// Pay for what servers answered, so that the trainers of what was used earn by it.
	Usage(UsageArgs),
	/// Draw a model's expert DAG: heads, probation, and what was refused, superseded or rolled back.
	Graph(GraphArgs),
	/// Look after the content store.
	Store(StoreArgs),
	/// Run the quality gate over a dataset: duplicates, personal data, toxicity, languages, licence, overlap.
	Audit(AuditArgs),
	/// Check a configuration and print it with every default filled in.
	CheckConfig(ConfigArgs),
}

/// Options of `audit`.
#[derive(Args, Debug)]
pub struct AuditArgs {
	/// What to audit: .jsonl, .csv, .tsv, .parquet or .txt, also with .gz or .zst, or a folder of such files.
	#[arg(value_name = "FILE|DIR")]
	pub path: PathBuf,
	/// A field that holds text; several are joined, in this order. `text` if left out.
	#[arg(long, value_name = "NAME")]
	pub field: Vec<String>,
	/// The field that names a record's licence.
	#[arg(long, value_name = "NAME", default_value = "license")]
	pub licence_field: String,
	/// The licence under which the dataset is offered, an SPDX expression.
	#[arg(long, value_name = "EXPRESSION", default_value = "")]
	pub licence: String,
	/// An approved dataset; what is like it counts as duplicate.
	#[arg(long, value_name = "FILE|DIR")]
	pub approved: Vec<PathBuf>,
	/// Validation shards, which must not be in the dataset.
	#[arg(long, value_name = "FILE|DIR")]
	pub validation: Vec<PathBuf>,
	/// Works that must not be in the dataset.
	#[arg(long, value_name = "FILE|DIR")]
	pub known_works: Vec<PathBuf>,
	/// Threads that look at samples; one a core if left out. The report is the same.
	#[arg(long, value_name = "N")]
	pub threads: Option<std::num::NonZeroU16>,
	/// Memory for what was seen, in MiB; auditors whose reports are compared leave it as it is.
	#[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
	pub index_mib: u32,
	/// Picks the samples whose language is looked at.
	#[arg(long, value_name = "N", default_value_t = 0)]
	pub seed: u64,
	/// Print the document as JSON.
	#[arg(long)]
	pub json: bool,
}

/// Where the configuration is.
#[derive(Args, Clone, Debug)]
pub struct ConfigArgs {
	/// The worker's configuration, a TOML file.
	#[arg(long, value_name = "FILE")]
	pub config: PathBuf,
}

/// Options of `train`.
#[derive(Args, Debug)]
pub struct TrainArgs {
	/// Where the configuration is.
	#[command(flatten)]
	pub config: ConfigArgs,
	/// Leave when every job has its verdict and everything earned is paid, instead of staying.
	#[arg(long)]
	pub once: bool,
	/// How to show progress on standard output: a bar or lines, JSON a line, or nothing.
	#[arg(long, value_enum, default_value_t)]
	pub progress: ProgressMode,
}

/// Options of `set-canary-key`.
#[derive(Args, Debug)]
pub struct SetCanaryKeyArgs {
	/// Where the configuration is; the key in it is the validator's account.
	#[command(flatten)]
	pub config: ConfigArgs,
	/// The file of mode 0600 with the canary key's secret URI.
	#[arg(long, value_name = "FILE")]
	pub canary_key_file: PathBuf,
}

/// Options of `import-text`.
#[derive(Args, Debug)]
pub struct ImportTextArgs {
	/// A text in UTF-8, not compressed.
	#[arg(value_name = "FILE")]
	pub text: PathBuf,
	/// The folder of the content store to put pool and text in; made if absent.
	#[arg(long, value_name = "DIR")]
	pub store: PathBuf,
	/// Bytes of a validation shard.
	#[arg(long, value_name = "BYTES", default_value_t = 512)]
	pub shard_bytes: u32,
	/// Shards held out of each domain.
	#[arg(long, value_name = "N", default_value_t = 64)]
	pub shards_per_domain: u32,
	/// Parts that the text is split into; each is a domain that must not become worse.
	#[arg(long, value_name = "N", default_value_t = 4)]
	pub domains: u32,
	/// Print the record as JSON alone, for `register-model --pool`.
	#[arg(long)]
	pub json: bool,
}

/// What to do with a checkpoint.
#[derive(Subcommand, Debug)]
pub enum ModelCommand {
	/// Turn a Hugging Face checkpoint (Mixtral, Qwen2-MoE, Qwen3-MoE or OLMoE) into content of the store.
	Import(ModelImportArgs),
	/// Write an imported model back as the checkpoint it came from, byte for byte.
	Export(ModelExportArgs),
}

/// Options of `model import`.
#[derive(Args, Debug)]
pub struct ModelImportArgs {
	/// The checkpoint's folder, with config.json, tokenizer.json and safetensors files.
	#[arg(value_name = "DIR")]
	pub checkpoint: PathBuf,
	/// The folder of the content store; made if absent.
	#[arg(long, value_name = "DIR")]
	pub store: PathBuf,
	/// Longest sequence, in tokens, if it is to be less than the checkpoint's.
	#[arg(long, value_name = "TOKENS")]
	pub context: Option<u32>,
	/// Experts that each layer may come to have; twice what it has if left out.
	#[arg(long, value_name = "N")]
	pub max_experts: Option<u16>,
	/// Print the record as JSON alone, for `register-model --imported` and `model export`.
	#[arg(long)]
	pub json: bool,
}

/// Options of `model export`.
#[derive(Args, Debug)]
pub struct ModelExportArgs {
	/// What `model import --json` printed.
	#[arg(value_name = "RECORD")]
	pub record: PathBuf,
	/// The folder of the content store.
	#[arg(long, value_name = "DIR")]
	pub store: PathBuf,
	/// Where to write the checkpoint: a folder that is empty, or not there yet.
	#[arg(long, value_name = "DIR")]
	pub out: PathBuf,
}

/// Options of `manifest`.
#[derive(Args, Debug)]
pub struct ManifestArgs {
	/// The submission's round.
	#[arg(value_name = "ROUND")]
	pub round: SubmissionId,
	/// The node's WebSocket.
	#[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:9944")]
	pub node: String,
	/// Print JSON.
	#[arg(long)]
	pub json: bool,
}

/// Options of `set-data-terms`.
#[derive(Args, Debug)]
pub struct SetDataTermsArgs {
	/// Where the configuration is; the key in it owns the model.
	#[command(flatten)]
	pub config: ConfigArgs,
	/// Which model.
	#[arg(long, value_name = "N")]
	pub model: ModelId,
	/// How good the datasets of a manifest must be, at least.
	#[arg(long, value_name = "TIER", value_enum, default_value_t)]
	pub least_tier: LeastTier,
	/// Improvements must come with a training manifest, from now on; without this they need not.
	#[arg(long)]
	pub require_manifests: bool,
}

/// A tier of datasets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum LeastTier {
	/// Whatever is approved.
	#[default]
	Experimental,
	/// Silver or gold.
	Silver,
	/// Gold alone.
	Gold,
}

/// Options of `propose-migration`.
#[derive(Args, Debug)]
pub struct ProposeMigrationArgs {
	/// Where the configuration is; the key in it owns the model.
	#[command(flatten)]
	pub config: ConfigArgs,
	/// Which model.
	#[arg(long, value_name = "N")]
	pub model: ModelId,
	/// What is to change.
	#[command(flatten)]
	pub change: Change,
}

/// Options of `roll-back`.
#[derive(Args, Debug)]
pub struct RollBackArgs {
	/// Where the configuration is; the key in it holds the bond, and pays the measurement out of it.
	#[command(flatten)]
	pub config: ConfigArgs,
	/// Which model.
	#[arg(long, value_name = "N")]
	pub model: ModelId,
	/// The blocks, one a component, as `status` and `graph` show them.
	#[arg(value_name = "BLOCK", required = true, num_args = 1..=MAX_BLOCKS as usize)]
	pub blocks: Vec<BlockId>,
}

/// Options of `contest`.
#[derive(Args, Debug)]
pub struct ContestArgs {
	/// Where the configuration is; the key in it holds the bond.
	#[command(flatten)]
	pub config: ConfigArgs,
	/// Which round, in its contest phase.
	#[arg(value_name = "ROUND")]
	pub round: SubmissionId,
	/// Whose report.
	#[arg(value_name = "EVALUATOR")]
	pub evaluator: AccountId,
	/// Which of the shards drawn for the round, counted from 0: where the evaluator is wrong. If it told the
	/// truth there, the bond is lost, whatever it said of the others.
	#[arg(long, value_name = "N", default_value_t = 0)]
	pub position: u32,
}

/// Options of `dispute`.
#[derive(Args, Debug)]
pub struct DisputeArgs {
	/// The node to ask; no key and no configuration is needed.
	#[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:9944")]
	pub node: String,
	/// Which.
	#[arg(value_name = "DISPUTE")]
	pub dispute: DisputeId,
	/// Print it as JSON.
	#[arg(long)]
	pub json: bool,
}

/// Options of `disputes`.
#[derive(Args, Debug)]
pub struct DisputesArgs {
	/// The node to ask; no key and no configuration is needed.
	#[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:9944")]
	pub node: String,
	/// Those on that round alone.
	#[arg(long, value_name = "N")]
	pub round: Option<SubmissionId>,
	/// Print them as JSON.
	#[arg(long)]
	pub json: bool,
}

/// One of these.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct Change {
	/// Give every layer that many more experts.
	#[arg(long, value_name = "COUNT")]
	pub add_experts: Option<u16>,
	/// Take that expert, counted from 0, out of every layer; the last one moves to its place.
	#[arg(long, value_name = "INDEX")]
	pub remove_expert: Option<u16>,
	/// Widen every expert to that hidden width.
	#[arg(long, value_name = "WIDTH")]
	pub widen_ffn: Option<u32>,
	/// Add a layer after the last one.
	#[arg(long)]
	pub add_layer: bool,
	/// Give every layer another router, which picks that many experts.
	#[arg(long, value_name = "TOP_K")]
	pub replace_router: Option<u16>,
	/// Take back what was proposed.
	#[arg(long)]
	pub withdraw: bool,
}

impl Change {
	/// The migration; `None` to withdraw.
	pub fn migration(&self) -> Option<Migration> {
		let Self { add_experts, remove_expert, widen_ffn, add_layer, replace_router, withdraw: _ } = *self;
		add_experts
			.map(|count| Migration::AddExperts { count })
			.or(remove_expert.map(|index| Migration::RemoveExpert { index }))
			.or(widen_ffn.map(|d_ff| Migration::WidenFfn { d_ff }))
			.or(add_layer.then_some(Migration::AddLayer))
			.or(replace_router.map(|top_k| Migration::ReplaceRouter { top_k }))
	}
}

/// Options of `register-model`.
#[derive(Args, Debug)]
pub struct RegisterModelArgs {
	/// Where the configuration is; the key in it will own the model.
	#[command(flatten)]
	pub config: ConfigArgs,
	/// The model's name, for people.
	#[arg(long)]
	pub name: String,
	/// The architecture, a TOML file: the model begins with fresh weights.
	#[arg(long, value_name = "FILE", required_unless_present = "imported", conflicts_with = "imported")]
	pub architecture: Option<PathBuf>,
	/// What `model import --json` printed: the model begins with those weights.
	#[arg(long, value_name = "RECORD", conflicts_with = "seed")]
	pub imported: Option<PathBuf>,
	/// What `import-text --json` printed.
	#[arg(long, value_name = "FILE")]
	pub pool: PathBuf,
	/// What is asked of candidates, as KEY=VALUE,...: z_milli, delta, rho, tolerance (nanobits per
	/// byte) and shards_per_domain. What is left out has its default.
	#[arg(long, value_name = "LIST", default_value = "")]
	pub gate: GateArg,
	/// BLAKE2-256 of the reference evaluator's Wasm module, by which disputes are decided: that of the module in
	/// this program if left out. With 'none', nothing that is measured of the model can be contested.
	#[arg(long, value_name = "HASH")]
	pub referee: Option<RefereeArg>,
	/// Decides the first weights.
	#[arg(long, default_value_t = 0)]
	pub seed: u64,
	/// Print the result as JSON.
	#[arg(long)]
	pub json: bool,
}

/// Options of `set-sealed-terms`.
#[derive(Args, Debug)]
pub struct SetSealedTermsArgs {
	/// Where the configuration is; the key in it owns the model.
	#[command(flatten)]
	pub config: ConfigArgs,
	/// Which model.
	#[arg(long, value_name = "N")]
	pub model: ModelId,
	/// Lots drawn for a round; 0 to be judged by the public pool again.
	#[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(0..=MAX_LOTS as i64))]
	pub lots: u32,
	/// Shards of each lot.
	#[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MAX_LOT_SHARDS as i64))]
	pub shards_per_lot: u32,
}

/// Options of `seal`.
#[derive(Args, Debug)]
pub struct SealArgs {
	/// Where the configuration is; the key in it holds the bonds. The lots are stored in its `data_dir`, and their
	/// keys: whoever reads those knows the text.
	#[command(flatten)]
	pub config: ConfigArgs,
	/// A text in UTF-8 that nobody who trains can have seen.
	#[arg(value_name = "FILE")]
	pub text: PathBuf,
	/// Which model.
	#[arg(long, value_name = "N")]
	pub model: ModelId,
	/// How many lots to seal.
	#[arg(long, value_name = "K")]
	pub lots: u32,
	/// Shards of each lot; what the model's owner asks for if left out.
	#[arg(long, value_name = "N")]
	pub shards: Option<u32>,
	/// What kind of text it is, for people; at most 32 bytes.
	#[arg(long, value_name = "NAME", default_value = "")]
	pub domain: String,
	/// Print the lots' numbers as JSON.
	#[arg(long)]
	pub json: bool,
}

/// Options of `retired-text`.
#[derive(Args, Debug)]
pub struct RetiredTextArgs {
	/// Where the configuration is; its store is used.
	#[command(flatten)]
	pub config: ConfigArgs,
	/// Which model.
	#[arg(long, value_name = "N")]
	pub model: ModelId,
	/// Where to write it.
	#[arg(short, long, value_name = "FILE")]
	pub output: PathBuf,
}

/// Options of `status`.
#[derive(Args, Debug)]
pub struct StatusArgs {
	/// Where the configuration is.
	#[command(flatten)]
	pub config: ConfigArgs,
	/// Print it as JSON.
	#[arg(long)]
	pub json: bool,
}

/// Options of `usage`.
#[derive(Args, Debug)]
pub struct UsageArgs {
	/// Where the configuration is; the key in it is the client's.
	#[command(flatten)]
	pub config: ConfigArgs,
	/// What to do.
	#[command(subcommand)]
	pub command: UsageCommand,
}

/// What to do with a client's prepaid account.
#[derive(Subcommand, Debug)]
pub enum UsageCommand {
	/// Show what is prepaid, and who was paid lately.
	Show,
	/// Prepay, for servers to be paid from.
	Deposit {
		/// How much.
		#[arg(value_name = "BLY", value_parser = clap::value_parser!(u64).range(1..))]
		bly: u64,
	},
	/// Ask for some of it back; it can be withdrawn when servers have had time to be paid.
	RequestWithdrawal {
		/// How much.
		#[arg(value_name = "BLY", value_parser = clap::value_parser!(u64).range(1..))]
		bly: u64,
	},
	/// Take out what was asked back.
	Withdraw,
	/// Sign for what a server counted, which is what was sent to it with the header `x-blyan-client`.
	Pay {
		/// The server's address.
		#[arg(long, value_name = "URL")]
		server: reqwest::Url,
		/// Sign for no more than that.
		#[arg(long, value_name = "BLY", default_value_t = 1)]
		most_bly: u64,
	},
}

/// Options of `graph`.
#[derive(Args, Debug)]
pub struct GraphArgs {
	/// The node to ask; no key and no configuration is needed.
	#[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:9944")]
	pub node: String,
	/// Which model; the only one if left out.
	#[arg(long, value_name = "N")]
	pub model: Option<ModelId>,
	/// Which components, all if left out: backbone, 'router(0)', 'expert(0,1)'; may be repeated.
	#[arg(long = "component", value_name = "NAME", num_args = 1.., value_parser = parse_component)]
	pub components: Vec<Component>,
	/// How many blocks back from each head, the head counted.
	#[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
	pub depth: u32,
	/// The most blocks to draw, those nearest the heads; the picture says so if there are more.
	#[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
	pub max_blocks: u32,
	/// A picture, or the text from which Graphviz makes one.
	#[arg(long, value_enum, default_value_t)]
	pub format: GraphFormat,
	/// Where to write it, instead of standard output.
	#[arg(short, long, value_name = "FILE")]
	pub output: Option<PathBuf>,
}

/// What `graph` writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum GraphFormat {
	/// An SVG picture, for a browser.
	#[default]
	Svg,
	/// DOT, for Graphviz.
	Dot,
}

/// Options of `store`.
#[derive(Args, Debug)]
pub struct StoreArgs {
	/// The folder of the content store; made if absent.
	#[arg(long, value_name = "DIR", global = true, conflicts_with = "config")]
	pub store: Option<PathBuf>,
	/// The configuration of the worker whose store it is.
	#[arg(long, value_name = "FILE", global = true)]
	pub config: Option<PathBuf>,
	/// What to do.
	#[command(subcommand)]
	pub command: StoreCommand,
}

/// What to do with the store.
#[derive(Subcommand, Debug)]
pub enum StoreCommand {
	/// List what is stored, how long it is, and why it is kept.
	Ls {
		/// Print it as JSON.
		#[arg(long)]
		json: bool,
	},
	/// Read content and check that it is what its name says; what is not goes to quarantine.
	Verify {
		/// What to check; everything by default.
		#[arg(value_name = "CID")]
		cids: Vec<Cid>,
	},
	/// Remove what nothing needs: neither a head, nor a round, nor training, nor a pin.
	Gc {
		/// Spare what was stored within so many hours.
		#[arg(long, value_name = "HOURS", default_value_t = GRACE_HOURS)]
		grace_hours: u64,
	},
	/// Keep content, whether it is stored already or not.
	Pin {
		/// What to keep.
		#[arg(value_name = "CID")]
		cid: Cid,
	},
	/// Keep content no longer, unless there is another reason to.
	Unpin {
		/// What was kept.
		#[arg(value_name = "CID")]
		cid: Cid,
	},
	/// Fetch content and print where it is; with --config, from the workers on the chain too.
	Get(GetArgs),
	/// Store a file, pin it and print its CID: what `ipfs add --cid-version=1` prints.
	Add {
		/// The file.
		#[arg(value_name = "FILE")]
		file: PathBuf,
	},
	/// Serve the store until told to stop, without registering as a worker.
	Serve {
		/// Where to exchange by Bitswap; port 0 takes any free one.
		#[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
		listen: SocketAddr,
		/// Where to serve over HTTP as well, as an IPFS gateway does.
		#[arg(long, value_name = "ADDRESS")]
		http_listen: Option<SocketAddr>,
	},
}

/// Options of `store get`.
#[derive(Args, Debug)]
pub struct GetArgs {
	/// What to fetch.
	#[arg(value_name = "CID")]
	pub cid: Cid,
	/// Whom to fetch from: /ip4/1.2.3.4/tcp/9101/p2p/PEER or http://1.2.3.4:9102; may be repeated.
	#[arg(long, value_name = "ADDRESS")]
	pub from: Vec<Provider>,
	/// How many seconds it may take.
	#[arg(long, value_name = "SECONDS", default_value_t = 600)]
	pub timeout_seconds: u64,
	/// The longest content to take, in MiB.
	#[arg(long, value_name = "MIB", default_value_t = 65_536)]
	pub max_mebibytes: u64,
	/// Copy it there as well.
	#[arg(short, long, value_name = "FILE")]
	pub output: Option<PathBuf>,
}

/// The module of the reference evaluator, as `--referee` gives it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RefereeArg(pub Hash);

impl Default for RefereeArg {
	/// The module that this program carries.
	fn default() -> Self {
		Self(module_hash())
	}
}

impl FromStr for RefereeArg {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		if text == "none" {
			return Ok(Self(Hash::zero()));
		}
		text.parse()
			.map(Self)
			.map_err(|_| format!("`{text}` is neither 'none' nor a hash of 64 hexadecimal digits"))
	}
}

/// A gate, as `--gate` gives it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GateArg(pub Gate);

impl Default for GateArg {
	/// One per cent one-sided, a least gain of a thousandth of a bit, no domain worse by more than two
	/// hundredths, a tolerance of a thousandth, sixteen shards a domain.
	fn default() -> Self {
		Self(Gate {
			z_milli: 2_326,
			delta: BIT_PER_BYTE / 1_000,
			rho: BIT_PER_BYTE / 50,
			tolerance: BIT_PER_BYTE / 1_000,
			shards_per_domain: 16,
		})
	}
}

impl FromStr for GateArg {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		let mut gate = Self::default().0;
		for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
			let (key, value) = pair.split_once('=').ok_or_else(|| format!("`{pair}` is not KEY=VALUE"))?;
			let wrong = |error: std::num::ParseIntError| format!("{key}: `{value}`: {error}");
			match key.trim() {
				"z_milli" => gate.z_milli = value.trim().parse().map_err(wrong)?,
				"delta" => gate.delta = value.trim().parse().map_err(wrong)?,
				"rho" => gate.rho = value.trim().parse().map_err(wrong)?,
				"tolerance" => gate.tolerance = value.trim().parse().map_err(wrong)?,
				"shards_per_domain" => gate.shards_per_domain = value.trim().parse().map_err(wrong)?,
				_ => {
					return Err(format!(
						"`{key}` is none of z_milli, delta, rho, tolerance, shards_per_domain"
					))
				}
			}
		}
		Ok(Self(gate))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use clap::CommandFactory;

	#[test]
	fn cli_should_be_consistent() {
		Cli::command().debug_assert();
	}

	#[test]
	fn referee_should_be_the_module_in_this_program_unless_it_is_said_otherwise() {
		assert_eq!(RefereeArg::default().0, module_hash());
		assert_eq!("none".parse::<RefereeArg>().unwrap().0, Hash::zero());
		let hash = format!("{:?}", Hash::repeat_byte(5));
		assert_eq!(hash.parse::<RefereeArg>().unwrap().0, Hash::repeat_byte(5));
		assert!("nobody".parse::<RefereeArg>().unwrap_err().contains("'none'"));
	}

	#[test]
	fn gate_should_take_what_is_given_and_default_the_rest() {
		let gate: GateArg = "delta=5, shards_per_domain=8".parse().unwrap();
		assert_eq!(gate.0, Gate { delta: 5, shards_per_domain: 8, ..GateArg::default().0 });
		assert_eq!("".parse::<GateArg>().unwrap(), GateArg::default());
		assert!("delta".parse::<GateArg>().unwrap_err().contains("KEY=VALUE"));
		assert!("detla=5".parse::<GateArg>().unwrap_err().contains("`detla`"));
		assert!("delta=five".parse::<GateArg>().unwrap_err().contains("`five`"));
	}
}
