//! One version of the chain's runtime: what calls and events look like on the wire.

use crate::{
	backend::RuntimeVersion,
	call::{Call, SignedCall},
	error::ChainError,
	event::ChainEvent,
	key::Signer,
	layout::{check_items, check_queries, check_storage, check_type, Kind, StorageLayout},
	query,
};
use blyan_primitives::{AccountId, Balance, BlockNumber, Hash, Moment, Nonce};
use codec::{Decode, Encode};
use polkadot_sdk::{
	sp_crypto_hashing::{blake2_128, blake2_256, twox_128},
	sp_runtime::DispatchError,
};
use scale_info::{MetaType, TypeInfo};
use std::sync::Arc;
use subxt::{
	client::OfflineClientAtBlock,
	config::{substrate::SpecVersionForRange, DefaultExtrinsicParamsBuilder, SubstrateConfig},
	events::Phase,
	ext::scale_encode::{EncodeAsFields, Error as EncodeError, FieldIter, TypeResolver},
	metadata::Metadata,
	tx::Payload,
	OfflineClient,
};

/// The chain's name for itself.
pub const SPEC_NAME: &str = "blyan";
/// The encoding of calls that this program was written for. The runtime raises it when that changes.
pub const SUPPORTED_TRANSACTION_VERSION: u32 = 1;
/// How many blocks a transaction stays valid. A power of two, as the encoding of eras asks; long enough
/// to outlive a restart of the node, short enough for a lost transaction to be given up in minutes.
pub const MORTALITY_BLOCKS: BlockNumber = 128;

/// An account, as `System.Account` stores it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) struct AccountInfo {
	pub nonce: Nonce,
	pub consumers: u32,
	pub providers: u32,
	pub sufficients: u32,
	pub data: AccountData,
}

/// An account's balances, in the smallest unit of BLY.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) struct AccountData {
	pub free: Balance,
	pub reserved: Balance,
	pub frozen: Balance,
	pub flags: u128,
}

/// The key of a storage value, or the prefix of a map.
fn storage_prefix(pallet: &str, entry: &str) -> Vec<u8> {
	[twox_128(pallet.as_bytes()), twox_128(entry.as_bytes())].concat()
}

/// Where a block's events are.
pub(crate) fn events_key() -> Vec<u8> {
	storage_prefix("System", "Events")
}

/// Where a block's time is.
pub(crate) fn now_key() -> Vec<u8> {
	storage_prefix("Timestamp", "Now")
}

/// Where an account is.
pub(crate) fn account_key(account: &AccountId) -> Vec<u8> {
	let encoded = account.encode();
	[storage_prefix("System", "Account"), blake2_128(&encoded).to_vec(), encoded].concat()
}

pub(crate) fn storage_layouts() -> [StorageLayout; 2] {
	[
		StorageLayout { pallet: "System", name: "Account", value: MetaType::new::<AccountInfo>() },
		StorageLayout { pallet: "Timestamp", name: "Now", value: MetaType::new::<Moment>() },
	]
}

/// How a transaction ended, and what it brought about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
	pub result: Result<(), DispatchFailure>,
	pub events: Vec<ChainEvent>,
}

/// Why a call that is in a block did nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DispatchFailure {
	/// An error of that pallet.
	Pallet { pallet: String, error: String, docs: String },
	/// Any other.
	Other(String),
}

/// One version of the runtime, found to fit this program.
pub(crate) struct RuntimeView {
	client: OfflineClientAtBlock<SubstrateConfig>,
}

