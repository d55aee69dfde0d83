//! The options of an audit as keys of a scenario.

use std::ffi::OsString;
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::GivenOption;
use crate::config::problems::Problems;
use crate::config::schema::entries;
use crate::config::yaml::{Node, Value};

/// What stands behind a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One value.
    Word,
    /// A path, relative to the file.
    Path,
    /// A value, or a list of them: the option is repeated.
    Words,
    /// A mapping of names to values: the option is repeated with `NAME=VALUE`.
    Pairs,
    /// `true` for a switch that is given.
    Switch,
}

/// An option of an audit that a scenario may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OptionKey {
    /// Its key in the file.
    pub key: &'static str,
    /// Its long name on the command line, without dashes.
    pub option: &'static str,
    /// What stands behind the key.
    pub kind: Kind,
    /// What it is for, for editors.
    pub about: &'static str,
}

const fn option(
    key: &'static str,
    option: &'static str,
    kind: Kind,
    about: &'static str,
) -> OptionKey {
    OptionKey { key, option, kind, about }
}

use Kind::{Pairs, Path as PathTo, Switch, Word, Words};

/// Every one.
pub(super) const OPTIONS: [OptionKey; 35] = [
    option("config", "config", PathTo, "Configuration file, as metrics.yaml."),
    option("preset", "preset", Word, "Preset below the configuration, or in place of one."),
    option(
        "profile",
        "profile",
        Word,
        "Profile of the configuration; --profile is for the others.",
    ),
    option("vars", "var", Pairs, "Variables of the queries."),
    option("fail_on", "fail-on", Words, "What fails the scenario; critical if nothing is given."),
    option("target", "target", Word, "Prometheus-compatible server to ask."),
    option("scrape", "scrape", Words, "Pages of metrics to scrape."),
    option("scrape_json", "scrape-json", Words, "JSON documents to scrape."),
    option("probe", "probe", Words, "URLs of the service to ask again and again."),
    option("recording", "recording", PathTo, "File or directory of samples."),
    option("job", "job", Word, "Label `job` of what is scraped."),
    option("every", "every", Word, "Interval between scrapes, and between samples of `probe`."),
    option("for", "for", Word, "How long to look on without a command."),
    option("at", "at", Word, "Evaluate at this instant."),
    option("timeout", "timeout", Word, "Bound of the audit, without load and scraping."),
    option("settle", "settle", Word, "How long to wait for a server's samples of the end."),
    option("http_config", "http-config", PathTo, "How to reach the source."),
    option("headers", "header", Words, "Headers sent with every request."),
    option("probe_every", "probe-every", Word, "Interval between the requests of `probe`."),
    option("pids", "pid", Words, "The processes behind `probe`."),
    option("pool_threads", "pool-threads", Word, "How many threads the service's pool may have."),
    option("blame", "blame", Word, "Whether the line is named that holds the loop."),
    option("blame_after", "blame-after", Word, "After how long without an answer."),
    option("start", "start", Word, "Shell command that starts the service."),
    option("start_timeout", "start-timeout", Word, "How long it may take until it answers."),
    option("time_limit", "time-limit", Word, "How long the command may take."),
    option("baseline", "baseline", PathTo, "Report of an earlier audit to compare with."),
    option("baseline_window", "baseline-window", Word, "The same queries so long before."),
    option("samples", "samples", Word, "How often the audit is carried out."),
    option("interval", "interval", Word, "From the start of one to the start of the next."),
    option("failure_threshold", "failure-threshold", Word, "So many in a row have to fail."),
    option("cooldown", "cooldown", Word, "For so many further audits it then stays failed."),
    option("state", "state", PathTo, "Keeps both for the next run."),
    option("abort_on_breach", "abort-on-breach", Switch, "Ends the command once that is proven."),
    option("record", "record", PathTo, "Keep what was seen in this file."),
];

