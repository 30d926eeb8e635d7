//! A drawing in DOT, see <https://graphviz.org/doc/info/lang.html>.

use super::drawing::{Drawing, LineStyle, Look, Mark, Node, Shape};
use std::fmt::Write;

const FONT: &str = "DejaVu Sans Mono, monospace";

/// The drawing for Graphviz: a cluster for each component and one for the legend, time from left to right.
pub fn to_dot(drawing: &Drawing) -> String {
	let mut dot = String::new();
	// Writing to a string does not fail.
	let _ = write(&mut dot, drawing);
	dot
}

fn write(dot: &mut String, drawing: &Drawing) -> std::fmt::Result {
	let mut heading = drawing.heading();
	heading.push("an arrow leads from a parent to its child; dashed: not the first parent".to_owned());
	heading.extend(drawing.notes());
	writeln!(dot, "digraph {} {{", quoted(&format!("blyan model {}", drawing.model)))?;
	writeln!(
		dot,
		"\tgraph [rankdir=\"LR\", labelloc=\"t\", labeljust=\"l\", nodesep=\"0.15\", ranksep=\"0.4\", fontsize=\"12\", fontname={}, label={}];",
		quoted(FONT),
		label(&heading)
	)?;
	writeln!(dot, "\tnode [shape=\"box\", fontsize=\"9\", fontname={}];", quoted(FONT))?;
	writeln!(dot, "\tedge [color=\"#555555\", arrowsize=\"0.6\"];")?;
	for component in &drawing.components {
		let name = component.component.to_string();
		writeln!(dot, "\tsubgraph {} {{", quoted(&format!("cluster_{name}")))?;
		writeln!(dot, "\t\tgraph [color=\"#999999\", label={}];", label(&[name]))?;
		for node in &component.nodes {
			writeln!(dot, "\t\t{};", statement(node))?;
		}
		writeln!(dot, "\t}}")?;
	}
	writeln!(dot, "\tsubgraph \"cluster_legend\" {{")?;
	writeln!(dot, "\t\tgraph [color=\"#999999\", label=\"legend\\l\"];")?;
	for mark in Mark::ALL {
		let name = mark.name();
		writeln!(
			dot,
			"\t\t{} [label={}, {}];",
			quoted(&format!("legend {name}")),
			quoted(name),
			attributes(mark.look())
		)?;
	}
	writeln!(dot, "\t}}")?;
	for (parent, child, is_first) in drawing.edges() {
		let style = if is_first { "solid" } else { "dashed" };
		writeln!(dot, "\t\"{parent:?}\" -> \"{child:?}\" [style=\"{style}\"];")?;
	}
	writeln!(dot, "}}")
}

fn statement(node: &Node) -> String {
	format!(
		"\"{:?}\" [label={}, tooltip={}, {}]",
		node.id(),
		label(&node.lines()),
		label(&node.tooltip().lines().collect::<Vec<_>>()),
		attributes(node.mark.look())
	)
}

fn attributes(look: Look) -> String {
	let Look { fill, stroke, stroke_width, line, shape } = look;
	let line = match line {
		LineStyle::Solid => "solid",
		LineStyle::Dashed => "dashed",
		LineStyle::Dotted => "dotted",
	};
	// Graphviz's octagon is far larger than its text; lines across the corners say the same.
	let (corners, margin) = match shape {
		Shape::Rounded => (",rounded", "0.1,0.05"),
		Shape::Box => ("", "0.1,0.05"),
		Shape::Octagon => (",diagonals", "0.2,0.1"),
	};
	format!(
		"margin=\"{margin}\", style=\"filled,{line}{corners}\", fillcolor=\"{fill}\", color=\"{stroke}\", penwidth=\"{stroke_width}\""
	)
}

/// Lines as a quoted label, each flush left.
fn label(lines: &[impl AsRef<str>]) -> String {
	let lines: String = lines.iter().map(|line| escaped(line.as_ref()) + "\\l").collect();
	format!("\"{lines}\"")
}

/// A text as a quoted label, in one line.
fn quoted(text: &str) -> String {
	format!("\"{}\"", escaped(text))
}

/// A text without what means something in a quoted label: the quote, escapes such as `\N`, and HTML's
/// entities, which Graphviz replaces in every label.
pub(super) fn escaped(text: &str) -> String {
	text.replace('\\', "\\\\").replace('"', "\\\"").replace('&', "&amp;")
}
