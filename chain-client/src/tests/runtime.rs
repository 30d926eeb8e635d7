//! Whether runtimes that fit are told from those that do not; signing and decoding.

use super::{
	metadata::{Spec, ERROR},
	node::{Ending, Records},
	signer,
};
use crate::{
	backend::RuntimeVersion,
	runtime::{DispatchFailure, RuntimeView, MORTALITY_BLOCKS, SPEC_NAME, SUPPORTED_TRANSACTION_VERSION},
	Call, ChainError, ChainEvent,
};
use blyan_primitives::{dag::ModelId, worker::Role, AccountId, Hash};
use codec::{Compact, Decode, Encode};
use scale_info::{MetaType, TypeInfo};
use subxt::{events::Phase, utils::Era};
use subxt_signer::sr25519;

const GENESIS: Hash = Hash::repeat_byte(3);

fn version() -> RuntimeVersion {
	RuntimeVersion {
		spec_name: SPEC_NAME.into(),
		spec_version: 100,
		transaction_version: SUPPORTED_TRANSACTION_VERSION,
	}
}

fn view(spec: &Spec) -> Result<RuntimeView, ChainError> {
	RuntimeView::new(&version(), &spec.metadata(), GENESIS)
}

/// The difference that is found after a change.
fn difference(change: impl FnOnce(&mut Spec)) -> String {
	let mut spec = Spec::default();
	change(&mut spec);
	match view(&spec) {
		Err(ChainError::Incompatible { what }) => what,
		Err(other) => panic!("{other}"),
		Ok(_) => panic!("the change was not noticed"),
	}
}

#[test]
fn runtime_should_fit_when_it_has_all_that_is_asked_for() {
	assert!(view(&Spec::default()).is_ok());
}

#[test]
fn runtime_should_be_refused_when_it_is_another_or_encodes_calls_otherwise() {
	let other = RuntimeVersion { spec_name: "polkadot".into(), ..version() };
	let newer = RuntimeVersion { transaction_version: SUPPORTED_TRANSACTION_VERSION + 1, ..version() };
	for (version, word) in [(other, "polkadot"), (newer, "transaction version is 2")] {
		let error = RuntimeView::check_version(&version).unwrap_err();
		assert!(matches!(&error, ChainError::Incompatible { what } if what.contains(word)), "{error}");
	}
}

#[test]
fn difference_should_be_named_when_a_call_or_event_is_missing_or_has_other_fields() {
	let missing = difference(|spec| spec.calls.retain(|call| call.name != "reveal"));
	assert_eq!(missing, "it has no call ProofOfLearning.reveal");

	let missing = difference(|spec| spec.events.retain(|event| event.name != "RoundDrawn"));
	assert_eq!(missing, "it has no event ProofOfLearning.RoundDrawn");

	let renamed = difference(|spec| {
		let commit = spec.calls.iter_mut().find(|call| call.name == "commit").unwrap();
		commit.fields[1].0 = "digest";
	});
	assert!(renamed.contains("ProofOfLearning.commit") && renamed.contains("digest"), "{renamed}");

	// Of the same types: encoded in our order, the numbers would be swapped and nobody would notice.
	let swapped = difference(|spec| {
		let faulted = spec.events.iter_mut().find(|event| event.name == "DrawsSuspended").unwrap();
		faulted.fields.swap(1, 2);
	});
	assert!(swapped.contains("Workers.DrawsSuspended"), "{swapped}");
}

#[test]
fn difference_should_be_named_when_a_type_is_another_deep_inside() {
	let narrower = difference(|spec| {
		let register = spec.calls.iter_mut().find(|call| call.name == "register").unwrap();
		register.fields[4].1 = MetaType::new::<u64>();
	});
	assert!(narrower.starts_with("Workers.register.bond"), "{narrower}");

	#[derive(TypeInfo)]
	#[allow(dead_code)]
	enum Verdict {
		Accepted,
		Inconclusive,
	}
	let variants = difference(|spec| {
		let closed = spec.events.iter_mut().find(|event| event.name == "RoundClosed").unwrap();
		closed.fields[1].1 = MetaType::new::<Verdict>();
	});
	assert!(variants.starts_with("ProofOfLearning.RoundClosed.verdict has the variants"), "{variants}");

	let query = difference(|spec| {
		let workers = spec.queries.iter_mut().find(|query| query.name == "workers").unwrap();
		workers.output = MetaType::new::<Vec<(AccountId, Role)>>();
	});
	assert!(query.starts_with("WorkersApi.workers.result[]"), "{query}");

	let storage = difference(|spec| spec.storage[1].value = MetaType::new::<u32>());
	assert!(storage.starts_with("Timestamp.Now"), "{storage}");
}

#[test]
fn type_should_fit_when_it_is_only_wrapped_otherwise() {
	#[derive(TypeInfo)]
	#[allow(dead_code)]
	struct Name(Vec<u8>);
	let mut spec = Spec::default();
	let register = spec.calls.iter_mut().find(|call| call.name == "register_model").unwrap();
	register.fields[0].1 = MetaType::new::<Name>();
	assert!(view(&spec).is_ok());
}

