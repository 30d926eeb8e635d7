//! The probe of the expected gain, as auditors and contributors use it.

use blyan_quality_gate::{
	gain::{GainError, NgramProbe},
	AuditOptions,
};

/// A model that knows what is approved, measured on the validation texts; `None` where there are none, since on the
/// samples themselves it would only say how repetitive they are.
///
/// # Errors
/// A text cannot be read.
pub fn probe(options: &AuditOptions) -> Result<Option<NgramProbe>, GainError> {
	match NgramProbe::from_files(&options.approved, &options.validation, &options.fields) {
		Ok(probe) => Ok(Some(probe)),
		Err(GainError::NoHeldOut) => Ok(None),
		Err(error) => Err(error),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn probe_should_be_there_when_there_is_text_to_measure_on() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("validation.txt");
		std::fs::write(
			&path,
			"A river that nobody has crossed since the bridge fell, and a ferry. ".repeat(9),
		)
		.unwrap();
		let options = AuditOptions { validation: vec![path], ..AuditOptions::default() };
		assert!(probe(&options).unwrap().is_some());
		assert!(probe(&AuditOptions::default()).unwrap().is_none());
		let absent =
			AuditOptions { validation: vec![folder.path().join("absent.txt")], ..AuditOptions::default() };
		assert!(matches!(probe(&absent), Err(GainError::Read(_))));
	}
}
