//! Whether the chain's types are those that this program encodes and decodes.
//!
//! Calls, events, queries and storage are encoded from Rust types of ours, not from types generated
//! from metadata. So before anything is signed or believed, the metadata of the live runtime is held
//! against the type information of ours, down to the last field: a difference is an error that names
//! it, never a misread number.

use crate::error::ChainError;
use scale_info::{form::PortableForm, Field, MetaType, PortableRegistry, Registry, TypeDef};
use std::collections::HashSet;
use subxt::metadata::Metadata;

/// Fields, by name and type, in the order of their encoding.
pub(crate) type Fields = Vec<(&'static str, MetaType)>;

/// A call or an event.
pub(crate) struct ItemLayout {
	/// The pallet's name in the runtime.
	pub pallet: &'static str,
	/// The call's or event's name.
	pub name: &'static str,
	/// Its arguments or fields.
	pub fields: Fields,
}

/// A query of a runtime API.
pub(crate) struct QueryLayout {
	/// The API's name.
	pub api: &'static str,
	/// The query's name.
	pub name: &'static str,
	/// Its arguments.
	pub inputs: Fields,
	/// What it returns.
	pub output: MetaType,
}

/// A storage entry.
pub(crate) struct StorageLayout {
	/// The pallet's name in the runtime.
	pub pallet: &'static str,
	/// The entry's name.
	pub name: &'static str,
	/// The type of its values.
	pub value: MetaType,
}

/// Compares types of ours with those of a runtime.
pub(crate) struct Comparison<'a> {
	metadata: &'a Metadata,
	ours: PortableRegistry,
}

impl<'a> Comparison<'a> {
	/// `types` are all of ours that will be compared.
	fn new(metadata: &'a Metadata, types: impl IntoIterator<Item = MetaType>) -> (Self, Vec<u32>) {
		let mut registry = Registry::new();
		let ids = types.into_iter().map(|ty| registry.register_type(&ty).id).collect();
		(Self { metadata, ours: registry.into() }, ids)
	}

	/// # Errors
	/// The first difference, with the path to it.
	fn types(&self, path: &str, ours: u32, theirs: u32) -> Result<(), String> {
		self.same(path, ours, theirs, &mut HashSet::new())
	}

	fn same(&self, path: &str, ours: u32, theirs: u32, seen: &mut HashSet<(u32, u32)>) -> Result<(), String> {
		let (ours, theirs) = (peel(&self.ours, ours), peel(self.metadata.types(), theirs));
		if !seen.insert((ours, theirs)) {
			return Ok(());
		}
		let missing = || format!("{path} has no type");
		let our_type = &self.ours.resolve(ours).ok_or_else(missing)?.type_def;
		let their_type = &self.metadata.types().resolve(theirs).ok_or_else(missing)?.type_def;
		let differs = |what: &str, o: &dyn std::fmt::Debug, t: &dyn std::fmt::Debug| {
			Err(format!("{path} has the {what} {t:?} where {o:?} is expected"))
		};
		match (our_type, their_type) {
			(TypeDef::Composite(o), TypeDef::Composite(t)) => {
				self.same_fields(path, &o.fields, &t.fields, seen)
			}
			(TypeDef::Variant(o), TypeDef::Variant(t)) => {
				let names = |variants: &[scale_info::Variant<PortableForm>]| {
					variants.iter().map(|v| format!("{}={}", v.name, v.index)).collect::<Vec<_>>()
				};
				let (our_names, their_names) = (names(&o.variants), names(&t.variants));
				if our_names != their_names {
					return differs("variants", &our_names, &their_names);
				}
				o.variants.iter().zip(&t.variants).try_for_each(|(o, t)| {
					self.same_fields(&format!("{path}.{}", o.name), &o.fields, &t.fields, seen)
				})
			}
			(TypeDef::Sequence(o), TypeDef::Sequence(t)) => {
				self.same(&format!("{path}[]"), o.type_param.id, t.type_param.id, seen)
			}
			(TypeDef::Array(o), TypeDef::Array(t)) if o.len == t.len => {
				self.same(&format!("{path}[]"), o.type_param.id, t.type_param.id, seen)
			}
			(TypeDef::Array(o), TypeDef::Array(t)) => differs("length", &o.len, &t.len),
			(TypeDef::Compact(o), TypeDef::Compact(t)) => {
				self.same(path, o.type_param.id, t.type_param.id, seen)
			}
			(TypeDef::Tuple(o), TypeDef::Tuple(t)) if o.fields.len() == t.fields.len() => o
				.fields
				.iter()
				.zip(&t.fields)
				.enumerate()
				.try_for_each(|(i, (o, t))| self.same(&format!("{path}.{i}"), o.id, t.id, seen)),
			(TypeDef::Primitive(o), TypeDef::Primitive(t)) if o == t => Ok(()),
			(o, t) => differs("type", o, t),
		}
	}

	fn same_fields(
		&self,
		path: &str,
		ours: &[Field<PortableForm>],
		theirs: &[Field<PortableForm>],
		seen: &mut HashSet<(u32, u32)>,
	) -> Result<(), String> {
		let names = |fields: &[Field<PortableForm>]| {
			fields.iter().map(|f| f.name.clone().unwrap_or_else(|| "_".into())).collect::<Vec<_>>()
		};
		let (our_names, their_names) = (names(ours), names(theirs));
		if our_names != their_names {
			return Err(format!("{path} has the fields {their_names:?} where {our_names:?} are expected"));
		}
		ours.iter()
			.zip(theirs)
			.zip(&our_names)
			.try_for_each(|((o, t), name)| self.same(&format!("{path}.{name}"), o.ty.id, t.ty.id, seen))
	}
}

