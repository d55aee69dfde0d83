//! The manual page, as formatters take it.

use std::fs;

use crate::support::{auditor, empty_directory};
use crate::{has, run};

/// A directory with the page in it.
fn page() -> (tempfile::TempDir, String) {
    let directory = empty_directory();
    let run = auditor(directory.path(), &["man"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let path = directory.path().join("auditor.1");
    fs::write(&path, run.stdout).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (directory, path)
}

#[test]
fn formatters_have_nothing_to_warn_of() {
    let (_directory, path) = page();
    if has("the manual page", "mandoc") {
        let run = run("mandoc", ["-T", "lint", "-W", "warning", &path]);
        assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    }
    if has("the manual page", "groff") {
        let run = run("groff", ["-ww", "-man", "-T", "ascii", "-z", &path]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    }
}

#[test]
fn every_option_task_and_exit_code_is_described() {
    let (_directory, path) = page();
    let help = auditor(empty_directory().path(), &["--help"]).stdout;
    if !has("the manual page", "mandoc") {
        return;
    }
    let text = run("mandoc", ["-T", "ascii", "-O", "width=100", &path]).stdout;
    // A letter that is struck twice is bold.
    let mut plain = String::new();
    for c in text.chars() {
        if c == '\u{8}' {
            plain.pop();
        } else {
            plain.push(c)
        }
    }
    let words = help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2);
    let options = words.map(|word| word.trim_end_matches(|c: char| !c.is_ascii_lowercase()));
    for option in options {
        assert!(plain.contains(option), "{option} is missing: {plain}");
    }
    for heading in ["NAME", "SYNOPSIS", "THE GATE", "TASKS", "EXIT STATUS", "ENVIRONMENT", "FILES"]
    {
        assert!(plain.lines().any(|line| line == heading), "{heading} is missing: {plain}");
    }
    for row in ["auditor completions SHELL", "AUDITOR_BEARER_TOKEN", "no verdict: the server"] {
        assert!(plain.contains(row), "{row} is missing: {plain}");
    }
    // Those that the short help leaves out are described, too.
    assert!(plain.contains("After how long without an answer stacks are read"), "{plain}");
}
