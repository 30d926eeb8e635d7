//! `audit`: the quality gate over files of a dataset.

use crate::cli::AuditArgs;
use anyhow::Result;
use blyan_quality_gate::{audit, read::Fields, AuditOptions, Progress};
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// How often the bar is drawn at most.
const REDRAW: Duration = Duration::from_millis(200);

/// Audits, and prints what was found.
pub fn run(args: AuditArgs) -> Result<()> {
	let defaults = AuditOptions::default();
	let options = AuditOptions {
		fields: Fields {
			text: if args.field.is_empty() { defaults.fields.text } else { args.field },
			licence: args.licence_field,
		},
		licence: args.licence,
		approved: args.approved,
		validation: args.validation,
		known_works: args.known_works,
		threads: args.threads.map_or(defaults.threads, |threads| threads.get().into()),
		index_bytes: (args.index_mib as usize) << 20,
		seed: args.seed,
	};
	let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
		"{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {msg}, {eta} left",
	)?);
	bar.enable_steady_tick(REDRAW);
	let found = audit(&args.path, &options, None, &mut |Progress { bytes, total, records }| {
		bar.set_length(total);
		bar.set_position(bytes);
		bar.set_message(format!("{records} records"));
	});
	bar.finish_and_clear();
	let found = found?;
	if args.json {
		println!("{}", serde_json::to_string_pretty(&found.to_json())?);
	} else {
		println!("{found}");
	}
	Ok(())
}
