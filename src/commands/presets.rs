//! `auditor --list-presets`: what is built in for which library.

use std::fmt::Write as _;

use crate::exit::Exit;
use crate::presets::PRESETS;

pub(super) fn run() -> Exit {
    let widest = PRESETS.iter().map(|preset| preset.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for preset in PRESETS {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:<widest$}  {}", preset.name, preset.about());
        let _ = writeln!(text, "{:<widest$}  needs {}", "", preset.needs());
    }
    text += "\nauditor --init --preset NAME writes one as metrics.yaml; `preset: NAME` in a \
             metrics.yaml\nputs one below what the file says; --preset NAME does so for one audit.\n";
    super::print(&text, Exit::Success)
}
