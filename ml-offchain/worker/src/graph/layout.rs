//! Where everything is in a picture: each component a box in which time goes from left to right, the
//! boxes side by side in rows. Lengths are in pixels.

use super::drawing::{ComponentGraph, Drawing, Node};
use blyan_primitives::dag::BlockId;
use dagre::{
	graph::{Graph, GraphOptions},
	EdgeLabel, LayoutOptions, NodeLabel, RankDir,
};
use std::collections::HashMap;

/// Size of the font within blocks.
pub const FONT_SIZE: f64 = 11.0;
/// Width of a character of that font: monospaced fonts have 0.6 of the size.
pub const CHAR_WIDTH: f64 = 6.7;
/// From one line of text to the next.
pub const LINE_HEIGHT: f64 = 14.0;
/// Around the text of a block.
pub const NODE_PADDING: f64 = 9.0;
/// Around the blocks of a component.
const BOX_PADDING: f64 = 14.0;
/// For a component's name.
pub const BOX_HEADING: f64 = 22.0;
/// Between components.
const BOX_GAP: f64 = 16.0;
/// Between blocks, one above the other.
const NODE_GAP: f64 = 14.0;
/// Between blocks, one after the other.
const RANK_GAP: f64 = 46.0;
/// How strongly a line of first parents is kept straight, against other edges.
const FIRST_PARENT_WEIGHT: i32 = 8;
/// How much wider than high a picture becomes.
const ASPECT: f64 = 1.6;

/// A place on the picture.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Point {
	/// From the left.
	pub x: f64,
	/// From the top.
	pub y: f64,
}

/// A rectangle.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Area {
	/// Its left edge.
	pub x: f64,
	/// Its upper edge.
	pub y: f64,
	/// Its width.
	pub width: f64,
	/// Its height.
	pub height: f64,
}

/// Where everything is. The upper left corner is at 0, 0.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Layout {
	/// The whole.
	pub width: f64,
	/// The whole.
	pub height: f64,
	/// The components' boxes, in their order.
	pub boxes: Vec<Area>,
	/// The blocks.
	pub nodes: HashMap<BlockId, Area>,
	/// The edges within components.
	pub edges: Vec<Edge>,
	/// The edges between components.
	pub crossing: Vec<Edge>,
}

/// From a parent to its child.
#[derive(Clone, PartialEq, Debug)]
pub struct Edge {
	/// Where it passes, both ends included.
	pub points: Vec<Point>,
	/// Whether it is from the child's first parent.
	pub is_first: bool,
}

impl Area {
	fn moved(self, by: Point) -> Self {
		Self { x: self.x + by.x, y: self.y + by.y, ..self }
	}
}

impl Point {
	fn moved(self, by: Self) -> Self {
		Self { x: self.x + by.x, y: self.y + by.y }
	}
}

impl Layout {
	/// Places everything.
	pub fn of(drawing: &Drawing) -> Self {
		let parts: Vec<Part> = drawing.components.iter().map(Part::of).collect();
		let area: f64 = parts.iter().map(|part| (part.width + BOX_GAP) * (part.height + BOX_GAP)).sum();
		let widest = parts.iter().map(|part| part.width).fold(0.0, f64::max);
		let row_width = widest.max((area * ASPECT).sqrt());
		let mut layout = Self::default();
		let (mut corner, mut row_height) = (Point::default(), 0.0f64);
		for part in parts {
			if corner.x > 0.0 && corner.x + part.width > row_width {
				corner = Point { x: 0.0, y: corner.y + row_height + BOX_GAP };
				row_height = 0.0;
			}
			row_height = row_height.max(part.height);
			layout.width = layout.width.max(corner.x + part.width);
			layout.height = layout.height.max(corner.y + part.height);
			layout.boxes.push(Area { x: corner.x, y: corner.y, width: part.width, height: part.height });
			layout.nodes.extend(part.nodes.into_iter().map(|(id, area)| (id, area.moved(corner))));
			layout.edges.extend(part.edges.into_iter().map(|edge| Edge {
				points: edge.points.into_iter().map(|point| point.moved(corner)).collect(),
				..edge
			}));
			corner.x += part.width + BOX_GAP;
		}
		layout.crossing = layout.crossing_edges(drawing);
		layout
	}

	/// From the parent's right side to the child's left one, over whatever is between.
	fn crossing_edges(&self, drawing: &Drawing) -> Vec<Edge> {
		let component: HashMap<BlockId, usize> = drawing
			.components
			.iter()
			.enumerate()
			.flat_map(|(place, component)| component.nodes.iter().map(move |node| (node.id(), place)))
			.collect();
		drawing
			.edges()
			.filter(|(parent, child, _)| component.get(parent) != component.get(child))
			.filter_map(|(parent, child, is_first)| {
				let (from, to) = (self.nodes.get(&parent)?, self.nodes.get(&child)?);
				let start = Point { x: from.x + from.width, y: from.y + from.height / 2.0 };
				let end = Point { x: to.x, y: to.y + to.height / 2.0 };
				Some(Edge { points: vec![start, end], is_first })
			})
			.collect()
	}
}

