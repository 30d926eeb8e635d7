//! Receipts: who may be paid by them, what is burned, and what trainers claim.

use crate::{pallet::*, Pallet, WeightInfo};
use alloc::{collections::BTreeMap, vec::Vec};
use blyan_primitives::{
	traits::{ServedBlock, ServedBlocks, ServingRewards, WorkerRegistry},
	usage::{scale_down, worth, SignedReceipt, SignedReceipts, UsageParameters, UsageReceipt},
	worker::Role,
	Balance,
};
use polkadot_sdk::{
	frame_support::{
		ensure,
		storage::with_storage_layer,
		traits::{
			fungible::hold::Mutate as _,
			tokens::{Fortitude, Precision, Restriction},
		},
		weights::Weight,
	},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	sp_runtime::{
		traits::{Verify, Zero},
		DispatchError, DispatchResult,
	},
};

impl<T: Config> Pallet<T> {
	/// What submitting them takes.
	pub(crate) fn weight_of(receipts: &SignedReceipts<T::AccountId, T::Signature>) -> Weight {
		let blocks = receipts.iter().map(|signed| signed.receipt.blocks.len() as u32);
		let blocks = blocks.fold(0u32, |sum, count| sum.saturating_add(count));
		T::WeightInfo::submit_receipts(receipts.len() as u32, blocks)
	}

	pub(crate) fn do_submit_receipts(
		server: T::AccountId,
		receipts: SignedReceipts<T::AccountId, T::Signature>,
	) -> DispatchResult {
		ensure!(!receipts.is_empty(), Error::<T>::ReceiptsMissing);
		ensure!(T::Workers::has_role(&server, Role::Server), Error::<T>::NotServer);
		for signed in receipts {
			let (client, until) = (signed.receipt.client.clone(), signed.receipt.until);
			if let Err(error) = with_storage_layer(|| Self::pay(&server, signed)) {
				Self::deposit_event(Event::ReceiptRefused { client, until, error });
			}
		}
		Ok(())
	}

	/// Checks a receipt, what is cheap first, and pays it.
	fn pay(
		server: &T::AccountId,
		signed: SignedReceipt<T::AccountId, T::Signature>,
	) -> Result<(), DispatchError> {
		let SignedReceipt { receipt, signature } = signed;
		let (now, parameters) = (Self::now(), Parameters::<T>::get());
		let too_old = now.saturating_sub(parameters.max_age_blocks);
		ensure!(receipt.server == *server, Error::<T>::ReceiptOfOtherServer);
		ensure!(receipt.until <= now, Error::<T>::ReceiptOfFuture);
		ensure!(receipt.until >= too_old, Error::<T>::ReceiptTooOld);
		ensure!(receipt.fee >= parameters.min_fee, Error::<T>::FeeTooSmall);
		ensure!(Self::is_consistent(&receipt), Error::<T>::UseInconsistent);
		let mut account = Accounts::<T>::get(&receipt.client).ok_or(Error::<T>::AccountNotFound)?;
		ensure!(receipt.until > account.paid_until(server), Error::<T>::ReceiptNotNewer);
		let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
		let payload = receipt.payload(genesis);
		ensure!(signature.verify(payload.as_bytes(), &receipt.client), Error::<T>::SignatureInvalid);
		let served = receipt
			.blocks
			.iter()
			.map(|used| T::Blocks::served(used.block))
			.collect::<Option<Vec<_>>>()
			.ok_or(Error::<T>::BlockNotServed)?;
		ensure!(account.note_paid(server, receipt.until, too_old), Error::<T>::TooManyServers);

		let client = &receipt.client;
		let paid = receipt.fee.min(Self::held(client));
		let burned = parameters.burned.mul_ceil(paid);
		let reason = HoldReason::UsageDeposit.into();
		// Forced, as a slash is: a lock on the client's account must not keep it from paying.
		T::Currency::burn_held(&reason, client, burned, Precision::Exact, Fortitude::Force)?;
		let rest = paid.saturating_sub(burned);
		if rest > 0 {
			T::Currency::transfer_on_hold(
				&reason,
				client,
				server,
				rest,
				Precision::Exact,
				Restriction::Free,
				Fortitude::Force,
			)?;
		}
		let parts = Self::claims(&receipt, &served, burned, &parameters);
		let accrued = parts.values().fold(0u128, |sum, part| sum.saturating_add(*part));
		T::Rewards::accrue_use(parts);
		AllTime::<T>::mutate(|totals| {
			totals.paid = totals.paid.saturating_add(paid);
			totals.burned = totals.burned.saturating_add(burned);
			totals.served = totals.served.saturating_add(rest);
			totals.accrued = totals.accrued.saturating_add(accrued);
		});
		Self::keep(client, account);
		let UsageReceipt { client, server, until, .. } = receipt;
		Self::deposit_event(Event::ReceiptPaid { client, server, until, paid, burned, accrued });
		Ok(())
	}

	/// Whether the numbers of a receipt can be what they say.
	fn is_consistent(receipt: &UsageReceipt<T::AccountId>) -> bool {
		let UsageReceipt { answers, blocks, .. } = receipt;
		let rises = blocks.iter().zip(blocks.iter().skip(1)).all(|(one, next)| one.block < next.block);
		!blocks.is_empty() && rises && blocks.iter().all(|used| (1..=*answers).contains(&used.calls))
	}

	/// What each trainer claims: by the rule, and all together no more than was burned allows.
	fn claims(
		receipt: &UsageReceipt<T::AccountId>,
		served: &[ServedBlock<T::AccountId>],
		burned: Balance,
		parameters: &UsageParameters,
	) -> BTreeMap<T::AccountId, Balance> {
		let UsageParameters { base, returned, fresh_blocks, .. } = *parameters;
		let mean = receipt.milliseconds.checked_div(receipt.answers.into()).unwrap_or_default();
		let is_fresh = receipt.until.saturating_add(fresh_blocks) >= Self::now();
		let claims = receipt
			.blocks
			.iter()
			.zip(served)
			.map(|(used, block)| worth(base, used.calls, mean, block.is_proven, is_fresh))
			.collect::<Vec<_>>();
		let mut parts = BTreeMap::<T::AccountId, Balance>::new();
		for (block, claim) in served.iter().zip(scale_down(&claims, returned.mul_floor(burned))) {
			let part = parts.entry(block.trainer.clone()).or_default();
			*part = part.saturating_add(claim);
		}
		parts
	}
}
