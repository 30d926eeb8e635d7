//! Writing matrices transposed, with a bounded part in memory.

use std::io::{self, Write};

/// Bytes of rows that are put together at once.
const BLOCK_BYTES: usize = 4 << 20;
/// Rows that are read together: their lines stay in the cache while a block's columns are filled.
const ROWS: usize = 64;

/// Writes `matrix [rows, columns]`, whose elements are of `width` bytes, as `[columns, rows]`.
///
/// `matrix` is exactly so long: the caller's duty.
pub(crate) fn write_transposed(
	matrix: &[u8],
	(rows, columns): (usize, usize),
	width: usize,
	out: &mut dyn Write,
) -> io::Result<()> {
	match width {
		2 => write_of::<2>(matrix, rows, columns, out),
		4 => write_of::<4>(matrix, rows, columns, out),
		_ => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("elements of {width} bytes"))),
	}
}

fn write_of<const W: usize>(
	matrix: &[u8],
	rows: usize,
	columns: usize,
	out: &mut dyn Write,
) -> io::Result<()> {
	let (matrix, _) = matrix.as_chunks::<W>();
	if rows == 0 || columns == 0 {
		return Ok(());
	}
	let at_once = (BLOCK_BYTES / (rows * W)).clamp(1, columns);
	let mut block = vec![[0; W]; at_once * rows];
	for first in (0..columns).step_by(at_once) {
		let count = at_once.min(columns - first);
		for (group, lines) in matrix.chunks(ROWS * columns).enumerate() {
			let row = group * ROWS;
			for column in 0..count {
				let target = &mut block[column * rows + row..];
				for (target, line) in target.iter_mut().zip(lines.chunks_exact(columns)) {
					*target = line[first + column];
				}
			}
		}
		out.write_all(block[..count * rows].as_flattened())?;
	}
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn write_transposed_should_agree_with_the_definition_and_be_its_own_inverse() {
		// The last does not fit in a block, and neither divides it.
		for (rows, columns) in [(1, 1), (1, 7), (7, 1), (65, 3), (130, 67), (1500, 901)] {
			for width in [2, 4] {
				let matrix: Vec<u8> = (0..rows * columns * width).map(|i| (i * 7 + i / 256) as u8).collect();
				let mut transposed = Vec::new();
				write_transposed(&matrix, (rows, columns), width, &mut transposed).unwrap();
				let element = |bytes: &[u8], at: usize| bytes[at * width..][..width].to_vec();
				for (row, column) in [(0, 0), (rows - 1, columns - 1), (rows / 2, columns / 3)] {
					let (from, to) = (row * columns + column, column * rows + row);
					assert_eq!(element(&matrix, from), element(&transposed, to));
				}
				let mut back = Vec::new();
				write_transposed(&transposed, (columns, rows), width, &mut back).unwrap();
				assert!(back == matrix, "{rows} x {columns}");
			}
		}
	}
}
