//! Messages on a stream: a length as a varint, then as many bytes.

use crate::message::MAX_MESSAGE_BYTES;
use bytes::{Bytes, BytesMut};
use std::{
	io::{Error, ErrorKind, Result},
	time::Duration,
};
use tokio::{
	io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
	sync::{Semaphore, SemaphorePermit},
};

/// How long a message may take from its first byte to its last.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of the longest length that is read: enough for [`MAX_MESSAGE_BYTES`].
const MAX_LENGTH_BYTES: u32 = 4;
/// What is set aside before the first byte of a message: its length is only its sender's word.
const FIRST_CAPACITY: usize = 64 * 1024;

/// Bytes of messages from one peer that are in memory at once.
pub(crate) const MEMORY_PER_PEER: usize = MAX_MESSAGE_BYTES;

/// The next message, and its share of the peer's memory, to be held until it is dealt with; `None` at the
/// end of the stream. Waits for the first byte for as long as it takes.
pub(crate) async fn read_message<'a>(
	stream: &mut (impl AsyncRead + Unpin),
	memory: &'a Semaphore,
) -> Result<Option<(Bytes, SemaphorePermit<'a>)>> {
	let first = match stream.read_u8().await {
		Ok(byte) => byte,
		Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
		Err(error) => return Err(error),
	};
	tokio::time::timeout(READ_TIMEOUT, rest_of_message(first, stream, memory))
		.await
		.map_err(|_| Error::from(ErrorKind::TimedOut))?
		.map(Some)
}

async fn rest_of_message<'a>(
	first: u8,
	stream: &mut (impl AsyncRead + Unpin),
	memory: &'a Semaphore,
) -> Result<(Bytes, SemaphorePermit<'a>)> {
	let mut length = u32::from(first & 0x7f);
	let (mut byte, mut read) = (first, 1);
	while byte & 0x80 != 0 {
		if read == MAX_LENGTH_BYTES {
			return Err(too_long());
		}
		byte = stream.read_u8().await?;
		length |= u32::from(byte & 0x7f) << (7 * read);
		read += 1;
	}
	if length as usize > MAX_MESSAGE_BYTES {
		return Err(too_long());
	}
	let permit = memory.acquire_many(length).await.map_err(|_| Error::from(ErrorKind::Interrupted))?;
	let length = length as usize;
	let mut bytes = BytesMut::with_capacity(length.min(FIRST_CAPACITY));
	let mut limited = stream.take(length as u64);
	while bytes.len() < length {
		if limited.read_buf(&mut bytes).await? == 0 {
			return Err(ErrorKind::UnexpectedEof.into());
		}
	}
	Ok((bytes.freeze(), permit))
}

fn too_long() -> Error {
	Error::new(ErrorKind::InvalidData, format!("a message of more than {MAX_MESSAGE_BYTES} bytes"))
}

/// Writes a message of at most [`MAX_MESSAGE_BYTES`], to the last byte.
pub(crate) async fn write_message(stream: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> Result<()> {
	let mut length = Vec::with_capacity(MAX_LENGTH_BYTES as usize);
	prost::encoding::encode_varint(message.len() as u64, &mut length);
	stream.write_all(&length).await?;
	stream.write_all(message).await?;
	stream.flush().await
}

#[cfg(test)]
mod tests {
	use super::*;

	#[tokio::test]
	async fn messages_should_arrive_as_they_were_sent() {
		let memory = Semaphore::new(MEMORY_PER_PEER);
		let (mut a, mut b) = tokio::io::duplex(1000);
		let messages =
			[vec![], vec![1], vec![2; 127], vec![3; 128], vec![4; 300_000], vec![5; MAX_MESSAGE_BYTES]];
		let sent = messages.clone();
		let sender = tokio::spawn(async move {
			for message in sent {
				write_message(&mut a, &message).await.unwrap();
			}
		});
		for message in messages {
			let (bytes, _permit) = read_message(&mut b, &memory).await.unwrap().unwrap();
			assert!(bytes == message);
		}
		sender.await.unwrap();
		assert!(read_message(&mut b, &memory).await.unwrap().is_none());
		assert_eq!(memory.available_permits(), MEMORY_PER_PEER);
	}

	#[tokio::test]
	async fn read_message_should_refuse_what_is_too_long_or_ends_early() {
		let memory = Semaphore::new(MEMORY_PER_PEER);
		let mut longest = Vec::new();
		prost::encoding::encode_varint(MAX_MESSAGE_BYTES as u64 + 1, &mut longest);
		for bytes in [&longest[..], &[0xff; 10], &[5, 1, 2], &[0x80]] {
			let mut stream = bytes;
			assert!(read_message(&mut stream, &memory).await.is_err(), "{bytes:?}");
		}
		assert_eq!(memory.available_permits(), MEMORY_PER_PEER);
	}
}
