//! Parquet, column by column, a few hundred rows at a time.

use super::{
	compressed::Expansion, page_headers, Fields, Malformation, RawRecord, ReadError, Sink, MAX_COLUMNS,
	MAX_RECORD_BYTES,
};
use parquet::{
	basic::Type,
	column::reader::{ColumnReader, ColumnReaderImpl},
	data_type::{ByteArray, ByteArrayType},
	errors::ParquetError,
	file::{
		metadata::RowGroupMetaData,
		reader::{FileReader, RowGroupReader},
		serialized_reader::SerializedFileReader,
	},
};
use std::{
	fs::File,
	io::{self, Read, Seek, SeekFrom},
	panic::{catch_unwind, AssertUnwindSafe},
	path::Path,
	sync::atomic::{AtomicU64, Ordering},
};

/// Rows read at a time.
const ROWS: usize = 256;
/// Longest description at a file's end; what it becomes in memory is some forty times as large.
const MAX_FOOTER_BYTES: u32 = 8 << 20;

/// Reads the rows of a Parquet file.
pub fn read(path: &Path, fields: &Fields, progress: &AtomicU64, sink: &mut Sink) -> Result<(), ReadError> {
	let io_error = |source| ReadError::Io { path: path.to_owned(), source };
	let damaged = |reason: String| ReadError::Damaged { path: path.to_owned(), reason };
	let mut file = File::open(path).map_err(io_error)?;
	let bytes = file.metadata().map_err(io_error)?.len();
	let footer = footer_bytes(&mut file, bytes).map_err(io_error)?;
	if footer.is_none_or(|footer| footer > MAX_FOOTER_BYTES) {
		return Err(damaged(format!("no description of at most {MAX_FOOTER_BYTES} bytes at its end")));
	}
	let pages = file.try_clone().map_err(io_error)?;
	let reader = guarded(path, || SerializedFileReader::new(file))?;
	let schema = reader.metadata().file_metadata().schema_descr_ptr();
	if schema.num_columns() > MAX_COLUMNS {
		return Err(ReadError::TooManyColumns { path: path.to_owned() });
	}
	let position = |field: &str| {
		schema.columns().iter().position(|column| {
			column.path().string() == field
				&& column.physical_type() == Type::BYTE_ARRAY
				&& column.max_rep_level() == 0
		})
	};
	let mut columns = Vec::new();
	for field in &fields.text {
		let no_column = || ReadError::NoColumn {
			path: path.to_owned(),
			field: field.clone(),
			columns: schema.columns().iter().take(10).map(|column| column.path().string()).collect(),
		};
		columns.push(position(field).ok_or_else(no_column)?);
	}
	let texts = columns.len();
	columns.extend(position(&fields.licence));

	let mut expansion = Expansion { packed: bytes, unpacked: 0 };
	let groups = reader.num_row_groups();
	for group in 0..groups {
		check_pages(&pages, bytes, reader.metadata().row_group(group), &columns)
			.map_err(io_error)?
			.map_err(damaged)?;
		let rows = guarded(path, || reader.get_row_group(group))?;
		let mut columns = Column::open_all(path, rows.as_ref(), &columns)?;
		loop {
			let mut batch = Vec::new();
			for column in &mut columns {
				batch.push(guarded(path, || column.next())?);
			}
			let Some(first) = batch.first().map(Vec::len).filter(|rows| *rows > 0) else { break };
			if batch.iter().any(|column| column.len() != first) {
				return Err(damaged("columns of different length".into()));
			}
			for row in 0..first {
				let record = record(&batch, texts, row);
				expansion.unpacked +=
					1 + if let RawRecord::Text(text, _) = &record { text.len() as u64 } else { 0 };
				if expansion.is_bomb() {
					return Err(ReadError::Bomb { path: path.to_owned() });
				}
				sink(record)?;
			}
		}
		progress.fetch_add(
			bytes * (group as u64 + 1) / groups as u64 - bytes * group as u64 / groups as u64,
			Ordering::Relaxed,
		);
	}
	Ok(())
}

