use super::*;
use crate::{
	batch::WHOLE,
	evaluate::evaluate,
	layout::tests::tiny,
	tokenizer::tests::{small, with_tokenizer},
	weights::tests::overflow,
};
use blyan_primitives::dag::Component;
use blyan_tensorblock::DType;

/// The opening of "A Tale of Two Cities" (1859), in the public domain.
const PROSE: &str = "It was the best of times, it was the worst of times, it was the age of wisdom, it was \
	the age of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season \
	of Light, it was the season of Darkness, it was the spring of hope, it was the winter of despair, we had \
	everything before us, we had nothing before us, we were all going direct to Heaven, we were all going \
	direct the other way - in short, the period was so far like the present period, that some of its \
	noisiest authorities insisted on its being received, for good or for evil, in the superlative degree of \
	comparison only.";

fn text() -> Text {
	Arc::new(PROSE.as_bytes().to_vec())
}

fn config() -> TrainConfig {
	TrainConfig {
		components: tiny().components().collect(),
		steps: 12,
		batch: 5,
		sequence: 16,
		micro_batch: 2,
		warmup: 3,
		threads: 2,
		..TrainConfig::default()
	}
}

fn trainer(config: TrainConfig) -> Trainer {
	Trainer::new(Weights::init(&tiny(), 5).unwrap(), config, text()).unwrap()
}

fn run(trainer: &mut Trainer, steps: u32) -> Vec<StepReport> {
	(0..steps).map(|_| trainer.step().unwrap()).collect()
}

fn bits(weights: &Weights) -> Vec<Vec<u32>> {
	weights.buffers.iter().map(|buffer| buffer.iter().map(|x| x.to_bits()).collect()).collect()
}

#[test]
fn training_should_lower_the_loss_of_a_real_text() {
	let before = Weights::init(&tiny(), 5).unwrap();
	let mut trainer = trainer(TrainConfig { steps: 150, batch: 16, learning_rate: 1e-2, ..config() });
	run(&mut trainer, 150);
	let shards = [PROSE.as_bytes()];
	let (before, after) =
		(evaluate(&before, &shards, 1).unwrap()[0], evaluate(trainer.weights(), &shards, 1).unwrap()[0]);
	assert!(before > 7.5, "{before}");
	assert!(after < 3.0, "{after}: below what single letters carry");
}

#[test]
fn training_should_give_the_same_bits_for_any_number_of_threads() {
	let mut one = trainer(TrainConfig { threads: 1, ..config() });
	let mut two = trainer(config());
	let mut seven = trainer(TrainConfig { threads: 7, ..config() });
	let reports = run(&mut one, 12);
	assert_eq!(reports, run(&mut two, 12));
	assert_eq!(reports, run(&mut seven, 12));
	assert_eq!(bits(one.weights()), bits(two.weights()));
	assert_eq!(bits(one.weights()), bits(seven.weights()));
}

#[test]
fn training_should_leave_frozen_components_as_they_were_to_the_bit() {
	let before = Weights::init(&tiny(), 5).unwrap();
	for trained in [
		Component::Backbone,
		Component::Router { layer: 0 },
		Component::Expert { layer: 0, index: 1 },
		Component::Expert { layer: 1, index: 2 },
	] {
		let mut trainer = trainer(TrainConfig { components: vec![trained], ..config() });
		run(&mut trainer, 4);
		for component in tiny().components() {
			let same =
				before.component(component).unwrap() == trainer.weights().component(component).unwrap();
			assert_eq!(same, component != trained, "{component} while training {trained}");
		}
	}
}

#[test]
fn training_one_expert_should_lower_the_loss() {
	let weights = {
		let mut trainer = trainer(TrainConfig { steps: 100, batch: 16, learning_rate: 1e-2, ..config() });
		run(&mut trainer, 100);
		trainer.into_weights()
	};
	let components = vec![Component::Expert { layer: 1, index: 0 }];
	let config = TrainConfig { components, steps: 60, batch: 16, learning_rate: 1e-2, seed: 9, ..config() };
	let mut trainer = Trainer::new(weights.clone(), config, text()).unwrap();
	run(&mut trainer, 60);
	let loss = |weights: &Weights| evaluate(weights, &[PROSE.as_bytes()], 1).unwrap()[0];
	let (before, after) = (loss(&weights), loss(trainer.weights()));
	assert!(after < before - 0.02, "{after} from {before}");
}

