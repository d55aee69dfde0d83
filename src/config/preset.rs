//! Configurations that are built in, for where there is no file.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::model::blame;

/// What holds for a service that is looked at from outside.
pub(super) const PROBE: &str = include_str!("../../examples/probe.yaml");
/// Its name, where a configuration is named.
pub(super) const PROBE_NAME: &str = "built-in preset probe";
/// So many bytes of a recording say of what it is.
const BEGINNING: u64 = 4096;

/// Whether a recording is of a service that was looked at from outside alone, as far as its first
/// series tells. They are in the order of their names, and a probe's come before those of most pages.
pub(super) fn is_of_probe(recording: &Path) -> bool {
    // What comes through a pipe cannot be looked at twice, and may never come.
    if !recording.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let mut beginning = Vec::new();
    let read = File::open(recording).and_then(|it| it.take(BEGINNING).read_to_end(&mut beginning));
    if read.is_err() {
        return false;
    }
    let text = String::from_utf8_lossy(&beginning);
    let first = text.lines().find(|line| !line.is_empty() && !line.starts_with('#'));
    let job = format!("job=\"{}\"", blame::JOB);
    first.is_some_and(|line| line.starts_with("auditor_") && line.contains(&job))
}
