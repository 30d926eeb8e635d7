//! The reserve of sealed lots, as far as rounds in memory need it.

use super::refuse;
use blyan_chain_client::{
	fake::{FakeState, PalletError},
	Call, ChainEvent,
};
use blyan_primitives::{
	api::{LotInfo, RoundInfo, RoundPhase},
	dag::SubmissionId,
	learning::Finding,
	sealed::{key_hash, LotId, LotState},
	AccountId,
};

/// Carries out what concerns the reserve; `None` if it is another's call.
pub fn carry_out(
	state: &mut FakeState,
	who: &AccountId,
	call: &Call,
) -> Option<Result<Vec<ChainEvent>, PalletError>> {
	Some(match call.clone() {
		Call::SetSealedTerms { model, terms } => {
			match terms.lots {
				0 => state.sealed_terms.remove(&model),
				_ => state.sealed_terms.insert(model, terms),
			};
			Ok(vec![])
		}
		Call::AddLots { model, lots } => {
			let first = state.lots.keys().last().map_or(0, |last| last + 1);
			let ids: Vec<LotId> = (first..).take(lots.len()).collect();
			for (id, lot) in ids.iter().zip(lots) {
				let sealer = who.clone();
				let state_of = LotState::Reserved;
				let info = LotInfo { id: *id, model, sealer, lot, held: 0, added_at: 0, state: state_of };
				state.lots.insert(*id, info);
			}
			Ok(vec![ChainEvent::LotsSealed { model, sealer: who.clone(), lots: ids, held: 0 }])
		}
		Call::OpenLot { lot, key } => open(state, lot, key),
		_ => return None,
	})
}

fn open(state: &mut FakeState, lot: LotId, key: [u8; 32]) -> Result<Vec<ChainEvent>, PalletError> {
	let Some(info) = state.lots.get_mut(&lot) else { return refuse("SealedShards", "LotNotFound") };
	let LotState::Drawn { round } = info.state else { return refuse("SealedShards", "NotAwaitingOpening") };
	if key_hash(&key) != info.lot.key_hash {
		return refuse("SealedShards", "KeyMismatch");
	}
	info.state = LotState::Retired { round, key, at: 0 };
	let drawn = &state.lots_of_round[&round];
	if drawn.iter().all(|lot| matches!(state.lots[lot].state, LotState::Retired { .. })) {
		state.rounds.get_mut(&round).unwrap().phase = RoundPhase::Commit { until: u32::MAX };
	}
	Ok(vec![ChainEvent::LotOpened { lot, round, key }])
}

/// The phase of a round whose committee was just drawn, with the oldest lots that its model asks for; `None` if there are too
/// few.
pub fn draw(state: &mut FakeState, round: &RoundInfo<AccountId>) -> Option<RoundPhase> {
	state.lots_of_round.remove(&round.id);
	let Some(terms) = state.sealed_terms.get(&round.model) else {
		return Some(RoundPhase::Commit { until: u32::MAX });
	};
	let reserved = state.lots.values().filter(|info| info.state == LotState::Reserved);
	let drawn: Vec<LotId> = reserved.map(|info| info.id).take(terms.lots as usize).collect();
	if drawn.len() < terms.lots as usize {
		return None;
	}
	for lot in &drawn {
		state.lots.get_mut(lot).unwrap().state = LotState::Drawn { round: round.id };
	}
	state.lots_of_round.insert(round.id, drawn);
	Some(RoundPhase::Opening { until: u32::MAX })
}

/// Begins a round anew if its committee found that a lot is no good.
pub fn restart(state: &mut FakeState, id: SubmissionId, findings: &[Finding]) -> bool {
	let Some(Finding::UnusableLot(lot)) = findings.first() else { return false };
	assert!(findings.iter().all(|finding| *finding == Finding::UnusableLot(*lot)), "{findings:?}");
	state.lots.remove(lot);
	let round = state.rounds.get_mut(&id).unwrap();
	round.attempt += 1;
	round.phase = RoundPhase::AwaitingDraw;
	round.committee.clear();
	round.committed.clear();
	round.revealed.clear();
	(round.baseline, round.seed) = (None, None);
	true
}