impl RuntimeView {
	/// Checks the version before its metadata is even asked for.
	///
	/// # Errors
	/// [`ChainError::Incompatible`], with what is other than this program knows.
	pub fn check_version(version: &RuntimeVersion) -> Result<(), ChainError> {
		let RuntimeVersion { spec_name, transaction_version, .. } = version;
		if spec_name != SPEC_NAME {
			return Err(ChainError::incompatible(format!("it is `{spec_name}`, not `{SPEC_NAME}`")));
		}
		if *transaction_version != SUPPORTED_TRANSACTION_VERSION {
			return Err(ChainError::incompatible(format!(
				"its transaction version is {transaction_version}; this program signs for {SUPPORTED_TRANSACTION_VERSION}"
			)));
		}
		Ok(())
	}

	/// Reads the metadata and holds it against every call, event, query and storage entry of ours.
	///
	/// # Errors
	/// [`ChainError::Decode`], or [`ChainError::Incompatible`] with the first difference.
	pub fn new(version: &RuntimeVersion, metadata: &[u8], genesis: Hash) -> Result<Self, ChainError> {
		Self::check_version(version)?;
		let metadata =
			Metadata::decode_from(metadata).map_err(|error| ChainError::decode("metadata", error))?;
		check_items(&metadata, Kind::Call, &Call::layouts())?;
		check_items(&metadata, Kind::Event, &ChainEvent::layouts())?;
		check_queries(&metadata, &query::layouts())?;
		check_storage(&metadata, &storage_layouts())?;
		let dispatch_error = metadata
			.dispatch_error_ty()
			.ok_or_else(|| ChainError::incompatible("it has no dispatch errors"))?;
		check_type(&metadata, "DispatchError", MetaType::new::<DispatchError>(), dispatch_error)?;

		let config = SubstrateConfig::builder()
			.set_genesis_hash(genesis.0.into())
			.set_metadata_for_spec_versions([(version.spec_version, Arc::new(metadata))])
			.set_spec_version_for_block_ranges([SpecVersionForRange {
				block_range: 0..u64::MAX,
				spec_version: version.spec_version,
				transaction_version: version.transaction_version,
			}])
			.build();
		let client = OfflineClient::new_with_config(config)
			.at_block(0u64)
			.map_err(|error| ChainError::decode("metadata", error))?;
		Ok(Self { client })
	}

	/// Signs a call. The signature names the finalized block `anchor`, so it counts on this chain alone
	/// and for [`MORTALITY_BLOCKS`].
	pub fn sign(
		&self,
		signer: &Signer,
		call: &Call,
		nonce: Nonce,
		anchor: (BlockNumber, Hash),
	) -> Result<SignedCall, ChainError> {
		let (valid_from, anchor_hash) = anchor;
		let params = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new()
			.nonce(nonce.into())
			.mortal_from_unchecked(MORTALITY_BLOCKS.into(), valid_from.into(), anchor_hash.0.into())
			.build();
		let payload =
			RawCall { pallet: call.pallet(), name: call.name(), arguments: Encoded(call.encode_arguments()) };
		let bytes = self
			.client
			.tx()
			.create_signable_offline(&payload, params)
			.and_then(|mut signable| signable.sign(signer.keypair()))
			.map_err(|error| {
				ChainError::incompatible(format!("{} cannot be signed: {error}", call.full_name()))
			})?
			.into_encoded();
		Ok(SignedCall {
			account: signer.account().clone(),
			call: call.full_name(),
			nonce,
			transaction: blake2_256(&bytes).into(),
			valid_from,
			valid_until: valid_from.saturating_add(MORTALITY_BLOCKS),
			bytes,
		})
	}

	/// The events of a block that workers act on; the others are skipped.
	pub fn events(&self, bytes: Vec<u8>) -> Result<Vec<ChainEvent>, ChainError> {
		let mut found = Vec::new();
		self.for_each_event(bytes, |_, pallet, event, fields| {
			found.extend(decode_event(pallet, event, fields)?);
			Ok(())
		})?;
		Ok(found)
	}

