//! Pages as they are, byte for byte, but for the style and the version: `tests/html/NAME.html`.
//! `UPDATE_EXPECTED=1` writes them anew, to be read in the diff and in a browser.

use std::fs;
use std::path::Path;

use super::page;
use super::recording::{CALM, CONFIG, SECONDS, START, Second, directory, recording};

/// How the recorded run ended, as its recording says it.
const COMMAND_FAILED: &str = "\
auditor_command_duration_seconds{command=\"k6 run load.js\",status=\"exited with code 7\"} 60 {end}
auditor_command_exit_code{command=\"k6 run load.js\"} 7 {end}
";
const INTERRUPTED: &str = "auditor_interrupted{signal=\"SIGTERM\"} 15 {end}\n";

/// The page without what changes with every version, and what is the same in all.
fn settled(page: &str) -> String {
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, rest) = rest.split_once("</style>").unwrap();
    let version = head.split_once("content=\"auditor ").unwrap().1.split('"').next().unwrap();
    // A line each, so that a change can be read.
    let lines = |text: &str| text.replace("><", ">\n<").replace(version, "VERSION");
    format!("{}<style></style>{}", lines(head), lines(rest))
}

/// Compares a page with the one that is kept under that name.
pub(crate) fn check(name: &str, found: &str) {
    let path = Path::new("tests/html").join(name).with_extension("html");
    let found = settled(found);
    if std::env::var_os("UPDATE_EXPECTED").is_some_and(|it| it == "1") {
        assert!(std::env::var_os("CI").is_none(), "what is expected in CI is settled");
        fs::write(&path, &found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let differs = expected.lines().zip(found.lines()).find(|(one, other)| one != other);
    assert!(expected == found, "{} differs first in {differs:?}", path.display());
}

/// The page of a recording that ends so, twice the same.
fn recorded(name: &str, config: &str, recording: &str, (verdict, code): (&str, i32)) {
    let directory = directory(config, recording);
    // Where nothing can be read, the report is otherwise of the present.
    let at = (START + SECONDS).to_string();
    let at = if verdict == "ERROR" { &["--at", &at][..] } else { &[] };
    let args = [&["--recording", "run.om", "--fail-on-critical"], at].concat();
    let (run, once) = page(directory.path(), &args);
    assert_eq!(run.code, code, "{name}: {}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains(&format!("Verdict: {verdict}")), "{name}: {}", run.stdout);
    assert!(once.contains(&format!("</span> {verdict}</span></h1>")), "{name}: {once}");
    assert_eq!(once, page(directory.path(), &args).1, "{name}");
    check(name, &once);
}

fn ended(how: &str) -> String {
    how.replace("{end}", &(START + SECONDS).to_string()) + &recording(|_| Some(CALM))
}

#[test]
fn a_page_of_each_verdict() {
    let calm = recording(|_| Some(CALM));
    recorded("pass", CONFIG, &calm, ("PASS", 0));
    recorded("command-failed", CONFIG, &ended(COMMAND_FAILED), ("COMMAND FAILED", 1));
    recorded("interrupted", CONFIG, &ended(INTERRUPTED), ("INTERRUPTED", 3));
    let holes = recording(|at| (!(20..=39).contains(&at)).then_some(CALM));
    recorded("inconclusive", CONFIG, &holes, ("INCONCLUSIVE", 3));
    let cut = calm.trim_end_matches("# EOF\n").trim_end_matches("1700000060\n");
    recorded("error", CONFIG, cut, ("ERROR", 3));
    let over = recording(|at| {
        let lag = if at % 20 == 7 { 1.5 } else { 0.004 };
        Some(Second { lag, ..CALM })
    });
    recorded("fail", CONFIG, &over, ("FAIL", 1));
}

#[test]
fn a_page_with_the_line_that_holds_the_loop() {
    let example = fs::read_to_string("examples/blocked.om").unwrap();
    let config = "preset: probe\n";
    recorded("fail-with-culprit", config, &example, ("FAIL", 1));
}
