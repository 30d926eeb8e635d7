//! The native worker: trains, evaluates and serves models of the Blyan chain.
//!
//! ```text
//! finalized block ─> chain-client ─> step (pure) ─> journal ─> signed call
//!                                       │   ▲
//!                                       ▼   │
//!                              store · model · exchange
//! ```
//!
//! Each role has a pure core, `step(state, input) -> actions`, without I/O or clock
//! ([`evaluator::step`], [`trainer::step`], [`auditor::step`], [`referee::step`], [`watch::step`],
//! [`datasets::offer::step`], [`datasets::vote`]), and an edge that carries the actions out. What was decided
//! is in a [`journal`] before anybody is told of it, so a worker that is killed at any point and started
//! again finishes its work and has nothing take effect twice.
//!
//! | module | |
//! | --- | --- |
//! | [`config`], [`cli`] | what a person writes and types |
//! | [`worker`] | what every role starts with: chain, key, store, exchange, registration |
//! | [`evaluator`], [`trainer`], [`auditor`], [`plant`], [`serve`] | the roles |
//! | [`datasets`] | datasets: offering, voting, their texts, and what a person sees of them |
//! | [`seal`] | sealed shards: making lots, keeping their keys, opening what is drawn |
//! | [`referee`], [`watch`] | disputes: running a contested shard exactly; contesting what cannot be right |
//! | [`register_model`], [`import_text`], [`status`], [`graph`], [`manifest_command`], [`usage_command`] | the commands that come and go |
//! | [`keep`], [`hold`], [`collect`], [`store_command`] | what the store must not lose; removing the rest; looking after it by hand |
//! | [`heads`], [`content`], [`replay`], [`exchange`] | verified weights; content from other workers, deltas replayed, and content for others |
//! | [`register`], [`claims`], [`rounds`] | what is read from the chain and sent to it for every role |
//! | [`journal`], [`progress`], [`components`] | crash-safe memory; progress; components as text |

#![warn(missing_docs)]

pub mod audit;
pub mod auditor;
pub mod claims;
pub mod cli;
pub mod collect;
pub mod components;
pub mod config;
pub mod content;
pub mod datasets;
pub mod evaluator;
pub mod exchange;
pub mod files;
pub mod graph;
pub mod heads;
pub mod hold;
pub mod import_text;
pub mod journal;
pub mod keep;
pub mod manifest_command;
mod once;
pub mod plant;
pub mod progress;
pub mod referee;
pub mod register;
pub mod register_model;
mod repeats;
pub mod replay;
pub mod rounds;
mod scale;
pub mod seal;
pub mod seal_command;
pub mod serve;
pub mod status;
pub mod store_command;
pub mod trainer;
pub mod usage_command;
pub mod watch;
pub mod work;
pub mod worker;
