//! How Blyan's workers speak to the chain: typed calls and events, finalized reads, and nothing else.
//! No other crate knows of RPC, metadata, nonces or transactions.
//!
//! ```no_run
//! use blyan_chain_client::{Call, Chain, ChainEvent, Client, ClientConfig, KeyFile, Wait};
//! use blyan_primitives::economy::BLY;
//! use futures::StreamExt;
//!
//! # async fn example(other: blyan_primitives::AccountId) -> Result<(), Box<dyn std::error::Error>> {
//! let signer = KeyFile::new("/etc/blyan/trainer.key").load()?;
//! let chain = Client::connect(ClientConfig::new("ws://127.0.0.1:9944")).await?;
//!
//! let receipt = chain.submit(&signer, Call::transfer(other, 5 * BLY), Wait::Finalized).await?;
//! println!("in block {}", receipt.block.number);
//!
//! let mut blocks = chain.finalized_blocks(None);
//! while let Some(block) = blocks.next().await {
//!     for event in block?.events {
//!         if let ChainEvent::RoundDrawn { round, committee, .. } = event {
//!             println!("round {round} is measured by {committee:?}");
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//!
//! - **Finalized by default.** Every read is of the newest finalized block; lists are read whole at one
//!   block. A call's receipt comes from a finalized block, unless [`Wait::InBlock`] is asked for.
//! - **No block is left out.** [`Chain::finalized_blocks`] walks by number: what notifications skip,
//!   and what happens while the node is away, is asked for afterwards. A chain whose past changed is
//!   an error, never a silent jump.
//! - **No call is done twice.** A transaction is handed to the caller's journal before it is sent, names
//!   a finalized block and expires. Sending the same bytes again is harmless, so after a crash
//!   [`Chain::resume`] finds out what became of it and finishes it.
//! - **No misread numbers.** Calls, events and queries are encoded from the types of
//!   `blyan-primitives`; before a runtime is talked to, its metadata is held against all of them, down to
//!   the last field. What does not fit is [`ChainError::Incompatible`] and names the difference. A
//!   runtime upgrade is noticed at the first block that it makes.
//! - **No wrong chain.** The genesis hash is checked at every connection, the runtime's name and
//!   transaction version with every new runtime.
//! - **No secrets shown.** [`Signer`] prints its account alone; key files that others may read are
//!   refused.
//!
//! # Where things are
//!
//! | module | |
//! | --- | --- |
//! | `chain` | [`Chain`], the trait that workers are written against |
//! | `client`, `submit` | [`Client`], the real one: reads, calls |
//! | [`fake`] | [`fake::FakeChain`], the one for tests |
//! | `call`, `event`, `query` | the three tables of what this program knows of the runtime |
//! | `layout`, `runtime` | whether a runtime fits the tables; signing and decoding with it |
//! | `follow`, `nonce`, `backoff` | the finalized chain without gaps; nonces; patience |
//! | `backend`, `rpc` | what is asked of a node; the node over its WebSocket |
//! | `key` | [`Signer`], [`KeyFile`], [`KeySource`] |

#![warn(missing_docs)]

mod backend;
mod backoff;
mod call;
mod chain;
mod client;
mod config;
mod error;
mod event;
pub mod fake;
mod follow;
mod key;
mod layout;
mod nonce;
mod query;
mod rpc;
mod runtime;
mod submit;
#[cfg(test)]
mod tests;

pub use call::{Call, SignedCall};
pub use chain::{BlockRef, Chain, FinalizedBlock, FinalizedBlocks, Journal, Owed, Receipt, Wait};
pub use client::Client;
pub use config::{
	ClientConfig, BACKOFF_FIRST, BACKOFF_LONGEST, CONNECT_TIMEOUT, READ_PATIENCE, REQUEST_TIMEOUT,
	SUBSCRIPTION_SILENCE,
};
pub use error::{Cause, ChainError, SubmitError};
pub use event::{ChainEvent, ModelOwner, Opening, PostponeReason, RestartReason, UndecidedReason};
pub use key::{KeyError, KeyFile, KeySource, Signer};
pub use runtime::{MORTALITY_BLOCKS, SPEC_NAME, SUPPORTED_TRANSACTION_VERSION};
