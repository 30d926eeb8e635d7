//! What is drawn: blocks, what became of them, and the words and looks that say so.

use blyan_primitives::{
	api::{BlockInfo, BlockStanding},
	dag::{BlockId, BlockKind, Component, Generation, ModelId, SemVer},
	AccountId, BlockNumber, Hash,
};
use indicatif::HumanBytes;
use std::collections::HashSet;

/// Digits of a block's id that a picture shows; the whole id is in its tooltip.
const ID_DIGITS: usize = 8;
/// Most characters of a model's name that a picture shows.
const MAX_NAME_CHARS: usize = 80;

/// A part of a model's graph.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Drawing {
	/// The model.
	pub model: ModelId,
	/// Its name, without characters that no picture can show. Still a stranger's text: to be escaped.
	pub name: String,
	/// The newest version.
	pub version: SemVer,
	/// The newest generation.
	pub generation: Generation,
	/// Its root; `None` until every component has a head.
	pub root: Option<Hash>,
	/// The finalized block at which the chain was read.
	pub as_of: BlockNumber,
	/// In the order of the components' indices, those that the model has no longer behind.
	pub components: Vec<ComponentGraph>,
	/// How many blocks back from a head the drawing goes.
	pub depth: u32,
	/// The most blocks it may have, if there are more.
	pub cut_at: Option<usize>,
}

/// The blocks of one component.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ComponentGraph {
	/// The component.
	pub component: Component,
	/// Its blocks, each behind its parents.
	pub nodes: Vec<Node>,
}

/// A block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
	/// The block and what became of it.
	pub info: BlockInfo<AccountId>,
	/// The same in one word.
	pub mark: Mark,
	/// Parents that are not drawn.
	pub hidden_parents: usize,
	/// Blocks that name it as a parent and are not drawn.
	pub hidden_children: usize,
}

/// What became of a block, as a picture tells it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Mark {
	/// Its component's weights now.
	Head,
	/// The same, and it may still be rolled back in one call.
	OnProbation,
	/// Head once, until another one followed.
	Superseded,
	/// Not measured yet.
	Candidate,
	/// Measured and refused.
	Rejected,
	/// Taken back before a verdict.
	Withdrawn,
	/// Head once, until its component went back to a former one.
	RolledBack,
	/// Head when a migration took its component out.
	Retired,
}

/// How a mark is drawn. Colours are `#rrggbb`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
	/// The colour inside.
	pub fill: &'static str,
	/// The colour of the outline.
	pub stroke: &'static str,
	/// The width of the outline, in pixels or points.
	pub stroke_width: u32,
	/// The outline.
	pub line: LineStyle,
	/// The shape.
	pub shape: Shape,
}

/// How an outline is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineStyle {
	/// Unbroken.
	Solid,
	/// Long strokes.
	Dashed,
	/// Short strokes.
	Dotted,
}

/// The shape of a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
	/// A box with round corners: weights that are or may come to be in use.
	Rounded,
	/// A box: weights that were in use.
	Box,
	/// A box with its corners cut off: weights that are not to be used.
	Octagon,
}

impl Mark {
	/// Every mark, in the order of the legend.
	pub const ALL: [Self; 8] = [
		Self::Head,
		Self::OnProbation,
		Self::Superseded,
		Self::Candidate,
		Self::Rejected,
		Self::Withdrawn,
		Self::RolledBack,
		Self::Retired,
	];

	/// The mark of a block, seen at block number `now`.
	pub fn of(info: &BlockInfo<AccountId>, now: BlockNumber) -> Self {
		match info.standing {
			BlockStanding::Head { .. } if info.probation_until.is_some_and(|until| until > now) => {
				Self::OnProbation
			}
			BlockStanding::Head { .. } => Self::Head,
			BlockStanding::Superseded { .. } => Self::Superseded,
			BlockStanding::Candidate => Self::Candidate,
			BlockStanding::Rejected => Self::Rejected,
			BlockStanding::Withdrawn => Self::Withdrawn,
			BlockStanding::RolledBack { .. } => Self::RolledBack,
			BlockStanding::Retired => Self::Retired,
		}
	}

