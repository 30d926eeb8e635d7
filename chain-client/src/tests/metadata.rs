//! The metadata of a runtime that has what this program asks for, or deliberately not.

use crate::{
	call::Call,
	event::ChainEvent,
	layout::{Fields, ItemLayout, QueryLayout, StorageLayout},
	query, runtime,
};
use blyan_primitives::{Address, Signature};
use codec::{Compact, Encode};
use polkadot_sdk::sp_runtime::{generic::Era, DispatchError};
use scale_info::{
	form::PortableForm, Field, MetaType, Path, PortableRegistry, PortableType, Registry, Type,
	TypeDefVariant, Variant,
};
use std::collections::BTreeMap;
use subxt::{
	ext::frame_metadata::{
		v15::{
			CustomMetadata, ExtrinsicMetadata, OuterEnums, PalletCallMetadata, PalletConstantMetadata,
			PalletErrorMetadata, PalletEventMetadata, PalletMetadata, PalletStorageMetadata,
			RuntimeApiMetadata, RuntimeApiMethodMetadata, RuntimeApiMethodParamMetadata, RuntimeMetadataV15,
			SignedExtensionMetadata, StorageEntryMetadata, StorageEntryModifier, StorageEntryType,
		},
		RuntimeMetadataPrefixed,
	},
	utils::H256,
};

/// In the order of their indices, which begin at [`FIRST_PALLET`].
const PALLETS: [&str; 14] = [
	"System",
	"Timestamp",
	"Balances",
	"TransactionPayment",
	"Workers",
	"ExpertDag",
	"ProofOfLearning",
	"Rewards",
	"Disputes",
	"SealedShards",
	"Canaries",
	"Manifests",
	"Usage",
	"Datasets",
];
/// So that an index taken for a position shows.
const FIRST_PALLET: u8 = 20;
/// Likewise for calls and events: the index is three times the position, and one more.
fn item_index(position: usize) -> u8 {
	position as u8 * 3 + 1
}

/// The one error there is, in `Workers`.
pub const ERROR: (&str, u8, &str) = ("NotRegistered", 5, "Register first.");

/// What the runtime has.
pub struct Spec {
	pub calls: Vec<ItemLayout>,
	pub events: Vec<ItemLayout>,
	pub queries: Vec<QueryLayout>,
	pub storage: Vec<StorageLayout>,
}

impl Default for Spec {
	/// All that this program asks for, and an event that it does not know.
	fn default() -> Self {
		let event = |pallet, name, fields| ItemLayout { pallet, name, fields };
		let mut events = vec![
			event("System", "NewAccount", vec![("account", MetaType::new::<[u8; 32]>())]),
			event("System", "ExtrinsicSuccess", vec![("dispatch_info", MetaType::new::<u16>())]),
			event(
				"System",
				"ExtrinsicFailed",
				vec![
					("dispatch_error", MetaType::new::<DispatchError>()),
					("dispatch_info", MetaType::new::<u16>()),
				],
			),
		];
		events.extend(ChainEvent::layouts());
		Self {
			calls: Call::layouts(),
			events,
			queries: query::layouts(),
			storage: runtime::storage_layouts().into(),
		}
	}
}

impl Spec {
	/// Where `Pallet.item` is: pallet index, item index.
	pub fn index(items: &[ItemLayout], pallet: &str, name: &str) -> [u8; 2] {
		let pallet_position = PALLETS.iter().position(|known| *known == pallet).expect("a known pallet");
		let position = items
			.iter()
			.filter(|item| item.pallet == pallet)
			.position(|item| item.name == name)
			.expect("a known item");
		[FIRST_PALLET + pallet_position as u8, item_index(position)]
	}

