//! What a person types about datasets.

use crate::cli::ConfigArgs;
use blyan_primitives::{
	api::DatasetStageKind,
	dag::{ModelId, SemVer},
	manifest::DatasetId,
	AccountId,
};
use clap::{ArgGroup, Args, ValueEnum};
use std::path::PathBuf;

/// Where a node is that is asked without a key.
const NODE: &str = "ws://127.0.0.1:9944";

/// Options of `offer`.
#[derive(Args, Clone, Debug)]
pub struct OfferArgs {
	/// Where the configuration is; the key in it is the contributor's. The dataset is stored in its `data_dir`.
	#[command(flatten)]
	pub config: ConfigArgs,
	/// What to offer: .jsonl, .csv, .tsv, .parquet or .txt, also with .gz or .zst, or a folder of such files. Text and
	/// licence alone are offered, as plain text.
	#[arg(value_name = "FILE|DIR")]
	pub path: PathBuf,
	/// How the dataset is called: lower-case letters and digits, with single hyphens between them.
	#[arg(long, value_name = "NAME")]
	pub name: String,
	/// Which version of what is called so.
	#[arg(long, value_name = "X.Y.Z", value_parser = parse_version)]
	pub version: SemVer,
	/// The licence under which it is given, an SPDX expression.
	#[arg(long, value_name = "EXPRESSION")]
	pub licence: String,
	/// The text of the licence, without which it is never verified; a file called LICENSE in the folder if left out.
	#[arg(long, value_name = "FILE")]
	pub licence_file: Option<PathBuf>,
	/// What it is about, written as names are.
	#[arg(long, value_name = "NAME", default_value = "general")]
	pub domain: String,
	/// A language of it, an ISO 639-3 code, the most frequent first; may be repeated. What the quality gate finds if
	/// left out.
	#[arg(long = "language", value_name = "CODE")]
	pub languages: Vec<String>,
	/// What else there is to say of it.
	#[arg(long, value_name = "TEXT", default_value = "")]
	pub description: String,
	/// A field that holds text; several are joined, in this order. `text` if left out.
	#[arg(long, value_name = "NAME")]
	pub field: Vec<String>,
	/// The field that names a record's licence.
	#[arg(long, value_name = "NAME", default_value = "license")]
	pub licence_field: String,
	/// Offer it although the quality gate here would reject it.
	#[arg(long)]
	pub anyway: bool,
	/// Offer it again although the chain had it once, and turned it away.
	#[arg(long)]
	pub again: bool,
	/// Leave when the chain has the offer. A worker that runs with the same `data_dir` must serve the content then.
	#[arg(long)]
	pub detach: bool,
	/// Go on serving and following when it is approved, until told to stop.
	#[arg(long, conflicts_with = "detach")]
	pub stay: bool,
	/// Print a line of JSON for each stage.
	#[arg(long)]
	pub json: bool,
}

fn parse_version(text: &str) -> Result<SemVer, String> {
	let numbers: Option<Vec<u32>> = text.split('.').map(|number| number.parse().ok()).collect();
	match numbers.as_deref() {
		Some([major, minor, patch]) => Ok(SemVer { major: *major, minor: *minor, patch: *patch }),
		_ => Err("a version is three numbers with dots between them, such as 1.0.0".into()),
	}
}

/// Options of `vote`.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("choice").required(true)))]
pub struct VoteArgs {
	/// Where the configuration is; the key in it is a registered worker's.
	#[command(flatten)]
	pub config: ConfigArgs,
	/// Which dataset.
	#[arg(value_name = "DATASET")]
	pub dataset: DatasetId,
	/// Vote for it.
	#[arg(long, group = "choice")]
	pub aye: bool,
	/// Vote against it.
	#[arg(long, group = "choice")]
	pub nay: bool,
}

/// Options of `settle-votes`.
#[derive(Args, Debug)]
pub struct SettleVotesArgs {
	/// Where the configuration is; the key in it signs, and pays the fees.
	#[command(flatten)]
	pub config: ConfigArgs,
	/// Whose votes; those of the key in the configuration if left out.
	#[arg(long, value_name = "ACCOUNT")]
	pub voter: Option<AccountId>,
	/// Which datasets; all that are kept if none is named.
	#[arg(value_name = "DATASET")]
	pub datasets: Vec<DatasetId>,
}

/// Options of `appeal`.
#[derive(Args, Debug)]
pub struct AppealArgs {
	/// Where the configuration is; the key in it is the contributor's, and holds the deposit.
	#[command(flatten)]
	pub config: ConfigArgs,
	/// Which dataset.
	#[arg(value_name = "DATASET")]
	pub dataset: DatasetId,
}

/// Options of `dataset`.
#[derive(Args, Debug)]
pub struct DatasetArgs {
	/// The node to ask; no key and no configuration is needed.
	#[arg(long, value_name = "URL", default_value = NODE)]
	pub node: String,
	/// Which.
	#[arg(value_name = "DATASET")]
	pub dataset: DatasetId,
	/// Print it as JSON.
	#[arg(long)]
	pub json: bool,
}

/// Options of `datasets`.
#[derive(Args, Debug)]
pub struct DatasetsArgs {
	/// The node to ask; no key and no configuration is needed.
	#[arg(long, value_name = "URL", default_value = NODE)]
	pub node: String,
	/// Those in that stage alone.
	#[arg(long, value_enum)]
	pub stage: Option<Stage>,
	/// Print them as JSON.
	#[arg(long)]
	pub json: bool,
}

/// A stage of a dataset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Stage {
	/// In line for an audit.
	Pending,
	/// Auditors are at work.
	Audit,
	/// Workers vote.
	Vote,
	/// Models may learn from it.
	Approved,
	/// Models may not.
	Rejected,
	/// Models may not any more.
	Quarantined,
	/// An appeal is being decided.
	Appealed,
}

impl From<Stage> for DatasetStageKind {
	fn from(stage: Stage) -> Self {
		match stage {
			Stage::Pending => Self::Pending,
			Stage::Audit => Self::Audit,
			Stage::Vote => Self::Vote,
			Stage::Approved => Self::Approved,
			Stage::Rejected => Self::Rejected,
			Stage::Quarantined => Self::Quarantined,
			Stage::Appealed => Self::Appealed,
		}
	}
}

/// Options of `lineage`.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("of").required(true)))]
pub struct LineageArgs {
	/// The node to ask; no key and no configuration is needed.
	#[arg(long, value_name = "URL", default_value = NODE)]
	pub node: String,
	/// What that model learned from.
	#[arg(long, value_name = "N", group = "of")]
	pub model: Option<ModelId>,
	/// Which models learned from that dataset.
	#[arg(long, value_name = "CID", group = "of")]
	pub dataset: Option<DatasetId>,
	/// Print it as JSON.
	#[arg(long)]
	pub json: bool,
}
