//! `offer`: makes a dataset of files, offers it, serves it, and follows what becomes of it.
//!
//! [`step`] decides; [`pack`] makes the dataset and has the quality gate look at it.

pub mod pack;
pub mod step;

use super::{cli::OfferArgs, words};
use crate::{
	config::Config,
	journal::{Journal, JournalError},
	rounds::newest,
	scale::ScaleHex,
	work::{prove, Demand, Progress, Proof, Puzzle},
	worker::{Connection, StartError, Worker},
};
use anyhow::{bail, ensure, Context, Result};
use blyan_chain_client::{Call, Cause, Chain, ChainError, SignedCall, SubmitError, Wait};
use blyan_primitives::{
	api::DatasetRecord,
	datasets::{judge, offer_challenge, DatasetFinding, DatasetOffer, OfferWork, Outcome, QualityLimits},
	manifest::DatasetId,
	AccountId, BlockNumber, Hash,
};
use blyan_quality_gate::content::SampleAudit;
use blyan_store::{PinReason, Pins, Store};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use pack::{pack, Prepared};
use std::{
	fs,
	io::{self, IsTerminal},
	time::Duration,
};
use step::{step, Action, End, Entry, Input, Sent, State};
use tokio_util::sync::CancellationToken;

/// How often the bars are drawn at most.
const REDRAW: Duration = Duration::from_millis(200);
/// Pieces of content that are announced at once; the rest is announced before long.
const ANNOUNCED: usize = 256;
/// The pallet that takes offers.
const PALLET: &str = "Datasets";
/// Its error that says that it has the offer.
const KEPT: &str = "DatasetKept";
/// Its errors that a newer proof of work mends.
const STALE: [&str; 4] = ["WorkTooOld", "WorkReused", "WorkInsufficient", "WorkAnchorUnknown"];

/// Offers a dataset.
///
/// # Errors
/// For a person, with what to do about it; also when the dataset is turned away.
pub async fn run(args: OfferArgs, shutdown: CancellationToken) -> Result<()> {
	let config = Config::load(&args.config.config)?;
	let connection = Connection::open_interactively(&config).await?;
	offer(args, config, connection, shutdown).await
}

/// Offers a dataset as that configuration says, over that connection.
///
/// # Errors
/// As [`run`].
pub async fn offer(
	args: OfferArgs,
	config: Config,
	connection: Connection,
	shutdown: CancellationToken,
) -> Result<()> {
	let terms = connection.chain.audit_terms().await?;
	let prepared = {
		let (args, config) = (args.clone(), config.clone());
		let bar = bar("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {msg}")?;
		tokio::task::spawn_blocking(move || pack(&args, &config, &bar)).await??
	};
	let teller = Teller { json: args.json };
	teller.packed(&prepared)?;
	let verdict = foretold(&prepared.audit, &terms.limits);
	if let Err(why) = &verdict {
		ensure!(
			args.anyway,
			"auditors would surely turn it away: {why}. Mend it, or offer it --anyway; nothing was sent"
		);
		eprintln!("auditors would surely turn it away: {why}; it is offered all the same");
	}
	pin(&Store::open(config.store_dir())?, prepared.contents)?;
	Offering::open(&args, config, connection, prepared.offer)?.run(&args, &teller, shutdown).await
}

/// What auditors would say, as far as it can be known here.
fn foretold(audit: &SampleAudit, limits: &QualityLimits) -> Result<(), String> {
	match &audit.finding {
		DatasetFinding::Report(report) => match judge(report, limits) {
			Outcome::Admissible(_) => Ok(()),
			Outcome::Rejected(reason) => Err(words::rejection(reason).into()),
		},
		_ => Err(audit.reason.clone().unwrap_or_else(|| "it is not as its document says".into())),
	}
}

/// A bar on standard error, where somebody sees it.
fn bar(template: &str) -> Result<ProgressBar> {
	let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(template)?);
	match io::stderr().is_terminal() {
		true => bar.enable_steady_tick(REDRAW),
		false => bar.set_draw_target(indicatif::ProgressDrawTarget::hidden()),
	}
	Ok(bar)
}

/// Says what happens, for people or for programs.
struct Teller {
	json: bool,
}

impl Teller {
	fn packed(&self, prepared: &Prepared) -> Result<()> {
		let Prepared { offer, audit, left_out, .. } = prepared;
		if self.json {
			let line = serde_json::json!({
				"event": "packed",
				"dataset": offer.content,
				"offer": offer,
				"left_out": left_out,
				"audit": audit.to_json(),
			});
			println!("{line}");
			return Ok(());
		}
		println!("dataset         {}", offer.content);
		println!("text            {} in {} samples", HumanBytes(offer.bytes), offer.samples);
		if *left_out > 0 {
			println!("left out        {left_out} records that are no samples");
		}
		println!("\nWhat the quality gate finds here (auditors look at a sample of their own):\n{audit}\n");
		Ok(())
	}

	fn stage(&self, record: &DatasetRecord<AccountId>, height: BlockNumber) {
		if self.json {
			println!("{}", serde_json::json!({ "event": "stage", "height": height, "record": record }));
		} else {
			println!("block {height:<9} {}", words::stage(record, height));
		}
	}

