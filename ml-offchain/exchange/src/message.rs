//! Bitswap messages: <https://specs.ipfs.tech/bitswap-protocol/>, version 1.2.0.
//!
//! Messages come from strangers. Before anything is allocated for a field, fields are counted: a message
//! of 4 MiB could otherwise hold two million empty entries.

use blyan_primitives::cid::{Cid, CidCodec};
use blyan_store::Block;
use bytes::{Buf, Bytes};
use prost::{
	encoding::{decode_key, decode_varint, WireType},
	Message as _,
};

/// Longest message that is read: what other implementations send at most.
pub(crate) const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// Most wants, blocks and presences of a message together.
const MAX_MESSAGE_ITEMS: usize = 8 * 1024;
/// Longest CID that is repeated in an answer; ours have 36 bytes.
const MAX_CID_BYTES: usize = 128;

/// Why a message is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MessageError {
	#[error("not a Bitswap message: {0}")]
	Syntax(#[from] prost::DecodeError),
	#[error("a message of more than {MAX_MESSAGE_ITEMS} items")]
	TooManyItems,
}

/// The messages as they travel.
mod wire {
	use bytes::Bytes;

	#[derive(Clone, PartialEq, prost::Message)]
	pub(super) struct Message {
		#[prost(message, optional, tag = "1")]
		pub wantlist: Option<Wantlist>,
		#[prost(message, repeated, tag = "3")]
		pub payload: Vec<Payload>,
		#[prost(message, repeated, tag = "4")]
		pub presences: Vec<Presence>,
	}

	#[derive(Clone, PartialEq, prost::Message)]
	pub(super) struct Wantlist {
		#[prost(message, repeated, tag = "1")]
		pub entries: Vec<Entry>,
		#[prost(bool, tag = "2")]
		pub full: bool,
	}

	#[derive(Clone, PartialEq, prost::Message)]
	pub(super) struct Entry {
		#[prost(bytes = "bytes", tag = "1")]
		pub cid: Bytes,
		#[prost(int32, tag = "2")]
		pub priority: i32,
		#[prost(bool, tag = "3")]
		pub cancel: bool,
		/// 0 for the block, 1 for whether it is there.
		#[prost(int32, tag = "4")]
		pub want_type: i32,
		#[prost(bool, tag = "5")]
		pub send_dont_have: bool,
	}

	#[derive(Clone, PartialEq, prost::Message)]
	pub(super) struct Payload {
		#[prost(bytes = "bytes", tag = "1")]
		pub prefix: Bytes,
		#[prost(bytes = "bytes", tag = "2")]
		pub data: Bytes,
	}

	#[derive(Clone, PartialEq, prost::Message)]
	pub(super) struct Presence {
		#[prost(bytes = "bytes", tag = "1")]
		pub cid: Bytes,
		/// 0 for here, 1 for not here.
		#[prost(int32, tag = "2")]
		pub kind: i32,
	}
}

/// A CID as a peer wrote it, to be repeated in the answer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct WireCid(Bytes);

/// Of a CIDv0, which is the multihash alone: SHA2-256, 32 bytes.
const CID_V0_PREFIX: [u8; 2] = [0x12, 0x20];
const SHA2_256: u64 = 0x12;
const DIGEST_BYTES: u64 = 32;

impl WireCid {
	/// What it names, if it is of a kind that the store has.
	pub(crate) fn cid(&self) -> Option<Cid> {
		if let Ok(cid) = Cid::from_bytes(&self.0) {
			return Some(cid);
		}
		let digest: [u8; 32] = self.0.strip_prefix(&CID_V0_PREFIX[..])?.try_into().ok()?;
		Some(Cid { codec: CidCodec::DagPb, digest })
	}

	/// What goes before the bytes of the block: the CID without its digest.
	fn prefix(&self, codec: CidCodec) -> Bytes {
		let version = u8::from(!self.0.starts_with(&CID_V0_PREFIX));
		Bytes::copy_from_slice(&[version, codec.code(), SHA2_256 as u8, DIGEST_BYTES as u8])
	}
}

impl From<Cid> for WireCid {
	fn from(cid: Cid) -> Self {
		Self(Bytes::copy_from_slice(&cid.to_bytes()))
	}
}

/// What a want is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WantKind {
	Block,
	Have,
}

/// A peer's question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Want {
	pub(crate) cid: WireCid,
	pub(crate) kind: WantKind,
	/// Whether it is to be told if the block is not here.
	pub(crate) send_dont_have: bool,
}

/// An entry of a want list, highest priority first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Entry {
	Want(Want),
	Cancel(WireCid),
}

/// A block that was received.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Payload {
	Block(Block),
	/// Of a kind that is never asked for; its length.
	Foreign(usize),
}

/// A message that was received.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Incoming {
	/// Whether every earlier want is withdrawn.
	pub(crate) is_full: bool,
	pub(crate) entries: Vec<Entry>,
	pub(crate) payload: Vec<Payload>,
	/// What its sender does not have.
	pub(crate) not_there: Vec<Cid>,
}

