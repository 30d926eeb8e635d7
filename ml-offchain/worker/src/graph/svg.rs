//! A drawing as an SVG picture that stands alone: no script, no style sheet, nothing fetched.

use super::{
	drawing::{Drawing, LineStyle, Look, Mark, Node, Shape},
	layout::{Area, Edge, Layout, Point, BOX_HEADING, CHAR_WIDTH, FONT_SIZE, LINE_HEIGHT, NODE_PADDING},
};
use svg::{
	node::element::{
		path::Data, Definitions, Group, Marker, Path, Polygon, Rectangle, Text as TextElement, Title,
	},
	Document,
};

/// Around everything.
const MARGIN: f64 = 20.0;
/// Size of the heading's font.
const HEADING_SIZE: f64 = 14.0;
/// From one line of the heading to the next.
const HEADING_LINE: f64 = 20.0;
/// Height of a row of the legend.
const LEGEND_ROW: f64 = 24.0;
/// A swatch of the legend.
const SWATCH: Area = Area { x: 0.0, y: 0.0, width: 26.0, height: 16.0 };
/// Between a swatch, its name and the next one.
const LEGEND_GAP: f64 = 8.0;
/// The least width, so that the heading has room for a root.
const MIN_WIDTH: f64 = 860.0;
/// How much of an octagon's corners is cut off.
const CUT_CORNER: f64 = 8.0;
const FONT: &str = "DejaVu Sans Mono, Menlo, Consolas, monospace";
const EDGE_COLOUR: &str = "#555555";
const FAINT_COLOUR: &str = "#8a6d3b";

/// The drawing as an SVG document.
pub fn to_svg(drawing: &Drawing) -> String {
	let layout = Layout::of(drawing);
	let width = layout.width.max(MIN_WIDTH) + 2.0 * MARGIN;
	let (head, head_height) = head(drawing, width - 2.0 * MARGIN);
	let height = head_height + layout.height + 3.0 * MARGIN;
	let mut picture = Document::new()
		.set("viewBox", (0, 0, px(width), px(height)))
		.set("width", px(width))
		.set("height", px(height))
		.set("font-family", FONT)
		.set("font-size", FONT_SIZE)
		.add(Title::new(drawing.heading().join("; ")))
		.add(Definitions::new().add(arrowhead()))
		.add(Rectangle::new().set("width", "100%").set("height", "100%").set("fill", "#ffffff"))
		.add(head.set("transform", translate(MARGIN, MARGIN)));
	let mut graph = Group::new().set("transform", translate(MARGIN, head_height + 2.0 * MARGIN));
	for (component, area) in drawing.components.iter().zip(&layout.boxes) {
		graph = graph.add(rectangle(*area, 6.0).set("fill", "#fafafa").set("stroke", "#bbbbbb")).add(
			text(&component.component.to_string(), area.x + 10.0, area.y + BOX_HEADING - 5.0)
				.set("font-weight", "bold"),
		);
	}
	// Below the blocks, so that no line runs through a text.
	for edge in &layout.crossing {
		graph = graph.add(line(edge, FAINT_COLOUR));
	}
	for edge in &layout.edges {
		graph = graph.add(line(edge, EDGE_COLOUR));
	}
	for node in drawing.nodes() {
		if let Some(area) = layout.nodes.get(&node.id()) {
			graph = graph.add(block(node, *area));
		}
	}
	picture = picture.add(graph);
	format!("{picture}\n")
}

/// Heading, legend and notes, and how high they are; `width` is what they may take.
fn head(drawing: &Drawing, width: f64) -> (Group, f64) {
	let mut group = Group::new();
	let mut y = 0.0;
	for (place, heading) in drawing.heading().iter().enumerate() {
		y += HEADING_LINE;
		let line = text(heading, 0.0, y);
		group = group.add(match place {
			0 => line.set("font-size", HEADING_SIZE).set("font-weight", "bold"),
			_ => line,
		});
	}
	for note in drawing.notes() {
		y += HEADING_LINE;
		group = group.add(text(&note, 0.0, y).set("fill", "#b3261e").set("font-weight", "bold"));
	}
	y += LEGEND_GAP;
	let mut x = 0.0;
	let entries = Mark::ALL.map(|mark| (mark.name(), Entry::Mark(mark))).into_iter();
	let lines = [("first parent", true), ("other parent", false)];
	for (name, entry) in entries.chain(lines.map(|(name, is_first)| (name, Entry::Line { is_first }))) {
		let needed = SWATCH.width + 3.0 * LEGEND_GAP + name.chars().count() as f64 * CHAR_WIDTH;
		if x + needed > width {
			(x, y) = (0.0, y + LEGEND_ROW);
		}
		let area = Area { x, y: y + 4.0, ..SWATCH };
		let words = text(name, x + SWATCH.width + LEGEND_GAP, area.y + 12.0);
		group = match entry {
			Entry::Mark(mark) => group.add(outline(mark.look(), area)),
			Entry::Line { is_first } => {
				let middle = area.y + area.height / 2.0;
				let points =
					vec![Point { x: area.x, y: middle }, Point { x: area.x + area.width, y: middle }];
				group.add(line(&Edge { points, is_first }, EDGE_COLOUR))
			}
		}
		.add(words);
		x += needed;
	}
	(group, y + LEGEND_ROW)
}

