//! Presets: each is valid, and asks for what its library exports; and how they stand below a file.

mod json_workers;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use auditor::presets::{PRESETS, Preset};
use auditor::promql;
use serde_json::Value;

use crate::schemas::check_configuration;
use crate::support::real;
use crate::support::{auditor, directory_with, empty_directory};

/// The page of the library, as it showed it under load; `None` for what is no page.
fn page(preset: &Preset) -> Option<String> {
    fs::read_to_string(pages().join(format!("{}.prom", preset.name))).ok()
}

fn pages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/presets/pages")
}

/// Names of series on a page.
fn names(page: &str) -> BTreeSet<&str> {
    let lines = page.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| line.split(['{', ' ']).next()).collect()
}

/// The queries and checks of a preset, with its variables put in.
fn queries(preset: &Preset) -> Vec<(String, String)> {
    let tree: Value = yaml_serde::from_str(preset.text).unwrap();
    let vars = tree["vars"].as_object().unwrap().clone();
    let expanded = |text: &str| {
        vars.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("${name}"), value.as_str().unwrap())
        })
    };
    let sections = ["queries", "checks"].into_iter();
    let all = sections.flat_map(|section| tree[section].as_object().cloned().unwrap_or_default());
    let text = |query: &Value| query.as_str().or(query["query"].as_str()).map(str::to_owned);
    all.filter_map(|(name, query)| Some((name, expanded(&text(&query)?)))).collect()
}