#[test]
fn metadata_should_be_refused_when_it_is_torn() {
	let metadata = Spec::default().metadata();
	let torn = RuntimeView::new(&version(), &metadata[..metadata.len() / 2], GENESIS);
	assert!(matches!(torn, Err(ChainError::Decode { .. })));
}

/// Decodes the transaction by hand, and checks the signature over what the runtime will rebuild.
#[test]
fn transaction_should_carry_the_call_and_a_signature_over_chain_version_era_and_nonce() {
	let spec = Spec::default();
	let anchor = (1_000, Hash::repeat_byte(9));
	let call = Call::transfer(AccountId::new([7; 32]), 12_345);
	let signed = view(&spec).unwrap().sign(&signer(), &call, 70, anchor).unwrap();
	assert_eq!((signed.nonce, signed.valid_from, signed.valid_until), (70, 1_000, 1_000 + MORTALITY_BLOCKS));

	let mut bytes = &signed.bytes[..];
	let length = Compact::<u32>::decode(&mut bytes).unwrap().0;
	assert_eq!(length as usize, bytes.len());
	let (head, mut bytes) = bytes.split_at(1 + 1 + 32 + 1);
	assert_eq!(head[0], 0x84, "version 4, signed");
	assert_eq!(head[1], 0, "an account id");
	assert_eq!(head[2..34], *AsRef::<[u8; 32]>::as_ref(signer().account()));
	assert_eq!(head[34], 1, "sr25519");
	let signature = sr25519::Signature(Decode::decode(&mut bytes).unwrap());

	let mut expected_call = Spec::index(&spec.calls, "Balances", "transfer_keep_alive").to_vec();
	expected_call.extend(call.encode_arguments());
	let era = Era::mortal(MORTALITY_BLOCKS.into(), 1_000);
	let extra = (era, Compact(70u32), Compact(0u128), 0u8).encode();
	assert_eq!(bytes, [extra.clone(), expected_call.clone()].concat());

	let additional =
		(100u32, SUPPORTED_TRANSACTION_VERSION, GENESIS, anchor.1, Option::<Hash>::None).encode();
	let payload = [expected_call, extra, additional].concat();
	let public = signer().keypair().public_key();
	assert!(sr25519::verify(&signature, &payload, &public));
	let other_chain = [&payload[..payload.len() - 1], &[1]].concat();
	assert!(!sr25519::verify(&signature, other_chain, &public));
}

#[test]
fn call_should_be_found_by_name_when_indices_change() {
	let mut spec = Spec::default();
	spec.calls
		.insert(0, crate::layout::ItemLayout { pallet: "ProofOfLearning", name: "new_call", fields: vec![] });
	let call = Call::Commit { round: 1, commitment: Hash::zero() };
	let signed = view(&spec).unwrap().sign(&signer(), &call, 0, (0, GENESIS)).unwrap();
	let tail = &signed.bytes[signed.bytes.len() - 2 - 8 - 32..];
	assert_eq!(tail[..2], Spec::index(&spec.calls, "ProofOfLearning", "commit"));
	assert_ne!(tail[..2], Spec::index(&Spec::default().calls, "ProofOfLearning", "commit"));
}

fn opened(model: ModelId) -> ChainEvent {
	ChainEvent::TrainingOpened { model }
}

#[test]
fn events_should_be_given_in_order_and_unknown_ones_skipped() {
	let spec = Spec::default();
	let mut records = Records::new(&spec);
	records.known(Phase::Initialization, &opened(1));
	records.event(Phase::ApplyExtrinsic(0), "System", "NewAccount", &[7; 32]);
	records.known(Phase::ApplyExtrinsic(0), &opened(2));
	assert_eq!(view(&spec).unwrap().events(records.encode()).unwrap(), [opened(1), opened(2)]);
	assert_eq!(view(&spec).unwrap().events(Vec::new()).unwrap(), []);
}

#[test]
fn events_should_be_refused_when_bytes_are_missing() {
	let spec = Spec::default();
	let mut records = Records::new(&spec);
	records.known(Phase::Initialization, &opened(1));
	let whole = records.encode();
	for torn in [&whole[..whole.len() - 3], &whole[..1]] {
		assert!(matches!(view(&spec).unwrap().events(torn.to_vec()), Err(ChainError::Decode { .. })));
	}
}

#[test]
fn outcome_should_be_that_of_the_transaction_alone() {
	let spec = Spec::default();
	let view = view(&spec).unwrap();
	let mut records = Records::new(&spec);
	records.ending(0, &Ending::Success(vec![opened(1)]));
	records.ending(1, &Ending::PalletError);
	records.ending(2, &Ending::TooPoor);
	let bytes = records.encode();

	let first = view.outcome(bytes.clone(), 0).unwrap();
	assert_eq!((first.result, first.events), (Ok(()), vec![opened(1)]));
	let (error, _, docs) = ERROR;
	assert_eq!(
		view.outcome(bytes.clone(), 1).unwrap().result,
		Err(DispatchFailure::Pallet { pallet: "Workers".into(), error: error.into(), docs: docs.into() })
	);
	assert_eq!(
		view.outcome(bytes.clone(), 2).unwrap().result,
		Err(DispatchFailure::Other("Funds are unavailable".into()))
	);
	assert!(matches!(view.outcome(bytes, 3), Err(ChainError::Decode { .. })), "there is no such transaction");
}
