//! The store.

use crate::{
	dag::{Dag, Layout, LEAF_BYTES, MAX_FILE_BYTES},
	error::StoreError,
	files::{try_lock, Folder, Name, Temporary},
	hash::{dag_of_file, leaves_of, sha256, too_large},
	index::{Index, Location},
	pins::{PinReason, Pins},
};
use blyan_primitives::cid::{Cid, CidCodec};
use std::{
	collections::{BTreeMap, BTreeSet},
	fs::{self, File},
	io::{ErrorKind, Read, Write},
	os::unix::fs::FileExt,
	path::{Path, PathBuf},
	sync::{Arc, Mutex, MutexGuard, PoisonError},
	time::{Duration, SystemTime},
};

/// What is read and hashed at once while storing: a tile of 16 leaves.
const TILE_BYTES: usize = 16 * LEAF_BYTES;
/// File systems keep times of change no coarser than this; a listing older than it is complete.
const TIME_RESOLUTION: Duration = Duration::from_secs(2);

/// A file of the store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Stored {
	/// Its name.
	pub cid: Cid,
	/// Its length.
	pub bytes: u64,
}

/// What a collection of garbage did.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Collected {
	/// Files removed, sorted.
	pub removed: Vec<Cid>,
	/// Bytes freed, those of partial files and the quarantine included.
	pub bytes: u64,
}

/// A folder of files by CID. Cheap to clone; see the crate's documentation for its rules.
///
/// Calls block on the disk.
#[derive(Clone, Debug)]
pub struct Store {
	inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
	folder: Folder,
	index: Mutex<Index>,
}

impl Store {
	/// Opens the store in that folder, made if it is not there, and removes what interrupted writes left.
	///
	/// # Errors
	/// [`StoreError::Io`], [`StoreError::Full`].
	pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StoreError> {
		let folder = Folder::open(folder.into())?;
		Ok(Self { inner: Arc::new(Inner { folder, index: Mutex::default() }) })
	}

	pub(crate) fn folder(&self) -> &Folder {
		&self.inner.folder
	}

	/// Copies a file into the store. What is stored is what was read, even if `path` changes meanwhile.
	///
	/// # Errors
	/// [`StoreError::NotAFile`], [`StoreError::TooLarge`], [`StoreError::Full`], [`StoreError::Io`];
	/// nothing is stored then.
	pub fn put_file(&self, path: impl AsRef<Path>) -> Result<Stored, StoreError> {
		let path = path.as_ref();
		let io = |action| move |source| StoreError::io(action, path, 0, source);
		let file = File::open(path).map_err(io("open"))?;
		let metadata = file.metadata().map_err(io("examine"))?;
		if !metadata.is_file() {
			return Err(StoreError::NotAFile { path: path.to_owned() });
		}
		self.put(file, path, metadata.len())
	}

	/// Stores bytes as a file.
	///
	/// # Errors
	/// [`StoreError::TooLarge`], [`StoreError::Full`], [`StoreError::Io`]; nothing is stored then.
	pub fn put_bytes(&self, bytes: &[u8]) -> Result<Stored, StoreError> {
		self.put(bytes, Path::new("bytes in memory"), bytes.len() as u64)
	}

