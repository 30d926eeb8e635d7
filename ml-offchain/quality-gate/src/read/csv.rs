//! Comma-separated values (RFC 4180), field by field: a record is never held whole.

use super::{Fields, Malformation, RawRecord, Sink, StreamError, MAX_COLUMNS, MAX_RECORD_BYTES};
use csv_core::{ReadFieldResult, Reader, ReaderBuilder};
use std::io::BufRead;

/// Longest name of a column, in bytes.
const MAX_NAME_BYTES: usize = 256;

/// What is kept of the fields of a row.
struct Row {
	/// Which of the kept fields a column is.
	kept: Vec<Option<usize>>,
	values: Vec<Vec<u8>>,
	columns: usize,
	too_long: bool,
}

impl Row {
	fn clear(&mut self) {
		self.values.iter_mut().for_each(Vec::clear);
		(self.columns, self.too_long) = (0, false);
	}

	/// Takes a part of the current column.
	fn take(&mut self, part: &[u8]) {
		let Some(Some(at)) = self.kept.get(self.columns) else { return };
		let value = &mut self.values[*at];
		if value.len() + part.len() > MAX_RECORD_BYTES {
			self.too_long = true;
			return;
		}
		value.extend_from_slice(part);
	}

	fn record(&self) -> RawRecord {
		let Some((licence, texts)) = self.values.split_last() else {
			return RawRecord::Malformed(Malformation::NoText);
		};
		if self.too_long {
			return RawRecord::Malformed(Malformation::RecordTooLong);
		}
		if self.columns != self.kept.len() {
			return RawRecord::Malformed(Malformation::Columns);
		}
		let licence = String::from_utf8(licence.clone()).ok().filter(|licence| !licence.is_empty());
		RawRecord::Text(texts.join(&b'\n'), licence)
	}
}

/// Reads a table; the first row names its columns.
pub(crate) fn read(
	stream: &mut impl BufRead,
	delimiter: u8,
	fields: &Fields,
	sink: &mut Sink,
) -> Result<(), StreamError> {
	let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
	let names = header(stream, &mut reader)?;
	let Some(names) = names else { return Ok(()) };
	let mut kept = vec![None; names.len()];
	for (at, field) in fields.text.iter().enumerate() {
		let column = names.iter().position(|name| name == field);
		let no_column = || StreamError::NoColumn {
			field: field.clone(),
			columns: names.iter().take(10).cloned().collect(),
		};
		kept[column.ok_or_else(no_column)?] = Some(at);
	}
	if let Some(column) = names.iter().position(|name| *name == fields.licence) {
		kept[column].get_or_insert(fields.text.len());
	}
	let mut row = Row { kept, values: vec![Vec::new(); fields.text.len() + 1], columns: 0, too_long: false };
	let mut part = [0; 8_192];
	loop {
		let available = stream.fill_buf()?;
		let (result, read, written) = reader.read_field(available, &mut part);
		stream.consume(read);
		row.take(&part[..written]);
		match result {
			ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
			ReadFieldResult::Field { record_end } => {
				row.columns += 1;
				if record_end {
					sink(row.record())?;
					row.clear();
				}
			}
			ReadFieldResult::End => return Ok(()),
		}
	}
}

/// The names of the columns; none if the file is empty.
fn header(stream: &mut impl BufRead, reader: &mut Reader) -> Result<Option<Vec<String>>, StreamError> {
	let (mut names, mut name) = (Vec::new(), Vec::new());
	let mut part = [0; 1_024];
	loop {
		let available = stream.fill_buf()?;
		let (result, read, written) = reader.read_field(available, &mut part);
		stream.consume(read);
		if name.len() <= MAX_NAME_BYTES {
			name.extend_from_slice(&part[..written]);
		}
		match result {
			ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
			ReadFieldResult::Field { record_end } => {
				if names.len() == MAX_COLUMNS {
					return Err(StreamError::TooManyColumns);
				}
				name.truncate(MAX_NAME_BYTES);
				let read = String::from_utf8_lossy(&name).trim_start_matches('\u{feff}').to_owned();
				names.push(read);
				name.clear();
				if record_end {
					return Ok(Some(names));
				}
			}
			ReadFieldResult::End => return Ok(None),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn rows(table: &str, fields: &Fields) -> Result<Vec<RawRecord>, StreamError> {
		let mut found = Vec::new();
		read(&mut table.as_bytes(), b',', fields, &mut |record| {
			found.push(record);
			Ok(())
		})?;
		Ok(found)
	}

	#[test]
	fn fields_should_be_found_by_name_and_quotes_be_read() {
		let table = "\u{feff}id,text,license\n1,\"He said \"\"no\"\",\nand left\",MIT\n2,plain,\n3\n";
		let text =
			|text: &str, licence: Option<&str>| RawRecord::Text(text.into(), licence.map(str::to_owned));
		let expected = [
			text("He said \"no\",\nand left", Some("MIT")),
			text("plain", None),
			RawRecord::Malformed(Malformation::Columns),
		];
		assert_eq!(rows(table, &Fields::default()).unwrap(), expected);
		let both = Fields { text: vec!["license".into(), "text".into()], ..Fields::default() };
		assert_eq!(rows("text,license\na,b\n", &both).unwrap(), [text("b\na", None)]);
		assert_eq!(rows("", &Fields::default()).unwrap(), []);
	}

	#[test]
	fn table_should_be_refused_when_a_column_is_absent() {
		let error = rows("id,body\n1,a\n", &Fields::default()).unwrap_err();
		assert!(
			matches!(error, StreamError::NoColumn { field, columns } if field == "text" && columns == ["id", "body"])
		);
	}
}
