//! Registering as a worker, once.

use crate::config::Config;
use blyan_chain_client::{Call, Chain, ChainError, Signer, SubmitError, Wait};
use blyan_primitives::{
	api::WorkerInfo,
	economy::{BLY, EXISTENTIAL_DEPOSIT},
	merkle,
	worker::{Endpoint, MachineId, Role, Roles},
	AccountId, Balance, Hash,
};
use std::{fs, io, path::PathBuf};

/// Where Linux keeps what names a machine.
const MACHINE_ID_FILE: &str = "/etc/machine-id";

/// What to be registered as.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registration {
	/// What the worker does.
	pub role: Role,
	/// Where it is reached.
	pub endpoint: String,
	/// What it bonds, in the smallest unit of BLY.
	pub bond: Balance,
	/// What it runs on.
	pub machine: MachineId,
}

/// Why a worker is not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
	/// The chain cannot be read.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The call failed.
	#[error("registering failed: {0}")]
	Submit(#[from] SubmitError),
	/// The machine has no name.
	#[error(
		"cannot read what names this machine ({}: {source}); set `machine_id` in the configuration",
		path.display()
	)]
	NoMachineId {
		/// Where it should be.
		path: PathBuf,
		/// What the system says.
		source: io::Error,
	},
	/// Longer than the chain takes.
	#[error("the endpoint `{0}` is longer than 128 bytes: set a shorter `endpoint` in the configuration")]
	EndpointTooLong(String),
	/// The account is poorer than the bond.
	#[error(
		"account {account} has {} BLY free, and bonding takes {} BLY: transfer some to it, or lower `bond_bly`",
		bly(*free),
		bly(*needed)
	)]
	BalanceTooLow {
		/// The account.
		account: AccountId,
		/// What it has.
		free: Balance,
		/// What it needs.
		needed: Balance,
	},
	/// The account is a worker of other roles.
	#[error(
		"account {account} is registered, but not as {role:?}: use another account for this role, or unregister \
		and withdraw first"
	)]
	OtherRole {
		/// The account.
		account: AccountId,
		/// The role that it lacks.
		role: Role,
	},
	/// The chain does not show the worker although the call succeeded.
	#[error("the chain took the registration of {0}, but does not show it")]
	NotShown(AccountId),
}

impl RegisterError {
	/// Whether trying again later may help.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::Chain(error) => error.is_retryable(),
			Self::Submit(error) => error.is_retryable(),
			_ => false,
		}
	}
}

/// An amount in BLY, for people.
pub fn bly(amount: Balance) -> String {
	let (whole, part) = (amount / BLY, amount % BLY);
	let part = format!("{part:012}");
	match part.trim_end_matches('0') {
		"" => whole.to_string(),
		part => format!("{whole}.{part}"),
	}
}

/// What names this machine on that chain: a hash, so that the chain does not learn the name.
///
/// A `machine_id` that is set stands for a whole machine. The operating system's stands for one worker
/// of each role and account on it, so that a trainer and a server can share a machine.
///
/// # Errors
/// [`RegisterError::NoMachineId`].
pub fn machine_id(
	config: &Config,
	genesis: Hash,
	role: Role,
	account: &AccountId,
) -> Result<MachineId, RegisterError> {
	if let Some(name) = &config.machine_id {
		return Ok(merkle::leaf(0, &("blyan/machine", genesis, name)));
	}
	let name = fs::read_to_string(MACHINE_ID_FILE)
		.and_then(|name| match name.trim() {
			"" => Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty")),
			name => Ok(name.to_owned()),
		})
		.map_err(|source| RegisterError::NoMachineId { path: MACHINE_ID_FILE.into(), source })?;
	Ok(merkle::leaf(1, &("blyan/machine", genesis, name, role, account)))
}

