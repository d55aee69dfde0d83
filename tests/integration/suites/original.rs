//! Manifests of fault suites, judged as the program before judged them: field by field.
//!
//! tests/original/suites.json has its answers; record_suites.py beside it made them.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::copy;
use crate::support;

#[derive(Deserialize)]
struct Case {
    name: String,
    mode: String,
    manifest: String,
    logs: Map<String, Value>,
    expected: Option<Value>,
    /// The last line of what it printed where it came to a bad end.
    #[serde(default)]
    crashes: Value,
}

/// What is refused, though the original reads something into it. An exit code of 2 is no pass.
const REFUSED: [&str; 4] = [
    // Without rows it read nothing, and failed for that alone.
    "the file is empty",
    "there is no column `",
    // What follows an open quote was lost.
    "a quote in this row is never closed",
    // What is nearly one of its columns was none.
    "is not read; is it `",
];

#[test]
fn two_hundred_manifests_are_judged_as_before() {
    let text = fs::read_to_string("tests/original/suites.json").unwrap();
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    assert!(cases.len() >= 200);
    let wrong: std::sync::Mutex<Vec<String>> = std::sync::Mutex::default();
    support::each(&cases, 3, |case| {
        if let Err(how) = judge(case) {
            wrong.lock().unwrap().push(format!("{}: {how}", case.name));
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn judge(case: &Case) -> Result<(), String> {
    let directory = tempfile::tempdir().unwrap();
    copy(Path::new("examples/fault-suite"), directory.path());
    fs::remove_dir_all(directory.path().join("logs")).unwrap();
    fs::write(directory.path().join("manifest.tsv"), &case.manifest).unwrap();
    for (path, content) in &case.logs {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let bytes = match content {
            Value::String(text) => text.clone().into_bytes(),
            other => STANDARD.decode(other["base64"].as_str().unwrap()).unwrap(),
        };
        fs::write(path, bytes).unwrap();
    }
    let args = ["suite", "suite.yaml", "--manifest", "manifest.tsv", "--output-format", "json"];
    let args = [&args[..], &["--profile", &case.mode, "--quiet"]].concat();
    let run = support::auditor(directory.path(), &args);
    let Some(expected) = &case.expected else {
        return match run.code {
            0 => Err(format!("a pass, and it crashed: {}", case.crashes)),
            _ => Ok(()),
        };
    };
    if run.code == 2 && REFUSED.iter().any(|words| run.stderr.contains(words)) {
        return Ok(());
    }
    if run.code == 2 {
        return Err(run.stderr);
    }
    // A line that nothing ends may be cut off, and is not relied on; it relied on it.
    let is_open =
        |log: &Value| log.as_str().is_some_and(|it| !it.is_empty() && !it.ends_with('\n'));
    if case.logs.values().any(is_open) && run.code != 0 {
        return Ok(());
    }
    compare(&run.json(), expected).and_then(|()| {
        let code = i64::from(run.code);
        let is_expected = Some(code) == expected["recommended_exit_code"].as_i64();
        if is_expected { Ok(()) } else { Err(format!("exit code {code}")) }
    })
}

fn compare(found: &Value, expected: &Value) -> Result<(), String> {
    let mut ours = json!({});
    for key in ["all_pass", "recommended_exit_code"] {
        ours[key] = found[key].clone();
    }
    let mut counts = found["counts"].clone();
    // It knew no third status.
    let inconclusive = counts.as_object_mut().unwrap().remove("inconclusive");
    ours["counts"] = counts;
    let scenarios = found["scenarios"].as_array().unwrap().iter().map(|scenario| {
        let mut ours = json!({});
        for key in expected["scenarios"][0].as_object().into_iter().flat_map(Map::keys) {
            ours[key] = scenario[key].clone();
        }
        let checks = scenario["checks"].as_array().unwrap().iter();
        let keys = ["metric", "type", "actual", "expected", "passed"];
        let checks = checks.map(|check| json!(keys.map(|key| check[key].clone())));
        ours["checks"] = json!(checks.collect::<Vec<_>>());
        ours
    });
    ours["scenarios"] = json!(scenarios.collect::<Vec<_>>());
    if ours == *expected && inconclusive == Some(json!(0)) {
        return Ok(());
    }
    Err(format!("\n found    {ours}\n expected {expected}"))
}