	/// The mark in words, for the legend.
	pub fn name(self) -> &'static str {
		match self {
			Self::Head => "head",
			Self::OnProbation => "head on probation",
			Self::Superseded => "superseded",
			Self::Candidate => "candidate",
			Self::Rejected => "rejected",
			Self::Withdrawn => "withdrawn",
			Self::RolledBack => "rolled back",
			Self::Retired => "retired",
		}
	}

	/// How it is drawn. Outlines and shapes differ too, for those who see few colours.
	pub fn look(self) -> Look {
		use LineStyle::{Dashed, Dotted, Solid};
		let (fill, stroke, stroke_width, line, shape) = match self {
			Self::Head => ("#c8ecd4", "#0b7a3b", 3, Solid, Shape::Rounded),
			Self::OnProbation => ("#ffe9b3", "#a85f00", 3, Dashed, Shape::Rounded),
			Self::Superseded => ("#e3ecf7", "#5b7ba3", 1, Solid, Shape::Box),
			Self::Candidate => ("#ffffff", "#1565c0", 2, Dashed, Shape::Rounded),
			Self::Rejected => ("#fbd5d5", "#b3261e", 1, Solid, Shape::Octagon),
			Self::Withdrawn => ("#f4f4f4", "#808080", 1, Dotted, Shape::Octagon),
			Self::RolledBack => ("#ead7f5", "#7b3fa0", 2, Solid, Shape::Octagon),
			Self::Retired => ("#d5d5d5", "#444444", 2, Solid, Shape::Box),
		};
		Look { fill, stroke, stroke_width, line, shape }
	}
}

impl Node {
	/// The block's id.
	pub fn id(&self) -> BlockId {
		self.info.id
	}

	/// What stands in the block: id and kind, standing, bytes, trainer, submission, and what is left out.
	pub fn lines(&self) -> Vec<String> {
		let BlockInfo { block, deltas, submission, .. } = &self.info;
		let mut lines = vec![format!("{} {}", short_id(&self.info.id), kind_name(block.kind))];
		lines.extend(self.standing_lines());
		let bytes = HumanBytes(block.bytes);
		lines.push(match deltas.length {
			0 => bytes.to_string(),
			length => format!("{bytes}, chain of {length}"),
		});
		let trainer = short_account(&block.trainer);
		lines.push(match submission {
			Some(submission) => format!("{trainer} submission {submission}"),
			None => trainer,
		});
		for (count, one, many) in
			[(self.hidden_parents, "parent", "parents"), (self.hidden_children, "child", "children")]
		{
			if count > 0 {
				lines.push(format!("+ {count} {} not drawn", if count == 1 { one } else { many }));
			}
		}
		lines
	}

	fn standing_lines(&self) -> Vec<String> {
		let since = match self.info.standing {
			BlockStanding::Head { since } => format!("head since generation {since}"),
			BlockStanding::Superseded { since } => format!("superseded in generation {since}"),
			BlockStanding::RolledBack { since } => format!("rolled back in generation {since}"),
			BlockStanding::Candidate
			| BlockStanding::Rejected
			| BlockStanding::Withdrawn
			| BlockStanding::Retired => self.mark.name().to_owned(),
		};
		match (self.mark, self.info.probation_until) {
			(Mark::OnProbation, Some(until)) => vec![since, format!("on probation to block {until}")],
			_ => vec![since],
		}
	}

	/// What a person sees who points at the block: everything in full, a line each.
	pub fn tooltip(&self) -> String {
		let block = &self.info.block;
		let parents: Vec<String> = block.parents.iter().map(|parent| format!("{parent:?}")).collect();
		format!(
			"block {:?}\n{} of {}\n{}\ncontent {} ({} bytes)\ntrainer {}\nmanifest {:?}\nparents {}",
			self.info.id,
			kind_name(block.kind),
			block.component,
			self.standing_lines().join(", "),
			block.content,
			block.bytes,
			block.trainer,
			block.manifest_hash,
			if parents.is_empty() { "none".to_owned() } else { parents.join(" ") },
		)
	}
}

