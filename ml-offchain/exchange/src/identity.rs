//! Who this node is: a key that stays the same from start to start.

use litep2p::{
	crypto::ed25519::{Keypair, SecretKey},
	PeerId,
};
use std::{
	fmt,
	fs::{self, File, OpenOptions, TryLockError},
	io::{self, ErrorKind, Read, Write},
	os::unix::fs::{OpenOptionsExt, PermissionsExt},
	path::{Path, PathBuf},
};

/// The key's name in the store's folder: the 32 bytes of an ed25519 secret, mode 0600.
pub const IDENTITY_FILE: &str = ".identity";
const KEY_BYTES: usize = 32;

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
	/// The file system refused.
	#[error("cannot {action} the network key {}: {source}", path.display())]
	Io {
		/// What was attempted.
		action: &'static str,
		/// The file.
		path: PathBuf,
		/// What the system says.
		source: io::Error,
	},
	/// Other users may read the key.
	#[error("the network key {} can be read by others (mode {mode:o}): chmod 600 it", path.display())]
	Exposed {
		/// The file.
		path: PathBuf,
		/// Its permissions.
		mode: u32,
	},
	/// The file does not hold a key.
	#[error("the network key {} has not {KEY_BYTES} bytes: remove it, and another is made", path.display())]
	Damaged {
		/// The file.
		path: PathBuf,
	},
	/// Another process is this peer already.
	#[error("the network key {} is in use by another process: give each its own folder", path.display())]
	InUse {
		/// The file.
		path: PathBuf,
	},
}

/// A key, held so that no other process is the same peer.
pub struct Identity {
	keypair: Keypair,
	_lock: Option<File>,
}

impl fmt::Debug for Identity {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("Identity").field("peer", &self.peer()).finish_non_exhaustive()
	}
}

impl Identity {
	/// The identity of that folder, made if there is none.
	///
	/// # Errors
	/// See [`IdentityError`].
	pub fn open(folder: impl AsRef<Path>) -> Result<Self, IdentityError> {
		let path = folder.as_ref().join(IDENTITY_FILE);
		let io = |action| {
			let path = path.clone();
			move |source| IdentityError::Io { action, path, source }
		};
		if !path.try_exists().map_err(io("look for"))? {
			make(folder.as_ref(), &path)?;
		}
		let mut file = File::open(&path).map_err(io("open"))?;
		let mode = file.metadata().map_err(io("examine"))?.permissions().mode() & 0o777;
		if mode & 0o077 != 0 {
			return Err(IdentityError::Exposed { path, mode });
		}
		match file.try_lock() {
			Ok(()) => {}
			Err(TryLockError::WouldBlock) => return Err(IdentityError::InUse { path }),
			Err(TryLockError::Error(source)) => return Err(io("lock")(source)),
		}
		let mut bytes = Vec::with_capacity(KEY_BYTES + 1);
		(&mut file).take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(io("read"))?;
		// Wipes the bytes.
		let secret = SecretKey::try_from_bytes(&mut bytes).map_err(|_| IdentityError::Damaged { path })?;
		Ok(Self { keypair: secret.into(), _lock: Some(file) })
	}

	/// An identity that is forgotten, for nodes that only fetch.
	pub fn ephemeral() -> Self {
		Self { keypair: Keypair::generate(), _lock: None }
	}

	/// The peer that this is.
	pub fn peer(&self) -> PeerId {
		self.keypair.public().to_peer_id()
	}

	pub(crate) fn keypair(&self) -> Keypair {
		self.keypair.clone()
	}
}

/// Makes a key under a name of its own, then links it to the right one: whoever is first wins, and the key
/// is whole when its name appears.
fn make(folder: &Path, path: &Path) -> Result<(), IdentityError> {
	let io = |action| move |source| IdentityError::Io { action, path: path.to_owned(), source };
	let part = folder.join(format!("{IDENTITY_FILE}-{}", std::process::id()));
	let write = || {
		let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
		file.write_all(&SecretKey::generate().to_bytes())?;
		file.sync_all()
	};
	let linked = write().and_then(|()| match fs::hard_link(&part, path) {
		Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
		other => other,
	});
	// Whether it was linked or not, the other name has no use.
	let _ = fs::remove_file(&part);
	linked.map_err(io("make"))?;
	File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("make"))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn open_should_be_the_same_peer_each_time_and_one_at_a_time() {
		let folder = tempfile::tempdir().unwrap();
		let first = Identity::open(folder.path()).unwrap();
		let peer = first.peer();
		assert!(matches!(Identity::open(folder.path()).unwrap_err(), IdentityError::InUse { .. }));
		drop(first);
		assert_eq!(Identity::open(folder.path()).unwrap().peer(), peer);
		let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
		assert_eq!(names, [IDENTITY_FILE]);
		let mode = fs::metadata(folder.path().join(IDENTITY_FILE)).unwrap().permissions().mode();
		assert_eq!(mode & 0o777, 0o600);
		assert_ne!(Identity::ephemeral().peer(), Identity::ephemeral().peer());
	}

	#[test]
	fn open_should_refuse_a_key_that_others_read_or_that_is_torn() {
		let folder = tempfile::tempdir().unwrap();
		drop(Identity::open(folder.path()).unwrap());
		let path = folder.path().join(IDENTITY_FILE);
		fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
		let error = Identity::open(folder.path()).unwrap_err();
		assert!(matches!(error, IdentityError::Exposed { mode: 0o640, .. }), "{error}");
		fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
		for torn in [&b""[..], &[7; 31], &[7; 33]] {
			fs::write(&path, torn).unwrap();
			let error = Identity::open(folder.path()).unwrap_err();
			assert!(matches!(error, IdentityError::Damaged { .. }), "{error}");
		}
	}

	#[test]
	fn debug_should_not_show_the_secret() {
		let folder = tempfile::tempdir().unwrap();
		fs::write(folder.path().join(IDENTITY_FILE), [0x5a; 32]).unwrap();
		let path = folder.path().join(IDENTITY_FILE);
		fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
		let shown = format!("{:?}", Identity::open(folder.path()).unwrap());
		assert!(!shown.contains("90, 90") && !shown.contains("5a5a"), "{shown}");
	}
}