	/// What the transaction with that index in its block came to.
	pub fn outcome(&self, bytes: Vec<u8>, index: u32) -> Result<Outcome, ChainError> {
		let mut result = None;
		let mut events = Vec::new();
		self.for_each_event(bytes, |phase, pallet, event, fields| {
			if phase != Phase::ApplyExtrinsic(index) {
				return Ok(());
			}
			match (pallet, event) {
				("System", "ExtrinsicSuccess") => result = Some(Ok(())),
				("System", "ExtrinsicFailed") => result = Some(Err(self.dispatch_failure(fields)?)),
				_ => events.extend(decode_event(pallet, event, fields)?),
			}
			Ok(())
		})?;
		let result = result.ok_or_else(|| {
			ChainError::decode(
				format!("the outcome of transaction {index}"),
				"the block's events do not tell it",
			)
		})?;
		Ok(Outcome { result, events })
	}

	/// A constant's SCALE encoding.
	pub fn constant(&self, pallet: &str, name: &str) -> Result<Vec<u8>, ChainError> {
		self.client
			.metadata_ref()
			.pallet_by_name(pallet)
			.and_then(|found| found.constant_by_name(name))
			.map(|constant| constant.value().to_vec())
			.ok_or_else(|| ChainError::incompatible(format!("it has no constant {pallet}.{name}")))
	}

	fn for_each_event(
		&self,
		bytes: Vec<u8>,
		mut act: impl FnMut(Phase, &str, &str, &[u8]) -> Result<(), ChainError>,
	) -> Result<(), ChainError> {
		let events = self.client.events().from_bytes(bytes);
		let mut count = 0;
		for event in events.iter() {
			let event = event.map_err(|error| ChainError::decode("the events of a block", error))?;
			act(event.phase(), event.pallet_name(), event.event_name(), event.field_bytes())?;
			count += 1;
		}
		// The iterator ends quietly where the bytes do.
		if count != events.len() {
			return Err(ChainError::decode("the events of a block", "some are missing"));
		}
		Ok(())
	}

	fn dispatch_failure(&self, mut fields: &[u8]) -> Result<DispatchFailure, ChainError> {
		let error = DispatchError::decode(&mut fields)
			.map_err(|error| ChainError::decode("System.ExtrinsicFailed", error))?;
		let DispatchError::Module(module) = error else {
			return Ok(DispatchFailure::Other(<&'static str>::from(error).into()));
		};
		let pallet = self.client.metadata_ref().pallet_by_error_index(module.index);
		let variant = pallet.and_then(|pallet| pallet.error_variant_by_index(module.error[0]));
		Ok(match (pallet, variant) {
			(Some(pallet), Some(variant)) => DispatchFailure::Pallet {
				pallet: pallet.name().into(),
				error: variant.name.clone(),
				docs: variant.docs.join(" ").trim().into(),
			},
			_ => DispatchFailure::Other(format!("error {:?} of pallet {}", module.error, module.index)),
		})
	}
}

fn decode_event(pallet: &str, event: &str, fields: &[u8]) -> Result<Option<ChainEvent>, ChainError> {
	ChainEvent::decode(pallet, event, fields)
		.transpose()
		.map_err(|error| ChainError::decode(format!("the event {pallet}.{event}"), error))
}

/// A call whose arguments are encoded already: their types were checked when the runtime was.
struct RawCall {
	pallet: &'static str,
	name: &'static str,
	arguments: Encoded,
}

struct Encoded(Vec<u8>);

impl EncodeAsFields for Encoded {
	fn encode_as_fields_to<R: TypeResolver>(
		&self,
		_: &mut dyn FieldIter<'_, R::TypeId>,
		_: &R,
		out: &mut Vec<u8>,
	) -> Result<(), EncodeError> {
		out.extend_from_slice(&self.0);
		Ok(())
	}
}

impl Payload for RawCall {
	type CallData = Encoded;

	fn pallet_name(&self) -> &str {
		self.pallet
	}

	fn call_name(&self) -> &str {
		self.name
	}

	fn call_data(&self) -> &Encoded {
		&self.arguments
	}
}