	fn put(&self, mut source: impl Read, from: &Path, needed_bytes: u64) -> Result<Stored, StoreError> {
		if needed_bytes > MAX_FILE_BYTES {
			return Err(too_large(from, needed_bytes));
		}
		let mut temporary = self.folder().temporary(needed_bytes)?;
		// Whole leaves, and with room for more than was announced, so that a short read means the end.
		let mut tile = vec![0; TILE_BYTES.min((needed_bytes as usize / LEAF_BYTES + 1) * LEAF_BYTES)];
		let (mut leaves, mut bytes) = (Vec::new(), 0u64);
		loop {
			let length = read_full(&mut source, &mut tile)
				.map_err(|source| StoreError::io("read", from, 0, source))?;
			// Of an empty file, the one leaf is empty; any other ends with the last that has bytes.
			if length == 0 && bytes > 0 {
				break;
			}
			bytes += length as u64;
			if bytes > MAX_FILE_BYTES {
				return Err(too_large(from, bytes));
			}
			leaves.extend(leaves_of(&tile[..length]));
			temporary
				.file
				.write_all(&tile[..length])
				.map_err(|source| StoreError::io("write", temporary.path(), needed_bytes, source))?;
			if length < tile.len() {
				break;
			}
		}
		let dag = Layout::new(bytes)
			.and_then(|layout| Dag::new(layout, leaves))
			.ok_or_else(|| too_large(from, bytes))?;
		let cid = dag.root();
		self.publish(temporary, dag)?;
		Ok(Stored { cid, bytes })
	}

	/// Gives a file that was written whole, and has that tree, its name.
	pub(crate) fn publish(&self, temporary: Temporary, dag: Dag) -> Result<(), StoreError> {
		let (cid, bytes) = (dag.root(), dag.layout().file_bytes());
		self.put_sidecar(&dag)?;
		temporary.publish(self.folder(), &self.folder().content(&cid))?;
		self.index().insert(cid, Arc::new(dag));
		tracing::debug!(%cid, bytes, "stored");
		Ok(())
	}

	/// Stores the digests of the leaves, unless the CID is that of the only one.
	pub(crate) fn put_sidecar(&self, dag: &Dag) -> Result<(), StoreError> {
		let cid = dag.root();
		if cid.codec == CidCodec::Raw {
			return Ok(());
		}
		let bytes = dag.to_sidecar();
		let needed = bytes.len() as u64;
		let mut temporary = self.folder().temporary(needed)?;
		temporary
			.file
			.write_all(&bytes)
			.map_err(|source| StoreError::io("write", temporary.path(), needed, source))?;
		temporary.publish(self.folder(), &self.folder().sidecar(&cid))
	}

	/// The tree of that root from its sidecar; `None` if there is none that can be believed.
	pub(crate) fn read_sidecar(&self, cid: &Cid) -> Result<Option<Dag>, StoreError> {
		let path = self.folder().sidecar(cid);
		match fs::read(&path) {
			Ok(bytes) => Ok(Dag::from_sidecar(&bytes, cid)),
			Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
			Err(source) => Err(StoreError::io("read", &path, 0, source)),
		}
	}

	/// Gives a finished download its name. `partial` is whole, and every leaf was verified.
	pub(crate) fn adopt_partial(&self, partial: &File, dag: Dag) -> Result<PathBuf, StoreError> {
		let cid = dag.root();
		let (from, to) = (self.folder().partial(&cid), self.folder().content(&cid));
		self.folder().publish(partial, &from, &to, dag.layout().file_bytes())?;
		self.index().insert(cid, Arc::new(dag));
		Ok(to)
	}

	/// Where the file of that CID is, or would be. It is not checked; see [`Self::open_verified`].
	pub fn path(&self, cid: &Cid) -> PathBuf {
		self.folder().content(cid)
	}

	/// Whether there is a file of that CID. Its bytes are not checked.
	pub fn contains(&self, cid: &Cid) -> bool {
		self.path(cid).is_file()
	}

	/// Reads the whole file and checks that it is what its name says; brings back its sidecar if needed.
	///
	/// # Errors
	/// [`StoreError::Missing`]; [`StoreError::Altered`] once it is in quarantine; [`StoreError::Io`].
	pub fn verify(&self, cid: &Cid) -> Result<Stored, StoreError> {
		let dag = self.verified_dag(cid)?;
		let bytes = dag.layout().file_bytes();
		if cid.codec == CidCodec::DagPb && self.read_sidecar(cid)?.is_none() {
			self.put_sidecar(&dag)?;
		}
		Ok(Stored { cid: *cid, bytes })
	}

