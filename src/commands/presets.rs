//! `auditor --list-presets`: what is built in for which library.

use crate::exit::Exit;
use crate::presets::{PRESETS, PROBE, Preset};
use crate::wrap::wrap;

/// How far what is said of a preset is indented.
const INDENT: usize = 4;
const USE: &str = "\
auditor --init --preset NAME writes one as metrics.yaml, --preset NAME takes one
for one audit, and `preset: NAME` in a metrics.yaml puts one below the file.
";

pub(super) fn run() -> Exit {
    let entry = |preset: &Preset| {
        let margin = " ".repeat(INDENT);
        let about = wrap(&margin, INDENT, &preset.about());
        format!("{}\n{about}{margin}{}\n\n", preset.name, options(preset))
    };
    let text: String = PRESETS.iter().map(entry).collect();
    super::print(&(text + USE), Exit::Success)
}

/// The options that it needs.
fn options(preset: &Preset) -> &'static str {
    if preset.needs().starts_with("--scrape-json") {
        return "--scrape-json URL";
    }
    match (preset.is_seen_by_probe(), preset.name == PROBE) {
        (true, true) => "--probe URL",
        (true, false) => "--scrape URL or --target URL, and --probe URL",
        (false, _) => "--scrape URL or --target URL",
    }
}
