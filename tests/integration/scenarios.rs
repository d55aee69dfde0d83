//! Every file in `tests/scenarios` is one audit: command line, configuration, what the
//! backend answers, and what has to come out.
//!
//! `UPDATE_EXPECTED=1 cargo test --test integration scenarios` rewrites exit codes and whole
//! outputs in the files to those of the program, to be read in the diff. What is expected of
//! a part of the output, as `json` is, stays as it is.

mod frozen;
mod update;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::beside;
use crate::support::fake::{self, Fake, Request, Response};
use crate::{schemas, support};
use serde::Deserialize;
use serde_json::Value;

/// Never rewritten: programs rely on the report of version 1. New keys come into it by hand.
const FROZEN: &str = "report-v1-byte-for-byte.yaml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    /// What it shows; for readers.
    #[expect(dead_code, reason = "a comment that every file has to have")]
    about: String,
    /// Arguments after the name of the program; `{target}` is the backend's URL.
    #[serde(default)]
    args: Vec<String>,
    /// `metrics.yaml`, with the same placeholder; the template if left out.
    config: Option<String>,
    /// Other files, by their paths.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// The answer by the text of the query; what is not listed is an empty vector.
    #[serde(default)]
    answers: BTreeMap<String, Answer>,
    /// The answer of `/-/healthy`; Prometheus' if left out.
    health: Option<Raw>,
    /// The exit code.
    code: i32,
    /// All of standard output.
    stdout: Option<String>,
    /// All of standard error; nothing if left out.
    #[serde(default)]
    stderr: String,
    /// What standard output holds as JSON, at least.
    json: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Scalar(f64),
    Series(Vec<Series>),
    Raw(Raw),
}

#[derive(Deserialize)]
struct Series {
    value: String,
    #[serde(flatten)]
    labels: BTreeMap<String, String>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Raw {
    status: u16,
    body: String,
}

impl Answer {
    /// Its series, or else what it is.
    fn series(&self) -> Result<Vec<fake::Series>, Response> {
        match self {
            Self::Scalar(value) => Ok(vec![(BTreeMap::new(), value.to_string())]),
            Self::Series(all) => {
                Ok(all.iter().map(|s| (s.labels.clone(), s.value.clone())).collect())
            }
            Self::Raw(raw) => Err(Response::new(raw.status, &*raw.body)),
        }
    }

    fn response(&self) -> Response {
        self.series().map_or_else(|raw| raw, |series| Response::vector(&series))
    }
}

#[test]
fn every_scenario_ends_as_it_says() {
    let mut files: Vec<PathBuf> =
        fs::read_dir("tests/scenarios").unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 20, "where have the scenarios gone?");
    let failures: Vec<String> = files.iter().filter_map(|file| play(file).err()).collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

fn updating() -> bool {
    let updating = std::env::var_os("UPDATE_EXPECTED").is_some_and(|value| value == "1");
    assert!(!updating || std::env::var_os("CI").is_none(), "what is expected in CI is settled");
    updating
}

fn play(file: &Path) -> Result<(), String> {
    let text = fs::read_to_string(file).unwrap();
    let scenario: Scenario =
        yaml_serde::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let (answers, health) = (scenario.answers, scenario.health);
    let backend = Fake::start(move |request| respond(request, &answers, health.as_ref()));
    let fill = |text: &str| text.replace("{target}", &backend.url());
    let config = scenario.config.as_deref().unwrap_or(auditor::config::DEFAULT_METRICS);
    let directory = support::directory_with(&fill(config));
    for (name, content) in scenario.files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let args: Vec<String> = scenario.args.iter().map(|arg| fill(arg)).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let run = support::auditor(directory.path(), &args);
    let (mut wrong, mut updated) = (Vec::new(), text.clone());
    if run.code != scenario.code {
        wrong.push(format!("exit code {}, not {}", run.code, scenario.code));
        updated = update::code(&updated, scenario.code, run.code);
    }
    for (key, found, expected) in
        [("stderr", &run.stderr, Some(scenario.stderr)), ("stdout", &run.stdout, scenario.stdout)]
    {
        let is_expected = |expected: &str| match file.ends_with(FROZEN) && key == "stdout" {
            true => frozen::keeps(expected, found),
            false => found == expected,
        };
        if expected.is_some_and(|expected| !is_expected(&fill(&expected))) {
            let found = found.replace(&backend.url(), "{target}");
            wrong.push(format!("{key} is\n{found}"));
            updated = update::output(&updated, key, &found);
        }
    }
    if updating() && !file.ends_with(FROZEN) {
        fs::write(file, updated).unwrap();
        wrong.clear();
    }
    wrong.extend(outside_of_schemas(directory.path(), &run));
    if let Some(expected) = scenario.json {
        differences("", &expected, &run.json(), &mut wrong);
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}: {}", file.display(), wrong.join("\n"))) }
}

/// What the JSON Schemas refuse of a configuration that was read and of a report that was written.
fn outside_of_schemas(directory: &Path, run: &support::Run) -> Vec<String> {
    let read = |name| fs::read_to_string(directory.join(name)).ok();
    let config = read("metrics.yaml").filter(|_| run.code != 2);
    let printed = Some(run.stdout.clone()).filter(|text| text.starts_with("{\n  \"schema_version"));
    let reports = printed.into_iter().chain(read("audit_results.json"));
    let config = config.iter().map(|text| schemas::check_configuration(text));
    let reports = reports.map(|text| schemas::check_report(&text));
    config.chain(reports).filter_map(Result::err).collect()
}

fn respond(
    request: &Request,
    answers: &BTreeMap<String, Answer>,
    health: Option<&Raw>,
) -> Response {
    match (request.path.as_str(), health) {
        ("/-/healthy", Some(health)) => Response::new(health.status, &*health.body),
        ("/-/healthy", None) => Response::new(200, "Prometheus Server is Healthy.\n"),
        ("/api/v1/query" | "/api/v1/query_range", _) => {
            let query = request.parameters.get("query").map_or("", String::as_str);
            if beside::is_asked_by(request) {
                return evidence(request, query, answers);
            }
            answers.get(query).map_or_else(|| Response::vector(&[]), Answer::response)
        }
        _ => Response::new(404, "404 page not found"),
    }
}

/// What is asked beside the questions, and is answered by the text of each expression as well.
fn evidence(request: &Request, query: &str, answers: &BTreeMap<String, Answer>) -> Response {
    let known = |expr: &str| answers.get(expr).map(Answer::series);
    let mut raw = beside::expressions(query).filter_map(|(expr, _)| known(expr)?.err());
    raw.next().unwrap_or_else(|| beside::answer(request, |expr| known(expr)?.ok()))
}

/// Collects where `found` lacks something that `expected` has; lists must be equal in length.
fn differences(place: &str, expected: &Value, found: &Value, wrong: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, value) in expected {
                let place = format!("{place}.{key}");
                differences(&place, value, found.get(key).unwrap_or(&Value::Null), wrong);
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                differences(&format!("{place}[{index}]"), expected, found, wrong);
            }
        }
        (Value::Number(expected), Value::Number(found)) if expected.as_f64() == found.as_f64() => {}
        (expected, found) if expected == found => {}
        _ => wrong.push(format!("{place} is {found}, not {expected}")),
    }
}
