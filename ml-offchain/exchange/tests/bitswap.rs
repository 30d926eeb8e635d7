//! Real nodes on loopback, honest and otherwise; litep2p's Bitswap stands for other implementations.

mod common;

use blyan_exchange::{dht_protocol, Identity, Network, NetworkConfig, Provider};
use blyan_primitives::cid::Cid;
use blyan_store::{
	cid_of_bytes, exchange_router, FetchError, FetchOptions, ProviderError, Store, LEAF_BYTES,
};
use common::*;
use litep2p::protocol::libp2p::bitswap::{BlockPresenceType, ResponseType, WantType};
use std::{
	collections::BTreeSet,
	fs,
	sync::atomic::Ordering,
	time::{Duration, Instant},
};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn fetch_should_bring_any_size_and_serve_it_on() {
	let ((_a, source), (_b, target), (_c, third)) = (store(), store(), store());
	let (first, second, last) = (node(&source).await, node(&target).await, node(&third).await);
	for length in [0, 1, LEAF_BYTES, LEAF_BYTES + 1, 5 * LEAF_BYTES, 176 * LEAF_BYTES + 3] {
		let bytes = sample(length);
		let stored = source.put_bytes(&bytes).unwrap();
		let path = second.fetch(stored.cid, stored.bytes, &[provider(&first)], &options()).await.unwrap();
		assert!(fs::read(&path).unwrap() == bytes, "{length}");
		assert_eq!(target.verify(&stored.cid).unwrap(), stored);
		let path = last.fetch(stored.cid, stored.bytes, &[provider(&second)], &options()).await.unwrap();
		assert!(fs::read(&path).unwrap() == bytes, "{length}");
	}
	let (sent, received) = (first.metrics(), second.metrics());
	assert_eq!((sent.blocks_sent, sent.bytes_sent), (received.blocks_received, received.bytes_received));
	assert_eq!((received.duplicates, received.wrong_blocks, received.sessions), (0, 0, 6));
	// Leaves and nodes: 1 + 1 + 1 + (2 + 1) + (5 + 1) + (177 + 2 + 1).
	assert_eq!(received.blocks_received, 192);
	assert_eq!(second.metrics().blocks_sent, 192);
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_should_share_the_work_among_peers_and_gateways() {
	let ((_a, source), (_b, target)) = (store(), store());
	let bytes = sample(120 * LEAF_BYTES);
	let stored = source.put_bytes(&bytes).unwrap();
	let (first, second, fetching) = (node(&source).await, node(&source).await, node(&target).await);
	let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
	let gateway: Provider = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
	let router = exchange_router(source.clone());
	tokio::spawn(async move { axum_serve(listener, router).await });
	let providers = [provider(&first), gateway, provider(&second)];
	let path = fetching.fetch(stored.cid, stored.bytes, &providers, &options()).await.unwrap();
	assert!(fs::read(path).unwrap() == bytes);
	let counts = [first.metrics().blocks_sent, second.metrics().blocks_sent];
	assert!(counts.iter().all(|count| *count >= 10), "{counts:?}");
	assert!(counts.iter().sum::<u64>() <= 111, "the gateway did its part: {counts:?}");
}

async fn axum_serve(listener: tokio::net::TcpListener, router: axum::Router) {
	axum::serve(listener, router).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_should_work_with_another_implementation() {
	let ((_a, source), (_b, target)) = (store(), store());
	let bytes = sample(40 * LEAF_BYTES + 5);
	let stored = source.put_bytes(&bytes).unwrap();
	let other = foreign(&source, honest);
	let fetching = node(&target).await;
	let path = fetching
		.fetch(stored.cid, stored.bytes, std::slice::from_ref(&other.provider), &options())
		.await
		.unwrap();
	assert!(fs::read(path).unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn node_should_answer_another_implementation() {
	let (_a, source) = store();
	let bytes = sample(3 * LEAF_BYTES);
	let stored = source.put_bytes(&bytes).unwrap();
	let serving = node(&source).await;
	let mut asker = Asker::of(&serving);
	let leaf = cid_of_bytes(&bytes[..LEAF_BYTES]).unwrap();
	let absent = cid_of_bytes(b"absent").unwrap();
	asker.ask(&[stored.cid, leaf], WantType::Have).await;
	let mut here = BTreeSet::new();
	while here.len() < 2 {
		for answer in asker.answers(SOON).await {
			let ResponseType::Presence { cid, presence: BlockPresenceType::Have } = answer else {
				panic!("{answer:?}")
			};
			here.insert(own_cid(&cid));
		}
	}
	assert_eq!(here, BTreeSet::from([stored.cid, leaf]));
	asker.ask(&[stored.cid, leaf], WantType::Block).await;
	let mut blocks = BTreeSet::new();
	while blocks.len() < 2 {
		let answers = asker.answers(SOON).await;
		assert!(!answers.is_empty(), "nothing came");
		for answer in answers {
			let ResponseType::Block { cid, block } = answer else { panic!("{answer:?}") };
			assert_eq!(Some(block), source.block(&own_cid(&cid)).unwrap());
			blocks.insert(own_cid(&cid));
		}
	}
	// litep2p's wants do not ask to be told, so silence is the right answer, and the next is answered.
	asker.ask(&[absent], WantType::Block).await;
	asker.ask(&[leaf], WantType::Have).await;
	let answers = asker.answers(SOON).await;
	assert!(
		matches!(&answers[..], [ResponseType::Presence { cid, .. }] if own_cid(cid) == leaf),
		"{answers:?}"
	);
}

#[tokio::test(flavor = "multi_thread")]
async fn provider_should_be_dropped_with_its_reason_and_its_work_done_by_others() {
	let (_a, source) = store();
	let bytes = sample(20 * LEAF_BYTES);
	let stored = source.put_bytes(&bytes).unwrap();
	let quick = FetchOptions { timeout_per_block: Duration::from_millis(700), ..options() };
	let gone = {
		let node = foreign(&source, honest);
		node.vanish();
		node
	};
	let good = node(&source).await;
	let bad: [(Foreign, fn(&ProviderError) -> bool); 4] = [
		(foreign(&source, lie), |e| matches!(e, ProviderError::WrongBytes { .. })),
		(foreign(&source, stall), |e| matches!(e, ProviderError::Stalled { .. })),
		(foreign(&source, lack), |e| matches!(e, ProviderError::NotFound { .. })),
		(gone, |e| matches!(e, ProviderError::Connection { .. } | ProviderError::Stalled { .. })),
	];
	for (peer, is_expected) in &bad {
		let (_b, target) = store();
		let fetching = node(&target).await;
		let alone = [peer.provider.clone()];
		let error = fetching.fetch(stored.cid, stored.bytes, &alone, &quick).await.unwrap_err();
		let FetchError::Unfetchable { failures, .. } = &error else { panic!("{error}") };
		assert!(failures.len() == 1 && is_expected(&failures[0].error), "{error}");
		assert_eq!(failures[0].provider, peer.provider.to_string());
		assert!(target.list().unwrap().is_empty());

		let both = [peer.provider.clone(), provider(&good)];
		let path = fetching.fetch(stored.cid, stored.bytes, &both, &quick).await.unwrap();
		assert!(fs::read(path).unwrap() == bytes);
	}
	let (_b, target) = store();
	let fetching = node(&target).await;
	let all: Vec<Provider> = bad.iter().map(|(peer, _)| peer.provider.clone()).collect();
	let error = fetching.fetch(stored.cid, stored.bytes, &all, &quick).await.unwrap_err();
	assert!(matches!(&error, FetchError::Unfetchable { failures, .. } if failures.len() == 4), "{error}");
	assert!(fetching.metrics().wrong_blocks >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_should_go_on_elsewhere_when_a_peer_vanishes_in_the_middle() {
	let ((_a, source), (_b, target)) = (store(), store());
	let bytes = sample(60 * LEAF_BYTES);
	let stored = source.put_bytes(&bytes).unwrap();
	// Answers the root and twenty leaves, then nothing; and is gone.
	let failing = foreign(
		&source,
		|before, cid, block| {
			if before <= 20 {
				honest(before, cid, block)
			} else {
				Vec::new()
			}
		},
	);
	let fetching = node(&target).await;
	let wants = failing.wants.clone();
	let vanishing = async {
		while wants.load(Ordering::SeqCst) <= 21 {
			tokio::time::sleep(Duration::from_millis(5)).await;
		}
		failing.vanish();
	};
	let providers = [failing.provider.clone()];
	let quick = FetchOptions { timeout_per_block: Duration::from_secs(3), ..options() };
	let (error, ()) = tokio::join!(fetching.fetch(stored.cid, stored.bytes, &providers, &quick), vanishing);
	assert!(error.unwrap_err().is_retryable());
	assert!(!target.contains(&stored.cid));
	// Another takes over; what was verified is not asked for again.
	let other = node(&source).await;
	let path = fetching.fetch(stored.cid, stored.bytes, &[provider(&other)], &options()).await.unwrap();
	assert!(fs::read(path).unwrap() == bytes);
	let asked_again = other.metrics().blocks_sent;
	assert!((30..=45).contains(&asked_again), "{asked_again} of 61 blocks");
}

#[tokio::test(flavor = "multi_thread")]
async fn greedy_peer_should_not_starve_another() {
	let ((_a, source), (_b, target)) = (store(), store());
	let large = sample(800 * LEAF_BYTES);
	let wanted = source.put_bytes(&large).unwrap();
	let small = source.put_bytes(b"a small thing").unwrap();
	let serving = node(&source).await;
	// Wants everything at once and reads none of it: its stream is full after a window of bytes.
	let mut greedy = Asker::of(&serving);
	let leaves: Vec<Cid> = large.chunks(LEAF_BYTES).map(|leaf| cid_of_bytes(leaf).unwrap()).collect();
	for _ in 0..3 {
		greedy.ask(&leaves, WantType::Block).await;
	}
	let waiting = || serving.ledgers().iter().map(|ledger| ledger.wants).max().unwrap_or(0);
	let deadline = Instant::now() + SOON;
	while waiting() == 0 {
		assert!(Instant::now() < deadline, "the greedy peer's wants did not come");
		tokio::time::sleep(Duration::from_millis(5)).await;
	}
	let modest = node(&target).await;
	let path = modest.fetch(small.cid, small.bytes, &[provider(&serving)], &options()).await.unwrap();
	assert_eq!(fs::read(path).unwrap(), b"a small thing");
	let behind = waiting();
	assert!(behind > 0, "the modest peer was served while the greedy one still waited");
	// Nothing was lost of the greedy one's either.
	let mut got = BTreeSet::new();
	while got.len() < leaves.len() {
		let answers = greedy.answers(SOON).await;
		assert!(!answers.is_empty(), "{} of {} leaves", got.len(), leaves.len());
		for answer in answers {
			if let ResponseType::Block { cid, .. } = answer {
				got.insert(own_cid(&cid));
			}
		}
	}
	assert_eq!(wanted.bytes, large.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn wants_should_be_refused_beyond_the_bound() {
	let (_a, source) = store();
	let leaves: Vec<Cid> = (0..3_000u32).map(|number| cid_of_bytes(&number.to_le_bytes()).unwrap()).collect();
	source.put_bytes(&sample(64 * LEAF_BYTES)).unwrap();
	let serving = node(&source).await;
	let mut greedy = Asker::of(&serving);
	greedy.ask(&leaves, WantType::Block).await;
	let deadline = Instant::now() + SOON;
	while serving.metrics().wants_refused == 0 {
		assert!(Instant::now() < deadline);
		tokio::time::sleep(Duration::from_millis(5)).await;
	}
	assert_eq!(serving.metrics().wants_refused, 3_000 - 1_024);
}

#[tokio::test(flavor = "multi_thread")]
async fn altered_file_should_not_be_served_and_be_fetched_anew() {
	use std::{io::Write, os::unix::fs::PermissionsExt};
	let ((_a, source), (_b, other), (_c, target)) = (store(), store(), store());
	let bytes = sample(4 * LEAF_BYTES);
	let stored = source.put_bytes(&bytes).unwrap();
	other.put_bytes(&bytes).unwrap();
	let path = source.path(&stored.cid);
	fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
	let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
	file.write_all(&[bytes[0] ^ 1]).unwrap();
	let (flipped, sound, fetching) = (node(&source).await, node(&other).await, node(&target).await);
	let alone = [provider(&flipped)];
	let error = fetching.fetch(stored.cid, stored.bytes, &alone, &options()).await.unwrap_err();
	let FetchError::Unfetchable { failures, .. } = &error else { panic!("{error}") };
	assert!(matches!(failures[0].error, ProviderError::NotFound { .. }), "{error}");
	assert_eq!(fetching.metrics().wrong_blocks, 0, "nothing wrong was served");
	assert!(!source.contains(&stored.cid), "it is in quarantine");
	let both = [provider(&flipped), provider(&sound)];
	let fetched = fetching.fetch(stored.cid, stored.bytes, &both, &options()).await.unwrap();
	assert!(fs::read(fetched).unwrap() == bytes);
	let mended = flipped.fetch(stored.cid, stored.bytes, &[provider(&sound)], &options()).await.unwrap();
	assert!(fs::read(mended).unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_should_free_the_port_and_questions_should_end() {
	let ((_a, source), (_b, target)) = (store(), store());
	let stored = source.put_bytes(&sample(2 * LEAF_BYTES)).unwrap();
	let folder = tempfile::tempdir().unwrap();
	let serving =
		Network::start(source.clone(), Identity::open(folder.path()).unwrap(), NetworkConfig::default());
	let serving = serving.await.unwrap();
	let (peer, address) = (serving.peer_id(), provider(&serving));
	let fetching = node(&target).await;
	fetching.fetch(stored.cid, stored.bytes, std::slice::from_ref(&address), &options()).await.unwrap();
	serving.shutdown(SOON).await;
	// The same peer at the same place.
	let port = address.to_string().split('/').nth(4).unwrap().parse().unwrap();
	let config = NetworkConfig { listen: ([127, 0, 0, 1], port).into(), ..Default::default() };
	let again = Network::start(source.clone(), Identity::open(folder.path()).unwrap(), config).await.unwrap();
	assert_eq!((again.peer_id(), provider(&again)), (peer, address.clone()));
	let more = source.put_bytes(&sample(7)).unwrap();
	let patient = async {
		// The first try may still use the connection that was cut.
		for _ in 0..20 {
			if fetching.fetch(more.cid, more.bytes, std::slice::from_ref(&address), &options()).await.is_ok()
			{
				return;
			}
			tokio::time::sleep(Duration::from_millis(200)).await;
		}
		panic!("the peer that came back was not asked");
	};
	patient.await;

	// A question that stands when the asking node stops.
	let silent = foreign(&source, stall);
	let (_d, other) = store();
	let asking = node(&other).await;
	let clone = asking.clone();
	let question = tokio::spawn(async move {
		let providers = [silent.provider.clone()];
		let error = clone.fetch(stored.cid, stored.bytes, &providers, &options()).await.unwrap_err();
		// One that is asked afterwards is answered likewise.
		let later = clone.fetch(stored.cid, stored.bytes, &providers, &options()).await.unwrap_err();
		[error.to_string(), later.to_string()]
	});
	tokio::time::sleep(Duration::from_millis(500)).await;
	asking.shutdown(Duration::from_millis(100)).await;
	let errors = tokio::time::timeout(SOON, question).await.unwrap().unwrap();
	assert!(errors.iter().all(|error| error.contains("this node has stopped")), "{errors:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_should_be_found_through_the_dht() {
	let ((_a, one), (_b, two), (_c, three)) = (store(), store(), store());
	let config = || NetworkConfig { dht: Some(dht_protocol(&[7; 32])), ..Default::default() };
	let hub = node_with(&one, config()).await;
	let holder = node_with(&two, config()).await;
	let seeker = node_with(&three, config()).await;
	let stored = two.put_bytes(&sample(LEAF_BYTES + 1)).unwrap();
	// Both know the hub alone.
	holder.add_peers(hub.addresses().to_vec()).await;
	seeker.add_peers(hub.addresses().to_vec()).await;
	let deadline = Instant::now() + Duration::from_secs(60);
	let found = loop {
		let found = seeker.providers(stored.cid, Duration::from_secs(5)).await;
		if !found.is_empty() {
			break found;
		}
		assert!(Instant::now() < deadline, "nobody was found");
		tokio::time::sleep(Duration::from_millis(200)).await;
	};
	assert_eq!(found, holder.addresses());
	let providers: Vec<Provider> = found.into_iter().map(Provider::Peer).collect();
	let path = seeker.fetch(stored.cid, stored.bytes, &providers, &options()).await.unwrap();
	assert!(fs::read(path).unwrap() == sample(LEAF_BYTES + 1));
	// Nobody has it, and there is no DHT to ask: both come to an end.
	let absent = cid_of_bytes(b"absent").unwrap();
	assert!(seeker.providers(absent, Duration::from_secs(5)).await.is_empty());
	let (_d, four) = store();
	assert!(node(&four).await.providers(absent, SOON).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_should_share_one_store() {
	let ((_a, source), (folder, first)) = (store(), store());
	let second = Store::open(folder.path()).unwrap();
	let bytes = sample(50 * LEAF_BYTES);
	let stored = source.put_bytes(&bytes).unwrap();
	let (serving, one, two) = (node(&source).await, node(&first).await, node(&second).await);
	let providers = [provider(&serving)];
	let options = options();
	let (a, b) = tokio::join!(
		one.fetch(stored.cid, stored.bytes, &providers, &options),
		two.fetch(stored.cid, stored.bytes, &providers, &options)
	);
	assert_eq!(a.unwrap(), b.unwrap());
	assert_eq!(serving.metrics().blocks_sent, 51, "each block came once");
	assert_eq!(second.verify(&stored.cid).unwrap(), stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_reads_nothing_should_hold_up_nobody() {
	let ((_a, source), (_b, target)) = (store(), store());
	let large = sample(200 * LEAF_BYTES);
	let stored = source.put_bytes(&large).unwrap();
	let serving = node(&source).await;
	let leaves: Vec<Cid> = large.chunks(LEAF_BYTES).map(|leaf| cid_of_bytes(leaf).unwrap()).collect();
	let mute: Vec<_> = (0..20).map(|_| deaf(&serving, want_list(&leaves))).collect();
	let stuck = || serving.ledgers().iter().filter(|ledger| ledger.wants > 100).count();
	let deadline = Instant::now() + SOON;
	while stuck() < 20 {
		assert!(Instant::now() < deadline, "{} of 20 want everything", stuck());
		tokio::time::sleep(Duration::from_millis(5)).await;
	}
	let fetching = node(&target).await;
	let path = fetching.fetch(stored.cid, stored.bytes, &[provider(&serving)], &options()).await.unwrap();
	assert!(fs::read(path).unwrap() == large);
	assert!(stuck() > 0, "they were still there");
	mute.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread")]
async fn node_should_go_on_when_a_peer_talks_nonsense() {
	let ((_a, source), (_b, target)) = (store(), store());
	let stored = source.put_bytes(&sample(LEAF_BYTES + 1)).unwrap();
	let serving = node(&source).await;
	let nonsense = [vec![0xff; 100], vec![0x0a, 0xff, 1, 2], [0x22, 0].repeat(100_000)];
	let talkers: Vec<_> = nonsense.into_iter().map(|message| deaf(&serving, message)).collect();
	let deadline = Instant::now() + SOON;
	while serving.metrics().bad_messages < 3 {
		assert!(Instant::now() < deadline, "{:?}", serving.metrics());
		tokio::time::sleep(Duration::from_millis(5)).await;
	}
	let fetching = node(&target).await;
	fetching.fetch(stored.cid, stored.bytes, &[provider(&serving)], &options()).await.unwrap();
	talkers.iter().for_each(tokio::task::JoinHandle::abort);
}
