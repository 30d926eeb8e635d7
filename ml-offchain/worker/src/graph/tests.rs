use super::{
	dot::escaped,
	drawing::printable,
	layout::{Area, Layout},
	sample::{head, rivals, small_model, superseded, Like, Sample, MODEL},
	*,
};
use blyan_chain_client::fake::FakeChain;
use blyan_primitives::{
	api::BlockStanding,
	dag::{BlockId, BlockKind, Component},
};
use proptest::prelude::*;
use std::{collections::BTreeSet, path::Path};

const EXPERT: Component = Component::Expert { layer: 0, index: 1 };

fn everything() -> Options {
	Options { model: None, components: Vec::new(), depth: 32, max_blocks: 1_000 }
}

async fn drawing(chain: &FakeChain) -> Drawing {
	collect(chain, &everything()).await.unwrap()
}

fn ids(drawing: &Drawing) -> BTreeSet<BlockId> {
	drawing.nodes().map(Node::id).collect()
}

fn node(drawing: &Drawing, id: BlockId) -> &Node {
	drawing.nodes().find(|node| node.id() == id).unwrap()
}

/// A backbone with a line of updates, the last one its head.
fn line(length: u32) -> (FakeChain, Vec<BlockId>) {
	let mut sample = Sample::new(b"Line", 1, 2);
	let mut blocks = vec![sample.add(Component::Backbone, &[], Like::genesis(superseded(1)))];
	for step in 1..length {
		let standing = if step + 1 == length { head(step) } else { superseded(step + 1) };
		let parent = [blocks[step as usize - 1]];
		let like = Like::update(standing).in_submission(step.into());
		blocks.push(sample.add(Component::Backbone, &parent, like));
	}
	(sample.release(), blocks)
}

/// Compares with a file below the workspace's root; `BLYAN_UPDATE_SNAPSHOTS=1` writes it anew.
fn assert_snapshot(path: &str, found: &str) {
	let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
	if std::env::var_os("BLYAN_UPDATE_SNAPSHOTS").is_some() {
		std::fs::write(&path, found).unwrap();
	}
	let expected = std::fs::read_to_string(&path).unwrap_or_default();
	assert!(found == expected, "{} differs; BLYAN_UPDATE_SNAPSHOTS=1 accepts the change", path.display());
}

#[tokio::test]
async fn collect_should_see_side_branches_when_they_never_became_head() {
	let drawing = drawing(&rivals()).await;
	let marks: BTreeSet<Mark> = drawing.nodes().map(|node| node.mark).collect();
	let expected: BTreeSet<Mark> = Mark::ALL.into_iter().filter(|mark| *mark != Mark::Retired).collect();
	assert_eq!(marks, expected);
	assert_eq!(drawing.block_count(), 13);
	assert_eq!((drawing.model, drawing.generation, drawing.cut_at), (MODEL, 6, None));
	assert!(drawing.nodes().all(|node| node.hidden_parents + node.hidden_children == 0));
	assert_eq!(drawing.notes(), Vec::<String>::new());
	for component in &drawing.components {
		let mut before = BTreeSet::new();
		for node in &component.nodes {
			assert!(
				node.info.block.parents.iter().all(|parent| before.contains(parent)),
				"parents stand before"
			);
			before.insert(node.id());
		}
	}
}

#[tokio::test]
async fn collect_should_find_retired_heads_when_a_migration_took_their_component_out() {
	let mut sample = Sample::new(b"Shrunk", 1, 2);
	let kept = sample.add(Component::Backbone, &[], Like::genesis(head(0)));
	let gone = Component::Expert { layer: 0, index: 2 };
	let retired = sample.add(gone, &[], Like::genesis(BlockStanding::Retired));
	let drawing = drawing(&sample.release_after_removal()).await;
	assert_eq!(ids(&drawing), [kept, retired].into());
	assert_eq!(node(&drawing, retired).mark, Mark::Retired);
	let components: Vec<Component> = drawing.components.iter().map(|graph| graph.component).collect();
	assert_eq!(components, [Component::Backbone, gone], "what the model has stands first");
}

#[tokio::test]
async fn collect_should_stop_at_the_depth_and_count_what_is_beyond() {
	let (chain, blocks) = line(6);
	for depth in 1..=7u32 {
		let drawing = collect(&chain, &Options { depth, ..everything() }).await.unwrap();
		let shown = &blocks[blocks.len().saturating_sub(depth as usize)..];
		assert_eq!(ids(&drawing), shown.iter().copied().collect(), "depth {depth}");
		let is_partial = depth < 6;
		assert_eq!(node(&drawing, shown[0]).hidden_parents, usize::from(is_partial));
		assert_eq!(!drawing.notes().is_empty(), is_partial, "the picture says so");
		assert_eq!(drawing.cut_at, None);
	}
}

