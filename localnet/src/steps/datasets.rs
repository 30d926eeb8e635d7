//! The data comes first: the text is offered as a dataset, audited, voted on and approved before the model learns from
//! it. Three datasets that should not be learned from are turned away while it does.

use super::{register, training::account_of, Scene};
use crate::{
	config::{gateway, key_file, MODEL, MODEL_NAME},
	corpus::Files,
	layout::{Layout, Member, ADVERSARY, CURATOR, SERVER},
	localnet::{within, Commands, Localnet},
	money::Amount,
	record::datasets as record,
	summary::{DataUse, Dataset, Offered, StepTime},
	ui::Ui,
};
use anyhow::{ensure, Context, Result};
use blyan_chain_client::{Call, Chain, ChainEvent, KeyFile, Signer, Wait};
use blyan_primitives::{manifest::DatasetId, worker::Role, AccountId};
use blyan_store::Store;
use std::{ffi::OsString, path::PathBuf, time::Duration};

/// How long an offer may take: a proof of work, a call, and what is in its way.
const OFFER: Duration = Duration::from_secs(180);
/// How long auditors and voters may take, with what is repeated.
const DECISION: Duration = Duration::from_secs(600);
/// How long votes may take to be settled after that, and the contributor to be paid.
const SETTLEMENT: Duration = Duration::from_secs(300);
/// What the others are called; the good one is called as the model.
const BAD_NAMES: [&str; 3] = ["personal", "repeated", "unlicensed"];
/// Well formed, and none of the SPDX list: nobody can say what it permits.
const NO_LICENCE: &str = "LicenseRef-none-stated";

/// A dataset to offer.
#[derive(Clone, Debug)]
struct Offer {
	name: &'static str,
	path: PathBuf,
	by: Member,
	licence: String,
	/// The licence's text.
	licence_file: Option<PathBuf>,
	expected: Offered,
}

impl Offer {
	/// What is typed to offer it.
	fn arguments(&self, config: PathBuf) -> Vec<OsString> {
		let mut arguments: Vec<OsString> = vec!["offer".into(), self.path.clone().into()];
		let mut add = |option: &str, value: OsString| arguments.extend([option.into(), value]);
		add("--config", config.into());
		add("--name", self.name.into());
		add("--version", "1.0.0".into());
		add("--licence", self.licence.clone().into());
		add("--domain", "general".into());
		if let Some(file) = &self.licence_file {
			add("--licence-file", file.into());
		}
		arguments
	}

	/// What is known of it before the chain says anything.
	fn described(&self, content: DatasetId) -> Dataset {
		Dataset {
			name: self.name.into(),
			content: content.to_string(),
			contributor: self.by.name.into(),
			licence: self.licence.clone(),
			expected: self.expected,
			..Dataset::default()
		}
	}
}

/// The datasets of the demonstration, beside whatever else is done with the network.
pub struct Data {
	ui: Ui,
	layout: Layout,
	commands: Commands,
	good: Offer,
	bad: [Offer; 3],
	/// Offers the good one.
	curator: Signer,
	/// Where that is served.
	curator_address: String,
	/// Votes against what is good, and settles what is settled by nobody else.
	adversary: Signer,
}

