//! Which line holds the loop: six calls, each in a function of its own that a coroutine calls, on
//! the Pythons that are here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::alone;
use crate::outside::{Audit, check_apart, check_calm, shortfalls};
use crate::services::{Service, file, line_with};
use crate::support::each;
use crate::support::real::{self, tell_left_out};

/// The calls of `six_calls.py`, the function each is in, and why it holds the loop.
const CALLS: [(&str, &str, &str); 6] = [
    ("sleep", "fetch_user", "asleep"),
    ("cpu", "count_words", "cpu"),
    ("lock", "save_order", "asleep"),
    ("query", "list_orders", "cpu"),
    ("requests", "ask_partner", "asleep"),
    ("json", "render_report", "cpu"),
];

const SIX_CALLS: &str = "../peers/six_calls.py";

/// A Python, and which of the calls it can make.
#[derive(Debug)]
struct Python {
    program: PathBuf,
    calls: Vec<&'static str>,
}

/// The oldest and the newest Python that is here, and that of `PATH`, which has `requests`.
fn pythons(test: &str) -> Vec<Python> {
    if !real::python_with(test, &["requests"]) {
        return Vec::new();
    }
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let installed = [
        home.join(".pyenv/versions"),
        home.join(".local/share/uv/python"),
        PathBuf::from("/opt/hostedtoolcache/Python"),
        Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pythons"),
    ];
    let installed = installed.iter().filter_map(|it| it.read_dir().ok()).flatten().flatten();
    let mut programs: Vec<_> = installed
        .flat_map(|it| [it.path().join("bin/python3"), it.path().join("x64/bin/python3")])
        .collect();
    programs.push("/usr/bin/python3".into());
    let found: BTreeMap<_, _> =
        programs.into_iter().filter_map(|it| Some((version(&it)?, it))).collect();
    let own = version(Path::new("python3"));
    let others = found.iter().filter(|(version, _)| Some(**version) != own);
    let others: Vec<_> = others.map(|(_, program)| program.clone()).collect();
    let mut chosen = vec![Python { program: "python3".into(), calls: CALLS.map(|it| it.0).into() }];
    let ends: std::collections::BTreeSet<_> =
        others.first().into_iter().chain(others.last()).collect();
    chosen.extend(ends.into_iter().map(|program| Python {
        program: program.clone(),
        calls: CALLS.iter().map(|it| it.0).filter(|call| *call != "requests").collect(),
    }));
    if chosen.len() < 2 {
        tell_left_out(test, "a second version of Python");
    }
    chosen
}