#[tokio::test]
async fn collect_should_draw_rivals_of_the_oldest_shown_when_their_parent_is_shown() {
	let mut sample = Sample::new(b"Rival", 1, 2);
	let root = sample.add(Component::Backbone, &[], Like::genesis(superseded(1)));
	let lost = sample.add(Component::Backbone, &[root], Like::update(BlockStanding::Rejected));
	let won = sample.add(Component::Backbone, &[root], Like::update(head(1)));
	let chain = sample.release();
	let of_depth = |depth| {
		let chain = chain.clone();
		async move { ids(&collect(&chain, &Options { depth, ..everything() }).await.unwrap()) }
	};
	assert_eq!(of_depth(1).await, [won].into());
	assert_eq!(of_depth(2).await, [root, lost, won].into());
}

#[tokio::test]
async fn collect_should_keep_what_is_nearest_the_heads_when_there_are_too_many_blocks() {
	let (chain, blocks) = line(40);
	let options = Options { max_blocks: 10, ..everything() };
	let cut = collect(&chain, &options).await.unwrap();
	assert_eq!(ids(&cut), blocks[30..].iter().copied().collect());
	assert_eq!(cut.cut_at, Some(10));
	for text in [to_svg(&cut), to_dot(&cut)] {
		assert!(text.contains("CUT: there are more than 10 blocks; raise --max-blocks"), "{text}");
	}
	let exact = Options { max_blocks: 40, depth: 40, ..everything() };
	assert_eq!(collect(&chain, &exact).await.unwrap().cut_at, None, "all of them are not too many");
}

#[tokio::test]
async fn collect_should_follow_the_newest_children_and_count_the_rest_when_there_are_very_many() {
	let mut sample = Sample::new(b"Crowd", 1, 2);
	let root = sample.add(Component::Backbone, &[], Like::genesis(superseded(1)));
	let head = sample.add(Component::Backbone, &[root], Like::update(head(1)).in_submission(0));
	let rivals: Vec<BlockId> = (1..=50)
		.map(|n| {
			let like = Like::update(BlockStanding::Rejected).in_submission(n);
			sample.add(Component::Backbone, &[root], like)
		})
		.collect();
	let drawing = drawing(&sample.release()).await;
	let newest = rivals[18..].iter().copied();
	assert_eq!(ids(&drawing), newest.chain([root, head]).collect());
	assert_eq!(node(&drawing, root).hidden_children, 18);
	assert!(node(&drawing, root).lines().contains(&"+ 18 children not drawn".to_owned()));
}

#[tokio::test]
async fn collect_should_draw_chosen_components_alone() {
	let options = Options { components: vec![EXPERT], ..everything() };
	let chosen = collect(&rivals(), &options).await.unwrap();
	assert_eq!(chosen.components.len(), 1);
	assert_eq!((chosen.components[0].component, chosen.block_count()), (EXPERT, 12));
	let absent = Options { components: vec![Component::Router { layer: 9 }], ..everything() };
	let error = collect(&rivals(), &absent).await.unwrap_err().to_string();
	assert!(error.contains("no router(9)") && error.contains("2 components, such as backbone"), "{error}");
}

#[tokio::test]
async fn collect_should_say_which_models_there_are_when_none_or_a_wrong_one_is_named() {
	let chain = rivals();
	let wrong = Options { model: Some(99), ..everything() };
	let error = collect(&chain, &wrong).await.unwrap_err().to_string();
	assert!(error.contains("no model 99") && error.contains("7 (Rivals"), "{error}");
	let second = small_model().edit(|state| state.models[&MODEL].clone());
	chain.edit(|state| state.models.insert(8, blyan_primitives::api::ModelInfo { id: 8, ..second }));
	let error = collect(&chain, &everything()).await.unwrap_err().to_string();
	assert!(error.contains("--model") && error.contains("8 (Small and public)"), "{error}");
	let error = collect(&chain, &Options { model: Some(8), ..everything() }).await.unwrap_err();
	assert!(matches!(error, CollectError::NoWeights(8)), "{error}");
	let error = collect(&FakeChain::new(), &everything()).await.unwrap_err();
	assert!(matches!(error, CollectError::NoModels), "{error}");
}

#[tokio::test]
async fn collect_should_fail_when_the_node_does_not_have_a_block_that_it_named() {
	let (chain, blocks) = line(3);
	chain.edit(|state| state.blocks.remove(&blocks[1]));
	let error = collect(&chain, &everything()).await.unwrap_err();
	assert!(matches!(error, CollectError::BlockNotFound(block) if block == blocks[1]), "{error}");
}

