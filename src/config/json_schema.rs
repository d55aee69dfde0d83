//! The JSON Schema of `metrics.yaml`, for editors: made of the same tables that the file is read
//! by.

mod baseline;

use serde_json::{Map, Value, json};

use super::schema::evidence::CHOICES;
use crate::model::built_in::BuiltIn;
use crate::model::check::{Rule, Severity};
use crate::model::evidence::{RULES, Setting};
use crate::model::level::Level;
use crate::model::signal::{OnMissing, Reduce, Signal};
use crate::model::weights::Weights;
use crate::presets::PRESETS;

/// The schema, draft 2020-12.
pub fn json_schema() -> Value {
    let text = json!({"type": "string"});
    let sections = json!({
        "target": {
            "type": "string",
            "description": "The Prometheus-compatible server to ask: its URL before /api/v1.",
        },
        "http": http(),
        "accept_partial": {
            "type": "boolean",
            "description": "Takes an answer that the server calls incomplete for whole.",
        },
        "preset": {
            "enum": PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>(),
            "description": "What holds below this file: auditor --list-presets names them.",
        },
        "vars": {"$ref": "#/$defs/vars"},
        "queries": {"$ref": "#/$defs/queries"},
        "thresholds": {"$ref": "#/$defs/thresholds"},
        "weights": {"$ref": "#/$defs/weights"},
        "checks": {"$ref": "#/$defs/checks"},
        "evidence": {"$ref": "#/$defs/evidence"},
        "baseline": {"$ref": "#/$defs/baseline"},
        "profiles": {
            "type": ["object", "null"],
            "description": "Named overrides, chosen with --profile or AUDITOR_PROFILE.",
            "additionalProperties": {
                "type": ["object", "null"],
                "additionalProperties": false,
                "properties": {
                    "vars": {"$ref": "#/$defs/vars"},
                    "queries": {"$ref": "#/$defs/queries"},
                    "thresholds": {"$ref": "#/$defs/thresholds"},
                    "weights": {"$ref": "#/$defs/weights"},
                    "checks": {"$ref": "#/$defs/checks_of_a_profile"},
                    "evidence": {"$ref": "#/$defs/evidence"},
                    "baseline": {"$ref": "#/$defs/baseline_of_a_profile"},
                },
            },
        },
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "metrics.yaml of auditor",
        "type": "object",
        "additionalProperties": false,
        "properties": sections,
        "$defs": {
            "vars": {
                "type": ["object", "null"],
                "description": "Variables of the queries: $window, $step, $selector and your own.",
                "additionalProperties": {"type": ["string", "integer"]},
                "properties": {"window": duration(), "step": duration(), "selector": text},
            },
            "query": query(),
            "queries": queries(),
            "thresholds": thresholds(),
            "weights": weights(),
            "checks": checks(Completeness::Whole),
            "checks_of_a_profile": checks(Completeness::Part),
            "evidence": evidence(),
            "baseline": baseline::section(Completeness::Whole),
            "baseline_of_a_profile": baseline::section(Completeness::Part),
        },
    })
}

fn object(description: &str, properties: Map<String, Value>) -> Value {
    json!({
        "type": ["object", "null"],
        "description": description,
        "additionalProperties": false,
        "properties": properties,
    })
}

fn duration() -> Value {
    json!({
        "type": "string",
        "pattern": "^([0-9]+(ms|s|m|h|d|w|y))+$",
        "description": "A duration as PromQL writes it, such as 15m.",
    })
}

fn one_of<T, const N: usize>(choices: [(&str, T); N]) -> Value {
    json!({"enum": choices.map(|(name, _)| name).as_slice()})
}