/// A component's box, its upper left corner at 0, 0.
struct Part {
	width: f64,
	height: f64,
	nodes: Vec<(BlockId, Area)>,
	edges: Vec<Edge>,
}

/// Width and height of a block with its text.
fn size(node: &Node) -> (f64, f64) {
	let lines = node.lines();
	let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
	(longest as f64 * CHAR_WIDTH + 2.0 * NODE_PADDING, lines.len() as f64 * LINE_HEIGHT + 2.0 * NODE_PADDING)
}

/// The middle of a block's height, `side` of its width from its centre.
fn middle_of(graph: &Graph<NodeLabel, EdgeLabel>, name: &str, side: f64) -> Option<Point> {
	let label = graph.node(name)?;
	Some(Point { x: label.x? + side * label.width, y: label.y? })
}

impl Part {
	fn of(component: &ComponentGraph) -> Self {
		let mut graph: Graph<NodeLabel, EdgeLabel> =
			Graph::with_options(GraphOptions { directed: true, multigraph: false, compound: false });
		let names: HashMap<BlockId, String> =
			component.nodes.iter().enumerate().map(|(place, node)| (node.id(), place.to_string())).collect();
		for node in &component.nodes {
			let (width, height) = size(node);
			if let Some(name) = names.get(&node.id()) {
				graph.set_node(name.clone(), Some(NodeLabel { width, height, ..NodeLabel::default() }));
			}
		}
		let mut ends = Vec::new();
		for node in &component.nodes {
			for (place, parent) in node.info.block.parents.iter().enumerate() {
				let (Some(from), Some(to)) = (names.get(parent), names.get(&node.id())) else { continue };
				let is_first = place == 0;
				let weight = if is_first { FIRST_PARENT_WEIGHT } else { 1 };
				let label = EdgeLabel { weight, label_offset: 0.0, ..EdgeLabel::default() };
				graph.set_edge(from.clone(), to.clone(), Some(label), None);
				ends.push((from, to, is_first));
			}
		}
		dagre::layout(
			&mut graph,
			Some(LayoutOptions {
				rankdir: RankDir::LR,
				nodesep: NODE_GAP,
				edgesep: NODE_GAP,
				ranksep: RANK_GAP,
				..LayoutOptions::default()
			}),
		);
		let nodes = component.nodes.iter().filter_map(|node| {
			let label = graph.node(names.get(&node.id())?)?;
			let (width, height) = size(node);
			Some((node.id(), Area { x: label.x? - width / 2.0, y: label.y? - height / 2.0, width, height }))
		});
		let edges = ends.into_iter().filter_map(|(from, to, is_first)| {
			let points = &graph.edge(from, to, None)?.points;
			// Both ends are on the outlines, wherever the straight line to the next point leaves them.
			let between = points.get(1..points.len().checked_sub(1)?)?;
			let (start, end) = (middle_of(&graph, from, 0.5)?, middle_of(&graph, to, -0.5)?);
			let between = between.iter().map(|p| Point { x: p.x, y: p.y });
			Some(Edge { points: [start].into_iter().chain(between).chain([end]).collect(), is_first })
		});
		Self::framed(component, nodes.collect(), edges.collect())
	}

	/// Moves everything so that the frame begins at 0, 0.
	fn framed(component: &ComponentGraph, nodes: Vec<(BlockId, Area)>, edges: Vec<Edge>) -> Self {
		let corners = nodes.iter().flat_map(|(_, area)| {
			let Area { x, y, width, height } = *area;
			[Point { x, y }, Point { x: x + width, y: y + height }]
		});
		let points: Vec<Point> =
			corners.chain(edges.iter().flat_map(|edge| edge.points.iter().copied())).collect();
		let least = |of: fn(&Point) -> f64| points.iter().map(of).fold(f64::INFINITY, f64::min);
		let most = |of: fn(&Point) -> f64| points.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
		let (left, top) = (least(|p| p.x), least(|p| p.y));
		let (right, bottom) = (most(|p| p.x), most(|p| p.y));
		let by = Point { x: BOX_PADDING - left, y: BOX_PADDING + BOX_HEADING - top };
		let name_width = component.component.to_string().chars().count() as f64 * CHAR_WIDTH * 1.2;
		Self {
			width: (right - left).max(name_width) + 2.0 * BOX_PADDING,
			height: bottom - top + BOX_HEADING + 2.0 * BOX_PADDING,
			nodes: nodes.into_iter().map(|(id, area)| (id, area.moved(by))).collect(),
			edges: edges
				.into_iter()
				.map(|edge| Edge {
					points: edge.points.into_iter().map(|point| point.moved(by)).collect(),
					..edge
				})
				.collect(),
		}
	}
}