	/// The path of the file of that CID, once it is verified; ready to be mapped.
	///
	/// # Errors
	/// Those of [`Self::verify`].
	pub fn open_verified(&self, cid: &Cid) -> Result<PathBuf, StoreError> {
		self.verify(cid).map(|_| self.path(cid))
	}

	/// The bytes of the file of that CID, verified as they were read.
	///
	/// # Errors
	/// Those of [`Self::verify`], and [`StoreError::TooLarge`] above `max_bytes`.
	pub fn read_verified(&self, cid: &Cid, max_bytes: u64) -> Result<Vec<u8>, StoreError> {
		let path = self.path(cid);
		let io = |action| {
			let path = path.clone();
			move |source| StoreError::io(action, &path, 0, source)
		};
		let file = self.open_content(cid)?;
		let length = file.metadata().map_err(io("examine"))?.len();
		if length > max_bytes.min(MAX_FILE_BYTES) {
			return Err(StoreError::TooLarge { path, bytes: length, limit: max_bytes.min(MAX_FILE_BYTES) });
		}
		let mut bytes = Vec::with_capacity(length as usize);
		(&file).take(length).read_to_end(&mut bytes).map_err(io("read"))?;
		let root = Layout::new(bytes.len() as u64)
			.and_then(|layout| Dag::new(layout, leaves_of(&bytes)))
			.map(|dag| dag.root());
		if root == Some(*cid) {
			Ok(bytes)
		} else {
			Err(self.altered(cid, &file))
		}
	}