/// What a query may hold that is a mapping.
fn query_keys() -> Map<String, Value> {
    [
        ("query", json!({"type": "string", "description": "PromQL, variables included."})),
        ("reduce", one_of(Reduce::ALL)),
        ("on_no_data", one_of(OnMissing::ALL)),
        ("on_nan", one_of(OnMissing::ALL)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into_iter()
    .collect()
}

fn query() -> Value {
    json!({
        "anyOf": [
            {"type": "string"},
            {"type": "object", "additionalProperties": false, "properties": query_keys()},
        ],
    })
}

fn queries() -> Value {
    let properties = Signal::all().map(|signal| {
        let description = format!("{}, {}", signal.def().description, signal.unit());
        let query = json!({"$ref": "#/$defs/query", "description": description});
        (signal.key().to_owned(), query)
    });
    object("One query per runtime signal.", properties.collect())
}

fn thresholds() -> Value {
    let number = |description: &str, default: f64| json!({"type": "number", "minimum": 0, "default": default, "description": description});
    let levels = Level::ALL.map(|(_, level)| {
        let start = crate::model::level::Levels::default().start_of(level);
        let description = format!("Score from which the status is {}.", level.status().name());
        (level.threshold().to_owned(), number(&description, start))
    });
    let limits = BuiltIn::all()
        .iter()
        .map(|it| (it.threshold.to_owned(), number(it.description, it.default)));
    object("The levels of the score and the limits.", levels.into_iter().chain(limits).collect())
}

fn weights() -> Value {
    let weights = Weights::default();
    let properties = weights.iter().map(|(signal, weight)| {
        let description = format!("Points for one of {}.", signal.unit());
        let number = json!({
            "type": "number", "minimum": 0, "default": weight, "description": description,
        });
        (signal.key().to_owned(), number)
    });
    object("Points of the score for one second, task or request.", properties.collect())
}

fn evidence() -> Value {
    let properties = RULES.iter().map(|def| {
        let mut setting = match def.setting {
            Setting::Choice => one_of(CHOICES),
            Setting::Count(_) => json!({"type": "number", "minimum": 0}),
            Setting::Duration(_) => duration(),
        };
        let description = format!("Asks that {}; default: {}.", def.description, def.default);
        setting["description"] = description.into();
        (def.key.to_owned(), setting)
    });
    object("How much has to have been seen before the gate may pass.", properties.collect())
}

/// Whether all that is needed has to be there: a profile may give a part of a check.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Completeness {
    Whole,
    Part,
}

fn checks(completeness: Completeness) -> Value {
    let mut of_signal = Map::new();
    for (key, value) in [
        ("severity", one_of(Severity::ALL)),
        ("category", json!({"type": "string"})),
        ("description", json!({"type": "string"})),
        ("max", json!({"type": "number", "description": "Holds while the value is not above."})),
        ("min", json!({"type": "number", "description": "Holds while the value is not below."})),
        ("budget", budget(completeness)),
    ] {
        of_signal.insert(key.to_owned(), value);
    }
    let mut own = of_signal.clone();
    own.extend(query_keys());
    own.insert("spike".to_owned(), spike(completeness));
    own.insert("log".to_owned(), log(completeness));
    let rules = Rule::ALL.map(|(name, _)| json!({"required": [name]}));
    let one_rule = json!({"oneOf": rules});
    let (needed, rule) = match completeness {
        Completeness::Whole => {
            (json!({"oneOf": [{"required": ["query"]}, {"required": ["log"]}]}), one_rule)
        }
        Completeness::Part => {
            let none_or_one = json!({"anyOf": [one_rule, {"not": {"anyOf": rules}}]});
            (json!({"not": {"required": ["query", "log"]}}), none_or_one)
        }
    };
    let of_series = ["reduce", "on_nan", "spike"].map(|key| json!({"required": [key]}));
    let of_series = json!({"anyOf": of_series});
    let signals = Signal::all().map(|signal| {
        let mut keys = of_signal.clone();
        if BuiltIn::of_signal(signal).is_some() {
            keys.retain(|key, _| !matches!(key.as_str(), "min" | "budget"));
        }
        let check = json!({
            "type": "object", "additionalProperties": false, "properties": keys,
            "description": signal.def().description,
        });
        (signal.key().to_owned(), check)
    });
    json!({
        "type": ["object", "null"],
        "description": "Checks of your own by name, and limits of signals by the signal's name.",
        "properties": signals.collect::<Map<_, _>>(),
        "additionalProperties": {
            "type": "object",
            "additionalProperties": false,
            "properties": own,
            "allOf": [
                rule,
                needed,
                {"not": {"allOf": [{"required": ["reduce"]}, {"required": ["spike"]}]}},
                {"not": {"allOf": [{"required": ["log"]}, of_series]}},
            ],
        },
    })
}

fn log(completeness: Completeness) -> Value {
    let is_whole = completeness == Completeness::Whole;
    let needed = if is_whole { json!(["file", "line", "key"]) } else { json!([]) };
    json!({
        "required": needed,
        "type": "object",
        "additionalProperties": false,
        "description": "The value is that of key=value in the last line of a log.",
        "properties": {
            "file": {
                "type": "string", "pattern": "^[A-Za-z0-9_.-]+$",
                "description": "The name of the log, as --log NAME=PATH has it.",
            },
            "line": {"type": "string", "minLength": 1, "description": "What the line contains."},
            "key": {"type": "string", "pattern": "^[A-Za-z0-9_]+$"},
            "as": {"enum": ["integer"], "description": "Truncates a decimal towards zero."},
        },
    })
}

fn budget(completeness: Completeness) -> Value {
    let needed = if completeness == Completeness::Whole { json!(["limit"]) } else { json!([]) };
    json!({
        "required": needed,
        "type": "object",
        "additionalProperties": false,
        "description": "Warns from a part of the limit on; broken at the limit.",
        "properties": {
            "limit": {"type": "number", "exclusiveMinimum": 0},
            "warning_ratio": {
                "type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 0.9,
            },
        },
    })
}

fn spike(completeness: Completeness) -> Value {
    let is_whole = completeness == Completeness::Whole;
    let needed = if is_whole { json!(["window", "step"]) } else { json!([]) };
    json!({
        "required": needed,
        "type": "object",
        "additionalProperties": false,
        "description": "The newest point against the mean of the earlier ones.",
        "properties": {
            "window": duration(),
            "step": duration(),
            "multiplier": {"type": "number", "exclusiveMinimum": 1, "default": 1.5},
            "min_baseline": {"type": "number", "minimum": 0, "default": 0},
        },
    })
}

/// The section is Prometheus' `http_config`; what it may hold in full is in the documentation.
fn http() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": ["object", "null"],
        "description": "How the server is reached, in the words of Prometheus' http_config.",
        "additionalProperties": false,
        "properties": {
            "authorization": {
                "type": "object",
                "additionalProperties": false,
                "properties": {"type": text, "credentials": text, "credentials_file": text},
            },
            "basic_auth": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "username": text, "username_file": text,
                    "password": text, "password_file": text,
                },
            },
            "tls_config": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "ca_file": text, "cert_file": text, "key_file": text, "server_name": text,
                    "insecure_skip_verify": {"type": "boolean"},
                },
            },
            "http_headers": {"type": "object"},
            "proxy_url": text,
            "no_proxy": text,
            "follow_redirects": {"type": "boolean"},
        },
    })
}
