//! The rules for Prometheus in `examples/`, on what a watcher really shows, minute by minute: they fire when
//! they should, and are silent when all is calm.

mod series;
mod stories;

use std::fs;
use std::process::Command;

use auditor::model::check::Severity;
use serde_json::{Value, json};

use self::series::{Reports, series};
use self::stories::{Expected, Story, stories};
use crate::support::{empty_directory, real};
use crate::watch_shown::report;

const RULES: &str = "examples/alerting.rules.yml";

fn test(name: &str, story: &Story, reports: &Reports, expected: Expected) -> Value {
    let at = |(minute, firing): &(i64, &[(&str, &str)])| {
        let samples = firing.iter().map(|(alert, service)| {
            let service = match *service {
                "" => String::new(),
                service => format!(",service=\"{service}\""),
            };
            json!({"labels": format!("{{alertname=\"{alert}\"{service}}}"), "value": 1})
        });
        let expr = "group by (alertname, service) (ALERTS{alertstate=\"firing\"})";
        let samples: Vec<_> = samples.collect();
        json!({"expr": expr, "eval_time": format!("{minute}m"), "exp_samples": samples})
    };
    let asked: Vec<_> = expected.iter().map(at).collect();
    let series = series(story, reports);
    json!({"name": name, "interval": "1m", "input_series": series, "promql_expr_test": asked})
}

/// What `promtool` says of files, which has to be nothing but good.
fn promtool(args: &[&str]) {
    let run = Command::new("promtool").args(args).output().unwrap();
    let told = [run.stdout, run.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    assert!(run.status.success(), "{}", told.concat());
}

#[test]
fn the_rules_fire_when_they_should_and_else_are_silent() {
    if !real::programs("the rules for Prometheus", &["promtool"]) {
        return;
    }
    promtool(&["check", "rules", RULES]);
    let [well, sick, hazy] = ["passes", "starved", "inconclusive"].map(report);
    let reports = Reports { well, sick, hazy };
    let stories = stories();
    let tests: Vec<_> = stories
        .iter()
        .map(|(name, story, expected)| test(name, story, &reports, expected))
        .collect();
    let directory = empty_directory();
    let rules = fs::canonicalize(RULES).unwrap();
    let document =
        json!({"rule_files": [rules], "evaluation_interval": "1m", "tests": tests}).to_string();
    let path = directory.path().join("test.yml");
    fs::write(&path, document).unwrap();
    promtool(&["test", "rules", path.to_str().unwrap()]);
    // Each rule fires in one of them.
    let text = fs::read_to_string(RULES).unwrap();
    let names: Vec<_> = text.lines().filter_map(|it| it.trim().strip_prefix("- alert: ")).collect();
    let fired = |name: &str| {
        let mut all = stories.iter().flat_map(|it| it.2).flat_map(|it| it.1);
        all.any(|(alert, _)| *alert == name)
    };
    let silent: Vec<_> = names.iter().filter(|name| !fired(name)).collect();
    assert!(names.len() >= 10 && silent.is_empty(), "{silent:?}");
}

/// Whoever is woken needs more than a name.
#[test]
fn each_rule_says_what_to_do() {
    let text = fs::read_to_string(RULES).unwrap();
    let rules: Value = yaml_serde::from_str(&text).unwrap();
    for rule in rules["groups"][0]["rules"].as_array().unwrap() {
        let of = |path: &str| rule.pointer(path).and_then(Value::as_str).unwrap_or_default();
        assert!(Severity::ALL.iter().any(|it| it.0 == of("/labels/severity")), "{rule}");
        assert!(!of("/annotations/summary").is_empty(), "{rule}");
        assert!(of("/annotations/description").len() > 60, "{rule}");
    }
}
