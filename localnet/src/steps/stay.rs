//! The network stays up, and shows its blocks.

use super::endpoint;
use crate::{config::MODEL, endpoint::PROMPT, localnet::Localnet, observe::now_ms};
use anyhow::Result;
use blyan_chain_client::{Chain, FinalizedBlock};
use futures::StreamExt;
use std::sync::Arc;

/// Without a terminal, every so many blocks are told of.
const PLAIN_EVERY: u32 = 30;

/// Says how to reach the network, and shows each finalized block until the program is stopped.
///
/// # Errors
/// The chain cannot be followed any more.
pub async fn stay(local: &Localnet, chain: &Arc<dyn Chain>) -> Result<()> {
	let api = local.ports.api_url();
	let node = local.ports.node_url();
	let model = endpoint(local)?.model().await?;
	local.ui.print(&format!(
		"The network is up. Ctrl-C stops it; starting again goes on from here.\n\n  \
		curl {api}/v1/completions -H 'content-type: application/json' \\\n    \
		-d '{{\"model\": \"{model}\", \"prompt\": \"{PROMPT}\", \"max_tokens\": 64}}'\n  \
		curl -N {api}/v1/chat/completions -H 'content-type: application/json' \\\n    \
		-d '{{\"model\": \"{model}\", \"messages\": [{{\"role\": \"user\", \"content\": \"What is a hacker?\"}}], \"stream\": true}}'\n\n  \
		What it learned from: {} lineage --model {MODEL} --node {node}\n  \
		Polkadot.js Apps: https://polkadot.js.org/apps/?rpc={node}\n  \
		Logs: {}\n",
		local.binaries.worker.display(),
		local.layout.logs().display(),
	));
	let line = local.ui.status_line();
	let mut blocks = chain.finalized_blocks(None);
	let mut news = None;
	while let Some(block) = blocks.next().await {
		let block = block?;
		let text = describe(&block, now_ms(), &mut news);
		match &line {
			Some(line) => line.set_message(text),
			None if block.number % PLAIN_EVERY == 0 => local.ui.print(&text),
			None => (),
		}
	}
	anyhow::bail!("the stream of finalized blocks ended")
}

/// A block in a line, with the last thing that happened on the chain beside money moving.
fn describe(block: &FinalizedBlock, now_ms: u64, news: &mut Option<(u32, &'static str)>) -> String {
	let last = block.events.iter().map(|event| event.full_name()).rfind(|name| !is_routine(name));
	if let Some(name) = last {
		*news = Some((block.number, name));
	}
	let lag = now_ms.saturating_sub(block.timestamp_ms) as f64 / 1e3;
	let news = news.map_or_else(String::new, |(number, name)| format!(" · last event {name} in {number}"));
	format!("block {} {:?} · final {lag:.1} s after it was made{news}", block.number, block.hash)
}

fn is_routine(name: &str) -> bool {
	name.starts_with("Balances.") || name.starts_with("TransactionPayment.")
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_chain_client::ChainEvent;
	use blyan_primitives::{AccountId, Hash};

	#[test]
	fn describe_should_remember_the_last_news() {
		let block =
			|number, events| FinalizedBlock { number, hash: Hash::zero(), timestamp_ms: 10_000, events };
		let account = AccountId::new([1; 32]);
		let transfer = ChainEvent::Transferred { from: account.clone(), to: account, amount: 1 };
		let mut news = None;
		let text = describe(
			&block(7, vec![ChainEvent::EpochStarted { epoch: 1, issuance: 2 }, transfer]),
			12_500,
			&mut news,
		);
		assert!(
			text.starts_with("block 7 ")
				&& text.contains("2.5 s")
				&& text.ends_with("Rewards.EpochStarted in 7"),
			"{text}"
		);
		assert!(describe(&block(8, Vec::new()), 12_500, &mut news).ends_with("in 7"));
	}
}
