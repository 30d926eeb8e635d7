//! Verified downloads from any transport, and exchange over HTTP in the shape of the IPFS trustless
//! gateway: <https://specs.ipfs.tech/http-gateways/trustless-gateway/>.

pub(crate) mod client;
pub(crate) mod http;
mod providers;
pub(crate) mod server;
pub(crate) mod source;

/// Longest block that is read from a peer: what IPFS implementations exchange at most. Our own blocks
/// are shorter; a longer body is cut off.
pub const MAX_BLOCK_BYTES: usize = 2 * 1024 * 1024;

/// The media type of a block.
const RAW_BLOCK: &str = "application/vnd.ipld.raw";
