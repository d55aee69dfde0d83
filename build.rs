//! Says in `--version` which commit a build is of, where there is one: git is asked, and nothing is
//! missing where it is not there, or where this is not its repository, as of a crate.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let package = env!("CARGO_PKG_VERSION");
    let commit = is_own_repository().then(commit).flatten();
    let version = commit.map_or_else(|| package.to_owned(), |it| format!("{package} ({it})"));
    println!("cargo:rustc-env=AUDITOR_VERSION={version}");
}

/// What is checked out: its short hash and its day.
fn commit() -> Option<String> {
    heads().iter().for_each(|path| println!("cargo:rerun-if-changed={}", path.display()));
    git(&["show", "--no-patch", "--abbrev=7", "--format=%h %cs", "HEAD"])
}

/// A package that is unpacked within somebody's repository has nothing to do with its commits.
fn is_own_repository() -> bool {
    let real = |path: &str| Path::new(path).canonicalize().ok();
    let top = git(&["rev-parse", "--show-toplevel"]).and_then(|top| real(&top));
    top.is_some() && top == real(env!("CARGO_MANIFEST_DIR"))
}

/// The files that change when another commit is checked out or made. One that is not there would
/// have this run each time.
fn heads() -> Vec<PathBuf> {
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    let names = ["HEAD", "logs/HEAD", "packed-refs"].into_iter().chain(branch.as_deref());
    let paths = names.filter_map(|name| git(&["rev-parse", "--git-path", name]));
    let paths = paths.map(|path| Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
    paths.filter(|path| path.exists()).collect()
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned()).filter(|text| !text.is_empty())
}
