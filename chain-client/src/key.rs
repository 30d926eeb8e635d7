//! The key that a worker signs with.

use blyan_primitives::AccountId;
use polkadot_sdk::sp_core::sr25519;
use secrecy::{ExposeSecret, SecretString};
use std::{
	env, fmt, fs, io,
	io::{Read, Write},
	path::{Path, PathBuf},
	str::FromStr,
};
use subxt_signer::{sr25519::Keypair, SecretUri};

/// No key file is longer: a phrase of 24 words, a path and a password fit well.
const KEY_FILE_MAX_BYTES: u64 = 4_096;

/// Signs for one account with sr25519. Shows the account, never the key.
#[derive(Clone)]
pub struct Signer {
	account: AccountId,
	keypair: Keypair,
}

impl fmt::Debug for Signer {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("Signer").field("account", &self.account).field("keypair", &"[redacted]").finish()
	}
}

impl Signer {
	/// From a secret URI: a phrase or a `0x` seed of 32 bytes, then derivation junctions, then a
	/// password, as in `bottom drive ... walk//trainer///password`. One that starts with `/` derives
	/// from the development phrase that everybody knows.
	///
	/// # Errors
	/// [`KeyError::Empty`] and [`KeyError::Malformed`]; neither repeats the secret.
	pub fn from_suri(suri: &SecretString) -> Result<Self, KeyError> {
		let text = suri.expose_secret().trim();
		// The parser would take nothing for the development phrase.
		if text.is_empty() {
			return Err(KeyError::Empty);
		}
		let uri = SecretUri::from_str(text).map_err(|_| KeyError::Malformed)?;
		let keypair = Keypair::from_uri(&uri).map_err(|_| KeyError::Malformed)?;
		let account = AccountId::new(keypair.public_key().0);
		if text.starts_with('/') {
			tracing::warn!(%account, "signing with a development key, which everybody knows");
		}
		Ok(Self { account, keypair })
	}

	/// Whose signatures these are.
	pub fn account(&self) -> &AccountId {
		&self.account
	}

	/// Signs a message that is no transaction. It must begin with, or be the hash of, something that says what
	/// it is for.
	pub fn sign(&self, message: &[u8]) -> sr25519::Signature {
		sr25519::Signature::from_raw(self.keypair.sign(message).0)
	}

	pub(crate) fn keypair(&self) -> &Keypair {
		&self.keypair
	}
}

/// Where a secret URI comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
	/// A file that only its owner may read.
	File(PathBuf),
	/// An environment variable of that name.
	Environment(String),
}

impl KeySource {
	/// Reads the key.
	///
	/// # Errors
	/// Why it cannot be used, with the path or the variable; never the secret.
	pub fn load(&self) -> Result<Signer, KeyError> {
		match self {
			Self::File(path) => KeyFile::new(path).load(),
			Self::Environment(name) => {
				let suri = env::var(name)
					.map(SecretString::from)
					.map_err(|_| KeyError::VariableMissing { name: name.clone() })?;
				Signer::from_suri(&suri)
					.map_err(|source| KeyError::In { origin: format!("${name}"), source: Box::new(source) })
			}
		}
	}
}

/// A file that holds a secret URI and that only its owner may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
	path: PathBuf,
}

impl KeyFile {
	/// The file at `path`; nothing is read yet.
	pub fn new(path: impl AsRef<Path>) -> Self {
		Self { path: path.as_ref().to_owned() }
	}

	/// Reads the key.
	///
	/// # Errors
	/// [`KeyError::Io`], [`KeyError::Permissions`] when others than the owner have any access,
	/// [`KeyError::TooLong`], and [`KeyError::In`] when the content is no key.
	pub fn load(&self) -> Result<Signer, KeyError> {
		Signer::from_suri(&self.read()?).map_err(|source| KeyError::In {
			origin: self.path.display().to_string(),
			source: Box::new(source),
		})
	}

