//! Whether a canary can be told from a genuine submission before anybody measures it.
//!
//! Each of many trainings of an expert starts from heads of its own. Half are submitted as they are, half as canaries. From all that
//! is public of a submission before its seal is opened (its content, the heads that it is for, its record and its
//! call), features are computed, and of each the area under the ROC curve: the chance that a canary ranks above a
//! genuine one. A feature that tells nothing has 1/2, give or take what chance does. Some features tell something:
//! `docs/decisions/014-canaries.md` says how much, and here it may not become more. The same features must tell crude
//! canaries apart beyond what chance does in a test of all of them at once, or they would prove nothing.

use blyan_delta::{Delta, DeltaOptions};
use blyan_model::{component_tensors, evaluate, TrainConfig, Trainer, Weights};
use blyan_primitives::{
	architecture::{Architecture, ExpertCount},
	canary,
	cid::{Cid, CidCodec},
	dag::{Block, BlockKind, Component, ContentFormat, NewBlock, NewBlocks},
	submission::Envelope,
	AccountId, Hash,
};
use blyan_tensorblock::Container;
use blyan_worker::plant::mirror::mirrored;
use codec::Encode;
use polkadot_sdk::sp_crypto_hashing::blake2_256;
use rand::{rngs::StdRng, Rng, SeedableRng};
use std::{collections::BTreeMap, sync::Arc};

/// Submissions of each kind.
const COUNT: usize = 96;
const EXPERT: Component = Component::Expert { layer: 0, index: 1 };

/// Features of one submission, by name.
type Features = BTreeMap<String, f64>;

fn architecture() -> Architecture {
	Architecture::byte_level(1, ExpertCount { min: 2, current: 2, max: 4 }, 1, 16, 32, 2, 16)
}

/// One that nobody edits: what is found depends on it.
fn text() -> Vec<u8> {
	include_bytes!("../../quality-gate/tests/data/passages.txt").to_vec()
}

fn trained(
	start: &Weights,
	components: Vec<Component>,
	seed: u64,
	steps: u32,
	learning_rate: f32,
) -> Weights {
	let config = TrainConfig {
		components,
		steps,
		batch: 8,
		sequence: 16,
		learning_rate,
		warmup: 3,
		seed,
		threads: 1,
		..TrainConfig::default()
	};
	let mut trainer = Trainer::new(start.clone(), config, Arc::new(text())).unwrap();
	while !trainer.is_done() {
		trainer.step().unwrap();
	}
	trainer.into_weights()
}

/// Heads that have learned something, and what a further training of an expert makes of them.
fn run(number: usize) -> (Weights, Weights) {
	let fresh = Weights::init(&architecture(), number as u64).unwrap();
	let all = architecture().components().collect();
	let heads = trained(&fresh, all, 1_000 + number as u64, 200, 3e-3);
	let better = trained(&heads, vec![EXPERT], 2_000 + number as u64, 60, 5e-3);
	(heads, better)
}

fn mean(values: &[f64]) -> f64 {
	values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn moment(values: &[f64], power: i32) -> f64 {
	let mean = mean(values);
	values.iter().map(|x| (x - mean).powi(power)).sum::<f64>() / values.len().max(1) as f64
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
	let (ma, mb) = (mean(a), mean(b));
	let product = a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).sum::<f64>() / a.len().max(1) as f64;
	product / (moment(a, 2) * moment(b, 2)).sqrt().max(1e-30)
}

/// Bits a byte, by how often bytes follow each byte: what a compressor goes by.
fn entropy(bytes: &[u8]) -> f64 {
	let mut counts = vec![[0u32; 256]; 256];
	bytes.windows(2).for_each(|pair| counts[usize::from(pair[0])][usize::from(pair[1])] += 1);
	let bits = counts.iter().map(|row| {
		let all = f64::from(row.iter().sum::<u32>());
		row.iter().filter(|n| **n > 0).map(|n| -f64::from(*n) * (f64::from(*n) / all).log2()).sum::<f64>()
	});
	bits.sum::<f64>() / bytes.len().max(1) as f64
}

