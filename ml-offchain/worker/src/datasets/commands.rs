//! `vote`, `settle-votes`, `appeal`, `dataset`, `datasets` and `lineage`, for people.

use super::{
	cli::{AppealArgs, DatasetArgs, DatasetsArgs, LineageArgs, SettleVotesArgs, VoteArgs},
	words,
};
use crate::{
	config::Config,
	register::bly,
	worker::{Connection, INTERACTIVE_PATIENCE},
};
use anyhow::{bail, ensure, Context, Result};
use blyan_chain_client::{Call, Chain, ChainEvent, Client, ClientConfig, Signer, Wait};
use blyan_primitives::{
	api::{DataUseInfo, DatasetRecord},
	datasets::DatasetStage,
	manifest::DatasetId,
	AccountId,
};

/// Votes on a dataset.
///
/// # Errors
/// For a person, with what to do about it.
pub async fn vote(args: VoteArgs) -> Result<()> {
	let connection = Connection::open_interactively(&Config::load(&args.config.config)?).await?;
	println!("{}", cast(&*connection.chain, &connection.signer, args.dataset, args.aye).await?);
	Ok(())
}

async fn record(chain: &dyn Chain, dataset: DatasetId) -> Result<DatasetRecord<AccountId>> {
	chain.dataset(dataset).await?.with_context(|| {
		format!(
			"the chain keeps no dataset {dataset}: it was never offered, or was turned away and is forgotten"
		)
	})
}

/// Votes, and says what that means.
async fn cast(chain: &dyn Chain, signer: &Signer, dataset: DatasetId, aye: bool) -> Result<String> {
	let (record, height) = (record(chain, dataset).await?, chain.finalized_head().await?.number);
	let DatasetStage::Vote { until, .. } = record.stage else {
		bail!("nobody votes on {dataset} now: it is {}", words::stage(&record, height));
	};
	let me = signer.account();
	ensure!(record.contributor != *me, "the dataset is this account's own: others vote on it");
	ensure!(
		chain.worker(me).await?.is_some(),
		"account {me} is no registered worker, and only those vote that were registered when the vote opened"
	);
	if let Some(cast) = chain.dataset_vote(dataset, me).await? {
		let how = if cast { "for" } else { "against" };
		bail!("account {me} has voted {how} it already, and a vote is not changed");
	}
	chain.submit(signer, Call::VoteOnDataset { dataset, aye }, Wait::Finalized).await?;
	Ok(format!(
		"voted {} {dataset}. The vote ends {}; then `blyan-worker settle-votes` returns what is held for it, if it came \
		out so",
		if aye { "for" } else { "against" },
		words::deadline(until, height)
	))
}

/// Settles votes that are over.
///
/// # Errors
/// As [`vote`].
pub async fn settle_votes(args: SettleVotesArgs) -> Result<()> {
	let connection = Connection::open_interactively(&Config::load(&args.config.config)?).await?;
	let voter = args.voter.unwrap_or_else(|| connection.account().clone());
	let settled = settle(&*connection.chain, &connection.signer, &voter, args.datasets).await?;
	for line in &settled {
		println!("{line}");
	}
	if settled.is_empty() {
		println!("no vote of {voter} is to be settled");
	}
	Ok(())
}

/// Settles the votes of `voter` on those datasets, or on all, that are over; says what each paid.
async fn settle(
	chain: &dyn Chain,
	signer: &Signer,
	voter: &AccountId,
	datasets: Vec<DatasetId>,
) -> Result<Vec<String>> {
	let datasets = match datasets.is_empty() {
		false => datasets,
		true => {
			let kept = chain.kept_datasets(None).await?.into_iter();
			let is_over = |stage| {
				!matches!(stage, DatasetStage::Pending | DatasetStage::Audit | DatasetStage::Vote { .. })
			};
			kept.filter(|record| is_over(record.stage)).map(|record| record.offer.content).collect()
		}
	};
	let mut lines = Vec::new();
	for dataset in datasets {
		if chain.dataset_vote(dataset, voter).await?.is_none() {
			continue;
		}
		let call = Call::SettleDatasetVote { dataset, voter: voter.clone() };
		let receipt = chain.submit(signer, call, Wait::Finalized).await?;
		let settled = receipt.events.iter().find_map(|event| match event {
			ChainEvent::DatasetVoteSettled { returned, burned, reward, .. } => Some(format!(
				": {} BLY returned, {} BLY burned, {} BLY earned",
				bly(*returned),
				bly(*burned),
				bly(*reward)
			)),
			_ => None,
		});
		lines.push(format!("{dataset}{}", settled.unwrap_or_default()));
	}
	Ok(lines)
}