	/// Any block of any file, by its own CID: a leaf is read and checked, a node made from its leaves'
	/// digests. `None` if no file here has it.
	///
	/// # Errors
	/// [`StoreError::Altered`] once the file is in quarantine; [`StoreError::Io`].
	pub fn block(&self, cid: &Cid) -> Result<Option<Vec<u8>>, StoreError> {
		// A second look, if the file went away after it was indexed.
		for _ in 0..2 {
			let Some(Location { dag, level, index }) = self.locate(cid)? else { return Ok(None) };
			let root = dag.root();
			let file = match self.open_content(&root) {
				Ok(file) => file,
				Err(StoreError::Missing { .. }) => {
					*self.index() = Index::default();
					continue;
				}
				Err(error) => return Err(error),
			};
			if level > 0 {
				return Ok(Some(dag.node(level, index)));
			}
			let (offset, length) = dag.layout().leaf_range(index);
			let mut leaf = vec![0; length];
			match file.read_exact_at(&mut leaf, offset) {
				Ok(()) if sha256(&leaf) == cid.digest => return Ok(Some(leaf)),
				Ok(()) => return Err(self.altered(&root, &file)),
				Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
					return Err(self.altered(&root, &file))
				}
				Err(source) => return Err(StoreError::io("read", &self.path(&root), 0, source)),
			}
		}
		Ok(None)
	}

	/// Whether some file here has that block. Nothing is read of the file itself.
	///
	/// # Errors
	/// [`StoreError::Io`].
	pub fn has_block(&self, cid: &Cid) -> Result<bool, StoreError> {
		let Some(location) = self.locate(cid)? else { return Ok(false) };
		if self.contains(&location.dag.root()) {
			return Ok(true);
		}
		// The file went away since it was indexed; another may have the block.
		*self.index() = Index::default();
		Ok(self.locate(cid)?.is_some())
	}

	/// The pins on disk. They hold across processes and restarts, and [`Self::collect_garbage`] obeys them.
	///
	/// # Errors
	/// [`StoreError::PinsAltered`], [`StoreError::Io`].
	pub fn pins(&self) -> Result<Pins, StoreError> {
		self.folder().read_pins()
	}

	/// Keeps content from being collected, whether it is here already or not; whether that is new.
	///
	/// # Errors
	/// [`StoreError::PinsAltered`], [`StoreError::Full`], [`StoreError::Io`]; nothing changed then.
	pub fn pin(&self, cid: Cid, reason: PinReason) -> Result<bool, StoreError> {
		self.folder().change_pins(|pins| pins.add(cid, reason))
	}

	/// Adds every pin of a list, and writes them once.
	///
	/// # Errors
	/// As [`Self::pin`].
	pub fn pin_all(&self, pins: &Pins) -> Result<(), StoreError> {
		let add = |known: &mut Pins| {
			pins.iter().fold(false, |is_new, (cid, reason)| known.add(cid, reason) || is_new)
		};
		self.folder().change_pins(add).map(|_| ())
	}

	/// Takes a reason to keep content away; whether it was there.
	///
	/// # Errors
	/// As [`Self::pin`].
	pub fn unpin(&self, cid: &Cid, reason: PinReason) -> Result<bool, StoreError> {
		self.folder().change_pins(|pins| pins.remove(cid, reason))
	}

	/// Removes a file; whether it was there. Whoever mapped it keeps the mapping.
	///
	/// # Errors
	/// [`StoreError::Io`].
	pub fn remove(&self, cid: &Cid) -> Result<bool, StoreError> {
		let _names = self.folder().lock()?;
		let removed = self.folder().remove(&self.path(cid))?;
		self.folder().remove(&self.folder().sidecar(cid))?;
		*self.index() = Index::default();
		Ok(removed)
	}

	/// Every file, sorted by CID.
	///
	/// # Errors
	/// [`StoreError::Io`].
	pub fn list(&self) -> Result<Vec<Stored>, StoreError> {
		let entries = self.folder().entries()?;
		let mut files: Vec<Stored> = entries
			.into_iter()
			.filter_map(|entry| match entry.name {
				Name::Content(cid) => Some(Stored { cid, bytes: entry.bytes }),
				Name::Sidecar(_) | Name::Partial(_) => None,
			})
			.collect();
		files.sort();
		Ok(files)
	}

	/// Removes every file and interrupted download that is neither in `keep` nor pinned and was not changed
	/// within `grace`, and what is in quarantine.
	///
	/// `keep` must name every head, and whatever a round in progress needs; `grace` protects what was
	/// stored a moment ago and is not announced yet. Downloads under way are left alone.
	///
	/// # Errors
	/// [`StoreError::PinsAltered`], before anything is removed; [`StoreError::Io`], what was removed until
	/// then stays removed.
	pub fn collect_garbage(&self, keep: &BTreeSet<Cid>, grace: Duration) -> Result<Collected, StoreError> {
		let folder = self.folder();
		// Held to the end, so that nothing is pinned between the look and the removal.
		let _pins = folder.lock_pins()?;
		let pinned = folder.read_pins()?;
		let is_needed = |cid: &Cid| keep.contains(cid) || pinned.contains(cid);
		let _names = folder.lock()?;
		let now = SystemTime::now();
		let mut collected = Collected { removed: Vec::new(), bytes: folder.empty_quarantine()? };
		// Sidecars whose file or download is gone or going.
		let mut sidecars = BTreeMap::new();
		let mut needed = BTreeSet::new();
		for entry in folder.entries()? {
			let is_recent = now.duration_since(entry.modified).map_or(true, |age| age < grace);
			let (cid, is_kept) = match entry.name {
				Name::Sidecar(cid) => {
					if !is_recent {
						sidecars.insert(cid, entry);
					}
					continue;
				}
				Name::Content(cid) => (cid, is_recent || is_needed(&cid)),
				// The lock is held until the file is gone, so nobody starts on it in between.
				Name::Partial(cid) => (cid, is_recent || is_needed(&cid)),
			};
			let lock = match entry.name {
				Name::Partial(_) if !is_kept => try_lock(&entry.path)?,
				_ => None,
			};
			let is_busy = matches!(entry.name, Name::Partial(_)) && lock.is_none();
			if is_kept || is_busy {
				needed.insert(cid);
			} else if folder.remove(&entry.path)? {
				collected.bytes += entry.bytes;
				if matches!(entry.name, Name::Content(_)) {
					collected.removed.push(cid);
				}
			}
		}
		for (cid, entry) in sidecars {
			if !needed.contains(&cid) && folder.remove(&entry.path)? {
				collected.bytes += entry.bytes;
			}
		}
		*self.index() = Index::default();
		collected.removed.sort();
		tracing::debug!(files = collected.removed.len(), bytes = collected.bytes, "collected garbage");
		Ok(collected)
	}

	fn index(&self) -> MutexGuard<'_, Index> {
		// The index is only ever replaced or added to, so it is sound even if a thread died holding it.
		self.inner.index.lock().unwrap_or_else(PoisonError::into_inner)
	}

	/// Where a block is, after looking for files that other processes stored meanwhile.
	fn locate(&self, cid: &Cid) -> Result<Option<Location>, StoreError> {
		if let Some(location) = self.index().get(cid) {
			return Ok(Some(location));
		}
		let modified = self.folder().modified()?;
		if self.index().listed == Some(modified) {
			return Ok(None);
		}
		for file in self.list()? {
			if self.index().contains_file(&file.cid) {
				continue;
			}
			match self.load_dag(&file) {
				Ok(dag) => self.index().insert(file.cid, Arc::new(dag)),
				// It went away, or is in quarantine now: the others can still be served.
				Err(error @ (StoreError::Altered { .. } | StoreError::Missing { .. })) => {
					tracing::debug!(%error, "not indexed")
				}
				Err(error) => return Err(error),
			}
		}
		let is_settled = SystemTime::now().duration_since(modified).is_ok_and(|age| age > TIME_RESOLUTION);
		let mut index = self.index();
		index.listed = is_settled.then_some(modified);
		Ok(index.get(cid))
	}

	/// The tree of a stored file: from its CID or sidecar, or from its bytes if that is lost.
	fn load_dag(&self, file: &Stored) -> Result<Dag, StoreError> {
		let quick = match file.cid.codec {
			CidCodec::Raw => {
				Layout::new(file.bytes).and_then(|layout| Dag::new(layout, vec![file.cid.digest]))
			}
			CidCodec::DagPb => self.read_sidecar(&file.cid)?,
		};
		if let Some(dag) = quick.filter(|dag| dag.layout().file_bytes() == file.bytes) {
			return Ok(dag);
		}
		let dag = self.verified_dag(&file.cid)?;
		self.put_sidecar(&dag)?;
		Ok(dag)
	}

	fn verified_dag(&self, cid: &Cid) -> Result<Dag, StoreError> {
		let file = self.open_content(cid)?;
		match dag_of_file(&file, &self.path(cid)) {
			Ok(dag) if dag.root() == *cid => Ok(dag),
			Ok(_) | Err(StoreError::TooLarge { .. }) => Err(self.altered(cid, &file)),
			Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::UnexpectedEof => {
				Err(self.altered(cid, &file))
			}
			Err(error) => Err(error),
		}
	}

	fn open_content(&self, cid: &Cid) -> Result<File, StoreError> {
		let path = self.path(cid);
		File::open(&path).map_err(|error| match error.kind() {
			ErrorKind::NotFound => StoreError::Missing { cid: *cid, folder: self.folder().path().to_owned() },
			_ => StoreError::io("open", &path, 0, error),
		})
	}

	fn altered(&self, cid: &Cid, file: &File) -> StoreError {
		*self.index() = Index::default();
		match self.folder().quarantine(cid, file) {
			Ok(path) => StoreError::Altered { cid: *cid, path },
			Err(error) => error,
		}
	}
}

/// Fills the buffer, or reads to the end; returns how much there was.
fn read_full(source: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
	let mut filled = 0;
	while filled < buffer.len() {
		match source.read(&mut buffer[filled..]) {
			Ok(0) => break,
			Ok(length) => filled += length,
			Err(error) if error.kind() == ErrorKind::Interrupted => {}
			Err(error) => return Err(error),
		}
	}
	Ok(filled)
}