/// Registers the signer, unless it is registered; tells the chain where it is reached now.
///
/// Safe to repeat: the chain is looked at first, and takes an account once.
///
/// # Errors
/// See [`RegisterError`].
pub async fn ensure_registered(
	chain: &dyn Chain,
	signer: &Signer,
	wanted: &Registration,
) -> Result<WorkerInfo<AccountId>, RegisterError> {
	let account = signer.account();
	let endpoint = Endpoint::try_from(wanted.endpoint.as_bytes().to_vec())
		.map_err(|_| RegisterError::EndpointTooLong(wanted.endpoint.clone()))?;
	let mut worker = chain.worker(account).await?;
	if worker.is_none() {
		let (free, needed) =
			(chain.free_balance(account).await?, wanted.bond.saturating_add(EXISTENTIAL_DEPOSIT));
		if free < needed {
			return Err(RegisterError::BalanceTooLow { account: account.clone(), free, needed });
		}
		let session_key: &[u8; 32] = account.as_ref();
		let call = Call::RegisterWorker {
			roles: Roles::default().with(wanted.role),
			machine: wanted.machine,
			session_key: *session_key,
			endpoint: endpoint.clone(),
			bond: wanted.bond,
		};
		match chain.submit(signer, call, Wait::Finalized).await {
			Ok(_) => tracing::info!(%account, role = ?wanted.role, "registered"),
			// An earlier call of ours was on its way.
			Err(error) if error.is_pallet_error("Workers", "AlreadyRegistered") => {}
			Err(error) => return Err(error.into()),
		}
		worker = chain.worker(account).await?;
	}
	let mut worker = worker.ok_or_else(|| RegisterError::NotShown(account.clone()))?;
	if !worker.roles.contains(wanted.role) {
		return Err(RegisterError::OtherRole { account: account.clone(), role: wanted.role });
	}
	if worker.endpoint != wanted.endpoint.as_bytes() {
		chain.submit(signer, Call::UpdateEndpoint { endpoint }, Wait::Finalized).await?;
		worker.endpoint = wanted.endpoint.clone().into_bytes();
	}
	if !worker.active {
		tracing::warn!(%account, "this worker is leaving, or its bond was slashed below the least: it is not drawn");
	}
	Ok(worker)
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_chain_client::fake::{FakeChain, Fault};

	fn signer() -> Signer {
		Signer::from_suri(&"//Evaluator".to_owned().into()).unwrap()
	}

	fn wanted() -> Registration {
		Registration {
			role: Role::Evaluator,
			endpoint: "http://127.0.0.1:1".into(),
			bond: 1_000 * BLY,
			machine: Hash::repeat_byte(1),
		}
	}

	fn chain() -> FakeChain {
		let chain = FakeChain::new();
		chain.edit(|state| state.balances.insert(signer().account().clone(), 2_000 * BLY));
		chain.on_call(|state, who, call| {
			match call {
				Call::RegisterWorker { roles, endpoint, bond, .. } => {
					let worker = WorkerInfo {
						account: who.clone(),
						roles: *roles,
						endpoint: endpoint.to_vec(),
						bond: *bond,
						reputation: blyan_primitives::worker::INITIAL_REPUTATION,
						engagements: 0,
						active: true,
					};
					state.workers.insert(who.clone(), worker);
				}
				Call::UpdateEndpoint { endpoint } => {
					state.workers.get_mut(who).unwrap().endpoint = endpoint.to_vec()
				}
				other => panic!("{other:?}"),
			}
			Ok(vec![])
		});
		chain
	}

	#[tokio::test]
	async fn ensure_registered_should_register_once_and_move_when_the_endpoint_changed() {
		let chain = chain();
		ensure_registered(&chain, &signer(), &wanted()).await.unwrap();
		ensure_registered(&chain, &signer(), &wanted()).await.unwrap();
		assert_eq!(chain.submissions().len(), 1);
		let moved = Registration { endpoint: "http://127.0.0.1:2".into(), ..wanted() };
		let worker = ensure_registered(&chain, &signer(), &moved).await.unwrap();
		assert_eq!(worker.endpoint, b"http://127.0.0.1:2");
		assert_eq!(chain.submissions().len(), 2);
		let other = Registration { role: Role::Trainer, ..wanted() };
		let error = ensure_registered(&chain, &signer(), &other).await.unwrap_err();
		assert!(matches!(error, RegisterError::OtherRole { .. }), "{error}");
	}

	#[tokio::test]
	async fn ensure_registered_should_say_how_much_is_missing_and_send_nothing() {
		let chain = chain();
		chain.edit(|state| state.balances.insert(signer().account().clone(), 999 * BLY + BLY / 2));
		let error = ensure_registered(&chain, &signer(), &wanted()).await.unwrap_err();
		assert!(error.to_string().contains("999.5 BLY free"), "{error}");
		assert!(chain.submissions().is_empty());
	}

	#[tokio::test]
	async fn ensure_registered_should_pass_on_what_the_pallet_says() {
		let chain = chain();
		chain.fail_next(Fault::Dispatch { pallet: "Workers".into(), error: "MachineTaken".into() });
		let error = ensure_registered(&chain, &signer(), &wanted()).await.unwrap_err();
		assert!(error.to_string().contains("MachineTaken") && !error.is_retryable(), "{error}");
	}

	#[test]
	fn machine_id_should_be_one_a_machine_when_named_and_one_a_worker_when_not() {
		let named = Config { machine_id: Some("rack 7".into()), ..Config::default() };
		let id = |config: &Config, role, byte| {
			machine_id(config, Hash::zero(), role, &AccountId::new([byte; 32])).unwrap()
		};
		assert_eq!(id(&named, Role::Trainer, 1), id(&named, Role::Evaluator, 2));
		let other_chain =
			machine_id(&named, Hash::repeat_byte(1), Role::Trainer, &AccountId::new([1; 32])).unwrap();
		assert_ne!(id(&named, Role::Trainer, 1), other_chain, "salted with the chain");
	}

	#[test]
	fn bly_should_show_no_more_digits_than_there_are() {
		assert_eq!(bly(0), "0");
		assert_eq!(bly(BLY), "1");
		assert_eq!(bly(BLY / 2 + 3 * BLY), "3.5");
		assert_eq!(bly(1), "0.000000000001");
	}
}