impl Data {
	/// Of the files that the text was made into.
	///
	/// # Errors
	/// A key cannot be read.
	pub fn new(local: &Localnet, files: Files) -> Result<Self> {
		let Files { good, personal, repeated, unlicensed } = files;
		let licence = local.cli.text_licence.clone();
		let licence_file = local.cli.text_licence_file.clone();
		let expected = Offered::Approved { is_confirmed: licence_file.is_some() };
		let good = Offer { name: MODEL_NAME, path: good, by: CURATOR, licence, licence_file, expected };
		let [of_persons, of_copies, of_nobody] = BAD_NAMES;
		let bad = |name, path, expected| Offer { name, path, by: ADVERSARY, expected, ..good.clone() };
		let bad = [
			bad(of_persons, personal, Offered::RefusedForPersonalData),
			bad(of_copies, repeated, Offered::RefusedForDuplicates),
			Offer {
				licence: NO_LICENCE.into(),
				licence_file: None,
				..bad(of_nobody, unlicensed, Offered::RefusedForUnknownLicence)
			},
		];
		Ok(Self {
			ui: local.ui.clone(),
			layout: local.layout.clone(),
			commands: local.commands(),
			good,
			bad,
			curator: KeyFile::new(key_file(&local.layout, CURATOR)).load()?,
			curator_address: gateway(local.ports.curator),
			adversary: KeyFile::new(key_file(&local.layout, ADVERSARY)).load()?,
		})
	}

	/// Starts who offers the text and serves it. It need not be a worker to offer something; it is one here, so that
	/// auditors find it at once.
	///
	/// # Errors
	/// The chain does not register it, or it cannot be started.
	pub async fn start(&self, local: &mut Localnet, chain: &dyn Chain) -> Result<()> {
		register(chain, &self.curator, CURATOR, Role::Server, &self.curator_address).await?;
		let mut arguments = self.good.arguments(self.layout.worker_config(CURATOR));
		arguments.push("--stay".into());
		local.start_worker_with(CURATOR, arguments)
	}

	/// Follows the text until models may learn from it.
	///
	/// # Errors
	/// It is turned away, or nothing comes of it in time.
	pub async fn approve(&self, scene: &Scene) -> Result<StepTime> {
		let Offer { name, .. } = self.good;
		let step = self.ui.step(format!("dataset {name}"));
		let dataset = self.offered(scene, &self.good).await?;
		let names = &scene.names;
		let in_vote = scene.chronicle.wait_for(|entries| {
			step.note(record::phase(entries, dataset, names));
			record::is_in_vote(entries, dataset).or_else(|| record::is_decided(entries, dataset))
		});
		within(DECISION, "the text was not audited", in_vote).await?;
		self.vote(scene, dataset).await?;
		let decided = scene.chronicle.wait_for(|entries| {
			step.note(record::phase(entries, dataset, names));
			record::is_decided(entries, dataset)
		});
		within(DECISION, "the vote on the text did not end", decided).await?;
		let found = self.found(scene, &self.good, dataset);
		ensure!(
			found.stage == "approved",
			"nothing can be learned from the text, for it was turned away: {}",
			found.line()
		);
		let seconds = step.done(&found.line()).as_secs_f64();
		Ok(StepTime { name: format!("dataset: {name}"), seconds })
	}

	/// Offers the datasets that must be turned away, and follows them until they are. Settles the votes meanwhile.
	///
	/// # Errors
	/// One cannot be offered, or nothing comes of it in time.
	pub async fn refuse(&self, scene: &Scene) -> Result<StepTime> {
		let step = self.ui.step("bad datasets");
		for offer in &self.bad {
			step.note(format!("offering {}", offer.name));
			if self.known(scene, offer).await?.is_some() {
				continue;
			}
			if offer.licence == NO_LICENCE {
				self.offer_unlicensed(scene, offer).await?;
			} else {
				let mut arguments = offer.arguments(self.layout.worker_config(ADVERSARY));
				// The command knows better, and its contributor does not listen.
				arguments.extend(["--anyway", "--detach"].map(OsString::from));
				let offered = self.commands.run(ADVERSARY, arguments).await;
				offered.with_context(|| format!("the dataset {} cannot be offered", offer.name))?;
			}
		}
		self.settle(scene).await?;
		for offer in &self.bad {
			let dataset = self.offered(scene, offer).await?;
			let decided = scene.chronicle.wait_for(|entries| {
				step.note(format!("{}: {}", offer.name, record::phase(entries, dataset, &scene.names)));
				record::is_decided(entries, dataset)
			});
			within(DECISION, &format!("nothing came of the dataset {}", offer.name), decided).await?;
			self.ui.print(&format!("          {}: {}", offer.name, self.found(scene, offer, dataset).line()));
		}
		let seconds = step.done("3 offered, and audited").as_secs_f64();
		Ok(StepTime { name: "bad datasets".into(), seconds })
	}