/// How long the description at the end says it is; `None` if there is none.
fn footer_bytes(file: &mut File, bytes: u64) -> io::Result<Option<u32>> {
	if bytes < 12 {
		return Ok(None);
	}
	let mut tail = [0; 8];
	file.seek(SeekFrom::End(-8))?;
	file.read_exact(&mut tail)?;
	let (length, magic) = tail.split_at(4);
	let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]);
	Ok((magic == b"PAR1").then_some(length))
}

/// Checks what the pages of the columns that are read say of themselves.
fn check_pages(
	file: &File,
	bytes: u64,
	group: &RowGroupMetaData,
	columns: &[usize],
) -> io::Result<Result<(), String>> {
	for column in columns.iter().filter_map(|column| group.columns().get(*column)) {
		// The method that gives both panics where one is negative.
		let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
		let (Ok(start), Ok(length)) = (u64::try_from(start), u64::try_from(column.compressed_size())) else {
			return Ok(Err("a column of negative length".into()));
		};
		if start.checked_add(length).is_none_or(|end| end > bytes) {
			return Ok(Err("a column that ends behind the file".into()));
		}
		if let Err(reason) = page_headers::check(file, start, length)? {
			return Ok(Err(reason));
		}
	}
	Ok(Ok(()))
}

/// Runs what reads stranger's bytes in the `parquet` crate, which panics on some that make no sense.
fn guarded<T>(path: &Path, run: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ReadError> {
	let reason = match catch_unwind(AssertUnwindSafe(run)) {
		Ok(Ok(value)) => return Ok(value),
		Ok(Err(error)) => error.to_string(),
		Err(_) => "it makes no sense to its reader".to_owned(),
	};
	Err(ReadError::Damaged { path: path.to_owned(), reason })
}

/// A text column of a row group.
struct Column {
	reader: ColumnReaderImpl<ByteArrayType>,
	most: i16,
}

impl Column {
	fn open_all(path: &Path, rows: &dyn RowGroupReader, columns: &[usize]) -> Result<Vec<Self>, ReadError> {
		let open = |column: &usize| {
			let most = rows.metadata().column(*column).column_descr().max_def_level();
			match guarded(path, || rows.get_column_reader(*column))? {
				ColumnReader::ByteArrayColumnReader(reader) => Ok(Self { reader, most }),
				_ => Err(ReadError::Damaged {
					path: path.to_owned(),
					reason: "a text column without text".into(),
				}),
			}
		};
		columns.iter().map(open).collect()
	}

	/// The next rows; none at the end.
	fn next(&mut self) -> Result<Vec<Option<ByteArray>>, ParquetError> {
		let (mut levels, mut values) = (Vec::with_capacity(ROWS), Vec::with_capacity(ROWS));
		let (rows, ..) = self.reader.read_records(ROWS, Some(&mut levels), None, &mut values)?;
		if self.most == 0 {
			return Ok(values.into_iter().map(Some).collect());
		}
		let mut values = values.into_iter();
		Ok(levels
			.into_iter()
			.take(rows)
			.map(|level| if level == self.most { values.next() } else { None })
			.collect())
	}
}

fn record(batch: &[Vec<Option<ByteArray>>], texts: usize, row: usize) -> RawRecord {
	let mut text = Vec::new();
	for (at, column) in batch[..texts].iter().enumerate() {
		let Some(value) = &column[row] else { return RawRecord::Malformed(Malformation::NoText) };
		if text.len() + value.len() > MAX_RECORD_BYTES {
			return RawRecord::Malformed(Malformation::RecordTooLong);
		}
		if at > 0 {
			text.push(b'\n');
		}
		text.extend_from_slice(value.data());
	}
	let licence = batch.get(texts).and_then(|column| column[row].as_ref());
	RawRecord::Text(text, licence.and_then(|licence| String::from_utf8(licence.data().to_vec()).ok()))
}
