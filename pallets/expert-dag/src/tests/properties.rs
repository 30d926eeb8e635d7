//! Random histories keep every invariant, and every version that was ever released can still be read.

use crate::{mock::*, types::*, Blocks, Heads, Models, Versions};
use blyan_primitives::{
	dag::{
		BlockId, BlockIds, BlockKind, Component, Generation, ManifestEntry, ModelId, NewBlocks, SubmissionId,
	},
	learning::Purpose,
	merkle::version_root_of_heads,
	migration::Migration,
	traits::ModelGraph,
};
use proptest::{collection::vec, prelude::*};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Action {
	Register,
	/// Gives genesis blocks to components whose bit is set.
	Begin {
		model: u32,
		mask: u8,
	},
	/// Inserts updates of components whose bit is set; `pick` chooses among accepted parents.
	Insert {
		model: u32,
		mask: u8,
		content: u8,
		pick: u8,
	},
	Accept(u8),
	Reject(u8),
	Withdraw(u8),
	/// Inserts again what was withdrawn.
	Retry(u8),
	/// Goes back to what was head before an accepted block of components whose bit is set.
	RollBack {
		model: u32,
		mask: u8,
		pick: u8,
	},
	/// Changes the architecture, and undoes no candidate.
	Migrate {
		model: u32,
		pick: u8,
	},
}

fn action() -> impl Strategy<Value = Action> {
	prop_oneof![
		1 => Just(Action::Register),
		3 => (0u32..3, any::<u8>()).prop_map(|(model, mask)| Action::Begin { model, mask }),
		6 => (0u32..3, any::<u8>(), any::<u8>(), any::<u8>())
			.prop_map(|(model, mask, content, pick)| Action::Insert { model, mask, content, pick }),
		5 => any::<u8>().prop_map(Action::Accept),
		1 => any::<u8>().prop_map(Action::Reject),
		2 => any::<u8>().prop_map(Action::Withdraw),
		2 => any::<u8>().prop_map(Action::Retry),
		2 => (0u32..3, any::<u8>()).prop_map(|(model, pick)| Action::Migrate { model, pick }),
		3 => (0u32..3, any::<u8>(), any::<u8>())
			.prop_map(|(model, mask, pick)| Action::RollBack { model, mask, pick }),
	]
}

#[derive(Clone)]
struct Submission {
	model: ModelId,
	id: SubmissionId,
	blocks: NewBlocks,
	ids: BlockIds,
}

/// What a test remembers of the chain, in the plainest way.
#[derive(Default)]
struct Memory {
	open: Vec<Submission>,
	withdrawn: Vec<Submission>,
	next: SubmissionId,
	manifests: BTreeMap<(ModelId, Generation), Vec<ManifestEntry>>,
}

fn chosen(mask: u8) -> Vec<Component> {
	let with_bits = architecture().components().enumerate().collect::<Vec<_>>();
	with_bits.into_iter().filter(|(bit, _)| mask >> bit & 1 == 1).map(|(_, component)| component).collect()
}

fn take<X>(list: &mut Vec<X>, pick: u8) -> Option<X> {
	(!list.is_empty()).then(|| list.swap_remove(pick as usize % list.len()))
}

fn accepted(model: ModelId, component: Component) -> Vec<BlockId> {
	let mut found = Blocks::<Test>::iter()
		.filter(|(_, record)| (record.block.model, record.block.component) == (model, component))
		.filter_map(|(id, record)| Some((record.acceptance()?.since, id)))
		.collect::<Vec<_>>();
	found.sort();
	found.into_iter().map(|(_, id)| id).collect()
}

impl Memory {
	fn run(&mut self, action: Action) {
		match action {
			Action::Register => {
				registered();
			}
			Action::Begin { model, mask } => {
				let blocks = list(chosen(mask).into_iter().map(genesis));
				// May well be refused: no such model, heads that exist.
				let _ = ExpertDag::add_genesis_blocks(RuntimeOrigin::signed(OWNER), model, blocks);
				self.remember(model);
			}
			Action::Insert { model, mask, content, pick } => {
				let blocks = list(chosen(mask).into_iter().map(|component| {
					let all = accepted(model, component);
					let first = pick as usize % all.len().max(1);
					let parents =
						all.iter().cycle().skip(first).take(all.len().min(pick as usize % 9)).copied();
					let kind = if content % 2 == 0 { BlockKind::Update } else { BlockKind::Delta };
					new_block(component, kind, &parents.collect::<Vec<_>>(), content)
				}));
				self.insert(model, blocks);
			}
			Action::Accept(pick) => {
				if let Some(it) = take(&mut self.open, pick) {
					if <Dag as ModelGraph<AccountId>>::fits(it.model, &it.ids, None) {
						<Dag as ModelGraph<AccountId>>::accept(it.model, it.id, &it.ids, None).unwrap();
						self.remember(it.model);
					} else {
						<Dag as ModelGraph<AccountId>>::withdraw(&it.ids).unwrap();
						self.withdrawn.push(it);
					}
				}
			}
			Action::Reject(pick) => {
				if let Some(it) = take(&mut self.open, pick) {
					<Dag as ModelGraph<AccountId>>::reject(&it.ids).unwrap();
				}
			}
			Action::Withdraw(pick) => {
				if let Some(it) = take(&mut self.open, pick) {
					<Dag as ModelGraph<AccountId>>::withdraw(&it.ids).unwrap();
					self.withdrawn.push(it);
				}
			}
			Action::Retry(pick) => {
				if let Some(it) = take(&mut self.withdrawn, pick) {
					self.insert(it.model, it.blocks);
				}
			}
			Action::Migrate { model, pick } => self.migrate(model, pick),
			Action::RollBack { model, mask, pick } => self.roll_back(model, mask, pick),
		}
	}