/// The share of the largest singular value in the square of the norm.
fn top_share(matrix: &[f64], columns: usize) -> f64 {
	let mut v = vec![1.0; columns];
	let mut largest = 0.0;
	for _ in 0..30 {
		let u: Vec<f64> =
			matrix.chunks(columns).map(|row| row.iter().zip(&v).map(|(a, b)| a * b).sum()).collect();
		let mut next = vec![0.0; columns];
		for (row, u) in matrix.chunks(columns).zip(&u) {
			row.iter().zip(&mut next).for_each(|(a, n)| *n += a * u);
		}
		largest = next.iter().map(|x| x * x).sum::<f64>().sqrt();
		v = next.iter().map(|x| x / largest.max(1e-30)).collect();
	}
	largest / matrix.iter().map(|x| x * x).sum::<f64>().max(1e-30)
}

/// What the numbers of one tensor tell.
fn of_tensor(features: &mut Features, name: &str, head: &[f32], candidate: &[f32], columns: usize) {
	let from: Vec<f64> = head.iter().map(|x| f64::from(*x)).collect();
	let to: Vec<f64> = candidate.iter().map(|x| f64::from(*x)).collect();
	let step: Vec<f64> = to.iter().zip(&from).map(|(a, b)| a - b).collect();
	let mut put = |what: &str, value: f64| {
		features.insert(format!("{name} {what}"), value);
	};
	let deviation = moment(&step, 2).sqrt().max(1e-30);
	put("norm of the step", step.iter().map(|x| x * x).sum::<f64>().sqrt());
	put("mean of the step", mean(&step) / deviation);
	put("skewness of the step", moment(&step, 3) / deviation.powi(3));
	put("kurtosis of the step", moment(&step, 4) / deviation.powi(4));
	let mut sorted = step.clone();
	sorted.sort_by(f64::total_cmp);
	for (quantile, per_mille) in [("1 %", 10), ("25 %", 250), ("median", 500), ("75 %", 750), ("99 %", 990)] {
		put(&format!("{quantile} of the step"), sorted[(sorted.len() - 1) * per_mille / 1_000] / deviation);
	}
	put("share of positive", step.iter().filter(|x| **x > 0.0).count() as f64);
	put("share of zero", step.iter().filter(|x| **x == 0.0).count() as f64);
	let outward = step.iter().zip(&from).filter(|(step, from)| *step * *from > 0.0).count();
	put("share away from zero", outward as f64);
	put("correlation with the head", correlation(&step, &from));
	let cubes: Vec<f64> = from.iter().map(|x| x.powi(3)).collect();
	put("correlation with the head's cubes", correlation(&step, &cubes));
	let sizes = |values: &[f64]| values.iter().map(|x| x.abs()).collect::<Vec<_>>();
	put("correlation of sizes", correlation(&sizes(&step), &sizes(&from)));
	let norm = |values: &[f64]| values.iter().map(|x| x * x).sum::<f64>().sqrt();
	put("norm of the weights against the head's", norm(&to) / norm(&from));
	put("kurtosis of the weights", moment(&to, 4) / moment(&to, 2).powi(2).max(1e-30));
	put("correlation of neighbours", correlation(&step[1..], &step[..step.len() - 1]));
	if step.len() > columns {
		let rows: Vec<f64> = step.chunks(columns).map(norm).collect();
		put("spread of the rows' norms", moment(&rows, 2).sqrt() / mean(&rows));
		put("largest row", rows.iter().copied().fold(0.0, f64::max) / norm(&step));
		put("share of the largest singular value", top_share(&step, columns));
		put("correlation of rows", correlation(&step[columns..], &step[..step.len() - columns]));
	}
	let low: Vec<u8> = candidate.iter().map(|x| x.to_bits() as u8).collect();
	put("entropy of the lowest bits", entropy(&low));
	put("odd numbers", low.iter().filter(|x| **x % 2 == 1).count() as f64);
}