impl Drawing {
	/// The heading, a line each: which model and version, its root, and when.
	pub fn heading(&self) -> Vec<String> {
		let Self { model, name, version, generation, as_of, .. } = self;
		let root = match &self.root {
			Some(root) => format!("version root {root:?}"),
			None => "no version root yet: some components have no head".to_owned(),
		};
		vec![
			format!("{name} (model {model}), version {version}, generation {generation}"),
			root,
			format!("as of finalized block {as_of}"),
		]
	}

	/// What the picture leaves out, a line each; empty if it has everything.
	pub fn notes(&self) -> Vec<String> {
		let mut notes = Vec::new();
		if let Some(most) = self.cut_at {
			notes.push(format!(
				"CUT: there are more than {most} blocks; raise --max-blocks, lower --depth, or name a --component"
			));
		}
		let hides = |hidden: fn(&Node) -> usize| self.nodes().any(|node| hidden(node) > 0);
		if hides(|node| node.hidden_parents) || hides(|node| node.hidden_children) {
			let depth = self.depth;
			notes.push(format!(
				"blocks more than {depth} back from a head, or of other components, are only counted (--depth)"
			));
		}
		notes
	}

	/// Every block, component by component.
	pub fn nodes(&self) -> impl Iterator<Item = &Node> {
		self.components.iter().flat_map(|component| &component.nodes)
	}

	/// How many blocks there are.
	pub fn block_count(&self) -> usize {
		self.nodes().count()
	}

	/// Every pair of a parent and its child that are both drawn, with whether it is the child's first parent.
	pub fn edges(&self) -> impl Iterator<Item = (BlockId, BlockId, bool)> + '_ {
		let drawn: HashSet<BlockId> = self.nodes().map(Node::id).collect();
		self.nodes()
			.flat_map(|node| {
				let parents = node.info.block.parents.iter().enumerate();
				parents.map(|(place, parent)| (*parent, node.id(), place == 0))
			})
			.filter(move |(parent, _, _)| drawn.contains(parent))
	}
}

/// The kind of a block, in a word.
fn kind_name(kind: BlockKind) -> &'static str {
	match kind {
		BlockKind::Genesis => "Genesis",
		BlockKind::Update => "Update",
		BlockKind::Delta => "Delta",
		BlockKind::Snapshot => "Snapshot",
		BlockKind::Migration => "Migration",
		BlockKind::Rollback => "Rollback",
	}
}

/// The first digits of a block's id.
fn short_id(id: &BlockId) -> String {
	let digits = format!("{id:x}");
	digits.chars().take(ID_DIGITS).collect()
}

/// Both ends of an address.
fn short_account(account: &AccountId) -> String {
	let text = account.to_string();
	let end = text.len().saturating_sub(4);
	match (text.get(..6), text.get(end..)) {
		(Some(first), Some(last)) => format!("{first}…{last}"),
		_ => text,
	}
}

/// A stranger's bytes as text for a picture: nothing that XML forbids, that breaks a line or that turns
/// the direction of writing around, and no more than fits.
pub(super) fn printable(bytes: &[u8]) -> String {
	let text = String::from_utf8_lossy(bytes);
	let mut chars = text.chars().map(|c| if is_printable(c) { c } else { char::REPLACEMENT_CHARACTER });
	let mut printable: String = chars.by_ref().take(MAX_NAME_CHARS).collect();
	if chars.next().is_some() {
		printable.push('…');
	}
	printable
}

fn is_printable(c: char) -> bool {
	let turns_direction =
		matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
	let breaks_line = matches!(c, '\u{2028}' | '\u{2029}');
	let is_no_character = matches!(c, '\u{fffe}' | '\u{ffff}');
	!(c.is_control() || turns_direction || breaks_line || is_no_character)
}
