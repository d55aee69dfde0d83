//! What is packed and how it is installed: completions and manual page, the predecessor's command, the
//! archive of a release, the wheel, and the action for GitHub.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![cfg(unix)]

#[path = "../integration/support/mod.rs"]
mod support;

mod action;
mod alias;
mod completions;
mod installation;
mod manual;
mod names;
mod packed;
mod release;
mod runner;
mod wheel;

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use support::{Run, real};

/// Where the checkout is.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// The binary under test.
const AUDITOR: &str = env!("CARGO_BIN_EXE_auditor");

/// Whether a test has the program that it needs, which Debian calls the same.
fn has(test: &str, program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
        || real::left_out(test, program)
}

/// Runs a program to its end, with those arguments and a PATH that has the binary under test first.
fn run<A: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = A>) -> Run {
    let mut path = std::ffi::OsString::from(std::path::Path::new(AUDITOR).parent().unwrap());
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new(program);
    command.args(args).current_dir(ROOT).env("PATH", path).stdin(Stdio::null());
    command.output().unwrap().into()
}
