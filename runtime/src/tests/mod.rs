//! The runtime as a whole: its presets, its money, and a round through the real pallets.

mod chain;
mod money;
mod presets;
mod rounds;
