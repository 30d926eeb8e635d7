//! Downloads from real servers, honest and otherwise.

use axum::{
	body::{Body, Bytes},
	extract::{Path, State},
	http::{header, StatusCode},
	response::{IntoResponse, Response},
	routing::get,
	Router,
};
use blyan_primitives::cid::Cid;
use blyan_store::{
	cid_of_bytes, exchange_router, fetch, FetchError, FetchOptions, ProviderError, Store, Stored, Url,
	LEAF_BYTES,
};
use futures::{stream, StreamExt};
use std::{
	collections::HashMap,
	fs,
	os::unix::fs::PermissionsExt,
	sync::{
		atomic::{AtomicUsize, Ordering},
		Arc,
	},
	time::{Duration, Instant},
};
use tokio::net::TcpListener;

fn sample(length: usize) -> Vec<u8> {
	// Every leaf differs from every other.
	(0..length as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

fn store() -> (tempfile::TempDir, Store) {
	let folder = tempfile::tempdir().unwrap();
	let store = Store::open(folder.path()).unwrap();
	(folder, store)
}

fn options() -> FetchOptions {
	FetchOptions {
		timeout_total: Duration::from_secs(60),
		timeout_per_block: Duration::from_secs(10),
		second_after: Duration::from_secs(2),
		max_bytes: 1 << 30,
		parallel: 4,
	}
}

async fn serve(router: Router) -> Url {
	let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
	let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
	tokio::spawn(async move { axum::serve(listener, router).await });
	url
}

/// Where nobody listens.
async fn vanished() -> Url {
	let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
	format!("http://{}", listener.local_addr().unwrap()).parse().unwrap()
}

/// How a provider misbehaves, given how many requests came before.
type Conduct = Arc<dyn Fn(usize, Cid, Vec<u8>) -> Response + Send + Sync>;

#[derive(Clone)]
struct Peer {
	store: Store,
	requests: Arc<AtomicUsize>,
	conduct: Conduct,
}

/// Serves the store's blocks as `conduct` makes them, and counts requests.
async fn peer(
	store: &Store,
	conduct: impl Fn(usize, Cid, Vec<u8>) -> Response + Send + Sync + 'static,
) -> (Url, Arc<AtomicUsize>) {
	async fn answer(State(peer): State<Peer>, Path(cid): Path<String>) -> Response {
		let before = peer.requests.fetch_add(1, Ordering::SeqCst);
		let cid: Cid = cid.parse().unwrap();
		match peer.store.block(&cid).unwrap() {
			Some(bytes) => (peer.conduct)(before, cid, bytes),
			None => StatusCode::NOT_FOUND.into_response(),
		}
	}
	let requests = Arc::new(AtomicUsize::new(0));
	let peer = Peer { store: store.clone(), requests: requests.clone(), conduct: Arc::new(conduct) };
	(serve(Router::new().route("/ipfs/{cid}", get(answer)).with_state(peer)).await, requests)
}

fn honest(_: usize, _: Cid, bytes: Vec<u8>) -> Response {
	bytes.into_response()
}

fn never() -> Response {
	Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()).into_response()
}

#[track_caller]
fn assert_fetched(store: &Store, stored: Stored, bytes: &[u8], path: &std::path::Path) {
	assert_eq!(path, store.path(&stored.cid));
	assert!(fs::read(path).unwrap() == bytes);
	assert_eq!(store.verify(&stored.cid).unwrap(), stored);
	assert!(fs::metadata(path).unwrap().permissions().readonly());
	let mut leftovers = fs::read_dir(path.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name());
	assert!(!leftovers.any(|name| name.to_string_lossy().contains("partial")));
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_should_bring_any_size_when_providers_are_honest() {
	let ((_a, source), (_b, target)) = (store(), store());
	let providers =
		[serve(exchange_router(source.clone())).await, serve(exchange_router(source.clone())).await];
	for length in [0, 1, LEAF_BYTES, LEAF_BYTES + 1, 5 * LEAF_BYTES, 176 * LEAF_BYTES + 3] {
		let bytes = sample(length);
		let stored = source.put_bytes(&bytes).unwrap();
		let path = fetch(&target, stored.cid, length as u64, &providers, &options()).await.unwrap();
		assert_fetched(&target, stored, &bytes, &path);
	}
	// What was fetched can be served on at once.
	let (_c, third) = store();
	let next = serve(exchange_router(target)).await;
	let bytes = sample(5 * LEAF_BYTES);
	let path = fetch(&third, cid_of_bytes(&bytes).unwrap(), bytes.len() as u64, &[next], &options()).await;
	assert!(fs::read(path.unwrap()).unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_should_ask_nobody_when_the_content_is_here() {
	let (_a, target) = store();
	let stored = target.put_bytes(&sample(LEAF_BYTES + 7)).unwrap();
	let path = fetch(&target, stored.cid, stored.bytes, &[], &options()).await.unwrap();
	assert_eq!(path, target.path(&stored.cid));
	let error = fetch(&target, stored.cid, stored.bytes + 1, &[], &options()).await.unwrap_err();
	assert!(matches!(error, FetchError::NotAsAnnounced { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_should_replace_the_file_when_it_was_altered() {
	let ((_a, source), (_b, target)) = (store(), store());
	let bytes = sample(3 * LEAF_BYTES);
	let stored = source.put_bytes(&bytes).unwrap();
	target.put_bytes(&bytes).unwrap();
	let path = target.path(&stored.cid);
	fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
	fs::write(&path, b"altered").unwrap();
	let provider = serve(exchange_router(source)).await;
	let path = fetch(&target, stored.cid, stored.bytes, &[provider], &options()).await.unwrap();
	assert_fetched(&target, stored, &bytes, &path);
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_should_drop_the_provider_when_it_lies_stalls_lacks_or_vanishes() {
	let (_a, source) = store();
	let bytes = sample(40 * LEAF_BYTES);
	let stored = source.put_bytes(&bytes).unwrap();
	let lie = |_, _, mut bytes: Vec<u8>| {
		bytes[0] ^= 1;
		bytes.into_response()
	};
	let stall = |before, _, bytes: Vec<u8>| if before < 3 { bytes.into_response() } else { never() };
	let lack = |before, _, bytes: Vec<u8>| match before {
		0..2 => bytes.into_response(),
		_ => StatusCode::NOT_FOUND.into_response(),
	};
	// The connection breaks in the middle of a leaf.
	let vanish = |_, _, bytes: Vec<u8>| {
		let half = Ok(Bytes::copy_from_slice(&bytes[..bytes.len() / 2]));
		let broken = Err(std::io::Error::other("gone"));
		Body::from_stream(stream::iter([half, broken])).into_response()
	};
	let too_long = |_, _, _: Vec<u8>| {
		let endless = stream::repeat(Bytes::from_static(&[0; 65_536])).map(Ok::<_, std::io::Error>);
		Body::from_stream(endless).into_response()
	};
	let moved = |_, cid: Cid, _: Vec<u8>| {
		(StatusCode::FOUND, [(header::LOCATION, format!("http://127.0.0.1:1/ipfs/{cid}"))]).into_response()
	};
	let quick = FetchOptions { timeout_per_block: Duration::from_millis(500), ..options() };
	let bad: [(Url, fn(&ProviderError) -> bool); 8] = [
		(peer(&source, lie).await.0, |e| matches!(e, ProviderError::WrongBytes { .. })),
		(peer(&source, stall).await.0, |e| matches!(e, ProviderError::Stalled { .. })),
		(peer(&source, lack).await.0, |e| matches!(e, ProviderError::NotFound { .. })),
		(peer(&source, vanish).await.0, |e| matches!(e, ProviderError::Connection { .. })),
		(peer(&source, too_long).await.0, |e| matches!(e, ProviderError::TooLong { .. })),
		(peer(&source, moved).await.0, |e| matches!(e, ProviderError::Status { .. })),
		(vanished().await, |e| matches!(e, ProviderError::Connection { .. })),
		("https://127.0.0.1".parse().unwrap(), |e| matches!(e, ProviderError::Scheme { .. })),
	];
	for (provider, is_expected) in &bad {
		// Alone, it is named with what it did.
		let (_b, target) = store();
		let error = fetch(&target, stored.cid, stored.bytes, std::slice::from_ref(provider), &quick).await;
		let error = error.unwrap_err();
		let FetchError::Unfetchable { cid, failures } = &error else { panic!("{error}") };
		assert_eq!((*cid, failures.len()), (stored.cid, 1));
		assert_eq!(failures[0].provider, provider.as_str());
		assert!(is_expected(&failures[0].error), "{error}");
		assert!(error.is_retryable() && error.to_string().contains(provider.as_str()), "{error}");
		assert!(!target.contains(&stored.cid) && target.list().unwrap().is_empty());

		// Beside an honest one, it costs at most its own timeout.
		let (good, _) = peer(&source, honest).await;
		let start = Instant::now();
		let path = fetch(&target, stored.cid, stored.bytes, &[provider.clone(), good], &quick).await.unwrap();
		assert_fetched(&target, stored, &bytes, &path);
		assert!(start.elapsed() < Duration::from_secs(20));
	}
	// All of them at once, and nobody else.
	let (_b, target) = store();
	let urls: Vec<Url> = bad.iter().map(|(url, _)| url.clone()).collect();
	let error = fetch(&target, stored.cid, stored.bytes, &urls, &quick).await.unwrap_err();
	assert!(matches!(&error, FetchError::Unfetchable { failures, .. } if failures.len() == 8), "{error}");
	let error = fetch(&target, stored.cid, stored.bytes, &[], &quick).await.unwrap_err();
	assert!(matches!(&error, FetchError::Unfetchable { failures, .. } if failures.is_empty()), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_should_refuse_when_the_announced_length_is_not_true() {
	let ((_a, source), (_b, target)) = (store(), store());
	let bytes = sample(3 * LEAF_BYTES + 5);
	let stored = source.put_bytes(&bytes).unwrap();
	let (provider, requests) = peer(&source, honest).await;
	let providers = [provider];
	for wrong in [stored.bytes - 1, stored.bytes + 1, 2 * LEAF_BYTES as u64, 500 * LEAF_BYTES as u64] {
		let error = fetch(&target, stored.cid, wrong, &providers, &options()).await.unwrap_err();
		assert!(matches!(error, FetchError::NotAsAnnounced { .. }) && !error.is_retryable(), "{error}");
	}
	requests.store(0, Ordering::SeqCst);
	// These need nobody to be asked.
	let leaf = source.put_bytes(&bytes[..10]).unwrap();
	for (cid, announced) in [(stored.cid, 10), (leaf.cid, LEAF_BYTES as u64 + 1)] {
		let error = fetch(&target, cid, announced, &providers, &options()).await.unwrap_err();
		assert!(matches!(error, FetchError::NotAsAnnounced { .. }), "{error}");
	}
	let small = FetchOptions { max_bytes: stored.bytes - 1, ..options() };
	for (announced, options) in [(stored.bytes, &small), (u64::MAX, &options())] {
		let error = fetch(&target, stored.cid, announced, &providers, options).await.unwrap_err();
		assert!(matches!(error, FetchError::TooLarge { .. }) && !error.is_retryable(), "{error}");
	}
	assert_eq!(requests.load(Ordering::SeqCst), 0);
	// A leaf whose announced length is wrong is seen when it comes.
	let error = fetch(&target, leaf.cid, 9, &providers, &options()).await.unwrap_err();
	assert!(matches!(error, FetchError::NotAsAnnounced { .. }), "{error}");
	assert!(target.list().unwrap().is_empty());
}

/// Serves blocks made by hand, by their true digests.
async fn serve_blocks(blocks: Vec<Vec<u8>>) -> (Url, Vec<[u8; 32]>) {
	use sha2::Digest;
	let digests: Vec<[u8; 32]> = blocks.iter().map(|block| sha2::Sha256::digest(block).into()).collect();
	let by_digest: Arc<HashMap<[u8; 32], Vec<u8>>> = Arc::new(digests.iter().copied().zip(blocks).collect());
	let answer = move |Path(cid): Path<String>| async move {
		match by_digest.get(&cid.parse::<Cid>().unwrap().digest) {
			Some(block) => block.clone().into_response(),
			None => StatusCode::NOT_FOUND.into_response(),
		}
	};
	(serve(Router::new().route("/ipfs/{cid}", get(answer))).await, digests)
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_should_refuse_when_the_tree_lies() {
	let ((_a, source), (_b, target)) = (store(), store());
	let bytes = sample(2 * LEAF_BYTES);
	let stored = source.put_bytes(&bytes).unwrap();
	let root = source.block(&stored.cid).unwrap().unwrap();
	// Of a true root: another length, more after the end, deeper than it says, links to itself or nothing.
	let mut longer = root.clone();
	let last = longer.len() - 1;
	longer[last] ^= 0x01;
	let mut deeper = root.clone();
	let first_link = deeper.windows(4).position(|w| w == [0x01, 0x55, 0x12, 0x20]).unwrap();
	deeper[first_link + 1] = 0x70;
	let hostile = vec![
		longer,
		[&root[..], &[0x0a, 0x00]].concat(),
		deeper,
		Vec::new(),
		vec![0x12; 70_000],
		root[..root.len() - 1].to_vec(),
	];
	let (provider, digests) = serve_blocks(hostile).await;
	for digest in digests {
		let cid = Cid { codec: stored.cid.codec, digest };
		let error = fetch(&target, cid, stored.bytes, std::slice::from_ref(&provider), &options()).await;
		let error = error.unwrap_err();
		assert!(matches!(&error, FetchError::NotAsAnnounced { block, .. } if *block == cid), "{error}");
	}
	assert!(target.list().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_should_go_on_from_what_was_verified_when_it_was_interrupted() {
	let ((_a, source), (_b, target)) = (store(), store());
	let bytes = sample(60 * LEAF_BYTES);
	let stored = source.put_bytes(&bytes).unwrap();
	// The root and some thirty leaves, then silence; the fetch is cancelled while it waits.
	let (first, _) =
		peer(&source, |before, _, bytes| if before < 31 { bytes.into_response() } else { never() }).await;
	let (first, options) = ([first], options());
	let interrupted = fetch(&target, stored.cid, stored.bytes, &first, &options);
	assert!(tokio::time::timeout(Duration::from_secs(3), interrupted).await.is_err());
	assert!(!target.contains(&stored.cid));

	// A process that starts afterwards, and a partial file of which a part was lost meanwhile.
	let target = Store::open(target.path(&stored.cid).parent().unwrap()).unwrap();
	let (second, requests) = peer(&source, honest).await;
	let path = fetch(&target, stored.cid, stored.bytes, &[second], &options).await.unwrap();
	assert_fetched(&target, stored, &bytes, &path);
	assert_eq!(
		requests.load(Ordering::SeqCst),
		60 - 30,
		"no verified leaf was asked for again, nor the root"
	);
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_should_repair_the_partial_file_when_it_was_damaged() {
	let ((_a, source), (_b, target)) = (store(), store());
	let bytes = sample(6 * LEAF_BYTES);
	let stored = source.put_bytes(&bytes).unwrap();
	let partial = target.path(&stored.cid).with_file_name(format!("{}.partial", stored.cid));
	let mut damaged = bytes.clone();
	damaged[LEAF_BYTES + 3] ^= 1;
	damaged.truncate(4 * LEAF_BYTES + 17);
	fs::write(&partial, damaged).unwrap();
	let (provider, requests) = peer(&source, honest).await;
	let path = fetch(&target, stored.cid, stored.bytes, &[provider], &options()).await.unwrap();
	assert_fetched(&target, stored, &bytes, &path);
	assert_eq!(requests.load(Ordering::SeqCst), 1 + 3, "the root, and the leaves that were not whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_should_download_once_when_many_want_the_same() {
	let ((_a, source), (_b, target)) = (store(), store());
	let bytes = sample(30 * LEAF_BYTES);
	let stored = source.put_bytes(&bytes).unwrap();
	let (provider, requests) = peer(&source, honest).await;
	let all = stream::iter(0..6).map(|_| {
		// Each as from a process of its own.
		let target = Store::open(target.path(&stored.cid).parent().unwrap()).unwrap();
		let provider = provider.clone();
		async move { fetch(&target, stored.cid, stored.bytes, &[provider], &options()).await }
	});
	let paths: Vec<_> = all.buffer_unordered(6).collect().await;
	for path in paths {
		assert_fetched(&target, stored, &bytes, &path.unwrap());
	}
	assert_eq!(requests.load(Ordering::SeqCst), 31, "the root and each leaf, once");
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_should_give_up_when_the_time_is_spent() {
	let ((_a, source), (_b, target)) = (store(), store());
	let stored = source.put_bytes(&sample(4 * LEAF_BYTES)).unwrap();
	let (provider, _) = peer(&source, |_, _, _| never()).await;
	let short = FetchOptions { timeout_total: Duration::from_millis(300), ..options() };
	let providers = [vanished().await, provider];
	let error = fetch(&target, stored.cid, stored.bytes, &providers, &short).await.unwrap_err();
	assert!(matches!(&error, FetchError::TimedOut { failures, .. } if failures.len() == 1), "{error}");
	assert!(error.is_retryable());
}

#[tokio::test(flavor = "multi_thread")]
async fn router_should_answer_as_a_trustless_gateway() {
	let (_a, source) = store();
	let bytes = sample(LEAF_BYTES + 9);
	let stored = source.put_bytes(&bytes).unwrap();
	let leaf = cid_of_bytes(&bytes[..LEAF_BYTES]).unwrap();
	let base = serve(exchange_router(source)).await;
	let client = reqwest::Client::builder().no_proxy().build().unwrap();
	let ask = |path: String, accept: &'static str| {
		let request = client.get(format!("{base}{path}")).header(header::ACCEPT, accept);
		async move { request.send().await.unwrap() }
	};
	for (query, accept) in [("?format=raw", "*/*"), ("", "text/html, application/vnd.ipld.raw;q=0.9")] {
		let response = ask(format!("ipfs/{leaf}{query}"), accept).await;
		assert_eq!(response.status(), StatusCode::OK);
		assert_eq!(response.headers()[header::CONTENT_TYPE], "application/vnd.ipld.raw");
		assert_eq!(response.headers()[header::ETAG], format!("\"{leaf}.raw\""));
		assert!(response.bytes().await.unwrap() == bytes[..LEAF_BYTES]);
	}
	let root = ask(format!("ipfs/{}?format=raw", stored.cid), "*/*").await;
	assert_eq!(root.status(), StatusCode::OK);
	let absent = cid_of_bytes(b"absent").unwrap();
	for (path, status) in [
		(format!("ipfs/{absent}?format=raw"), StatusCode::NOT_FOUND),
		(format!("ipfs/{leaf}"), StatusCode::NOT_ACCEPTABLE),
		(format!("ipfs/{leaf}?format=car"), StatusCode::NOT_ACCEPTABLE),
		("ipfs/QmNotOfThisKind?format=raw".into(), StatusCode::BAD_REQUEST),
		("ipfs/..%2F..%2Fetc%2Fpasswd?format=raw".into(), StatusCode::BAD_REQUEST),
	] {
		let response = ask(path.clone(), "*/*").await;
		assert_eq!(response.status(), status, "{path}");
	}
	let head = client.head(format!("{base}ipfs/{leaf}?format=raw")).send().await.unwrap();
	assert_eq!(head.headers()[header::CONTENT_LENGTH], LEAF_BYTES.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn content_bytes_should_be_what_the_root_says() {
	let (_a, source) = store();
	let client = blyan_store::HttpClient::new().unwrap();
	let base = serve(exchange_router(source.clone())).await;
	let ask = |cid: Cid| {
		let sources: Vec<Arc<dyn blyan_store::BlockSource>> = vec![Arc::new(client.source(base.clone()))];
		async move { blyan_store::content_bytes(&cid, sources, &options()).await }
	};
	for length in [0, 9, LEAF_BYTES, LEAF_BYTES + 1, 180 * LEAF_BYTES] {
		let stored = source.put_bytes(&sample(length)).unwrap();
		assert_eq!(ask(stored.cid).await.unwrap(), length as u64);
	}
	let error = ask(cid_of_bytes(b"absent").unwrap()).await.unwrap_err();
	assert!(matches!(error, FetchError::Unfetchable { .. }), "{error}");
	// An empty directory, as IPFS has it.
	let (directory, digests) = serve_blocks(vec![vec![0x0a, 2, 8, 1]]).await;
	let cid = Cid { codec: blyan_primitives::cid::CidCodec::DagPb, digest: digests[0] };
	let sources: Vec<Arc<dyn blyan_store::BlockSource>> = vec![Arc::new(client.source(directory))];
	let error = blyan_store::content_bytes(&cid, sources, &options()).await.unwrap_err();
	assert!(matches!(error, FetchError::NotAFile { .. }) && !error.is_retryable(), "{error}");
}
