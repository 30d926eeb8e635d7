//! Commit and reveal by those who were drawn for it: seats, what they may do, and what they come to.
//!
//! Who is drawn commits to a hash of its finding, and reveals the finding when commitments are in. Absent is not
//! a vote: a quorum is of all who were drawn.

use crate::{learning::quorum, worker::Fault, Hash};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A member's place.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct PanelSeat<AccountId, Finding> {
	/// Who was drawn.
	pub member: AccountId,
	/// What it committed to.
	pub commitment: Option<Hash>,
	/// What it revealed.
	pub finding: Option<Finding>,
}

impl<AccountId, Finding> PanelSeat<AccountId, Finding> {
	/// The seat of somebody who was just drawn.
	pub fn new(member: AccountId) -> Self {
		Self { member, commitment: None, finding: None }
	}
}

/// Why a commitment or a reveal is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PanelError {
	/// The account has no seat.
	NotSeated,
	/// It committed before; the first commitment stands.
	AlreadyCommitted,
	/// Another member committed to this very hash.
	CommitmentCopied,
	/// It did not commit, so it has nothing to reveal.
	NotCommitted,
	/// It revealed before; the first reveal stands.
	AlreadyRevealed,
	/// It committed to something else.
	RevealMismatch,
}

/// Takes a member's commitment.
///
/// # Errors
/// [`PanelError`]; nothing is changed then.
pub fn commit<AccountId: PartialEq, Finding>(
	seats: &mut [PanelSeat<AccountId, Finding>],
	who: &AccountId,
	commitment: Hash,
) -> Result<(), PanelError> {
	let is_copy = seats.iter().any(|seat| seat.member != *who && seat.commitment == Some(commitment));
	let seat = seat_of(seats, who)?;
	if seat.commitment.is_some() {
		return Err(PanelError::AlreadyCommitted);
	}
	if is_copy {
		return Err(PanelError::CommitmentCopied);
	}
	seat.commitment = Some(commitment);
	Ok(())
}

/// Takes a member's finding, of which `commitment` is the hash.
///
/// # Errors
/// [`PanelError`]; nothing is changed then.
pub fn reveal<AccountId: PartialEq, Finding>(
	seats: &mut [PanelSeat<AccountId, Finding>],
	who: &AccountId,
	finding: Finding,
	commitment: Hash,
) -> Result<(), PanelError> {
	let seat = seat_of(seats, who)?;
	let committed = seat.commitment.ok_or(PanelError::NotCommitted)?;
	if seat.finding.is_some() {
		return Err(PanelError::AlreadyRevealed);
	}
	if committed != commitment {
		return Err(PanelError::RevealMismatch);
	}
	seat.finding = Some(finding);
	Ok(())
}

fn seat_of<'a, AccountId: PartialEq, Finding>(
	seats: &'a mut [PanelSeat<AccountId, Finding>],
	who: &AccountId,
) -> Result<&'a mut PanelSeat<AccountId, Finding>, PanelError> {
	seats.iter_mut().find(|seat| seat.member == *who).ok_or(PanelError::NotSeated)
}

/// How many committed.
pub fn committed<AccountId, Finding>(seats: &[PanelSeat<AccountId, Finding>]) -> usize {
	seats.iter().filter(|seat| seat.commitment.is_some()).count()
}

/// Whether everybody who committed revealed.
pub fn all_revealed<AccountId, Finding>(seats: &[PanelSeat<AccountId, Finding>]) -> bool {
	seats.iter().all(|seat| seat.commitment.is_none() || seat.finding.is_some())
}

/// What a quorum of all who were drawn revealed, exactly the same.
pub fn agreed<AccountId, Finding: PartialEq>(seats: &[PanelSeat<AccountId, Finding>]) -> Option<&Finding> {
	let quorum = quorum(seats.len() as u32) as usize;
	seats
		.iter()
		.filter_map(|seat| seat.finding.as_ref())
		.find(|finding| seats.iter().filter(|seat| seat.finding.as_ref() == Some(*finding)).count() >= quorum)
}

/// Who did not do what it had the chance to do, with the fault that this is.
pub fn absent<AccountId, Finding>(
	seats: &[PanelSeat<AccountId, Finding>],
	had_to_reveal: bool,
) -> impl Iterator<Item = (&AccountId, Fault)> {
	seats.iter().filter_map(move |seat| match (&seat.commitment, &seat.finding) {
		(None, _) => Some((&seat.member, Fault::NoCommit)),
		(Some(_), None) if had_to_reveal => Some((&seat.member, Fault::NoReveal)),
		_ => None,
	})
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::vec::Vec;
	use proptest::prelude::*;

	fn seats(count: u64) -> Vec<PanelSeat<u64, u8>> {
		(0..count).map(PanelSeat::new).collect()
	}

	fn hash(number: u8) -> Hash {
		Hash::repeat_byte(number)
	}

	#[test]
	fn commit_should_refuse_strangers_second_commitments_and_copies() {
		let mut seats = seats(3);
		assert_eq!(commit(&mut seats, &7, hash(1)), Err(PanelError::NotSeated));
		assert_eq!(commit(&mut seats, &0, hash(1)), Ok(()));
		assert_eq!(commit(&mut seats, &0, hash(2)), Err(PanelError::AlreadyCommitted));
		assert_eq!(commit(&mut seats, &1, hash(1)), Err(PanelError::CommitmentCopied));
		assert_eq!(commit(&mut seats, &1, hash(2)), Ok(()));
		assert_eq!(committed(&seats), 2);
	}

	#[test]
	fn reveal_should_take_what_was_committed_to_and_once() {
		let mut seats = seats(2);
		assert_eq!(reveal(&mut seats, &7, 1, hash(1)), Err(PanelError::NotSeated));
		assert_eq!(reveal(&mut seats, &0, 1, hash(1)), Err(PanelError::NotCommitted));
		commit(&mut seats, &0, hash(1)).unwrap();
		assert_eq!(reveal(&mut seats, &0, 1, hash(2)), Err(PanelError::RevealMismatch));
		assert!(!all_revealed(&seats));
		assert_eq!(reveal(&mut seats, &0, 1, hash(1)), Ok(()));
		assert_eq!(reveal(&mut seats, &0, 1, hash(1)), Err(PanelError::AlreadyRevealed));
		assert!(all_revealed(&seats), "who did not commit has nothing to reveal");
	}

	#[test]
	fn absent_should_be_who_had_the_chance() {
		let mut seats = seats(3);
		commit(&mut seats, &0, hash(1)).unwrap();
		commit(&mut seats, &1, hash(2)).unwrap();
		reveal(&mut seats, &0, 1, hash(1)).unwrap();
		let early = absent(&seats, false).collect::<Vec<_>>();
		assert_eq!(early, [(&2, Fault::NoCommit)]);
		let late = absent(&seats, true).collect::<Vec<_>>();
		assert_eq!(late, [(&1, Fault::NoReveal), (&2, Fault::NoCommit)]);
	}

	proptest! {
		#[test]
		fn agreed_should_be_what_two_thirds_of_all_seats_say(
			findings in proptest::collection::vec(proptest::option::weighted(0.9, 0u8..2), 1..9)
		) {
			let mut seats = seats(findings.len() as u64);
			for (seat, finding) in seats.iter_mut().zip(&findings) {
				seat.finding = *finding;
			}
			let count = |of| findings.iter().filter(|finding| **finding == Some(of)).count();
			let expected = (0u8..2).find(|of| 3 * count(*of) >= 2 * findings.len());
			prop_assert_eq!(agreed(&seats).copied(), expected);
		}
	}
}