/// Of a Python that is new enough: the number behind the 3.
fn version(program: &Path) -> Option<u32> {
    let text = "import sqlite3, sys; assert sys.version_info >= (3, 8); print(sys.version_info[1])";
    let output = Command::new(program).args(["-c", text]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// An audit that starts the six calls with that Python.
fn audit(python: &Python, calls: &[&str], urls: &[&str], seconds: u32) -> Value {
    let address = real::free_address();
    let (host, port) = address.split_once(':').expect("host and port");
    // What is not called is not prepared, for that takes a second each.
    let names = format!("CALLS={}", calls.join(","));
    let words = ["env", &names, python.program.to_str().expect("a path"), "-u"];
    let (serve, app) = (file("serve.py"), file(SIX_CALLS));
    let rest = [serve.to_str().expect("a path"), host, port, app.to_str().expect("a path")];
    let start = Some(words.into_iter().chain(rest).map(str::to_owned).collect());
    let run = Audit { start, blame: "require", seconds, ..Audit::of(&address, urls) }.run();
    // 0.6 s are over the limit, and no collapse; that they are told is what counts here.
    let report = run.json();
    let is_busy = run.code == 3 && shortfalls(&report).all(|rule| rule == "busy_machine");
    assert!(run.code < 2 || is_busy, "{python:?} {urls:?}: {report:#}\n{}", run.stderr);
    report
}

/// That the report names that call by file, line and function; for how long it was blamed, in
/// seconds. `None` where it computes and the machine was so busy that its stalls are the machine's,
/// which have no place.
fn check_named(report: &Value, call: &str) -> Option<f64> {
    let line = line_with(SIX_CALLS, &format!("# held: {call}"));
    let (_, function, cause) = CALLS.into_iter().find(|it| it.0 == call).expect("one of the calls");
    let shown = format!("{call}: {report:#}");
    let check_place = |place: &Value| {
        let file = place["file"].as_str().expect("a file");
        assert!(file.ends_with("peers/six_calls.py"), "{shown}");
        assert_eq!(place["line"], line, "{shown}");
    };
    let of_call = |key: &str| -> Vec<&Value> {
        let all = report[key].as_array().expect("a list");
        all.iter().filter(|it| it["function"] == function).collect()
    };
    let (culprits, stalls) = (of_call("culprits"), of_call("stalls"));
    stalls.iter().for_each(|stall| check_place(stall));
    let of_machine = &report["stalled"]["causes"]["machine"]["count"];
    if culprits.is_empty() && cause == "cpu" && *of_machine != 0 {
        return None;
    }
    let [culprit] = culprits[..] else { panic!("not named once, {shown}") };
    check_place(culprit);
    assert!(culprit["source"].as_str().is_some_and(|it| it.contains("held: ")), "{shown}");
    assert_eq!(culprit["cause"], cause, "{shown}");
    culprit["blocked_s"].as_f64()
}

/// The functions that are blamed.
fn blamed(report: &Value) -> BTreeSet<&str> {
    let culprits = report["culprits"].as_array().expect("culprits");
    culprits.iter().filter_map(|it| it["function"].as_str()).collect()
}

#[test]
fn each_of_six_calls_is_named_with_its_line() {
    let _alone = alone();
    let pythons = pythons("the lines that hold a loop");
    let Some(python) = pythons.first() else { return };
    each(&CALLS, 3, |(call, ..)| {
        let report = audit(python, &[call], &["/@0.1", &format!("/{call}@1.5")], 5);
        check_named(&report, call);
        check_apart(&report);
        assert!(blamed(&report).len() <= 1, "{call}: {report:#}");
    });
}

#[test]
fn a_mix_of_calls_is_taken_apart_on_every_python() {
    let _alone = alone();
    let pythons = pythons("the lines that hold a loop, mixed");
    each(&pythons, 3, |python| {
        let report = audit(python, &python.calls, &["/@0.1", "/mix@6"], 11);
        let blocked: Vec<_> = python.calls.iter().map(|call| check_named(&report, call)).collect();
        check_apart(&report);
        let shown = format!("{python:?}: {report:#}");
        let found: Vec<_> = blocked.into_iter().flatten().collect();
        assert_eq!(blamed(&report).len(), found.len(), "{shown}");
        // Two rounds of 0.6 s each, more or less: most of it is found, and nothing is made up. A
        // machine that is busy takes its part of what is computed.
        let (sum, held) = (found.iter().sum::<f64>(), 1.2 * found.len() as f64);
        assert!((0.5 * held..1.4 * held).contains(&sum), "{sum} of {held}, {shown}");
        let culprits = report["culprits"].as_array().expect("culprits");
        let seconds = |it: &Value| it["blocked_s"].as_f64().expect("seconds");
        assert!(culprits.is_sorted_by(|a, b| seconds(a) >= seconds(b)), "{shown}");
    });
}

/// What takes long and holds no loop, and a loop that is busy with much that is short.
#[test]
fn nobody_is_blamed_where_nothing_holds_the_loop() {
    let _alone = alone();
    if !Service::Uvicorn.is_here() {
        return;
    }
    let loads: [&[&str]; 4] = [
        &["/@0.1"],
        &["/pool?ms=300@0.4", "/@0.1"],
        &["/await?ms=1500@1.6", "/await?ms=700@0.8", "/@0.1"],
        &["/callbacks?ms=900@1", "/@0.1"],
    ];
    each(&loads, 4, |urls| {
        let address = real::free_address();
        let start = Some(Service::Uvicorn.command(&address));
        let audit = Audit { start, blame: "require", ..Audit::of(&address, urls) };
        check_calm(&audit, &format!("{urls:?}"));
    });
}