/// Appeals against what became of a dataset.
///
/// # Errors
/// As [`vote`].
pub async fn appeal(args: AppealArgs) -> Result<()> {
	let connection = Connection::open_interactively(&Config::load(&args.config.config)?).await?;
	println!("{}", appeal_against(&*connection.chain, &connection.signer, args.dataset).await?);
	Ok(())
}

async fn appeal_against(chain: &dyn Chain, signer: &Signer, dataset: DatasetId) -> Result<String> {
	let (record, height) = (record(chain, dataset).await?, chain.finalized_head().await?.number);
	ensure!(
		record.contributor == *signer.account(),
		"only its contributor, {}, may appeal for {dataset}",
		record.contributor
	);
	let (DatasetStage::Rejected { until, .. } | DatasetStage::Quarantined { until, .. }) = record.stage
	else {
		bail!("there is nothing to appeal against: {dataset} is {}", words::stage(&record, height));
	};
	ensure!(height < until, "the time to appeal is over: it was {}", words::deadline(until, height));
	chain.submit(signer, Call::AppealDataset { dataset }, Wait::Finalized).await?;
	Ok(format!(
		"the appeal is open, and its deposit is held: it is burned if the appeal is denied.\nFollow it with \
		`blyan-worker dataset {dataset}`"
	))
}

async fn connect(node: &str) -> Result<Client> {
	Ok(Client::connect(ClientConfig::new(node).with_read_patience(INTERACTIVE_PATIENCE)).await?)
}

/// Shows a dataset.
///
/// # Errors
/// As [`vote`].
pub async fn dataset(args: DatasetArgs) -> Result<()> {
	let chain = connect(&args.node).await?;
	println!("{}", show(&chain, args.dataset, args.json).await?);
	Ok(())
}

async fn show(chain: &dyn Chain, dataset: DatasetId, json: bool) -> Result<String> {
	let record = record(chain, dataset).await?;
	let utility = chain.dataset_utility(dataset).await?;
	if json {
		let whole = serde_json::json!({ "record": record, "utility": utility });
		return Ok(serde_json::to_string_pretty(&whole)?);
	}
	let height = chain.finalized_head().await?.number;
	Ok(words::DatasetText { record: &record, utility: utility.as_ref(), height }.to_string())
}

/// Lists datasets.
///
/// # Errors
/// As [`vote`].
pub async fn datasets(args: DatasetsArgs) -> Result<()> {
	let chain = connect(&args.node).await?;
	let records = chain.kept_datasets(args.stage.map(Into::into)).await?;
	if args.json {
		println!("{}", serde_json::to_string_pretty(&records)?);
	} else {
		print!("{}", words::listing(&records, chain.finalized_head().await?.number));
	}
	Ok(())
}

