use crate::{
	mock::{world, *},
	*,
};
use blyan_primitives::{
	api::RoundPhase,
	dag::{NewBlocks, MAX_BLOCKS},
	learning::{Gate, RejectReason, Verdict},
	manifest::TrainingManifest,
	submission::Envelope,
	Hash,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::DispatchError,
};

fn try_submit(trainer: AccountId, number: u16) -> polkadot_sdk::sp_runtime::DispatchResult {
	ProofOfLearning::submit(RuntimeOrigin::signed(trainer), MODEL, blocks(number), Envelope::default())
		.map(drop)
		.map_err(|refused| refused.error)
}

#[test]
fn open_training_should_be_refused_when_the_caller_is_not_the_owner() {
	ExtBuilder::default().build_and_execute(|| {
		let TrainingTerms { pool, gate, referee } = terms();
		for (who, model) in [(TRAINER, MODEL), (OWNER, MODEL + 1)] {
			assert_noop!(
				ProofOfLearning::open_training(
					RuntimeOrigin::signed(who),
					model,
					pool.clone(),
					gate,
					referee
				),
				Error::<Test>::NotModelOwner
			);
		}
	});
}

#[test]
fn open_training_should_be_refused_when_the_gate_does_not_fit_the_pool() {
	ExtBuilder::default().build_and_execute(|| {
		let TrainingTerms { pool, gate, referee } = terms();
		for gate in [
			Gate { shards_per_domain: 21, ..gate },
			Gate { shards_per_domain: 0, ..gate },
			Gate { tolerance: 0, ..gate },
			Gate { delta: -1, ..gate },
		] {
			assert_noop!(
				ProofOfLearning::open_training(
					RuntimeOrigin::signed(OWNER),
					MODEL,
					pool.clone(),
					gate,
					referee
				),
				Error::<Test>::GateInvalidForPool
			);
		}
	});
}

#[test]
fn open_training_should_set_pool_and_gate_and_replace_them_when_called_again() {
	ExtBuilder::default().build_and_execute(|| {
		let TrainingTerms { pool, gate, referee } = terms();
		assert_eq!(ProofOfLearning::pool(MODEL), Some(pool.clone()));
		assert_eq!(ProofOfLearning::gate(MODEL), Some(gate));
		assert_eq!(
			(ProofOfLearning::referee(MODEL), ProofOfLearning::referee(MODEL + 1)),
			(Some(referee), None)
		);
		assert_eq!(ProofOfLearning::pool(MODEL + 1), None);
		assert_event(Event::TrainingOpened { model: MODEL });

		let stricter = Gate { delta: 2 * gate.delta, ..gate };
		assert_ok!(ProofOfLearning::open_training(
			RuntimeOrigin::signed(OWNER),
			MODEL,
			pool,
			stricter,
			referee
		));
		assert_eq!(ProofOfLearning::gate(MODEL), Some(stricter));
	});
}

#[test]
fn submit_should_hold_the_bond_and_open_a_round() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit(TRAINER);
		assert_eq!(held(TRAINER), BOND);
		assert_eq!(OpenRoundCount::<Test>::get(), 1);
		let round = get(id);
		assert_eq!((round.model, round.trainer, round.bond, round.fee), (MODEL, TRAINER, BOND, FEE));
		assert_eq!((round.bytes, round.phase, round.due), ((1 << 20) + 1, Phase::AwaitingDraw, Some(3)));
		assert!(round.blocks.iter().all(|block| World::standing(block) == world::Standing::Candidate));
		let blocks = round.blocks.clone();
		assert_event(Event::SubmissionReceived {
			round: id,
			model: MODEL,
			trainer: TRAINER,
			blocks,
			bond: BOND,
		});
	});
}

#[test]
fn submit_should_hold_more_when_the_content_is_larger() {
	ExtBuilder::default().build_and_execute(|| {
		for (bytes, bond) in
			[(0, 1_000), (1, 1_010), (1 << 20, 1_010), ((1 << 20) + 1, 1_020), (5 << 20, 1_050)]
		{
			assert_eq!(Parameters::<Test>::get().bond(bytes), bond, "{bytes} bytes");
		}
		// A length that no content has is a bond that nobody has.
		let absurd = NewBlocks::truncate_from(vec![block(0, u64::MAX), block(1, u64::MAX)]);
		assert_noop!(
			ProofOfLearning::submit(RuntimeOrigin::signed(TRAINER), MODEL, absurd, Envelope::default()),
			Error::<Test>::BondNotAvailable
		);
	});
}

