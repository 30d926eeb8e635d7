//! `graph`: draws a model's expert DAG, with what became of each block.
//!
//! ```text
//! chain ─> collect ─> Drawing ─┬─> to_dot                      DOT, for Graphviz
//!                              └─> Layout ─> to_svg            SVG, for a browser
//! ```
//!
//! [`collect`] alone reads the chain, and both a number of steps back and a number of blocks bound it. A
//! [`Drawing`] is data, so both renderings say the same: their texts come from [`Node::lines`], their
//! colours and shapes from [`Mark::look`].

mod collect;
mod dot;
mod drawing;
mod layout;
#[cfg(test)]
mod sample;
mod svg;
#[cfg(test)]
mod tests;

pub use collect::{collect, CollectError, Options};
pub use dot::to_dot;
pub use drawing::{ComponentGraph, Drawing, LineStyle, Look, Mark, Node, Shape};
pub use svg::to_svg;

use crate::{
	cli::{GraphArgs, GraphFormat},
	files::write_atomically,
	worker::INTERACTIVE_PATIENCE,
};
use anyhow::{Context, Result};
use blyan_chain_client::{Client, ClientConfig};
use std::io::Write;

/// Draws what was asked for, to a file or to standard output.
///
/// # Errors
/// For a person, with what to do about it.
pub async fn run(args: GraphArgs) -> Result<()> {
	let GraphArgs { node, model, components, depth, max_blocks, format, output } = args;
	let client = ClientConfig::new(node).with_read_patience(INTERACTIVE_PATIENCE);
	let chain = Client::connect(client).await?;
	let drawing =
		collect(&chain, &Options { model, components, depth, max_blocks: max_blocks as usize }).await?;
	let text = match format {
		GraphFormat::Svg => to_svg(&drawing),
		GraphFormat::Dot => to_dot(&drawing),
	};
	let Some(path) = output else {
		return std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output");
	};
	write_atomically(&path, text.as_bytes())?;
	println!(
		"{} blocks of {} components in {}",
		drawing.block_count(),
		drawing.components.len(),
		path.display()
	);
	for note in drawing.notes() {
		println!("{note}");
	}
	Ok(())
}
