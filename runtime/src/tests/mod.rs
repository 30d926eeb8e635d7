//! The runtime as a whole: its presets, its money, and rounds and a dispute through the real pallets.

mod chain;
mod disputes;
mod flood;
mod money;
mod presets;
mod rounds;