#[test]
fn every_preset_is_a_valid_configuration_with_and_without_a_file() {
    for preset in PRESETS {
        let name = preset.name;
        check_configuration(preset.text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let directory = directory_with(preset.text);
        let by_file = auditor(directory.path(), &["--recording", "none.om", "-q"]);
        let by_name = ["--preset", name, "--recording", "none.om", "-q"];
        let by_name = auditor(empty_directory().path(), &by_name);
        let written = empty_directory();
        let init = auditor(written.path(), &["--init", "--preset", name]);
        assert_eq!(init.code, 0, "{name}: {}", init.stderr);
        assert_eq!(fs::read_to_string(written.path().join("metrics.yaml")).unwrap(), preset.text);
        for run in [by_file, by_name] {
            // There is no such recording; the configuration is right.
            assert_eq!(run.code, 3, "{name}: {}{}", run.stdout, run.stderr);
        }
    }
}

#[test]
fn every_preset_asks_for_what_is_on_the_page_of_its_library() {
    for preset in PRESETS.iter().filter(|preset| preset.name != "probe") {
        let name = preset.name;
        let page = page(preset).unwrap_or_else(|| panic!("{name} has no page"));
        let names = names(&page);
        assert!(preset.is_recognised(|mark| names.contains(mark)), "{name}: {:?}", preset.marks());
        for (query, expr) in queries(preset) {
            let parsed = promql::parse(&expr).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(!parsed.selectors().is_empty(), "{name}: {query} selects nothing");
            // With --target a query is answered as a whole: by the server, or by what the probe saw.
            let is_of_probe = |text: &str| text.starts_with("auditor_");
            let of_probe = parsed.selectors().iter().filter(|it| is_of_probe(&it.text)).count();
            assert!([0, parsed.selectors().len()].contains(&of_probe), "{name}: {query} mixes");
            let is_there = |metric: &str| {
                metric.starts_with("auditor_") || names.contains(metric)
                    // Announced: it is there on a condition that the file names.
                    || preset.text.lines().any(|line| line.starts_with("  #") && line.contains(metric))
            };
            for selector in parsed.selectors() {
                match selector.metric() {
                    Some(metric) => assert!(is_there(metric), "{name}: {query} asks for {metric}"),
                    None => {
                        let mut series = names.iter().map(|name| {
                            [("__name__", *name)].into_iter().collect::<auditor::storage::Labels>()
                        });
                        let text = &selector.text;
                        let is_named = |it: &auditor::storage::Labels| {
                            selector.takes("__name__", it.metric_name())
                        };
                        assert!(series.any(|it| is_named(&it)), "{name}: {query} asks for {text}");
                    }
                }
            }
        }
    }
}

/// What one library is recognised by is on no other's page.
#[test]
fn no_preset_is_taken_for_another() {
    for preset in PRESETS.iter().filter(|preset| preset.name != "probe") {
        let page = page(preset).unwrap();
        let names = names(&page);
        let taken_for = PRESETS.iter().filter(|it| it.is_recognised(|mark| names.contains(mark)));
        let taken_for: Vec<_> = taken_for.map(|it| it.name).collect();
        assert_eq!(taken_for, [preset.name]);
    }
}

#[test]
fn prometheus_reads_every_query() {
    if !real::available("queries of presets by promtool") {
        return;
    }
    let rules = PRESETS.iter().flat_map(queries).enumerate().map(|(number, (_, expr))| {
        format!("  - record: query_{number}\n    expr: {}\n", serde_json::to_string(&expr).unwrap())
    });
    let text = format!("groups:\n- name: presets\n  rules:\n{}", rules.collect::<String>());
    let directory = empty_directory();
    let path = directory.path().join("rules.yml");
    fs::write(&path, text).unwrap();
    let checked = Command::new("promtool").args(["check", "rules"]).arg(&path).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn the_list_names_every_preset_and_its_options() {
    let run = auditor(empty_directory().path(), &["--list-presets"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for preset in PRESETS {
        let entry =
            run.stdout.split("\n\n").find(|it| it.starts_with(&format!("{}\n", preset.name)));
        let entry = entry.unwrap_or_else(|| panic!("{} is not listed", preset.name));
        let is_probed = preset.text.contains("auditor_probe_lag_seconds");
        assert_eq!(entry.contains("--probe"), is_probed, "{entry}");
    }
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{}", run.stdout);
}

const LAG: &str = "queries:\n  event_loop_lag: max_over_time(asyncio_event_loop_lag_seconds{$selector}[$window])\nvars: {window: 15m, selector: ''}\n";

fn audit(config: &str, args: &[&str]) -> crate::support::Run {
    let directory = directory_with(config);
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/starved.om");
    let recording = recording.to_str().unwrap();
    let json = ["--recording", recording, "--output-format", "json", "--fail-on-critical"];
    auditor(directory.path(), &[&json, args].concat())
}

#[test]
fn a_preset_is_the_lowest_layer() {
    for (config, args, limit) in [
        ("preset: python-signals\n", &[][..], 0.2),
        ("preset: python-signals\nthresholds: {max_event_loop_lag_s: 0.7}\n", &[], 0.7),
        ("preset: python-signals\nchecks: {event_loop_lag: {max: 0.6}}\n", &[], 0.6),
        // The command line's stands in for the file's.
        ("preset: celery\n", &["--preset", "python-signals"], 0.2),
        ("thresholds: {max_event_loop_lag_s: 0.7}\n", &["--preset", "python-signals"], 0.7),
        (
            "preset: python-signals\nprofiles: {p: {thresholds: {max_event_loop_lag_s: 0.8}}}\n",
            &["--profile", "p"],
            0.8,
        ),
    ] {
        let run = audit(config, args);
        assert_eq!(run.code, 1, "{config}: {}", run.stderr);
        let report = run.json();
        assert_eq!(report["thresholds"]["max_event_loop_lag_s"], limit, "{config}");
        assert_eq!(report["preset"], "python-signals", "{config}");
        assert_eq!(report["config"], "metrics.yaml", "{config}");
    }
}

#[test]
fn a_preset_that_is_not_there_is_told_with_its_place_and_the_nearest() {
    for (config, args, words) in [
        (
            "preset: djnago\n",
            &[][..],
            "metrics.yaml:1:9: there is no preset `djnago`; did you mean `django`?",
        ),
        ("preset: {a: b}\n", &[], "metrics.yaml:1:9: `preset` must be the name of a preset"),
        (
            LAG,
            &["--preset", "djnago"],
            "--preset: there is no preset `djnago`; did you mean `django`?",
        ),
    ] {
        let run = audit(config, args);
        assert_eq!(run.code, 2, "{config}");
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    let run = auditor(empty_directory().path(), &["--preset", "nothing-like-it"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("valid here: probe, python-signals"), "{}", run.stderr);
}

#[test]
fn a_configuration_needs_a_way_to_see_the_loop() {
    let p99 = "queries: {p99_latency: x}\n";
    for (config, args, code) in [
        (LAG, &[][..], 1),
        ("queries: {blocking_duration_avg: x}\n", &[], 3),
        // A recording may be one of a probe; here it is not, so the lag is unknown.
        (p99, &[], 3),
        (&format!("{p99}evidence: {{event_loop: allow}}\n"), &[], 3),
        // One that is judged by something else does not have to have a loop.
        (
            &format!(
                "{p99}checks: {{y: {{query: 'vector(1)', max: 2}}}}\nevidence: {{event_loop: allow, min_requests: 0}}\n"
            ),
            &[],
            0,
        ),
        (&format!("{p99}checks: {{y: {{query: 'vector(1)', max: 2}}}}\n"), &[], 3),
    ] {
        let run = audit(config, args);
        assert_eq!(run.code, code, "{config}: {} {}", run.stdout, run.stderr);
    }
    let directory = directory_with(p99);
    for (args, code) in [
        (&["--target", "http://localhost:9"][..], 2),
        (&["--scrape", "http://localhost:9/metrics"], 2),
        (&["--scrape", "http://localhost:9/metrics", "--probe", "http://localhost:9/"], 3),
        (&["--target", "http://localhost:9", "--probe", "http://localhost:9/", "--for", "1s"], 3),
    ] {
        let run = auditor(directory.path(), args);
        assert_eq!(run.code, code, "{args:?}: {}", run.stderr);
        let is_told = run.stderr.contains("no query here sees whether the event loop is held up");
        assert_eq!(is_told, code == 2, "{args:?}: {}", run.stderr);
    }
}

/// What is left out is told, and is no zero.
#[test]
fn what_is_not_configured_has_no_value() {
    let report = audit(LAG, &[]).json();
    for key in ["p99_latency_ms", "peak_active_requests", "avg_blocking_duration_s"] {
        assert_eq!(report[key], Value::Null, "{key}");
    }
    let terms = report["score_breakdown"].as_array().unwrap();
    let left_out = terms.iter().filter(|term| term["value"].is_null()).count();
    assert_eq!(left_out, 4, "{terms:?}");
    // One signal of the loop proves the mode where the other is not asked for.
    assert_eq!(report["failure_modes"][0]["type"], "EVENT_LOOP_STARVATION");
    let directory = directory_with(LAG);
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/starved.om");
    let text = auditor(directory.path(), &["--recording", recording.to_str().unwrap()]).stdout;
    for signal in ["blocking_duration_avg", "peak_active_requests", "p99_latency"] {
        let row = text.lines().find(|line| line.trim_start().starts_with(signal)).unwrap();
        assert!(row.ends_with("not configured"), "{row}");
    }
}

#[test]
fn a_query_that_never_changes_is_warned_of() {
    let config =
        format!("{LAG}  \n").replace("queries:\n", "queries:\n  threadpool_backlog: vector(0)\n");
    let run = audit(&config, &[]);
    let words =
        "warning: the query `threadpool_backlog` selects no metric, so that it never changes";
    assert!(run.stderr.contains(words), "{}", run.stderr);
}
