//! `auditor suite`: what it makes of scenarios, of manifests, and of what is wrong with them.

mod golden;
mod original;
mod refused;

use std::fs;
use std::path::Path;

/// Copies what is in a directory, with all that is below it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
