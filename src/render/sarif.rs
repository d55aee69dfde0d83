//! The report as SARIF 2.1.0, which forges show as alerts in the code.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::io::{self, Write};

use serde_json::{Value, json};

use super::remarks::{self, Place, Remark, Weight};
use crate::explain;
use crate::report::Report;
use crate::report::suite::Summary;

/// The schema that it follows.
pub(super) const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// What tells the file from those of other tools.
pub(super) const DRIVER: &str = r#""name": "auditor""#;

/// A result for each thing that stands against the service or could not be told, with a rule that
/// says what it means.
///
/// # Errors
/// If it cannot be written.
pub(super) fn sarif(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let properties = json!({
        "verdict": report.verdict.name(),
        "status": report.status.name(),
        "score": report.runtime_health_score,
    });
    let error = report.error.as_deref();
    let invocation = invocation(report.exit_code, &remarks::verdict_line(report), error);
    let elsewhere = remarks::configuration(report);
    write(&remarks::remarks(report), &elsewhere, (rule, invocation, properties), out)
}

/// A result for each of these remarks on the scenarios of a suite.
///
/// # Errors
/// If it cannot be written.
pub(super) fn suite(
    summary: &Summary,
    remarks: &[Remark],
    file: &Place,
    out: &mut dyn Write,
) -> io::Result<()> {
    let properties = json!({"verdict": summary.verdict.name(), "counts": summary.counts});
    let line = super::suite::verdict_line(summary);
    let invocation = invocation(summary.exit_code, &line, summary.error.as_deref());
    write(remarks, file, (rule_of_scenario, invocation, properties), out)
}

/// Writes a log of one run; `elsewhere` is for remarks without a place.
fn write(
    remarks: &[Remark],
    elsewhere: &Place,
    (rule, invocation, properties): (fn(&str) -> Value, Value, Value),
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut topics: Vec<&str> = remarks.iter().map(|remark| remark.topic.as_str()).collect();
    topics.sort_unstable();
    topics.dedup();
    let results: Vec<_> = remarks.iter().map(|remark| result(remark, elsewhere, &topics)).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "auditor",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": topics.iter().map(|topic| rule(topic)).collect::<Vec<_>>(),
            }},
            "automationDetails": {"id": "auditor/"},
            "invocations": [invocation],
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": properties,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    out.write_all(b"\n")
}

fn rule_of_scenario(topic: &str) -> Value {
    let (words, help) = match topic.split_once('/') {
        Some((_, id)) => (
            format!("The scenario `{id}` of the suite did not pass."),
            format!("The scenario `{id}` stands under `scenarios:` in the suite."),
        ),
        None => (
            "The suite did not pass.".to_owned(),
            "A suite passes if there are as many scenarios as have to be, and all of them pass."
                .to_owned(),
        ),
    };
    json!({
        "id": topic,
        "shortDescription": {"text": words},
        "fullDescription": {"text": words},
        "help": {"text": help, "markdown": help},
    })
}

fn rule(topic: &str) -> Value {
    let summary = explain::summary(topic).map(str::to_owned);
    let summary = summary.unwrap_or_else(|| format!("the check `{topic}` of the configuration"));
    let help = explain::explain(topic).unwrap_or_else(|_| {
        format!("The check `{topic}` stands under `checks:` in the configuration.")
    });
    json!({
        "id": topic,
        "shortDescription": {"text": sentence(&summary)},
        "fullDescription": {"text": sentence(&summary)},
        // A block of code, for it is laid out for a terminal.
        "help": {"text": help, "markdown": format!("```text\n{}\n```", help.trim_end())},
    })
}

/// What is said in a few words, as a sentence.
fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str().trim_end_matches('.'))
}

fn invocation(exit_code: u8, verdict: &str, error: Option<&str>) -> Value {
    // A breach that was found is what the tool is for.
    let is_carried_out = matches!(exit_code, 0 | 1);
    let mut invocation = json!({
        "executionSuccessful": is_carried_out,
        "exitCode": exit_code,
        "exitCodeDescription": verdict,
    });
    if let Some(error) = error {
        let message = json!({"text": crate::one_line::one_line(error)});
        let notification = json!([{"level": "error", "message": message}]);
        invocation["toolExecutionNotifications"] = notification;
    }
    invocation
}

fn result(remark: &Remark, elsewhere: &Place, topics: &[&str]) -> Value {
    // What could not be told has no level, and is no pass.
    let (kind, level) = match (remark.is_open, remark.weight) {
        (true, Weight::Error) | (false, Weight::Error) => ("fail", "error"),
        (true, _) => ("open", "none"),
        (false, Weight::Warning) => ("fail", "warning"),
        (false, Weight::Note) => ("fail", "note"),
    };
    let place = remark.place.as_ref().unwrap_or(elsewhere);
    let fingerprint = format!("{} {} {}", remark.topic, place.path, remark.identity);
    json!({
        "ruleId": remark.topic,
        "ruleIndex": topics.iter().position(|topic| *topic == remark.topic),
        "kind": kind,
        "level": level,
        "message": {"text": remark.lines.join("\n")},
        "locations": [{"physicalLocation": location(place, remark.source.as_deref())}],
        "partialFingerprints": {"auditor/v1": fingerprint},
    })
}

fn location(place: &Place, source: Option<&str>) -> Value {
    let artifact = if place.is_relative() {
        json!({"uri": uri(&place.path), "uriBaseId": "%SRCROOT%"})
    } else {
        json!({"uri": format!("file:///{}", uri(place.path.trim_start_matches('/')))})
    };
    let mut location = json!({"artifactLocation": artifact});
    location["region"] = json!({"startLine": place.line.unwrap_or(1)});
    if let Some(column) = place.column {
        location["region"]["startColumn"] = json!(column);
    }
    if let Some(source) = source {
        location["region"]["snippet"] = json!({"text": source});
    }
    location
}

/// A path as a part of a URI.
fn uri(path: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(path, KEPT).to_string()
}
