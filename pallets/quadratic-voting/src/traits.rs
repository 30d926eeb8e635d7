//! What fits the register of workers to this pallet.

use blyan_primitives::{
	traits::{VotingWorkers, WorkerRegistry},
	worker::Role,
};
use core::marker::PhantomData;
use polkadot_sdk::frame_support::traits::Get;

/// The workers of a [`WorkerRegistry`], of which `Count` says how many are registered and not leaving: whoever has a
/// role votes.
pub struct RegisteredWorkers<Registry, Count>(PhantomData<(Registry, Count)>);

impl<AccountId, Registry, Count> VotingWorkers<AccountId> for RegisteredWorkers<Registry, Count>
where
	Registry: WorkerRegistry<AccountId>,
	Count: Get<u32>,
{
	fn is_worker(who: &AccountId) -> bool {
		Role::ALL.into_iter().any(|role| Registry::has_role(who, role))
	}

	fn count() -> u32 {
		Count::get()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_worker(who: &AccountId) {
		Registry::benchmark_worker(who, Role::Evaluator);
	}
}
