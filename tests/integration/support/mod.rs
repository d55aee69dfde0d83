//! What the integration tests share: running the binary, and servers to run it against.
#![allow(dead_code, reason = "each test crate uses a part of this")]

pub(crate) mod beside;
#[cfg(target_os = "linux")]
pub(crate) mod browser;
pub(crate) mod certificates;
pub(crate) mod fake;
mod left_out;
pub(crate) mod page;
pub(crate) mod real;
pub(crate) mod telemetry;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a run of `auditor` left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Standard output as one JSON document.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error} in {:?}; stderr {}", self.stdout, self.stderr))
    }
}

impl Run {
    /// Whether it says so: the report on standard output, or what stands beside it.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.stdout.contains(words) || self.stderr.contains(words)
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("killed by a signal"),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

/// The binary under test in `directory`, without anything of the caller's environment
/// that could change what it does.
pub(crate) fn command(directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auditor"));
    command.current_dir(directory).args(args).stdin(Stdio::null()).env_clear();
    command
}

/// Runs the binary in `directory` to its end.
pub(crate) fn auditor(directory: &Path, args: &[&str]) -> Run {
    command(directory, args).output().expect("the binary starts").into()
}

/// Tries every case, so many at a time: most of them wait for something.
pub(crate) fn each<T: Sync>(cases: &[T], at_a_time: usize, check: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..at_a_time {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(case);
                }
            });
        }
    });
}

/// A disk on which there is no room. As root, a faulty program can replace the device by a
/// file, and every later test of it would fail in words that lead nowhere.
pub(crate) fn full_disk() -> std::fs::File {
    use std::os::unix::fs::FileTypeExt as _;
    let disk = std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    let kind = disk.metadata().expect("its metadata").file_type();
    assert!(kind.is_char_device(), "/dev/full is no device any more: mknod -m 666 /dev/full c 1 7");
    disk
}

/// An empty directory that goes away with the returned value.
pub(crate) fn empty_directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// A directory whose `metrics.yaml` is `config`.
pub(crate) fn directory_with(config: &str) -> tempfile::TempDir {
    let directory = empty_directory();
    std::fs::write(directory.path().join("metrics.yaml"), config).expect("a file is written");
    directory
}