	/// As `Metadata_metadata_at_version` holds it.
	pub fn metadata(&self) -> Vec<u8> {
		let mut registry = Registry::new();
		let mut ids = |ty: &MetaType| registry.register_type(ty).id;
		// Interned by type, so that asking again for an id once the registry is closed needs no lookup.
		let mut known = BTreeMap::new();
		let mut note = |ty: MetaType| {
			known.entry(ty).or_insert_with_key(&mut ids);
		};
		let fields =
			|items: &[ItemLayout]| items.iter().flat_map(|item| item.fields.clone()).collect::<Fields>();
		fields(&self.calls).into_iter().chain(fields(&self.events)).for_each(|(_, ty)| note(ty));
		for query in &self.queries {
			query.inputs.iter().for_each(|(_, ty)| note(*ty));
			note(query.output);
		}
		self.storage.iter().for_each(|storage| note(storage.value));
		let fixed = [
			MetaType::new::<Address>(),
			MetaType::new::<Signature>(),
			MetaType::new::<Era>(),
			MetaType::new::<Compact<u32>>(),
			MetaType::new::<Compact<u128>>(),
			MetaType::new::<()>(),
			MetaType::new::<u8>(),
			MetaType::new::<u32>(),
			MetaType::new::<H256>(),
			MetaType::new::<Option<H256>>(),
			MetaType::new::<DispatchError>(),
		];
		fixed.into_iter().for_each(&mut note);
		let id = |ty: MetaType| known[&ty].into();

		let mut types: PortableRegistry = registry.into();
		let mut push = |variants: Vec<Variant<PortableForm>>| {
			let id = types.types.len() as u32;
			let ty = Type::new(Path::default(), Vec::new(), TypeDefVariant::new(variants), Vec::new());
			types.types.push(PortableType::new(id, ty));
			id
		};
		let variants = |items: &[ItemLayout], pallet: &str| {
			let items = items.iter().filter(|item| item.pallet == pallet).enumerate();
			items
				.map(|(position, item)| {
					let fields = item.fields.iter().map(|(name, ty)| Field {
						name: Some((*name).into()),
						ty: id(*ty),
						type_name: None,
						docs: Vec::new(),
					});
					Variant::new(item.name.into(), fields.collect(), item_index(position), Vec::new())
				})
				.collect::<Vec<_>>()
		};

		let mut pallets = Vec::new();
		for (position, name) in PALLETS.iter().enumerate() {
			let calls = variants(&self.calls, name);
			let events = variants(&self.events, name);
			let entries = self.storage.iter().filter(|storage| storage.pallet == *name);
			let entries: Vec<_> = entries
				.map(|storage| StorageEntryMetadata {
					name: storage.name.into(),
					modifier: StorageEntryModifier::Default,
					ty: StorageEntryType::Plain(id(storage.value)),
					default: Vec::new(),
					docs: Vec::new(),
				})
				.collect();
			let (error, index, docs) = ERROR;
			let error = (*name == "Workers")
				.then(|| push(vec![Variant::new(error.into(), Vec::new(), index, vec![docs.into()])]));
			let constants = (*name == "System").then(|| PalletConstantMetadata {
				name: "BlockHashCount".into(),
				ty: id(MetaType::new::<u32>()),
				value: 4_096u32.encode(),
				docs: Vec::new(),
			});
			pallets.push(PalletMetadata {
				name: (*name).into(),
				storage: (!entries.is_empty())
					.then(|| PalletStorageMetadata { prefix: (*name).into(), entries }),
				calls: (!calls.is_empty()).then(|| PalletCallMetadata { ty: push(calls).into() }),
				event: (!events.is_empty()).then(|| PalletEventMetadata { ty: push(events).into() }),
				constants: constants.into_iter().collect(),
				error: error.map(|ty| PalletErrorMetadata { ty: ty.into() }),
				index: FIRST_PALLET + position as u8,
				docs: Vec::new(),
			});
		}

		let outer = push(Vec::new()).into();
		let mut apis: Vec<RuntimeApiMetadata<PortableForm>> = Vec::new();
		for QueryLayout { api, name, inputs, output } in &self.queries {
			if apis.iter().all(|known| known.name != *api) {
				apis.push(RuntimeApiMetadata { name: (*api).into(), methods: Vec::new(), docs: Vec::new() });
			}
			let inputs = inputs
				.iter()
				.map(|(name, ty)| RuntimeApiMethodParamMetadata { name: (*name).into(), ty: id(*ty) })
				.collect();
			let method = RuntimeApiMethodMetadata {
				name: (*name).into(),
				inputs,
				output: id(*output),
				docs: Vec::new(),
			};
			apis.iter_mut()
				.filter(|known| known.name == *api)
				.for_each(|api| api.methods.push(method.clone()));
		}

		let unit = MetaType::new::<()>();
		let extension = |identifier: &str, ty: MetaType, additional: MetaType| SignedExtensionMetadata {
			identifier: identifier.into(),
			ty: id(ty),
			additional_signed: id(additional),
		};
		let metadata = RuntimeMetadataV15 {
			pallets,
			extrinsic: ExtrinsicMetadata {
				version: 4,
				address_ty: id(MetaType::new::<Address>()),
				call_ty: outer,
				signature_ty: id(MetaType::new::<Signature>()),
				extra_ty: id(unit),
				// As the runtime's `TxExtension`.
				signed_extensions: vec![
					extension("AuthorizeCall", unit, unit),
					extension("CheckNonZeroSender", unit, unit),
					extension("CheckSpecVersion", unit, MetaType::new::<u32>()),
					extension("CheckTxVersion", unit, MetaType::new::<u32>()),
					extension("CheckGenesis", unit, MetaType::new::<H256>()),
					extension("CheckMortality", MetaType::new::<Era>(), MetaType::new::<H256>()),
					extension("CheckNonce", MetaType::new::<Compact<u32>>(), unit),
					extension("CheckWeight", unit, unit),
					extension("ChargeTransactionPayment", MetaType::new::<Compact<u128>>(), unit),
					extension("CheckMetadataHash", MetaType::new::<u8>(), MetaType::new::<Option<H256>>()),
					extension("WeightReclaim", unit, unit),
				],
			},
			ty: id(unit),
			apis,
			outer_enums: OuterEnums { call_enum_ty: outer, event_enum_ty: outer, error_enum_ty: outer },
			custom: CustomMetadata { map: BTreeMap::new() },
			types,
		};
		RuntimeMetadataPrefixed::from(metadata).encode()
	}
}