	/// Offers what the command would not, by the adversary's own means.
	async fn offer_unlicensed(&self, scene: &Scene, offer: &Offer) -> Result<()> {
		let (folder, text, name) = (self.layout.store(ADVERSARY), offer.path.clone(), offer.name);
		let packed = tokio::task::spawn_blocking(move || {
			super::offer::pack_under(NO_LICENCE, name, &text, &Store::open(folder)?)
		});
		super::offer::send(&*scene.chain, &self.adversary, packed.await??)
			.await
			.context("the adversary cannot offer")
	}

	/// The server votes in favour, by the command that a person would type; the adversary against, to see what that
	/// costs. Auditors vote by themselves.
	async fn vote(&self, scene: &Scene, dataset: DatasetId) -> Result<()> {
		let server = account_of(&scene.names, SERVER.name)?;
		let in_favour = async {
			if has_voted(scene, dataset, &server) {
				return Ok(());
			}
			let mut arguments: Vec<OsString> =
				vec!["vote".into(), dataset.to_string().into(), "--aye".into()];
			arguments.extend(["--config".into(), self.layout.worker_config(SERVER).into()]);
			self.commands.run(SERVER, arguments).await.context("the server cannot vote")?;
			anyhow::Ok(())
		};
		let against = async {
			if has_voted(scene, dataset, self.adversary.account()) {
				return Ok(());
			}
			let call = Call::VoteOnDataset { dataset, aye: false };
			let sent = scene.chain.submit(&self.adversary, call, Wait::InBlock).await;
			sent.context("the adversary cannot vote")?;
			anyhow::Ok(())
		};
		tokio::try_join!(in_favour, against)?;
		Ok(())
	}

	/// Has the votes settled of who does not do it alone. Anybody may do that for anybody.
	async fn settle(&self, scene: &Scene) -> Result<()> {
		let dataset = self.offered(scene, &self.good).await?;
		for voter in [account_of(&scene.names, SERVER.name)?, self.adversary.account().clone()] {
			if scene.chain.dataset_vote(dataset, &voter).await?.is_some() {
				let call = Call::SettleDatasetVote { dataset, voter };
				let sent = scene.chain.submit(&self.adversary, call, Wait::InBlock).await;
				sent.context("a vote cannot be settled")?;
			}
		}
		Ok(())
	}

	/// The dataset of an offer, once it is final that it was made.
	async fn offered(&self, scene: &Scene, offer: &Offer) -> Result<DatasetId> {
		let what = format!("the dataset {} was not offered", offer.name);
		within(OFFER, &what, async {
			let mut height = 0;
			loop {
				if let Some(dataset) = self.known(scene, offer).await? {
					return Ok(dataset);
				}
				height = scene.chronicle.newest_above(height).await?;
			}
		})
		.await
	}

	/// The same, if it is final now.
	async fn known(&self, scene: &Scene, offer: &Offer) -> Result<Option<DatasetId>> {
		let by = account_of(&scene.names, offer.by.name)?;
		for dataset in scene.chronicle.read(|entries| record::offered_by(entries, &by)) {
			let kept = scene.chain.dataset(dataset).await?;
			if kept.is_some_and(|kept| kept.offer.name[..] == *offer.name.as_bytes()) {
				return Ok(Some(dataset));
			}
		}
		Ok(None)
	}

	/// What the chain says of an offer.
	fn found(&self, scene: &Scene, offer: &Offer, dataset: DatasetId) -> Dataset {
		let known = offer.described(dataset);
		scene.chronicle.read(|entries| record::follow(entries, dataset, known, &scene.names))
	}