/// Everything public of a submission before its seal is opened.
fn features(heads: &Weights, candidate: &Weights, number: usize, seal: Option<&[u8; 32]>) -> Features {
	let mut features = Features::new();
	let (head, new) = (heads.component(EXPERT).unwrap(), candidate.component(EXPERT).unwrap());
	let mut at = 0;
	for tensor in component_tensors(&architecture(), EXPERT).unwrap() {
		let (range, columns) = (at..at + tensor.len(), tensor.shape[1]);
		at += tensor.len();
		of_tensor(&mut features, &tensor.name, &head[range.clone()], &new[range], columns);
	}
	let bytes = candidate.component_bytes(EXPERT).unwrap();
	let base = heads.component_bytes(EXPERT).unwrap();
	let parse = |bytes| Container::parse(bytes).unwrap();
	let delta = Delta::encode(&parse(&base[..]), &parse(&bytes[..]), &DeltaOptions::default()).unwrap().bytes;
	for (name, content) in [("weights", &bytes), ("delta", &delta)] {
		features.insert(format!("{name}: bytes"), content.len() as f64);
		features.insert(format!("{name}: bits a byte"), entropy(content));
	}

	let trainer = AccountId::new(blake2_256(&("trainer", number as u64).encode()));
	let block = NewBlock {
		component: EXPERT,
		kind: BlockKind::Update,
		parents: vec![blake2_256(&base).into()].try_into().unwrap(),
		content: Cid { codec: CidCodec::DagPb, digest: blake2_256(&bytes) },
		bytes: bytes.len() as u64,
		format: ContentFormat::TensorBlock,
		manifest_hash: blake2_256(&("manifest", number as u64).encode()).into(),
	};
	let id = Block::from_new(0, trainer.clone(), block.clone()).id();
	let mut lots = StdRng::seed_from_u64(number as u64);
	let seal = match seal {
		Some(key) => canary::seal(key, &trainer, &[id], &lots.gen()),
		None => Hash::from(lots.gen::<[u8; 32]>()),
	};
	let call = (0u32, NewBlocks::truncate_from(vec![block.clone()]), Envelope { seal, ..Default::default() })
		.encode();
	for (name, bytes) in [("seal", seal.0.to_vec()), ("record", block.encode()), ("call", call)] {
		let values: Vec<f64> = bytes.iter().map(|x| f64::from(*x)).collect();
		features.insert(format!("{name}: length"), bytes.len() as f64);
		features.insert(format!("{name}: mean of the bytes"), mean(&values));
		features.insert(format!("{name}: bits set"), bytes.iter().map(|x| f64::from(x.count_ones())).sum());
		features.insert(format!("{name}: first byte"), values[0]);
		features.insert(format!("{name}: last byte"), values[values.len() - 1]);
	}
	features
}

/// The chance that one of `a` ranks above one of `b`; ties count half.
fn area(a: &[f64], b: &[f64]) -> f64 {
	let wins = a.iter().flat_map(|a| {
		b.iter().map(move |b| match a.partial_cmp(b) {
			Some(std::cmp::Ordering::Greater) => 1.0,
			Some(std::cmp::Ordering::Equal) => 0.5,
			_ => 0.0,
		})
	});
	wins.sum::<f64>() / (a.len() * b.len()) as f64
}

/// By feature, how far its area is from 1/2.
fn told_apart(canaries: &[Features], genuine: &[Features]) -> Vec<(String, f64)> {
	let of = |all: &[Features], name: &String| all.iter().map(|f| f[name]).collect::<Vec<_>>();
	let distance = |name: &String| (area(&of(canaries, name), &of(genuine, name)) - 0.5).abs();
	let mut all: Vec<_> = genuine[0].keys().map(|name| (name.clone(), distance(name))).collect();
	all.sort_by(|a, b| b.1.total_cmp(&a.1));
	all
}