#[test]
fn resume_should_go_on_to_the_same_bits_as_an_uninterrupted_run() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("run.checkpoint");
	let mut whole = trainer(config());
	let reports = run(&mut whole, 12);

	let mut first = trainer(config());
	run(&mut first, 5);
	first.checkpoint(&path).unwrap();
	run(&mut first, 2); // Lost: it was not saved.
	let mut resumed = Trainer::resume(&path, TrainConfig { threads: 1, ..config() }, text(), None).unwrap();
	assert_eq!(resumed.steps_done(), 5);
	assert_eq!(run(&mut resumed, 7), reports[5..]);
	assert!(resumed.is_done());
	assert_eq!(bits(resumed.weights()), bits(whole.weights()));
	assert_eq!(resumed.batch_root(), whole.batch_root());
	assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn resume_should_refuse_what_is_not_of_this_run() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("run.checkpoint");
	let mut trainer = trainer(config());
	run(&mut trainer, 1);
	trainer.checkpoint(&path).unwrap();
	let refused = |config, text| match Trainer::resume(&path, config, text, None) {
		Err(ModelError::Checkpoint { why, .. }) => why,
		Err(other) => panic!("{other}"),
		Ok(_) => panic!("resumed"),
	};
	assert!(refused(TrainConfig { seed: 1, ..config() }, text()).contains("another configuration or text"));
	let other: Text = Arc::new(PROSE.to_uppercase().into_bytes());
	assert!(refused(config(), other).contains("another configuration or text"));

	let whole = std::fs::read(&path).unwrap();
	for (cut, change) in [(whole.len() - 1, None), (10, None), (0, None), (whole.len(), Some(100))] {
		let mut bytes = whole[..cut].to_vec();
		if let Some(at) = change {
			bytes[at] ^= 1;
		}
		std::fs::write(&path, bytes).unwrap();
		let why = refused(config(), text());
		assert!(why.contains("torn") || why.contains("not a checkpoint"), "{why}");
	}
	std::fs::remove_file(&path).unwrap();
	let error = Trainer::resume(&path, config(), text(), None).err().unwrap();
	assert!(matches!(&error, ModelError::Io { .. }) && error.to_string().contains("run.checkpoint"));
}

#[test]
fn checkpoint_should_keep_the_one_before_when_it_cannot_be_written() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("occupied");
	std::fs::create_dir(&path).unwrap();
	let error = trainer(config()).checkpoint(&path).unwrap_err();
	assert!(matches!(error, ModelError::Io { .. }));
	assert!(path.is_dir());
	assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn step_should_report_batches_that_an_auditor_can_derive() {
	let mut trainer = trainer(TrainConfig { seed: 3, ..config() });
	let reports = run(&mut trainer, 3);
	for report in reports {
		let batches = Batches::new(text().into(), None, 3, 5, 16).unwrap();
		assert_eq!(batches.leaf(report.step).unwrap(), report.batch_leaf);
		assert_eq!(trainer.batch_leaves()[report.step as usize], report.batch_leaf);
	}
	assert_eq!(trainer.batch_root(), batch_root(trainer.batch_leaves()));
}

#[test]
fn training_on_a_mixture_should_be_bound_and_not_resume_as_another() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("run.checkpoint");
	let mixture = |binding: u8, weight: u32| {
		let sources = vec![(text(), weight), (Arc::new([7u8; 99]) as Text, WHOLE - weight)];
		Mixture::new(sources, Hash::repeat_byte(binding)).unwrap()
	};
	let weights = || Weights::init(&tiny(), 5).unwrap();
	let mut whole = Trainer::on(weights(), config(), mixture(1, WHOLE / 2)).unwrap();
	let reports = run(&mut whole, 12);
	let mut other = Trainer::on(weights(), config(), mixture(2, WHOLE / 2)).unwrap();
	assert_ne!(run(&mut other, 1)[0].batch_leaf, reports[0].batch_leaf);

	let mut first = Trainer::on(weights(), config(), mixture(1, WHOLE / 2)).unwrap();
	run(&mut first, 5);
	first.checkpoint(&path).unwrap();
	for (binding, weight) in [(2, WHOLE / 2), (1, WHOLE / 3)] {
		let error = Trainer::resume_on(&path, config(), mixture(binding, weight), None).err().unwrap();
		assert!(matches!(error, ModelError::Checkpoint { .. }), "{error}");
	}
	let mut resumed = Trainer::resume_on(&path, config(), mixture(1, WHOLE / 2), None).unwrap();
	assert_eq!(run(&mut resumed, 7), reports[5..]);
	assert_eq!(resumed.batch_root(), whole.batch_root());
}