impl Incoming {
	/// Reads a message of at most [`MAX_MESSAGE_BYTES`]; hashes the blocks in it.
	pub(crate) fn decode(bytes: Bytes) -> Result<Self, MessageError> {
		check_count(&bytes)?;
		let message = wire::Message::decode(bytes)?;
		let wantlist = message.wantlist.unwrap_or_default();
		let mut entries = wantlist.entries;
		entries.retain(|entry| entry.cid.len() <= MAX_CID_BYTES);
		entries.sort_by_key(|entry| std::cmp::Reverse(entry.priority));
		let entry = |entry: wire::Entry| {
			let cid = WireCid(entry.cid);
			if entry.cancel {
				return Entry::Cancel(cid);
			}
			let kind = if entry.want_type == 1 { WantKind::Have } else { WantKind::Block };
			Entry::Want(Want { cid, kind, send_dont_have: entry.send_dont_have })
		};
		let not_there = message.presences.into_iter().filter(|presence| presence.kind == 1);
		Ok(Self {
			is_full: wantlist.full,
			entries: entries.into_iter().map(entry).collect(),
			payload: message.payload.into_iter().map(payload).collect(),
			not_there: not_there.filter_map(|presence| WireCid(presence.cid).cid()).collect(),
		})
	}
}

fn payload(payload: wire::Payload) -> Payload {
	match codec_of(&payload.prefix) {
		Some(codec) => Payload::Block(Block::new(codec, payload.data)),
		None => Payload::Foreign(payload.data.len()),
	}
}

/// The codec of a block, if its hash is the one that we ask by.
fn codec_of(mut prefix: &[u8]) -> Option<CidCodec> {
	let mut next = || decode_varint(&mut prefix).ok();
	let (version, codec, hash, length) = (next()?, next()?, next()?, next()?);
	let is_ours = version <= 1 && hash == SHA2_256 && length == DIGEST_BYTES && prefix.is_empty();
	[CidCodec::Raw, CidCodec::DagPb].into_iter().find(|known| is_ours && u64::from(known.code()) == codec)
}

/// Refuses a message with more items than [`MAX_MESSAGE_ITEMS`].
fn check_count(message: &[u8]) -> Result<(), MessageError> {
	let mut items = 0;
	fields(message, &mut |tag, part| match tag {
		1 => fields(part, &mut |_, _| count(&mut items)),
		_ => count(&mut items),
	})
}

fn count(items: &mut usize) -> Result<(), MessageError> {
	*items += 1;
	if *items > MAX_MESSAGE_ITEMS {
		return Err(MessageError::TooManyItems);
	}
	Ok(())
}

/// Visits the fields of a message that have a length.
fn fields(
	mut rest: &[u8],
	visit: &mut impl FnMut(u32, &[u8]) -> Result<(), MessageError>,
) -> Result<(), MessageError> {
	while !rest.is_empty() {
		let (tag, wire_type) = decode_key(&mut rest)?;
		let skipped = match wire_type {
			WireType::Varint => {
				decode_varint(&mut rest)?;
				continue;
			}
			WireType::SixtyFourBit => 8,
			WireType::ThirtyTwoBit => 4,
			WireType::LengthDelimited => {
				let length = decode_varint(&mut rest)?;
				let part = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
				let (part, after) = part.ok_or_else(short)?;
				visit(tag, part)?;
				rest = after;
				continue;
			}
			WireType::StartGroup | WireType::EndGroup => {
				return Err(prost::DecodeError::new("groups are not part of the protocol").into())
			}
		};
		if rest.remaining() < skipped {
			return Err(short().into());
		}
		rest.advance(skipped);
	}
	Ok(())
}

fn short() -> prost::DecodeError {
	prost::DecodeError::new("it ends in the middle of a field")
}

/// An answer to a want.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
	Block(WireCid, Block),
	Have(WireCid),
	DontHave(WireCid),
}

/// Encodes answers.
pub(crate) fn encode_answers(answers: Vec<Answer>) -> Vec<u8> {
	// An empty want list, for implementations that take its absence badly.
	let mut message = wire::Message { wantlist: Some(wire::Wantlist::default()), ..Default::default() };
	for answer in answers {
		match answer {
			Answer::Block(name, block) => message
				.payload
				.push(wire::Payload { prefix: name.prefix(block.cid().codec), data: block.bytes().clone() }),
			Answer::Have(name) => message.presences.push(wire::Presence { cid: name.0, kind: 0 }),
			Answer::DontHave(name) => message.presences.push(wire::Presence { cid: name.0, kind: 1 }),
		}
	}
	message.encode_to_vec()
}

/// Encodes questions for blocks, and withdrawals of them.
pub(crate) fn encode_asks(asks: &[(Cid, AskKind)]) -> Vec<u8> {
	let entry = |(cid, kind): &(Cid, AskKind)| wire::Entry {
		cid: WireCid::from(*cid).0,
		priority: 1,
		cancel: *kind == AskKind::Cancel,
		want_type: 0,
		send_dont_have: *kind == AskKind::Want,
	};
	let wantlist = wire::Wantlist { entries: asks.iter().map(entry).collect(), full: false };
	wire::Message { wantlist: Some(wantlist), ..Default::default() }.encode_to_vec()
}

