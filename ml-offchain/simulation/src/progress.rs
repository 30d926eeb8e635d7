//! What a person sees meanwhile, on standard error: bars on a terminal, a line a stage elsewhere.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::{sync::LazyLock, time::Instant};

/// All bars, so that one does not write over another.
static BARS: LazyLock<(MultiProgress, Instant)> = LazyLock::new(|| (MultiProgress::new(), Instant::now()));

/// A bar over `length` pieces of work.
pub(crate) fn bar(title: &'static str, length: usize) -> ProgressBar {
	let (bars, start) = &*BARS;
	if bars.is_hidden() {
		eprintln!("{:5.0} s  {title} ...", start.elapsed().as_secs_f64());
	}
	// The template is a literal.
	let style = ProgressStyle::with_template(
		"{spinner:.cyan} {prefix:24} {bar:24.cyan/dim} {pos}/{len}  {wide_msg:.dim} {elapsed:.dim}",
	);
	let bar = bars.add(ProgressBar::new(length as u64));
	bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
	bar.with_prefix(title)
}
