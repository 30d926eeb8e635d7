//! What governance sets.

use crate::{types::*, Config, Error, Event, Pallet, Parameters};
use polkadot_sdk::{frame_support::ensure, sp_runtime::DispatchResult};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_set_parameters(parameters: CheckpointParameters) -> DispatchResult {
		Self::check_parameters(&parameters)?;
		Parameters::<T>::put(parameters);
		Self::deposit_event(Event::ParametersSet { parameters });
		Ok(())
	}

	pub(crate) fn check_parameters(parameters: &CheckpointParameters) -> Result<(), Error<T>> {
		ensure!(
			(2..=MAX_CHECKPOINT_BLOCKS).contains(&parameters.checkpoint_blocks),
			Error::<T>::CheckpointBlocksOutOfRange
		);
		ensure!(
			(1..parameters.checkpoint_blocks).contains(&parameters.quick_blocks),
			Error::<T>::QuickBlocksOutOfRange
		);
		ensure!(parameters.base <= MAX_BASE, Error::<T>::BaseTooHigh);
		ensure!(parameters.downtime_sessions > 0, Error::<T>::DowntimeTooShort);
		Ok(())
	}
}