	/// Reads the secret URI itself, for a key that signs no calls.
	///
	/// # Errors
	/// As [`Self::load`], but for [`KeyError::In`]: whether it is a key is not looked at.
	pub fn read(&self) -> Result<SecretString, KeyError> {
		let io = |source| KeyError::Io { path: self.path.clone(), source };
		let file = fs::File::open(&self.path).map_err(io)?;
		// Of the opened file: between a look at the path and opening it, it could be replaced.
		let metadata = file.metadata().map_err(io)?;
		if !metadata.is_file() {
			return Err(io(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
		}
		self.check_permissions(&metadata)?;
		if metadata.len() > KEY_FILE_MAX_BYTES {
			return Err(KeyError::TooLong { path: self.path.clone(), bytes: metadata.len() });
		}
		let mut text = String::new();
		file.take(KEY_FILE_MAX_BYTES).read_to_string(&mut text).map_err(io)?;
		Ok(SecretString::from(text))
	}

	/// Writes a new file with that secret URI, readable by its owner alone.
	///
	/// # Errors
	/// [`KeyError::Io`], also when there is such a file: a key is never overwritten;
	/// [`KeyError::Empty`] and [`KeyError::Malformed`] before anything is written.
	pub fn create(&self, suri: &SecretString) -> Result<Signer, KeyError> {
		let signer = Signer::from_suri(suri)?;
		let io = |source| KeyError::Io { path: self.path.clone(), source };
		let mut options = fs::OpenOptions::new();
		options.write(true).create_new(true);
		#[cfg(unix)]
		std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
		let mut file = options.open(&self.path).map_err(io)?;
		file.write_all(suri.expose_secret().trim().as_bytes())
			.and_then(|()| file.write_all(b"\n"))
			.and_then(|()| file.sync_all())
			.map_err(io)?;
		Ok(signer)
	}

	#[cfg(unix)]
	fn check_permissions(&self, metadata: &fs::Metadata) -> Result<(), KeyError> {
		use std::os::unix::fs::PermissionsExt;
		let mode = metadata.permissions().mode() & 0o7777;
		// 0400 says no more than 0600, and is what secret managers mount.
		if [0o600, 0o400].contains(&mode) {
			Ok(())
		} else {
			Err(KeyError::Permissions { path: self.path.clone(), mode })
		}
	}

	#[cfg(not(unix))]
	fn check_permissions(&self, _: &fs::Metadata) -> Result<(), KeyError> {
		Ok(())
	}
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
	/// The file cannot be read or written.
	#[error("key file {}: {source}", path.display())]
	Io {
		/// The file.
		path: PathBuf,
		/// What the system says.
		source: io::Error,
	},
	/// Others than the owner have access to the file.
	#[error("key file {} has mode {mode:04o}: others could read it; run `chmod 600 {}`", path.display(), path.display())]
	Permissions {
		/// The file.
		path: PathBuf,
		/// Its mode.
		mode: u32,
	},
	/// This is no key file.
	#[error("key file {} is {bytes} bytes long: a secret URI never is", path.display())]
	TooLong {
		/// The file.
		path: PathBuf,
		/// Its length in bytes.
		bytes: u64,
	},
	/// The environment variable is not set, or is not text.
	#[error("the environment variable {name} is not set: it should hold the secret URI to sign with")]
	VariableMissing {
		/// Its name.
		name: String,
	},
	/// There is nothing.
	#[error("the secret URI is empty")]
	Empty,
	/// It is no secret URI. The secret is not repeated.
	#[error("not a secret URI: give a phrase of 12 to 24 words or a 0x seed of 32 bytes, then //junctions")]
	Malformed,
	/// The content of that file or variable is no key.
	#[error("{origin}: {source}")]
	In {
		/// The file or variable.
		origin: String,
		/// What is wrong with it.
		source: Box<KeyError>,
	},
}

#[cfg(test)]
mod tests {
	use super::*;

	fn suri(text: &str) -> SecretString {
		SecretString::from(text.to_owned())
	}

	/// As `subkey inspect //Alice` prints it.
	const ALICE: [u8; 32] = [
		0xd4, 0x35, 0x93, 0xc7, 0x15, 0xfd, 0xd3, 0x1c, 0x61, 0x14, 0x1a, 0xbd, 0x04, 0xa9, 0x9f, 0xd6, 0x82,
		0x2c, 0x85, 0x58, 0x85, 0x4c, 0xcd, 0xe3, 0x9a, 0x56, 0x84, 0xe7, 0xa5, 0x6d, 0xa2, 0x7d,
	];

	#[test]
	fn signer_should_have_the_known_account_when_made_from_a_development_uri() {
		assert_eq!(Signer::from_suri(&suri("//Alice\n")).unwrap().account(), &AccountId::new(ALICE));
	}

	#[test]
	fn sign_should_be_what_the_chain_verifies() {
		use polkadot_sdk::sp_runtime::traits::Verify;
		let signer = Signer::from_suri(&suri("//Alice")).unwrap();
		let signature = blyan_primitives::Signature::from(signer.sign(b"message"));
		assert!(signature.verify(&b"message"[..], signer.account()));
		assert!(!signature.verify(&b"another"[..], signer.account()));
	}

	#[test]
	fn signer_should_show_the_account_and_not_the_key_when_debugged() {
		let signer = Signer::from_suri(&suri("//Alice")).unwrap();
		let shown = format!("{signer:?}");
		assert!(shown.contains("[redacted]") && shown.contains("d43593"), "{shown}");
		assert!(!shown.contains("secret") && shown.len() < 200, "{shown}");
	}

	#[test]
	fn signer_should_refuse_nothing_and_nonsense_without_repeating_it() {
		assert!(matches!(Signer::from_suri(&suri(" \n")), Err(KeyError::Empty)));
		let error = Signer::from_suri(&suri("these are no twelve words")).unwrap_err();
		assert!(matches!(error, KeyError::Malformed));
		assert!(!error.to_string().contains("these"));
	}

	#[test]
	fn key_file_should_give_back_the_key_when_created() {
		let folder = tempfile::tempdir().unwrap();
		let file = KeyFile::new(folder.path().join("key"));
		let made = file.create(&suri("//Trainer")).unwrap();
		assert_eq!(file.load().unwrap().account(), made.account());
		assert!(
			matches!(file.create(&suri("//Other")), Err(KeyError::Io { .. })),
			"a key is never overwritten"
		);
		assert_eq!(file.load().unwrap().account(), made.account());
	}

	#[test]
	#[cfg(unix)]
	fn key_file_should_be_refused_when_others_may_read_it() {
		use std::os::unix::fs::PermissionsExt;
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("key");
		let file = KeyFile::new(&path);
		file.create(&suri("//Trainer")).unwrap();
		for (mode, is_fine) in
			[(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o644, false), (0o700, false)]
		{
			fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
			match file.load() {
				Ok(_) => assert!(is_fine, "{mode:o}"),
				Err(error @ KeyError::Permissions { .. }) => {
					assert!(!is_fine, "{mode:o}");
					assert!(error.to_string().contains("chmod 600"), "{error}");
				}
				Err(other) => panic!("{other}"),
			}
		}
	}

	#[test]
	fn key_file_should_name_the_path_when_missing_torn_or_huge() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("key");
		let file = KeyFile::new(&path);
		assert!(matches!(file.load(), Err(KeyError::Io { .. })));
		file.create(&suri("//Trainer")).unwrap();
		fs::write(&path, "not a key at all").unwrap();
		let error = file.load().unwrap_err();
		assert!(matches!(&error, KeyError::In { .. }) && error.to_string().contains("key"), "{error}");
		fs::write(&path, vec![b'a'; 5_000]).unwrap();
		assert!(matches!(file.load(), Err(KeyError::TooLong { bytes: 5_000, .. })));
		assert!(matches!(KeyFile::new(folder.path()).load(), Err(KeyError::Io { .. })), "a folder");
	}

	#[test]
	fn key_source_should_name_the_variable_when_it_is_not_set() {
		let error = KeySource::Environment("BLYAN_TEST_NO_SUCH_KEY".into()).load().unwrap_err();
		assert!(error.to_string().contains("BLYAN_TEST_NO_SUCH_KEY"), "{error}");
	}
}
