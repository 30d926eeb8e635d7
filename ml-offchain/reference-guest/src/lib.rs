//! The forward pass in plain scalar arithmetic, with the order of every sum fixed: the reference that
//! decides a dispute. Compiled to Wasm it is the module that `blyan-reference` runs; compiled natively it
//! gives the same bits, which the tests check, and tells the host the format of what the module reads.
//!
//! # The arithmetic
//!
//! Weights and activations are f32, every operation is rounded to nearest even on its own, no product and
//! sum are fused, and every sum runs in rising order of its index, from zero. Exponentials, logarithms,
//! roots, powers, sines and cosines are those of the `libm` crate. Any change of it changes verdicts: it is
//! then another module, with another hash.
//!
//! | step | what | numbers |
//! | --- | --- | --- |
//! | norm | `x * (1 / sqrt(sum(x * x) / width + epsilon)) * weight` | f32 |
//! | rotary angle | `position * theta ^ (-i / (head_width / 2))`; its sine and cosine then rounded to f32 | f64 |
//! | softmax | `e = exp(x - max)`, times `1 / sum(e)` | f32 |
//! | SwiGLU | `h1 / (1 + exp(-h1)) * h3` | f32 |
//! | experts of a token | added to the residual stream in rising order of their index, the shared one last | f32 |
//! | loss of a token | `ln(sum(exp(x - max))) + max - x[target]`; the sum within in f32 | f64 |
//! | loss of a shard | the sum of each window's, and of those, over ln 2 and the bytes predicted | f64 |
//!
//! Of equal scores the expert of lower index is chosen; a comparison with NaN is false. Windows are those of
//! `blyan_model::evaluate`.

#![no_std]

#[cfg(target_family = "wasm")]
mod abi;
mod arithmetic;
mod attention;
mod evaluate;
mod experts;
mod fault;
mod forward;
mod input;
mod machine;
mod places;
mod product;

pub use evaluate::{evaluate, MAX_LOSS};
pub use fault::Fault;
pub use input::{Gating, Input, Norm, Shape, HEADER_WORDS};
pub use machine::Machine;
