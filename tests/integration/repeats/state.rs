//! What a breaker counts is kept from run to run: whole, by all that end at once, and never taken for
//! nothing where it cannot be read.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{GATE, SIGNALS, server};
use crate::interruption::{ended, spawn};
use crate::support::{Run, auditor, command, directory_with};

/// One audit after another with the same file.
fn with_state<'a>(url: &'a str, options: &[&'a str]) -> Vec<&'a str> {
    let args =
        ["--target", url, "--state", "breaker.json", "--output-format", "json", "--no-report"];
    [&args[..], options].concat()
}

fn kept(directory: &Path) -> (u64, u64) {
    let text = fs::read_to_string(directory.join("breaker.json")).unwrap();
    let state: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(state["schema_version"], 1);
    let number = |key: &str| state[key].as_u64().unwrap();
    (number("consecutive_failures"), number("cooldown_remaining"))
}

#[test]
fn failures_and_the_cooldown_go_on_in_the_next_run() {
    let (server, directory) = (server("FFPPPF?P"), directory_with(SIGNALS));
    let url = server.url();
    let options = [GATE, "--failure-threshold", "2", "--cooldown", "2"];
    let mut tripped_at = String::new();
    for (number, (code, left, reason)) in [
        (0, (1, 0), "1 of 1 sample failed, the limit is 2 in a row: the score is 3000"),
        (
            1,
            (2, 2),
            "2 consecutive samples failed, the limit is 2, and the breaker is open for 2 further \
             audits (to reset it, delete breaker.json): the score is 3000",
        ),
        (
            1,
            (0, 1),
            "the breaker is open for 1 further audit (it tripped at TIME; to reset it, delete \
             breaker.json), because of earlier failures: the score",
        ),
        (
            1,
            (0, 0),
            "the breaker was open up to this audit, because of earlier failures: the score",
        ),
        (0, (0, 0), "the score is 15, below 1200"),
        (0, (1, 0), "1 of 1 sample failed, the limit is 2 in a row: the score is 3000"),
        (3, (1, 0), "event_loop_lag is not known"),
        (0, (0, 0), "the score is 15, below 1200"),
    ]
    .into_iter()
    .enumerate()
    {
        let run = auditor(directory.path(), &with_state(&url, &options));
        let report = run.json();
        let told = report["verdict_reason"].as_str().unwrap();
        let text = fs::read_to_string(directory.path().join("breaker.json")).unwrap();
        let state: Value = serde_json::from_str(&text).unwrap();
        if let Some(at) = state["tripped_at"].as_str() {
            tripped_at = at.to_owned();
        }
        assert_eq!(state["tripped_at"].is_string(), left.1 > 0, "{number}: {text}");
        let reason = reason.replace("TIME", &tripped_at);
        assert_eq!((run.code, kept(directory.path())), (code, left), "{number}: {told}");
        assert!(told.starts_with(&reason), "{number}: {told}");
        let breaker = &report["samples"]["breaker"];
        let counters = (&breaker["consecutive_failures"], &breaker["cooldown_remaining"]);
        assert_eq!(counters, (&left.0.into(), &left.1.into()), "{number}");
        assert_eq!(breaker["is_open"], code == 1, "{number}");
    }
}

#[test]
fn what_is_damaged_is_told_before_anything_is_watched() {
    let server = server("P");
    let url = server.url();
    for (content, words) in [
        ("", "is damaged: EOF"),
        ("{", "is damaged: EOF"),
        ("null", "is damaged: "),
        ("{\"schema_version\": 3}", "has schema version 3, and this auditor knows 1"),
        (
            "{\"schema_version\": 1, \"updated_at\": \"2026-01-31T12:00:00Z\", \
             \"consecutive_failures\": -2, \"cooldown_remaining\": 0}",
            "consecutive_failures is -2; it has to be 0 or more",
        ),
    ] {
        let directory = directory_with(SIGNALS);
        let path = directory.path().join("breaker.json");
        fs::write(&path, content).unwrap();
        let load = [GATE, "--", "/usr/bin/touch", "loaded"];
        let run = auditor(directory.path(), &with_state(&url, &load));
        assert_eq!(run.code, 2, "{content}: {}", run.stderr);
        assert!(run.stderr.contains(words) && run.stderr.contains("remove it"), "{}", run.stderr);
        assert!(!directory.path().join("loaded").exists());
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
    assert!(server.requests().is_empty());
}

/// A state that is lost may hide the next failure.
#[test]
fn what_cannot_be_kept_is_no_success() {
    let server = server("P");
    let url = server.url();
    let state = ["--target", &url, "--state", "kept/breaker.json", "--output-format", "json"];
    let lost = "/bin/rm -r kept";
    let spoilt = "echo spoilt > kept/breaker.json";
    for (load, expected, words) in [
        (lost.to_owned(), 3, "cannot lock the state by kept/breaker.json.lock: "),
        (spoilt.to_owned(), 3, "kept/breaker.json is damaged: "),
        (format!("{lost}; exit 7"), 1, "cannot lock the state by kept/breaker.json.lock: "),
    ] {
        let directory = directory_with(SIGNALS);
        fs::create_dir(directory.path().join("kept")).unwrap();
        let options = [GATE, "--settle", "0s", "--", "/bin/sh", "-c", &load];
        let run = auditor(directory.path(), &[&state[..], &options].concat());
        assert_eq!(run.code, expected, "{load}: {}", run.stderr);
        let report = run.json();
        let error = report["error"].as_str().unwrap();
        assert!(error.contains(words) && report["exit_code"] == expected, "{load}: {error}");
    }
    // Known before, nothing is put under load.
    let directory = directory_with(SIGNALS);
    let run = auditor(
        directory.path(),
        &[&state[..], &[GATE, "--", "/usr/bin/touch", "loaded"]].concat(),
    );
    assert_eq!((run.code, run.json()["verdict"].as_str()), (3, Some("error")), "{}", run.stderr);
    assert!(run.says("cannot write the state kept/breaker.json: "), "{}", run.stderr);
    assert!(!directory.path().join("loaded").exists());
}

#[test]
fn the_state_is_no_other_file() {
    let server = server("P");
    let url = server.url();
    for (options, words) in [
        (
            &["--report", "json=breaker.json"][..],
            "--report breaker.json is the same file as --state",
        ),
        (&["--report", "./breaker.json.lock"], "is the same file as the lock of --state,"),
        (&["--config", "breaker.json"], "--state breaker.json is the same file as --config"),
        (&["--http-config", "breaker.json"], "is the same file as --http-config"),
        (&["--settle", "0s", "--", "./breaker.json"], "is the same file as the command's"),
    ] {
        let directory = directory_with(SIGNALS);
        fs::write(directory.path().join("breaker.json"), SIGNALS).unwrap();
        let args = ["--target", &url, "--state", "breaker.json", GATE];
        let run = auditor(directory.path(), &[&args[..], options].concat());
        assert_eq!(run.code, 2, "{options:?}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{options:?}: {}", run.stderr);
        assert_eq!(fs::read_to_string(directory.path().join("breaker.json")).unwrap(), SIGNALS);
    }
}

fn both(directory: &Path, args: &[&str]) -> [Run; 2] {
    let start = || spawn(directory, args);
    let both: [Child; 2] = [start(), start()];
    both.map(ended)
}

#[test]
fn two_runs_at_once_lose_nothing() {
    let (server, directory) = (server("F"), directory_with(SIGNALS));
    let url = server.url();
    for round in 1..=20 {
        let runs = both(directory.path(), &with_state(&url, &[GATE, "--failure-threshold", "41"]));
        assert!(runs.iter().all(|run| run.code == 0), "{}", runs[0].stderr);
        assert_eq!(kept(directory.path()), (2 * round, 0));
    }
    let last = auditor(directory.path(), &with_state(&url, &[GATE, "--failure-threshold", "41"]));
    assert_eq!(last.code, 1, "{}", last.stderr);
}

#[test]
fn who_is_killed_leaves_a_whole_file() {
    let (server, directory) = (server("F"), directory_with(SIGNALS));
    let url = server.url();
    let args = with_state(&url, &[GATE, "--failure-threshold", "1000"]);
    let run = auditor(directory.path(), &args);
    assert_eq!((run.code, kept(directory.path())), (0, (1, 0)), "{}", run.stderr);
    for number in 0..40 {
        let mut child = command(directory.path(), &args)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(number * 3));
        child.kill().unwrap();
        child.wait().unwrap();
        let (failures, _) = kept(directory.path());
        assert!((1..=number + 2).contains(&failures), "{failures} after {number}");
    }
    // Nor does a lock stay that nobody has.
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 0, "{}", run.stderr);
}