/// Whether a block is wanted, or no longer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AskKind {
	Want,
	Cancel,
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn block(bytes: &'static [u8]) -> Block {
		Block::new(CidCodec::Raw, Bytes::from_static(bytes))
	}

	#[test]
	fn answers_should_be_read_as_they_were_written() {
		let here = block(b"here");
		let absent = block(b"absent").cid();
		let answers = vec![
			Answer::Block(here.cid().into(), here.clone()),
			Answer::Have(here.cid().into()),
			Answer::DontHave(absent.into()),
		];
		let read = Incoming::decode(encode_answers(answers).into()).unwrap();
		assert_eq!(read.payload, [Payload::Block(here)]);
		assert_eq!(read.not_there, [absent]);
		assert!(read.entries.is_empty() && !read.is_full);
	}

	#[test]
	fn asks_should_be_read_as_they_were_written() {
		let (a, b) = (block(b"a").cid(), block(b"b").cid());
		let read = Incoming::decode(encode_asks(&[(a, AskKind::Want), (b, AskKind::Cancel)]).into()).unwrap();
		let want = Want { cid: a.into(), kind: WantKind::Block, send_dont_have: true };
		assert_eq!(read.entries, [Entry::Want(want), Entry::Cancel(b.into())]);
	}

	#[test]
	fn message_should_be_as_the_specification_has_it() {
		// Field by field, from the specification's schema.
		let cid = block(b"x").cid();
		let bytes = encode_asks(&[(cid, AskKind::Want)]);
		let entry = [&[0x0a, 36][..], &cid.to_bytes(), &[0x10, 1, 0x28, 1]].concat();
		let wantlist = [&[0x0a, entry.len() as u8][..], &entry].concat();
		assert_eq!(bytes, [&[0x0a, wantlist.len() as u8][..], &wantlist].concat());

		let bytes = encode_answers(vec![Answer::Block(cid.into(), block(b"x"))]);
		assert_eq!(bytes, [0x0a, 0, 0x1a, 9, 0x0a, 4, 1, 0x55, 0x12, 0x20, 0x12, 1, b'x']);
	}

	#[test]
	fn wants_should_come_by_priority_and_keep_names_of_other_kinds() {
		let entry = |cid: &[u8], priority| wire::Entry {
			cid: Bytes::copy_from_slice(cid),
			priority,
			want_type: 1,
			..Default::default()
		};
		let v0 = [&CID_V0_PREFIX[..], &[7; 32]].concat();
		let entries = vec![entry(b"other", 1), entry(&v0, 9), entry(&[0; MAX_CID_BYTES + 1], 20)];
		let wantlist = Some(wire::Wantlist { entries, full: true });
		let message = wire::Message { wantlist, ..Default::default() };
		let read = Incoming::decode(message.encode_to_vec().into()).unwrap();
		assert!(read.is_full);
		let names: Vec<_> = read
			.entries
			.iter()
			.map(|entry| match entry {
				Entry::Want(want) => want.cid.cid(),
				Entry::Cancel(_) => panic!("{entry:?}"),
			})
			.collect();
		assert_eq!(names, [Some(Cid { codec: CidCodec::DagPb, digest: [7; 32] }), None]);
	}

	#[test]
	fn block_should_be_foreign_when_its_hash_is_not_ours() {
		for prefix in
			[&[][..], &[1, 0x55, 0x12], &[1, 0x55, 0x13, 64], &[1, 0x71, 0x12, 32], &[1, 0x55, 0x12, 32, 0]]
		{
			assert_eq!(codec_of(prefix), None, "{prefix:?}");
		}
		assert_eq!(codec_of(&[0, 0x70, 0x12, 32]), Some(CidCodec::DagPb));
	}

	#[test]
	fn message_should_be_refused_before_memory_is_taken_for_its_items() {
		// Two bytes an entry: each would become some eighty.
		let entries = [0x0a, 0].repeat(MAX_MESSAGE_ITEMS + 1);
		let mut message = vec![0x0a];
		prost::encoding::encode_varint(entries.len() as u64, &mut message);
		message.extend_from_slice(&entries);
		assert!(matches!(Incoming::decode(message.into()), Err(MessageError::TooManyItems)));
		let presences = [0x22, 0].repeat(MAX_MESSAGE_ITEMS + 1);
		assert!(matches!(Incoming::decode(presences.into()), Err(MessageError::TooManyItems)));
	}

	proptest! {
		#[test]
		fn decode_should_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
			let _ = Incoming::decode(bytes.into());
		}

		#[test]
		fn decode_should_never_panic_on_altered_messages(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
			let cid = block(b"x").cid();
			let mut bytes = encode_asks(&[(cid, AskKind::Want), (cid, AskKind::Cancel)]);
			bytes.extend(encode_answers(vec![Answer::Block(cid.into(), block(b"x")), Answer::Have(cid.into())]));
			let at = at.index(bytes.len());
			bytes[at] = byte;
			let _ = Incoming::decode(bytes.into());
		}
	}
}
