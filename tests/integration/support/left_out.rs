//! Which tests a run leaves out, from the crates that do to the one that tells of it at last.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("left_out")
}

/// The parent of all test crates of a run is the same cargo. What an earlier run, of which
/// the last crate was never reached, has left behind is no matter of this one.
fn file() -> PathBuf {
    directory().join(parent_id().to_string())
}

/// Keeps a line for the end of the run.
pub(crate) fn note(line: &str) {
    fs::create_dir_all(directory()).expect("a directory for notes");
    let mut file = File::options().create(true).append(true).open(file()).expect("notes");
    file.write_all(format!("{line}\n").as_bytes()).expect("a note is written");
}

/// The lines of this run, which are forgotten.
pub(crate) fn take() -> BTreeSet<String> {
    let notes = fs::read_to_string(file()).unwrap_or_default();
    let _ = fs::remove_dir_all(directory());
    notes.lines().map(str::to_owned).collect()
}