#[test]
fn submit_should_be_refused_when_the_bond_is_not_covered() {
	ExtBuilder::default().parameters(|p| p.submission_bond = ENDOWMENT).build_and_execute(|| {
		assert_noop!(try_submit(TRAINER, 0), Error::<Test>::BondNotAvailable);
	});
}

#[test]
fn submit_should_be_refused_when_the_account_is_no_trainer() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(try_submit(STRANGER, 0), Error::<Test>::NotTrainer);
		assert_noop!(try_submit(FIRST_EVALUATOR, 0), Error::<Test>::NotTrainer);
	});
}

#[test]
fn submit_should_be_refused_when_there_are_no_blocks() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			ProofOfLearning::submit(
				RuntimeOrigin::signed(TRAINER),
				MODEL,
				NewBlocks::default(),
				Envelope::default()
			),
			Error::<Test>::NoBlocks
		);
	});
}

#[test]
fn submit_should_take_as_many_blocks_as_a_submission_may_have() {
	ExtBuilder::default().build_and_execute(|| {
		let most = NewBlocks::truncate_from((0..MAX_BLOCKS as u16).map(|n| block(n, 1)).collect());
		assert_ok!(ProofOfLearning::submit(RuntimeOrigin::signed(TRAINER), MODEL, most, Envelope::default()));
		assert_eq!(get(0).components.len() as u32, MAX_BLOCKS);
	});
}

#[test]
fn submit_should_be_refused_when_training_is_not_open() {
	ExtBuilder::default().build_and_execute(|| {
		World::register_model(MODEL + 1, OWNER);
		assert_noop!(
			ProofOfLearning::submit(
				RuntimeOrigin::signed(TRAINER),
				MODEL + 1,
				blocks(0),
				Envelope::default()
			),
			Error::<Test>::TrainingNotOpen
		);
	});
}

#[test]
fn submit_should_be_refused_when_the_model_has_no_heads() {
	ExtBuilder::default().build_and_execute(|| {
		Pools::<Test>::insert(MODEL + 1, terms());
		assert_noop!(
			ProofOfLearning::submit(
				RuntimeOrigin::signed(TRAINER),
				MODEL + 1,
				blocks(0),
				Envelope::default()
			),
			Error::<Test>::ModelNotReady
		);
	});
}

#[test]
fn submit_should_hold_nothing_when_the_graph_refuses_the_blocks() {
	ExtBuilder::default().build_and_execute(|| {
		submit(TRAINER);
		assert_noop!(try_submit(TRAINER, 0), world::DUPLICATE);
		assert_eq!(held(TRAINER), BOND);
	});
}

#[test]
fn submit_should_be_refused_when_the_trainer_has_too_many_rounds_open() {
	ExtBuilder::default().build_and_execute(|| {
		(0..MAX_OPEN_ROUNDS_PER_TRAINER).for_each(|_| {
			submit(TRAINER);
		});
		assert_noop!(try_submit(TRAINER, 1_000), Error::<Test>::TooManyOpenRoundsOfTrainer);
		// It does not stand in the way of others.
		submit(OTHER_TRAINER);
	});
}

#[test]
fn submit_should_be_refused_when_too_many_rounds_are_open() {
	ExtBuilder::default().build_and_execute(|| {
		World::register(STRANGER, blyan_primitives::worker::Role::Trainer);
		for trainer in [TRAINER, OTHER_TRAINER] {
			(0..MAX_OPEN_ROUNDS / 2).for_each(|_| {
				submit(trainer);
			});
		}
		assert_noop!(try_submit(STRANGER, 1_000), Error::<Test>::TooManyOpenRounds);
	});
}

#[test]
fn submit_should_be_taken_again_when_a_round_has_closed() {
	ExtBuilder::default().build_and_execute(|| {
		let first = submit(TRAINER);
		(1..MAX_OPEN_ROUNDS_PER_TRAINER).for_each(|_| {
			submit(TRAINER);
		});
		run_to_draw(first);
		find_all(first, measured(NO_GAIN));
		assert!(verdict(first).is_some());
		submit(TRAINER);
	});
}