/// Reads what stands behind a key, as the options that it is.
pub(super) fn read_option(
    key: &OptionKey,
    node: &Node,
    base: &Path,
    options: &mut Vec<GivenOption>,
    problems: &mut Problems,
) {
    let mut add = |node: &Node, value: Option<OsString>| {
        let (name, place) = (key.option, node.place());
        options.push(GivenOption { key: key.key, name, value, place });
    };
    match (key.kind, &node.value) {
        (Switch, Value::Bool(is_given)) => {
            if *is_given {
                add(node, None);
            }
        }
        (Word, _) => {
            if let Some(word) = word(key.key, node, problems) {
                add(node, Some(word.into()));
            }
        }
        (PathTo, Value::Text(path)) if !path.trim().is_empty() => {
            add(node, Some(base.join(path).into_os_string()));
        }
        (Words, Value::List(items)) => {
            for item in items {
                if let Some(word) = word(key.key, item, problems) {
                    add(item, Some(word.into()));
                }
            }
        }
        (Words, _) => {
            if let Some(word) = word(key.key, node, problems) {
                add(node, Some(word.into()));
            }
        }
        (Pairs, Value::Map(_)) => {
            for ((name, _), value) in entries(node, key.key, problems) {
                if let Some(word) = word(name, value, problems) {
                    add(value, Some(format!("{name}={word}").into()));
                }
            }
        }
        (Pairs, Value::Null) => {}
        (kind, other) => {
            let expected = match kind {
                PathTo => "a path",
                Switch => "true or false",
                _ => "a mapping of names to values",
            };
            let found = other.noun();
            problems.at(node, format!("`{}` must be {expected}, found {found}", key.key));
        }
    }
}

fn word(key: &str, node: &Node, problems: &mut Problems) -> Option<String> {
    match &node.value {
        Value::Text(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Int(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        other => {
            problems.at(node, format!("`{key}` must be text, found {}", other.noun()));
            None
        }
    }
}

/// The schema, draft 2020-12.
pub(super) fn json_schema() -> Json {
    let text = json!({"type": "string"});
    let word = json!({"type": ["string", "number"]});
    let of_kind = |kind: Kind| match kind {
        Switch => json!({"type": "boolean"}),
        Word => word.clone(),
        PathTo => text.clone(),
        Words => json!({"anyOf": [word, {"type": "array", "items": word}]}),
        Pairs => json!({"type": ["object", "null"], "additionalProperties": word}),
    };
    let mut keys = Map::new();
    for option in &OPTIONS {
        // Without a value it takes nothing from the defaults.
        let schema = json!({
            "description": option.about,
            "anyOf": [of_kind(option.kind), {"type": "null"}],
        });
        keys.insert(option.key.to_owned(), schema);
    }
    let command = json!({
        "description": "The command to run meanwhile: text for a shell, or a list of words.",
        "anyOf": [text, {"type": "array", "items": word, "minItems": 1}],
    });
    let logs = json!({
        "description": "Names of log files, and their paths, relative to this file.",
        "type": ["object", "null"],
        "additionalProperties": text,
    });
    let metrics = json!({
        "description": "Lines of logs of which the summary shows every key=value pair.",
        "type": ["object", "null"],
        "additionalProperties": {
            "type": "object",
            "additionalProperties": false,
            "required": ["file", "line"],
            "properties": {"file": text, "line": text},
        },
    });
    for (key, schema) in [("command", command), ("logs", logs), ("metrics", metrics)] {
        keys.insert(key.to_owned(), schema);
    }
    let mut scenario = keys.clone();
    scenario.insert("id".to_owned(), json!({"type": ["string", "integer"]}));
    scenario.insert("name".to_owned(), text);
    let object = |properties: Map<String, Json>| json!({"type": ["object", "null"], "additionalProperties": false, "properties": properties});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "SUITE.yaml of auditor",
        "type": "object",
        "additionalProperties": false,
        "required": ["scenarios"],
        "properties": {
            "defaults": object(keys.clone()),
            "unlisted": object(keys),
            "expect": {
                "type": "object",
                "additionalProperties": false,
                "properties": {"scenarios": {"type": "integer", "minimum": 1}},
            },
            "scenarios": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["id"],
                    "properties": scenario,
                },
            },
        },
    })
}