	fn say(&self, text: &str) {
		if !self.json {
			println!("{text}");
		}
	}
}

/// What the work of an offer is for.
struct OfferPuzzle {
	account: AccountId,
	dataset: DatasetId,
}

impl Puzzle for OfferPuzzle {
	async fn demand(&self, chain: &dyn Chain) -> Result<Demand, ChainError> {
		let demand = chain.offer_demand(&self.account).await?;
		Ok(Demand { bits: demand.bits, max_age: demand.max_age, after: demand.after })
	}

	fn challenge(&self, anchor: &Hash) -> Hash {
		offer_challenge(&self.account, &self.dataset, anchor)
	}
}

/// An offer under way.
struct Offering {
	config: Config,
	connection: Connection,
	offer: DatasetOffer,
	journal: Journal<Entry>,
	state: State,
}

impl Offering {
	fn open(args: &OfferArgs, config: Config, connection: Connection, offer: DatasetOffer) -> Result<Self> {
		let folder = config.data_dir.join("offers");
		fs::create_dir_all(&folder)
			.with_context(|| format!("cannot make the folder {}", folder.display()))?;
		let (mut journal, entries) = Journal::open(folder.join(format!("{}.journal", offer.content)))?;
		let mut state = State::new(connection.account().clone(), args.stay, entries);
		if args.again && state.is_taken() {
			journal.append(&Entry::Again)?;
			state.keep(Entry::Again);
		}
		Ok(Self { config, connection, offer, journal, state })
	}

	async fn run(mut self, args: &OfferArgs, teller: &Teller, shutdown: CancellationToken) -> Result<()> {
		let server = match args.detach {
			true => None,
			false => self.serve(teller).await?,
		};
		let ended = self.follow(args, teller, server.as_ref(), &shutdown).await;
		if let Some(server) = server {
			server.stop().await;
		}
		match ended? {
			Some(end) => self.conclude(end, teller),
			None => Ok(()),
		}
	}

	/// Serves the content, unless a worker that runs with the same folder does.
	async fn serve(&self, teller: &Teller) -> Result<Option<Worker>> {
		match Worker::start_unregistered(self.config.clone(), self.connection.clone()).await {
			Ok(worker) => {
				teller.say(&format!("served at       {}", worker.endpoint()));
				Ok(Some(worker))
			}
			Err(StartError::DataDirInUse { .. }) => {
				teller.say("served by       the worker that runs with this data folder");
				Ok(None)
			}
			Err(error) => Err(error.into()),
		}
	}

	/// Until it ends, or `shutdown`: then `None`.
	async fn follow(
		&mut self,
		args: &OfferArgs,
		teller: &Teller,
		server: Option<&Worker>,
		shutdown: &CancellationToken,
	) -> Result<Option<End>> {
		let mut blocks = self.connection.chain.finalized_blocks(None);
		loop {
			let block = tokio::select! {
				biased;
				() = shutdown.cancelled() => return Ok(None),
				block = newest(&mut blocks) => block?,
			};
			let Some(block) = block else { return Ok(None) };
			let mut inputs = match self.connection.chain.dataset(self.offer.content).await {
				Ok(record) => vec![Input::Seen(record.map(Box::new))],
				Err(error) if error.is_retryable() => {
					tracing::warn!(%error, "the chain could not be read; tried again with the next block");
					continue;
				}
				Err(error) => return Err(error.into()),
			};
			while let Some(input) = inputs.pop() {
				for action in step(&mut self.state, input) {
					match action {
						Action::Journal(entry) => self.journal.append(&entry)?,
						Action::Tell(record) => {
							teller.stage(&record, block.number);
							announce(server, &self.offer).await;
						}
						Action::End(end) => return Ok(Some(end)),
						Action::Offer => match self.send(shutdown).await? {
							Some(sent) => inputs.push(Input::Returned(sent)),
							None => return Ok(None),
						},
						Action::Resume(signed) => {
							let sent = self.connection.chain.resume(&signed).await;
							inputs.push(Input::Returned(outcome(sent.map(|_| ()))?));
						}
					}
				}
			}
			if args.detach && self.state.is_taken() {
				teller.say("The chain has the offer. Keep a worker running with this data folder: it serves the content.");
				return Ok(None);
			}
		}
	}