#[test]
fn rounds_should_be_listed_in_pages_and_described() {
	ExtBuilder::default().build_and_execute(|| {
		let ids = (0..3).map(|_| submit(TRAINER)).collect::<Vec<_>>();
		let listed = |start, count| {
			ProofOfLearning::rounds(start, count).iter().map(|info| info.id).collect::<Vec<_>>()
		};
		assert_eq!(listed(0, 10), ids);
		assert_eq!(listed(1, 1), [1]);
		assert!(listed(3, 10).is_empty());
		assert!(listed(0, 0).is_empty());
		assert!(listed(u64::MAX, u32::MAX).is_empty());
		assert_eq!(ProofOfLearning::round(3), None);

		let info = ProofOfLearning::round(0).unwrap();
		assert_eq!((info.phase, info.baseline, info.seed), (RoundPhase::AwaitingDraw, None, None));
		assert_eq!((info.pool, info.gate), (None, None));
		run_to_draw(0);
		let info = ProofOfLearning::round(0).unwrap();
		assert_eq!(info.phase, RoundPhase::Commit { until: 13 });
		assert_eq!((info.baseline, &info.committee), (Some(0), &committee(0)));
		assert_eq!((info.pool, info.gate), (Some(terms().pool), Some(terms().gate)));
		assert_eq!(info.referee, Some(terms().referee));
		assert!(info.committed.is_empty() && info.revealed.is_empty());

		commit(committee(0)[0], 0, &measured(GOOD));
		assert_eq!(ProofOfLearning::round(0).unwrap().committed, committee(0)[..1]);
		committee(0)[1..].iter().for_each(|who| commit(*who, 0, &measured(GOOD)));
		reveal(committee(0)[4], 0, &measured(GOOD));
		assert_eq!(ProofOfLearning::round(0).unwrap().revealed, committee(0)[4..]);
		committee(0)[..4].iter().for_each(|who| reveal(*who, 0, &measured(GOOD)));
		let info = ProofOfLearning::round(0).unwrap();
		assert_eq!((info.phase, info.medians), (RoundPhase::Contest { until: 7 }, None));
		run_to_settlement(0);
		let info = ProofOfLearning::round(0).unwrap();
		assert_eq!(info.phase, RoundPhase::Closed(blyan_primitives::learning::Verdict::Accepted));
		assert_eq!(info.medians.unwrap().gain, GOOD);
	});
}

#[test]
fn submission_should_hand_on_its_manifest_and_how_its_round_closed() {
	ExtBuilder::default().build_and_execute(|| {
		let manifest = TrainingManifest {
			document: terms().pool.content,
			document_bytes: 1,
			document_hash: Hash::repeat_byte(1),
			datasets: Default::default(),
			sequence: 1,
			batch: 1,
			steps: 1,
			seed: 0,
			batches_root: Hash::zero(),
		};
		let envelope = Envelope { manifest: Some(manifest.clone()), ..Envelope::default() };
		let (good, bad) = (0, 1);
		assert_ok!(ProofOfLearning::submit(RuntimeOrigin::signed(TRAINER), MODEL, blocks(0), envelope));
		assert_eq!(World::manifest(good), (Some(manifest.clone()), None));
		run_to_draw(good);
		find_all(good, measured(GOOD));
		assert_eq!(World::manifest(good), (Some(manifest), Some(Verdict::Accepted)));

		assert_eq!(submit_and_draw(TRAINER), bad);
		assert_eq!(World::manifest(bad), (None, None));
		find_all(bad, measured(NO_GAIN));
		assert_eq!(World::manifest(bad), (None, Some(Verdict::Rejected(RejectReason::NoGain))));
	});
}

#[test]
fn submission_should_be_refused_when_its_manifest_is() {
	ExtBuilder::default().build_and_execute(|| {
		World::refuse_manifests();
		assert_noop!(try_submit(TRAINER, 0), DispatchError::Unavailable);
		assert_eq!(held(TRAINER), 0);
	});
}