#[test]
fn step_should_refuse_when_all_steps_are_done() {
	let mut trainer = trainer(TrainConfig { steps: 1, ..config() });
	run(&mut trainer, 1);
	assert!(matches!(trainer.step(), Err(ModelError::Config { field: "steps", .. })));
}

#[test]
fn step_should_leave_everything_as_it_was_when_the_loss_overflows() {
	let mut weights = Weights::init(&tiny(), 5).unwrap();
	overflow(&mut weights);
	let before = bits(&weights);
	let mut trainer = Trainer::new(weights, config(), text()).unwrap();
	assert!(matches!(trainer.step(), Err(ModelError::NotFinite(_))));
	assert_eq!((trainer.steps_done(), bits(trainer.weights())), (0, before));
}

#[test]
fn new_should_refuse_a_text_of_one_sequence_and_an_absent_device() {
	let weights = || Weights::init(&tiny(), 5).unwrap();
	for short in ["", "sixteen bytes ok"] {
		let text: Text = Arc::new(short.as_bytes().to_vec());
		let error = Trainer::new(weights(), config(), text).err().unwrap();
		assert!(matches!(error, ModelError::TextTooShort { needed: 17, .. }), "{error}");
	}
	if cfg!(not(feature = "wgpu")) {
		let config = TrainConfig { device: Device::Wgpu, ..config() };
		let error = Trainer::new(weights(), config, text()).err().unwrap();
		assert!(error.to_string().contains("--features wgpu"), "{error}");
	}
}

#[test]
fn training_should_learn_resume_and_tell_batches_that_an_auditor_can_derive_when_there_is_a_tokenizer() {
	let tokenizer = small();
	let mut weights = Weights::init(&with_tokenizer(), 5).unwrap();
	weights.set_tokenizer(tokenizer.clone()).unwrap();
	let loss = |weights: &Weights| evaluate(weights, &[PROSE.as_bytes()], 1).unwrap()[0];
	let before = loss(&weights);
	let components = with_tokenizer().components().collect();
	let config = TrainConfig { components, steps: 40, batch: 8, learning_rate: 1e-2, ..config() };
	let mut whole = Trainer::new(weights, config.clone(), text()).unwrap();
	let reports = run(&mut whole, 40);
	let after = loss(whole.weights());
	assert!(after < before - 0.5, "{after} from {before}");

	let batches = Batches::new(text().into(), Some(&tokenizer), config.seed, 8, 16).unwrap();
	assert_eq!(batches.leaf(3).unwrap(), reports[3].batch_leaf);

	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("run.checkpoint");
	let mut weights = Weights::init(&with_tokenizer(), 5).unwrap();
	weights.set_tokenizer(tokenizer.clone()).unwrap();
	let mut first = Trainer::new(weights, config.clone(), text()).unwrap();
	run(&mut first, 3);
	first.checkpoint(&path).unwrap();
	assert!(matches!(Trainer::resume(&path, config.clone(), text(), None), Err(ModelError::TokenizerAbsent)));
	let mut resumed = Trainer::resume(&path, config, text(), Some(&tokenizer)).unwrap();
	assert_eq!(run(&mut resumed, 37), reports[3..]);
	assert_eq!(bits(resumed.weights()), bits(whole.weights()));
}

#[test]
fn training_an_expert_in_halves_should_leave_the_others_as_they_were_and_keep_its_format_when_resumed() {
	let trained = Component::Expert { layer: 1, index: 0 };
	let mut weights = Weights::init(&tiny(), 5).unwrap();
	for component in tiny().components() {
		let slot = weights.layout.slot(component).unwrap();
		let count = weights.dtypes[slot].len();
		weights.dtypes[slot] = vec![DType::Bf16; count].into();
		let halves = weights.component_bytes(component).unwrap();
		weights.set_component(component, &halves).unwrap();
	}
	let config = TrainConfig { components: vec![trained], ..config() };
	let mut first = Trainer::new(weights.clone(), config.clone(), text()).unwrap();
	run(&mut first, 2);
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("run.checkpoint");
	first.checkpoint(&path).unwrap();
	let mut resumed = Trainer::resume(&path, config, text(), None).unwrap();
	run(&mut resumed, 10);
	for component in tiny().components() {
		let (before, after) = (
			weights.component_bytes(component).unwrap(),
			resumed.weights().component_bytes(component).unwrap(),
		);
		assert_eq!(before.len(), after.len(), "{component}: the same format");
		assert_eq!(before == after, component != trained, "{component}");
	}
}