#[tokio::test]
async fn mark_should_be_on_probation_until_its_last_block() {
	let chain = rivals();
	let before = drawing(&chain).await;
	let head = before.nodes().find(|node| node.mark == Mark::OnProbation).unwrap();
	assert!(head.lines().contains(&"on probation to block 1440".to_owned()), "{:?}", head.lines());
	let mut info = head.info.clone();
	assert_eq!(Mark::of(&info, 1_439), Mark::OnProbation);
	assert_eq!(Mark::of(&info, 1_440), Mark::Head);
	info.standing = superseded(7);
	assert_eq!(Mark::of(&info, 0), Mark::Superseded);
}

#[test]
fn marks_should_look_different_when_colours_are_not_seen() {
	let looks: Vec<_> = Mark::ALL
		.iter()
		.map(|mark| {
			let look = mark.look();
			(look.stroke_width, look.line as u8, look.shape as u8)
		})
		.collect();
	for (place, look) in looks.iter().enumerate() {
		assert!(!looks[..place].contains(look), "{:?}", Mark::ALL[place]);
	}
}

fn overlap(a: &Area, b: &Area) -> bool {
	a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

#[tokio::test]
async fn layout_should_keep_blocks_apart_and_within_their_component() {
	for chain in [rivals(), small_model(), line(30).0] {
		let drawing = drawing(&chain).await;
		let layout = Layout::of(&drawing);
		let areas: Vec<&Area> = layout.nodes.values().collect();
		assert_eq!(areas.len(), drawing.block_count());
		for (place, area) in areas.iter().enumerate() {
			assert!(areas[..place].iter().all(|other| !overlap(area, other)), "{area:?}");
		}
		for (component, frame) in drawing.components.iter().zip(&layout.boxes) {
			assert!(frame.x + frame.width <= layout.width && frame.y + frame.height <= layout.height);
			for node in &component.nodes {
				let Area { x, y, width, height } = layout.nodes[&node.id()];
				assert!(x > frame.x && x + width < frame.x + frame.width, "{component:?}");
				assert!(y > frame.y && y + height < frame.y + frame.height, "{component:?}");
			}
		}
		assert_eq!(layout.edges.len() + layout.crossing.len(), drawing.edges().count());
		// A child is to the right of its parent.
		for (parent, child, _) in drawing.edges() {
			assert!(layout.nodes[&parent].x < layout.nodes[&child].x);
		}
	}
}

#[tokio::test]
async fn layout_should_place_as_many_blocks_as_are_drawn_by_default() {
	let mut sample = Sample::new(b"Crowded", 1, 2);
	let mut parent = sample.add(Component::Backbone, &[], Like::genesis(superseded(1)));
	for step in 1..32 {
		for rival in 0..31 {
			let like = Like::update(BlockStanding::Rejected).in_submission(u64::from(step) * 32 + rival);
			sample.add(Component::Backbone, &[parent], like);
		}
		let standing = if step == 31 { head(step) } else { superseded(step + 1) };
		parent = sample.add(Component::Backbone, &[parent], Like::update(standing));
	}
	for chain in [sample.release(), line(1_000).0] {
		let deep = collect(&chain, &Options { depth: 1_000, ..everything() }).await.unwrap();
		let layout = Layout::of(&deep);
		assert!(deep.block_count() > 990, "{}", deep.block_count());
		assert_eq!((layout.nodes.len(), layout.edges.len()), (deep.block_count(), deep.block_count() - 1));
	}
}

#[tokio::test]
async fn layout_should_draw_a_line_between_components_when_a_block_descends_from_another_component() {
	let mut sample = Sample::new(b"Copy", 1, 3);
	let original = sample.add(EXPERT, &[], Like::genesis(head(0)));
	let copy = Component::Expert { layer: 0, index: 2 };
	let migration = Like::new(BlockKind::Migration, head(1)).in_submission(3);
	let copied = sample.add(copy, &[original], migration);
	let drawing = drawing(&sample.release()).await;
	assert_eq!(drawing.edges().collect::<Vec<_>>(), [(original, copied, true)]);
	let layout = Layout::of(&drawing);
	assert_eq!((layout.edges.len(), layout.crossing.len()), (0, 1));
	assert_eq!(node(&drawing, original).hidden_children, 0);
}

/// The texts of an SVG document, which is read by a parser of its own.
fn texts(svg: &str) -> Vec<String> {
	let document = roxmltree::Document::parse(svg).unwrap();
	let elements = document.descendants().filter(|node| ["text", "title"].contains(&node.tag_name().name()));
	elements.filter_map(|node| node.text()).map(|text| text.trim().to_owned()).collect()
}

/// The labels of the nodes, and the graph's own last.
fn labels(dot: &str) -> Vec<String> {
	use ::layout::gv::{parser::ast, DotParser};
	fn gather(statements: &[ast::Stmt], labels: &mut Vec<String>, heading: &mut Vec<String>, is_outer: bool) {
		for statement in statements {
			let (list, into) = match statement {
				ast::Stmt::Node(node) => (&node.list, &mut *labels),
				ast::Stmt::Attribute(attribute) if is_outer => (&attribute.list, &mut *heading),
				ast::Stmt::SubGraph(graph) => {
					gather(&graph.list.list, labels, heading, false);
					continue;
				}
				_ => continue,
			};
			into.extend(list.iter().filter(|(key, _)| key == "label").map(|(_, value)| value.clone()));
		}
	}
	let graph = DotParser::new(dot).process().unwrap();
	let (mut found, mut heading) = (Vec::new(), Vec::new());
	gather(&graph.list.list, &mut found, &mut heading, true);
	found.extend(heading);
	found
}

#[tokio::test]
async fn svg_and_dot_should_say_the_same_of_every_block() {
	let drawing = drawing(&rivals()).await;
	let (texts, labels) = (texts(&to_svg(&drawing)), labels(&to_dot(&drawing)));
	for node in drawing.nodes() {
		let lines = node.lines();
		assert!(lines.iter().all(|line| texts.contains(line)), "{lines:?}");
		assert!(labels.contains(&(lines.join("\n") + "\n")), "{lines:?} in {labels:?}");
	}
	for mark in Mark::ALL {
		assert!(texts.contains(&mark.name().to_owned()) && labels.contains(&mark.name().to_owned()));
	}
	let root = drawing.heading()[1].clone();
	assert!(root.contains("abababab") && texts.contains(&root));
	assert!(labels.last().unwrap().contains(&root), "{labels:?}");
}

#[tokio::test]
async fn pictures_should_be_as_in_the_snapshots() {
	let rivals = drawing(&rivals()).await;
	assert_snapshot("docs/expert-graph.svg", &to_svg(&rivals));
	assert_snapshot("ml-offchain/worker/tests/snapshots/graph-rivals.dot", &to_dot(&rivals));
	let small = drawing(&small_model()).await;
	assert_snapshot("ml-offchain/worker/tests/snapshots/graph-small.svg", &to_svg(&small));
	assert_snapshot("ml-offchain/worker/tests/snapshots/graph-small.dot", &to_dot(&small));
}

#[tokio::test]
async fn name_should_be_shown_as_it_is_when_it_is_hostile() {
	let name = "</text><script>alert(1)</script>&lt; \"]; x -> y [label=\"\\N\\";
	let mut sample = Sample::new(name.as_bytes(), 1, 2);
	sample.add(Component::Backbone, &[], Like::genesis(head(0)));
	let drawing = drawing(&sample.release()).await;
	let svg = to_svg(&drawing);
	assert!(!svg.contains("<script"), "{svg}");
	assert!(texts(&svg).iter().any(|text| text.starts_with(name)), "{svg}");
	let dot = to_dot(&drawing);
	let labels = labels(&dot);
	// The parser knows no entities; Graphviz turns this one back.
	let heading = labels.last().unwrap().replace("&amp;", "&");
	assert!(heading.starts_with(name), "{heading}");
	assert!(!labels.iter().any(|label| label == "\\N"), "{labels:?}");
}

#[test]
fn printable_should_replace_what_breaks_lines_or_turns_the_text_around() {
	assert_eq!(printable(b"a\0b\nc\x1b[31m\xff"), "a\u{fffd}b\u{fffd}c\u{fffd}[31m\u{fffd}");
	assert_eq!(
		printable("x\u{202e}y\u{2066}\u{2028}\u{ffff}".as_bytes()),
		"x\u{fffd}y\u{fffd}\u{fffd}\u{fffd}"
	);
	assert_eq!(printable("näive 模型".as_bytes()), "näive 模型");
	assert_eq!(printable(&[b'a'; 80]), "a".repeat(80));
	assert_eq!(printable(&[b'a'; 81]), "a".repeat(80) + "…");
}

proptest! {
	#[test]
	fn escaped_should_never_end_its_quotes_and_be_read_back(text in "\\PC{0,40}") {
		let dot = format!("digraph {{ a [label=\"{}\"]; }}", escaped(&text));
		prop_assert_eq!(labels(&dot), vec![text.replace('&', "&amp;")]);
	}

	#[test]
	fn name_should_make_a_picture_whatever_its_bytes(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
		let drawing = Drawing {
			model: 0,
			name: printable(&bytes),
			version: blyan_primitives::dag::SemVer::GENESIS,
			generation: 0,
			root: None,
			as_of: 0,
			components: Vec::new(),
			depth: 1,
			cut_at: None,
		};
		prop_assert!(!texts(&to_svg(&drawing)).is_empty());
		prop_assert_eq!(labels(&to_dot(&drawing)).len(), Mark::ALL.len() + 1);
	}
}