/// A struct with a single unnamed field encodes as that field: `BoundedVec<u8, _>` is a `Vec<u8>`.
fn peel(registry: &PortableRegistry, mut id: u32) -> u32 {
	while let Some(TypeDef::Composite(composite)) = registry.resolve(id).map(|ty| &ty.type_def) {
		match composite.fields.as_slice() {
			[Field { name: None, ty, .. }] => id = ty.id,
			_ => break,
		}
	}
	id
}

/// Whose items these are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
	/// `Pallet.call`, with arguments.
	Call,
	/// `Pallet.Event`, with fields.
	Event,
}

/// Checks that the runtime has all these calls or events, with these fields in this order.
pub(crate) fn check_items(metadata: &Metadata, kind: Kind, layouts: &[ItemLayout]) -> Result<(), ChainError> {
	let (comparison, ids) =
		Comparison::new(metadata, layouts.iter().flat_map(|l| l.fields.iter().map(|(_, ty)| *ty)));
	let mut ids = ids.into_iter();
	let (what, part) = if kind == Kind::Call { ("call", "arguments") } else { ("event", "fields") };
	for ItemLayout { pallet, name, fields } in layouts {
		let variants = metadata.pallet_by_name(pallet).and_then(|found| match kind {
			Kind::Call => found.call_variants(),
			Kind::Event => found.event_variants(),
		});
		let variant = variants
			.and_then(|variants| variants.iter().find(|variant| variant.name == *name))
			.ok_or_else(|| ChainError::incompatible(format!("it has no {what} {pallet}.{name}")))?;
		let theirs: Vec<&str> = variant.fields.iter().map(|f| f.name.as_deref().unwrap_or("_")).collect();
		let ours: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
		if ours != theirs {
			return Err(ChainError::incompatible(format!(
				"the {what} {pallet}.{name} has the {part} {theirs:?} where {ours:?} are expected"
			)));
		}
		for (field, (field_name, id)) in
			variant.fields.iter().zip(fields.iter().map(|(name, _)| name).zip(&mut ids))
		{
			comparison
				.types(&format!("{pallet}.{name}.{field_name}"), id, field.ty.id)
				.map_err(ChainError::incompatible)?;
		}
	}
	Ok(())
}

/// Checks that the runtime answers all these queries, in these types.
pub(crate) fn check_queries(metadata: &Metadata, layouts: &[QueryLayout]) -> Result<(), ChainError> {
	for QueryLayout { api, name, inputs, output } in layouts {
		let method = metadata
			.runtime_api_trait_by_name(api)
			.and_then(|found| found.method_by_name(name))
			.ok_or_else(|| ChainError::incompatible(format!("it does not answer the query {api}.{name}")))?;
		let theirs: Vec<(String, u32)> =
			method.inputs().map(|input| (input.name.to_string(), input.id)).collect();
		let their_names: Vec<&str> = theirs.iter().map(|(name, _)| name.as_str()).collect();
		let our_names: Vec<&str> = inputs.iter().map(|(name, _)| *name).collect();
		if our_names != their_names {
			return Err(ChainError::incompatible(format!(
				"the query {api}.{name} has the arguments {their_names:?} where {our_names:?} are expected"
			)));
		}
		let (comparison, ids) = Comparison::new(metadata, inputs.iter().map(|(_, ty)| *ty).chain([*output]));
		let their_ids = theirs.iter().map(|(_, id)| *id).chain([method.output_ty()]);
		let parts = our_names.into_iter().chain(["result"]);
		for ((ours, theirs), part) in ids.into_iter().zip(their_ids).zip(parts) {
			comparison
				.types(&format!("{api}.{name}.{part}"), ours, theirs)
				.map_err(ChainError::incompatible)?;
		}
	}
	Ok(())
}

/// Checks that the runtime stores all these values, in these types.
pub(crate) fn check_storage(metadata: &Metadata, layouts: &[StorageLayout]) -> Result<(), ChainError> {
	let (comparison, ids) = Comparison::new(metadata, layouts.iter().map(|layout| layout.value));
	for (StorageLayout { pallet, name, .. }, ours) in layouts.iter().zip(ids) {
		let theirs = metadata
			.pallet_by_name(pallet)
			.and_then(|found| found.storage()?.entry_by_name(name).map(|entry| entry.value_ty()))
			.ok_or_else(|| ChainError::incompatible(format!("it does not store {pallet}.{name}")))?;
		comparison.types(&format!("{pallet}.{name}"), ours, theirs).map_err(ChainError::incompatible)?;
	}
	Ok(())
}

/// Checks one type of ours against one of the runtime's.
pub(crate) fn check_type(
	metadata: &Metadata,
	path: &str,
	ours: MetaType,
	theirs: u32,
) -> Result<(), ChainError> {
	let (comparison, ids) = Comparison::new(metadata, [ours]);
	ids.into_iter().try_for_each(|id| comparison.types(path, id, theirs)).map_err(ChainError::incompatible)
}
