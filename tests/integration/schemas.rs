//! The JSON Schemas hold what they say of: configurations that are read, and reports that are
//! written. `scenarios` puts its own through these, too.

use std::fs;
use std::sync::OnceLock;

use crate::support::{auditor, empty_directory};
use auditor::config::DEFAULT_METRICS;
use auditor::report::Report;
use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Validator {
    /// Of what `auditor schema` prints.
    fn of(document: &str) -> Self {
        let run = auditor(empty_directory().path(), &["schema", document]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let name = format!("{document}.json");
        compiler.add_resource(&name, run.json()).unwrap();
        let index = compiler.compile(&name, &mut schemas).unwrap();
        Self { schemas, index }
    }

    fn check(&self, value: &Value) -> Result<(), String> {
        self.schemas.validate(value, self.index).map_err(|error| format!("{error:#}"))
    }
}

/// Whether the schema of a document accepts a value.
pub(crate) fn check_document(document: &str, value: &Value) -> Result<(), String> {
    Validator::of(document).check(value)
}

/// Whether the schema accepts what the text says in YAML.
pub(crate) fn check_configuration(text: &str) -> Result<(), String> {
    static CONFIG: OnceLock<Validator> = OnceLock::new();
    let value: Value = yaml_serde::from_str(text).map_err(|error| error.to_string())?;
    CONFIG.get_or_init(|| Validator::of("config")).check(&value)
}

/// Whether the schema accepts a report, and whether it can be read back without a change.
pub(crate) fn check_report(json: &str) -> Result<(), String> {
    static REPORT: OnceLock<Validator> = OnceLock::new();
    let value: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    REPORT.get_or_init(|| Validator::of("report")).check(&value)?;
    let read = Report::from_json(json).map_err(|error| error.to_string())?;
    let again = serde_json::to_string_pretty(&read).unwrap() + "\n";
    if again == json { Ok(()) } else { Err(format!("read back, it is\n{again}")) }
}

#[test]
fn what_is_shown_is_valid() {
    check_configuration(DEFAULT_METRICS).unwrap();
    let readme = fs::read_to_string("README.md").unwrap();
    let blocks = readme.split("\n```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    let shown: Vec<_> = blocks.filter(|block| block.contains("queries:")).collect();
    assert!(!shown.is_empty());
    for block in shown {
        check_configuration(block).unwrap_or_else(|error| panic!("{error}\n{block}"));
    }
}

/// A key that is misspelt in an editor is marked there.
#[test]
fn what_is_refused_is_not_valid() {
    let queries = "queries: {p99_latency: a, event_loop_lag: b}\n";
    check_configuration(queries).unwrap();
    let part =
        "profiles: {strict: {checks: {own: {severity: info}, other: {spike: {step: 1m}}}}}\n";
    check_configuration(&format!("{queries}{part}")).unwrap();
    let compared = "baseline: {score: {max_increase: 12.5%, floor: 1}, own: {max_decrease: 2}}\n";
    let turned = "profiles: {a: {baseline: {score: {severity: info}, own: {floor: 1}}}}\n";
    check_configuration(&format!("{queries}{compared}{turned}")).unwrap();
    for wrong in [
        "targt: x",
        "baseline: {score: {}}",
        "baseline: {score: {max_increase: -1}}",
        "baseline: {score: {max_increase: 10 %}}",
        "baseline: {score: {max_increase: 1, max_decrease: 1}}",
        "baseline: {own: {max_decrease: 1, floor: 1}}",
        "baseline: {own: {max_increase: 1, floor: -1}}",
        "baseline: {own: {max_increase: 1, severity: fatal}}",
        "profiles: {a: {baseline: {own: {max_increase: 1, max_decrease: 1}}}}",
        "thresholds: {max_event_loop_lag: 1}",
        "thresholds: {max_queue_wait_s: -1}",
        "weights: {p99_latency: 1}",
        "checks: {own: {query: a, max: 1, min: 2}}",
        "checks: {own: {query: a, budget: {limit: 0}}}",
        "checks: {own: {query: a, budget: {limit: 1, warning_ratio: 1.1}}}",
        "checks: {own: {query: a, spike: {window: 1h, step: 1m, multiplier: 1}}}",
        "checks: {event_loop_lag: {query: a, max: 1}}",
        "checks: {own: {query: a, max: 1, severity: fatal}}",
        "profiles: {strict: {target: x}}",
        "accept_partial: 1",
        "checks: {own: {max: 1}}",
        "checks: {own: {query: a}}",
        "checks: {own: {query: a, budget: {warning_ratio: 0.5}}}",
        "checks: {own: {query: a, spike: {window: 1h}}}",
        "checks: {event_loop_lag: {min: 1}}",
        "profiles: {strict: {checks: {own: {max: 1, min: 2}}}}",
    ] {
        assert!(check_configuration(&format!("{queries}{wrong}\n")).is_err(), "{wrong}");
    }
}

#[test]
fn a_report_of_another_version_is_refused() {
    let error = Report::from_json(r#"{"schema_version": 2}"#).unwrap_err().to_string();
    assert_eq!(error, "the report has schema version 2; this auditor reads version 1");
    assert!(Report::from_json("[]").is_err());
}
