#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod container;
mod dtype;
mod encode;
mod error;
mod header;
mod interop;
mod quantize;
mod stream;
mod tensor;

pub use container::{Container, MAX_NAME_BYTES, MAX_TENSORS};
pub use dtype::DType;
pub use encode::{encode, encode_block, write};
pub use error::TensorBlockError;
pub use header::{Layout, Quantization, Shape, BLOCK_HEADER_BYTES, PAGE_BYTES};
pub use interop::{from_safetensors, to_safetensors};
pub use memmap2::Mmap;
pub use stream::{encode_with, encoded_bytes, Outline};
pub use tensor::{parse_block, Tensor, TensorView};

#[cfg(target_endian = "big")]
compile_error!("a TensorBlock is little-endian and used in place: big-endian machines are not supported");