/// Shows what a model learned from, or what learned from a dataset.
///
/// # Errors
/// As [`vote`].
pub async fn lineage(args: LineageArgs) -> Result<()> {
	let chain = connect(&args.node).await?;
	let uses: Vec<DataUseInfo> = match (args.model, args.dataset) {
		(Some(model), _) => chain.model_lineage(model).await?,
		(None, Some(dataset)) => chain.dataset_models(dataset).await?,
		(None, None) => bail!("name a --model, or a --dataset"),
	};
	if args.json {
		println!("{}", serde_json::to_string_pretty(&uses)?);
	} else {
		print!("{}", words::lineage(&uses));
	}
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::datasets::tests::{record as record_in, CONTRIBUTOR};
	use blyan_chain_client::fake::FakeChain;
	use blyan_primitives::{
		api::WorkerInfo,
		datasets::{Refusal, Tier},
		worker::{Role, Roles, INITIAL_REPUTATION},
	};

	fn chain(stage: DatasetStage<u32>) -> (FakeChain, Signer, DatasetId) {
		let (chain, signer) = (FakeChain::new(), Signer::from_suri(&"//Voter".to_owned().into()).unwrap());
		let record = record_in(stage);
		let dataset = record.offer.content;
		chain.edit(|state| state.kept_datasets.insert(dataset, record));
		(chain, signer, dataset)
	}

	fn register(chain: &FakeChain, account: &AccountId) {
		let worker = WorkerInfo {
			account: account.clone(),
			roles: Roles::default().with(Role::Server),
			endpoint: vec![],
			bond: 0,
			reputation: INITIAL_REPUTATION,
			engagements: 0,
			active: true,
		};
		chain.edit(|state| state.workers.insert(account.clone(), worker));
	}

	const VOTE: DatasetStage<u32> = DatasetStage::Vote { until: 40, is_extended: false };

	#[tokio::test]
	async fn vote_should_say_why_it_is_not_cast_and_send_nothing() {
		let refused = async |chain: &FakeChain, signer: &Signer, dataset| {
			let error = cast(chain, signer, dataset, true).await.unwrap_err().to_string();
			assert!(chain.submissions().is_empty(), "{error}");
			error
		};
		let (early, signer, dataset) = chain(DatasetStage::Pending);
		assert!(refused(&early, &signer, dataset).await.contains("in line for its audit"));
		let (stranger, ..) = chain(VOTE);
		assert!(refused(&stranger, &signer, dataset).await.contains("no registered worker"));
		register(&stranger, signer.account());
		stranger.edit(|state| state.dataset_votes.insert((dataset, signer.account().clone()), false));
		assert!(refused(&stranger, &signer, dataset).await.contains("voted against it already"));
		stranger.edit(|state| {
			state.kept_datasets.get_mut(&dataset).unwrap().contributor = signer.account().clone()
		});
		assert!(refused(&stranger, &signer, dataset).await.contains("own"));
		stranger.edit(|state| state.kept_datasets.clear());
		assert!(refused(&stranger, &signer, dataset).await.contains("keeps no dataset"));
	}

	#[tokio::test]
	async fn vote_should_be_cast_once_and_settled_when_it_is_over() {
		let (chain, signer, dataset) = chain(VOTE);
		register(&chain, signer.account());
		let me = signer.account().clone();
		let voter = me.clone();
		chain.on_call(move |state, who, call| {
			match call {
				Call::VoteOnDataset { dataset, aye } => {
					state.dataset_votes.insert((*dataset, who.clone()), *aye);
				}
				Call::SettleDatasetVote { dataset, voter } => {
					state.dataset_votes.remove(&(*dataset, voter.clone()));
					let (dataset, voter) = (*dataset, voter.clone());
					let (returned, burned, reward) = (blyan_primitives::economy::BLY / 10, 0, 0);
					return Ok(vec![ChainEvent::DatasetVoteSettled {
						dataset,
						voter,
						returned,
						burned,
						reward,
					}]);
				}
				other => panic!("{other:?}"),
			}
			Ok(vec![])
		});
		let said = cast(&chain, &signer, dataset, false).await.unwrap();
		assert!(said.starts_with("voted against") && said.contains("until block 40"), "{said}");
		assert!(settle(&chain, &signer, &voter, vec![]).await.unwrap().is_empty(), "still voted on");
		let approved = DatasetStage::Approved { tier: Tier::Gold, since: 41 };
		chain.edit(|state| state.kept_datasets.get_mut(&dataset).unwrap().stage = approved);
		let settled = settle(&chain, &signer, &voter, vec![]).await.unwrap();
		assert!(settled[0].contains("0.1 BLY returned, 0 BLY burned"), "{settled:?}");
		assert!(settle(&chain, &signer, &voter, vec![dataset]).await.unwrap().is_empty(), "once");
	}

	#[tokio::test]
	async fn appeal_should_be_the_contributor_s_and_of_what_was_turned_away() {
		let rejected = DatasetStage::Rejected { reason: Refusal::Votes, until: 40 };
		let (chain, signer, dataset) = chain(rejected);
		let error = appeal_against(&chain, &signer, dataset).await.unwrap_err().to_string();
		assert!(error.contains(&CONTRIBUTOR.to_string()), "{error}");
		let own = |stage| {
			let mut record = record_in(stage);
			record.contributor = signer.account().clone();
			chain.edit(|state| state.kept_datasets.insert(dataset, record));
		};
		own(VOTE);
		let error = appeal_against(&chain, &signer, dataset).await.unwrap_err().to_string();
		assert!(error.contains("nothing to appeal against"), "{error}");
		own(DatasetStage::Rejected { reason: Refusal::Votes, until: 0 });
		let error = appeal_against(&chain, &signer, dataset).await.unwrap_err().to_string();
		assert!(error.contains("is over"), "{error}");
		assert!(chain.submissions().is_empty());
		own(rejected);
		assert!(appeal_against(&chain, &signer, dataset).await.unwrap().contains("deposit is held"));
		assert_eq!(chain.submissions()[0].call, Call::AppealDataset { dataset });
	}
}