/// What the legend explains.
enum Entry {
	Mark(Mark),
	Line { is_first: bool },
}

fn block(node: &Node, area: Area) -> Group {
	let mut group = Group::new().add(Title::new(node.tooltip())).add(outline(node.mark.look(), area));
	for (place, words) in node.lines().iter().enumerate() {
		let y = area.y + NODE_PADDING + (place as f64 + 0.8) * LINE_HEIGHT;
		let words = text(words, area.x + NODE_PADDING, y);
		group = group.add(if place == 0 { words.set("font-weight", "bold") } else { words });
	}
	group
}

fn outline(look: Look, area: Area) -> Group {
	let Look { fill, stroke, stroke_width, line, shape } = look;
	let mut group = Group::new().set("fill", fill).set("stroke", stroke).set("stroke-width", stroke_width);
	match line {
		LineStyle::Solid => {}
		LineStyle::Dashed => group = group.set("stroke-dasharray", "7 3"),
		LineStyle::Dotted => group = group.set("stroke-dasharray", "2 3"),
	}
	match shape {
		Shape::Rounded => group.add(rectangle(area, 8.0)),
		Shape::Box => group.add(rectangle(area, 0.0)),
		Shape::Octagon => group.add(octagon(area)),
	}
}

fn rectangle(area: Area, radius: f64) -> Rectangle {
	Rectangle::new()
		.set("x", px(area.x))
		.set("y", px(area.y))
		.set("width", px(area.width))
		.set("height", px(area.height))
		.set("rx", radius)
}

fn octagon(area: Area) -> Polygon {
	let Area { x, y, width, height } = area;
	let cut = CUT_CORNER.min(height / 3.0);
	let (right, bottom) = (x + width, y + height);
	let corners = [
		(x + cut, y),
		(right - cut, y),
		(right, y + cut),
		(right, bottom - cut),
		(right - cut, bottom),
		(x + cut, bottom),
		(x, bottom - cut),
		(x, y + cut),
	];
	let points: Vec<String> = corners.iter().map(|(x, y)| format!("{},{}", px(*x), px(*y))).collect();
	Polygon::new().set("points", points.join(" "))
}

/// A smooth line through an edge's points that is level at each of them.
fn line(edge: &Edge, colour: &str) -> Path {
	let mut data = Data::new();
	let mut from: Option<Point> = None;
	for point in &edge.points {
		let (x, y) = (px(point.x), px(point.y));
		data = match from {
			None => data.move_to((x, y)),
			Some(from) => {
				let middle = px((from.x + point.x) / 2.0);
				data.cubic_curve_to((middle, px(from.y), middle, y, x, y))
			}
		};
		from = Some(*point);
	}
	let path = Path::new()
		.set("d", data)
		.set("fill", "none")
		.set("stroke", colour)
		.set("stroke-width", 1.3)
		.set("marker-end", "url(#arrow)");
	if edge.is_first {
		path
	} else {
		path.set("stroke-dasharray", "5 4")
	}
}

fn arrowhead() -> Marker {
	Marker::new()
		.set("id", "arrow")
		.set("viewBox", (0, 0, 8, 8))
		.set("refX", 7)
		.set("refY", 4)
		.set("markerWidth", 7)
		.set("markerHeight", 7)
		.set("orient", "auto")
		.add(Path::new().set("d", "M0,0 L8,4 L0,8 z").set("fill", EDGE_COLOUR))
}

/// A line of text. The library escapes it.
fn text(words: &str, x: f64, y: f64) -> TextElement {
	TextElement::new(words).set("x", px(x)).set("y", px(y)).set("fill", "#111111")
}

fn translate(x: f64, y: f64) -> String {
	format!("translate({} {})", px(x), px(y))
}

/// A tenth of a pixel is exact enough.
fn px(length: f64) -> f64 {
	(length * 10.0).round() / 10.0
}