	/// Every dataset with what became of it, and what the model learned from which, when the votes are settled, the
	/// manifests of so many accepted submissions audited, and the contributor paid. If that takes too long, what there
	/// is: the summary says what is missing.
	///
	/// # Errors
	/// The chain cannot be read.
	pub async fn outcome(
		&self,
		local: &mut Localnet,
		scene: &Scene,
		accepted: u32,
	) -> Result<(Vec<Dataset>, Vec<DataUse>)> {
		let step = self.ui.step("lineage");
		let all: Vec<&Offer> = std::iter::once(&self.good).chain(&self.bad).collect();
		let mut ids = Vec::new();
		for offer in &all {
			ids.push(self.offered(scene, offer).await?);
		}
		let complete = async {
			let mut height = 0;
			loop {
				self.claim(scene).await?;
				let (paid, settled) = scene.chronicle.read(|entries| {
					let settled =
						ids.iter().all(|dataset| record::are_votes_settled(entries, *dataset).is_some());
					(record::paid_to(entries, self.curator.account()), settled)
				});
				let learned = scene.chain.model_lineage(MODEL).await?;
				let submissions = learned.iter().map(|used| used.submissions).max().unwrap_or_default();
				if submissions >= accepted && paid.0 > 0 && settled {
					return anyhow::Ok(());
				}
				step.note(format!("{submissions} manifests verified, {paid} BLY paid for data"));
				height = scene.chronicle.newest_above(height).await?;
			}
		};
		if let Ok(ended) = tokio::time::timeout(SETTLEMENT, complete).await {
			ended?;
		}
		let datasets: Vec<Dataset> =
			all.iter().zip(&ids).map(|(offer, dataset)| self.found(scene, offer, *dataset)).collect();
		let mut lineage = Vec::new();
		for used in scene.chain.model_lineage(MODEL).await? {
			let known = datasets.iter().find(|dataset| dataset.content == used.dataset.to_string());
			let utility = scene.chain.dataset_utility(used.dataset).await?;
			let (earned, of_purse) =
				scene.chronicle.read(|entries| record::accrued_for(entries, used.dataset));
			lineage.push(DataUse {
				dataset: known.map_or_else(|| used.dataset.to_string(), |dataset| dataset.name.clone()),
				contributor: known.map(|dataset| dataset.contributor.clone()).unwrap_or_default(),
				submissions: used.submissions,
				samples: used.samples,
				first: used.first,
				last: used.last,
				earned,
				of_purse,
				purse: Amount(utility.map(|utility| utility.purse).unwrap_or_default()),
				paid: scene.chronicle.read(|entries| record::paid_to(entries, self.curator.account())),
			});
		}
		let outcome = match &lineage[..] {
			[] => "the model learned from nothing that is known".into(),
			uses => uses.iter().map(DataUse::line).collect::<Vec<_>>().join("; "),
		};
		local.done(step, "lineage", &outcome);
		Ok((datasets, lineage))
	}

	/// Claims what the contributor earned in epochs that are over.
	async fn claim(&self, scene: &Scene) -> Result<()> {
		for epoch in scene.chain.claimable_epochs(self.curator.account()).await? {
			let call = Call::ClaimRewards { epoch };
			match scene.chain.submit(&self.curator, call, Wait::Finalized).await {
				Ok(_) => (),
				// Paid for by another claim, or too little: the next look says which.
				Err(error) => tracing::info!(%error, "the contributor's claim was refused"),
			}
		}
		Ok(())
	}
}

fn has_voted(scene: &Scene, wanted: DatasetId, who: &AccountId) -> bool {
	scene.chronicle.read(|entries| {
		entries.iter().any(|entry| match &entry.event {
			ChainEvent::DatasetVoted { dataset, voter, .. } => *dataset == wanted && voter == who,
			_ => false,
		})
	})
}