/// How far from 1/2 the area of the most telling feature may be. It is 0.21 with 192 of each kind, that of the kurtosis
/// of an expert's second matrix: a training draws weights together, and its mirror image does not.
const MOST_TELLING: f64 = 0.25;

/// How far chance alone takes the area of any of so many features from 1/2, in one test of a hundred: by
/// Mann and Whitney's standard deviation, and Bonferroni's correction. A bound on the tail of the normal
/// distribution stands for its quantile.
fn bound(features: usize) -> f64 {
	let count = COUNT as f64;
	let deviation = ((2.0 * count + 1.0) / (12.0 * count * count)).sqrt();
	// P(|Z| > z) <= exp(-z^2 / 2).
	deviation * (2.0 * (features as f64 / 0.01).ln()).sqrt()
}

#[test]
fn canary_should_be_hard_to_tell_from_a_genuine_submission_until_it_is_measured() {
	let key = [7; 32];
	let texts: Vec<Vec<u8>> = text().chunks(512).step_by(5).map(<[u8]>::to_vec).collect();
	let (mut genuine, mut canaries) = (Vec::new(), Vec::new());
	let mut crude = BTreeMap::<&str, Vec<Features>>::new();
	let (mut gains, mut losses) = (Vec::new(), Vec::new());
	for number in 0..2 * COUNT {
		let (heads, better) = run(number);
		let loss = |weights: &Weights| mean(&evaluate(weights, &texts, 1).unwrap());
		if number % 2 == 0 {
			gains.push(loss(&heads) - loss(&better));
			genuine.push(features(&heads, &better, number, None));
			continue;
		}
		let canary = mirrored(&heads, &better, &[EXPERT], 1.0).unwrap();
		losses.push(loss(&canary) - loss(&heads));
		canaries.push(features(&heads, &canary, number, Some(&key)));
		// What one would do without thinking: noise of the same size, rows of zeros, and the step taken
		// backwards in singles.
		let mut lots = StdRng::seed_from_u64(number as u64);
		let mut with = |name, change: &mut dyn FnMut(f32, f32, usize) -> f32| {
			let mut weights = heads.clone();
			let trained = better.component(EXPERT).unwrap();
			let numbers = weights.component_mut(EXPERT).unwrap();
			numbers.iter_mut().zip(trained).enumerate().for_each(|(at, (x, to))| *x = change(*x, *to, at));
			crude.entry(name).or_default().push(features(&heads, &weights, number, Some(&key)));
		};
		with("noise", &mut |x, to, _| x + (to - x).abs() * lots.gen_range(-1.7..1.7f32));
		with("zeros", &mut |_, to, at| if at < 64 { 0.0 } else { to });
		with("singles", &mut |x, to, _| x - (to - x));
	}
	let apart = told_apart(&canaries, &genuine);
	let bound = bound(apart.len());
	println!("{} features, {COUNT} of each kind, bound {bound:.3}; furthest from 1/2:", apart.len());
	apart.iter().take(8).for_each(|(name, distance)| println!("  {distance:.3} {name}"));
	let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
	println!("genuine gain {:.4} at least, canaries lose {:.4} at least", least(&gains), least(&losses));
	for (name, crude) in &crude {
		let apart = told_apart(crude, &genuine);
		println!("{name}: {:.3} {}", apart[0].1, apart[0].0);
		assert!(apart[0].1 > bound, "the features would not tell {name} from a training");
	}
	assert!(
		apart[0].1 <= MOST_TELLING,
		"{} tells canaries: {:.3} from 1/2, and chance {bound:.3}",
		apart[0].0,
		apart[0].1
	);
	// Measuring tells every one of them: that is what they are for.
	assert!(mean(&gains) > 1e-3 && least(&losses) > 1e-3 && least(&gains) > -least(&losses));
}