	fn migrate(&mut self, model: ModelId, pick: u8) {
		let Some(before) = Models::<Test>::get(model).map(|model| model.architecture) else { return };
		let migration = match pick % 5 {
			0 => Migration::AddExperts { count: 1 },
			1 => Migration::RemoveExpert { index: u16::from(pick / 5) % before.experts.current },
			2 => Migration::WidenFfn { d_ff: before.d_ff + 1 },
			3 if before.layers < 6 => Migration::AddLayer,
			_ => Migration::ReplaceRouter { top_k: 1 },
		};
		if ExpertDag::propose_migration(RuntimeOrigin::signed(OWNER), model, migration).is_err() {
			return;
		}
		let id = self.next;
		self.next += 1;
		let parent = head(model, Component::Backbone);
		let blocks = migration.components(&before).into_iter();
		let blocks = list(blocks.map(|c| new_block(c, BlockKind::Migration, &[parent], id as u8)));
		let purpose = Purpose::Migration(migration);
		let ids = <Dag as ModelGraph<_>>::insert(model, id, &TRAINER, blocks, &purpose).unwrap();
		<Dag as ModelGraph<AccountId>>::accept(model, id, &ids, Some(migration)).unwrap();
		self.remember(model);
	}

	/// Submits that some former heads come back, whatever became head since.
	fn roll_back(&mut self, model: ModelId, mask: u8, pick: u8) {
		let blocks = chosen(mask).into_iter().filter_map(|component| {
			let all = accepted(model, component);
			all.get(pick as usize % all.len().max(1)).copied()
		});
		let blocks = blocks.collect::<Vec<_>>();
		// May well be refused: first weights, those of a migration, none at all.
		if let Ok(blocks) = <Dag as ModelGraph<AccountId>>::rollback(model, self.next, &blocks) {
			self.insert_for(model, blocks, &Purpose::Rollback);
		}
	}

	fn insert(&mut self, model: ModelId, blocks: NewBlocks) {
		let is_rollback = blocks.iter().any(|block| block.kind == BlockKind::Rollback);
		let purpose = if is_rollback { Purpose::Rollback } else { Purpose::of(&blocks, None) };
		self.insert_for(model, blocks, &purpose);
	}

	fn insert_for(&mut self, model: ModelId, blocks: NewBlocks, purpose: &Purpose) {
		let id = self.next;
		self.next += 1;
		let before = Blocks::<Test>::iter().collect::<BTreeMap<_, _>>();
		match <Dag as ModelGraph<_>>::insert(model, id, &TRAINER, blocks.clone(), purpose) {
			Ok(ids) => self.open.push(Submission { model, id, blocks, ids }),
			Err(_) => assert_eq!(
				Blocks::<Test>::iter().collect::<BTreeMap<_, _>>(),
				before,
				"an error left a trace"
			),
		}
	}

	fn remember(&mut self, model: ModelId) {
		let Some(state) = <Dag as ModelGraph<AccountId>>::model(model) else { return };
		let manifest = Dag::manifest(model, None, 0, u32::MAX);
		self.manifests.insert((model, state.generation), manifest);
	}
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

	#[test]
	fn graph_should_keep_its_invariants_and_every_version(actions in vec(action(), 1..60)) {
		ExtBuilder.build_and_execute(|| {
			let mut memory = Memory::default();
			// One model that can be trained from the start, or most sequences would not get anywhere.
			released();
			memory.remember(0);
			for action in actions {
				memory.run(action);
			}
			for ((model, generation), manifest) in memory.manifests {
				assert_eq!(Dag::manifest(model, Some(generation), 0, u32::MAX), manifest);
				let version: VersionRecordOf<Test> = Versions::<Test>::get(model, generation).unwrap();
				let place = |component| version.architecture.component_index(component).unwrap();
				let heads = manifest.iter().map(|entry| (place(entry.component), entry.block));
				let root = version_root_of_heads(&version.architecture, heads);
				assert_eq!(Some(version.root), root, "the root names what the manifest lists");
			}
			for (model, index, head) in Heads::<Test>::iter() {
				let newest = accepted(model, Blocks::<Test>::get(head).unwrap().block.component).pop();
				assert_eq!(newest, Some(head), "model {model}, component {index}");
			}
			assert!(Models::<Test>::iter().count() >= 1);
		});
	}
}