	/// Works, signs, journals and sends; `None` if `shutdown` came first.
	async fn send(&mut self, shutdown: &CancellationToken) -> Result<Option<Sent>> {
		let (account, chain) = (self.connection.account().clone(), self.connection.chain.clone());
		let demand = match chain.offer_demand(&account).await {
			Err(error) if error.is_retryable() => return Ok(Some(unread(&error))),
			demand => demand?,
		};
		ensure!(
			demand.left_today > 0,
			"this account has offered as much as it may today; the same command tries again tomorrow"
		);
		let bar = bar("proof of work {bar:30} {pos}/{len} hashes expected, {elapsed}")?;
		let tell = |Progress { bits, tries }| {
			bar.set_length(1u64.checked_shl(bits).unwrap_or(u64::MAX));
			bar.set_position(tries);
		};
		let puzzle = OfferPuzzle { account, dataset: self.offer.content };
		let proof = match prove(&*chain, &puzzle, 0, shutdown, tell).await {
			Err(error) if error.is_retryable() => return Ok(Some(unread(&error))),
			proof => proof?,
		};
		bar.finish_and_clear();
		let Some(Proof { nonce, anchor }) = proof else { return Ok(None) };
		let call = Call::OfferDataset { offer: self.offer.clone(), work: OfferWork { nonce, anchor } };
		let (journal, state) = (&mut self.journal, &mut self.state);
		let mut note = |signed: &SignedCall| {
			let entry = Entry::Signed(ScaleHex(signed.clone()));
			journal.append(&entry).map_err(Cause::new)?;
			state.keep(entry);
			Ok(())
		};
		let sent = chain.submit_journalled(&self.connection.signer, call, Wait::Finalized, &mut note).await;
		Ok(Some(outcome(sent.map(|_| ()))?))
	}

	/// Says how it ended; an error if the dataset is turned away.
	fn conclude(&self, end: End, teller: &Teller) -> Result<()> {
		let dataset = self.offer.content;
		match end {
			End::Approved(tier) => {
				teller.say(&format!(
					"Models may learn from it, as {}. Keep it served: who cannot fetch it cannot learn from it.",
					words::tier(tier)
				));
				Ok(())
			}
			End::Rejected { reason, .. } if !reason.is_rejection() => {
				bail!("the dataset is turned away: {}: offer it --again", words::refusal(reason))
			}
			End::Rejected { reason, until } => {
				self.unpin()?;
				bail!(
					"the dataset is turned away: {}. Until block {until} you may appeal: blyan-worker appeal {dataset}",
					words::refusal(reason)
				)
			}
			End::Forgotten => {
				self.unpin()?;
				bail!(
					"the chain had the offer of {dataset} and keeps it no more: it was turned away and its time to appeal \
					is over, or it made room for another in the line. Offer it --again if that is what you want"
				)
			}
			End::OfferedBy(other) => bail!("{dataset} is offered already, by {other}; nothing was sent"),
			End::StillKept => bail!(
				"the chain keeps {dataset} still, since votes on it are not settled; have them settled with `blyan-worker \
				settle-votes --voter ACCOUNT {dataset}`, or try again when it is forgotten"
			),
			End::Refused(why) => bail!("the chain refuses the offer: {why}"),
		}
	}

	/// Lets the content go that was kept for the offer.
	fn unpin(&self) -> Result<()> {
		let store = Store::open(self.config.store_dir())?;
		for cid in pack::contents(&store, &self.offer)? {
			store.unpin(&cid, PinReason::OwnWork)?;
		}
		Ok(())
	}
}

/// Nothing was sent, since the chain could not be read.
fn unread(error: &ChainError) -> Sent {
	tracing::warn!(%error, "the chain could not be read; tried again with the next block");
	Sent::Unknown
}

/// Makes known who serves the content. Who audits asks the chain for the contributor's endpoint; of one that is no
/// registered worker, the DHT, which is entered through the workers that are registered by now.
async fn announce(server: Option<&Worker>, offer: &DatasetOffer) {
	let Some(worker) = server else { return };
	if let Err(error) = worker.content.providers(None).await {
		tracing::warn!(%error, "the workers that are registered are not known; told to them with the next stage");
	}
	let contents = pack::contents(worker.content.store(), offer).unwrap_or_else(|_| vec![offer.content]);
	for cid in contents.into_iter().take(ANNOUNCED) {
		worker.exchange.network().provide(cid).await;
	}
}

/// What became of sending.
fn outcome(result: Result<(), SubmitError>) -> Result<Sent, JournalError> {
	let error = match result {
		Ok(()) => return Ok(Sent::Done),
		Err(error) => error,
	};
	let is_stale = STALE.iter().any(|name| error.is_pallet_error(PALLET, name));
	let is_lapsed = matches!(error, SubmitError::Expired { .. } | SubmitError::Superseded { .. });
	if is_stale || is_lapsed {
		tracing::info!(%error, "the offer is signed anew");
		return Ok(Sent::Dropped);
	}
	if error.is_pallet_error(PALLET, KEPT) {
		return Ok(Sent::Kept);
	}
	let is_unknown =
		error.is_retryable() || error.is_disconnect() || matches!(error, SubmitError::Unknown { .. });
	if is_unknown {
		tracing::warn!(%error, "it is not known whether the chain has the offer; looked at again with the next block");
		return Ok(Sent::Unknown);
	}
	Ok(Sent::Refused(error.to_string()))
}

/// Keeps content from being collected as garbage.
fn pin(store: &Store, contents: impl IntoIterator<Item = DatasetId>) -> Result<()> {
	let mut pins = Pins::default();
	for cid in contents {
		pins.add(cid, PinReason::OwnWork);
	}
	Ok(store.pin_all(&pins)?)
}
