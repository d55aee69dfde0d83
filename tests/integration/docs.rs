//! What the documentation shows is what the program does.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::fake::{Fake, Response};
use crate::support::{auditor, directory_with, empty_directory};
use auditor::config::{DEFAULT_METRICS, SuiteFile};
use auditor::model::built_in::BuiltIn;
use auditor::model::evidence::RULES;
use auditor::model::level::{Level, Levels};
use auditor::model::signal::Signal;
use auditor::model::weights::Weights;

const README: &str = include_str!("../../README.md");
const CONFIGURATION: &str = include_str!("../../docs/configuration.md");
const EVIDENCE: &str = include_str!("../../docs/evidence.md");

/// README, and what it leads to.
const SUITES: &str = include_str!("../../docs/suites.md");
const WATCHING: &str = include_str!("../../docs/watching.md");
const PAGES: [&str; 10] = [
    README,
    CONFIGURATION,
    include_str!("../../docs/command-line.md"),
    include_str!("../../docs/outside.md"),
    include_str!("../../docs/repeats.md"),
    include_str!("../../docs/reports.md"),
    include_str!("../../docs/scraping.md"),
    include_str!("../../docs/servers.md"),
    SUITES,
    WATCHING,
];

/// The code blocks of the pages in that language.
fn blocks(language: &str) -> Vec<&'static str> {
    let blocks = PAGES.iter().flat_map(|page| page.split("\n```").skip(1).step_by(2));
    blocks.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n')).collect()
}

/// A backend that has data for everything, and a page of its own.
fn backend() -> Fake {
    let served = AtomicUsize::new(1);
    Fake::start(move |request| match request.path.as_str() {
        "/api/v1/query" => {
            let is_count = request.parameters["query"]
                .starts_with("max_over_time(http_request_duration_seconds_count");
            let value = if is_count { "100" } else { "0.1" };
            Response::vector(&[(BTreeMap::new(), value.to_owned())])
        }
        "/api/v1/query_range" => Response::new(200, NO_SERIES),
        "/metrics" => {
            let served = served.fetch_add(1, Ordering::Relaxed);
            Response::new(200, PAGE.replace("SERVED", &served.to_string()))
        }
        _ => Response::new(200, "Prometheus Server is Healthy.\n"),
    })
}

/// An answer over a range.
const NO_SERIES: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;

/// What the default queries ask for.
const PAGE: &str = "\
http_request_duration_seconds_bucket{le=\"0.1\"} SERVED
http_request_duration_seconds_bucket{le=\"+Inf\"} SERVED
http_request_duration_seconds_count SERVED
asyncio_event_loop_lag_seconds 0.01
blocking_events_total 0
blocking_duration_seconds_sum 0
blocking_duration_seconds_count 0
active_requests 1
threadpool_queue_wait_seconds_sum 0
threadpool_queue_wait_seconds_count 0
threadpool_tasks_started_total 0
threadpool_tasks_completed_total 0
";

#[test]
fn usage_is_what_help_prints() {
    let help = auditor(empty_directory().path(), &["--help"]).stdout;
    // Of spaces at the end of a line nothing is to be seen.
    let help = help.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    assert!(blocks("text").contains(&help.trim_end()), "docs/command-line.md lacks:\n{help}");
}

#[test]
fn the_explanation_shown_is_what_explain_prints() {
    let text = auditor(empty_directory().path(), &["explain", "EVENT_LOOP_STARVATION"]).stdout;
    assert!(blocks("text").contains(&text.trim_end()), "docs/command-line.md lacks:\n{text}");
}

#[test]
fn the_sample_is_what_the_first_command_prints() {
    let first = blocks("sh").into_iter().flat_map(str::lines).next().unwrap();
    let args: Vec<_> = first.strip_prefix("cargo run --release -- ").unwrap().split(' ').collect();
    let run =
        auditor(Path::new(env!("CARGO_MANIFEST_DIR")), &[&args[..], &["--no-report"]].concat());
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(blocks("text").contains(&run.stdout.trim_end()), "README lacks:\n{}", run.stdout);
}

#[test]
fn the_configuration_shown_is_valid() {
    let configurations: Vec<_> =
        blocks("yaml").into_iter().filter(|block| block.contains("queries:")).collect();
    assert!(!configurations.is_empty());
    let fake = backend();
    for config in configurations {
        let directory = directory_with(config);
        let run = auditor(directory.path(), &["--target", &fake.url()]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
}

/// The ways to reach a server, with the files that they name.
#[test]
fn the_section_http_shown_is_valid() {
    let sections: Vec<_> =
        blocks("yaml").into_iter().filter(|block| block.starts_with("http:")).collect();
    assert!(!sections.is_empty());
    let commented = DEFAULT_METRICS.lines().skip_while(|line| *line != "# http:");
    let commented = commented.take_while(|line| !line.is_empty());
    let template: Vec<_> = commented.map(|line| line.trim_start_matches("# ")).collect();
    let template = template.join("\n");
    for section in sections.into_iter().chain([template.as_str()]) {
        let fake = backend();
        let section = section.replace("proxy:3128", fake.url().trim_start_matches("http://"));
        let queries = "queries: {p99_latency: a, event_loop_lag: b, blocking_duration_avg: c, peak_active_requests: d}";
        let directory = directory_with(&format!("{section}\n{queries}\n"));
        let client = rcgen::generate_simple_self_signed(vec!["client".to_owned()]).unwrap();
        for (name, content) in [
            ("token", "abc".to_owned()),
            ("ca.pem", client.cert.pem()),
            ("client.pem", client.cert.pem()),
            ("client-key.pem", client.signing_key.serialize_pem()),
        ] {
            fs::write(directory.path().join(name), content).unwrap();
        }
        let run = auditor(directory.path(), &["--target", &fake.url()]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let sent = &fake.requests()[0].headers;
        assert_eq!(sent["authorization"], "Bearer abc");
        assert_eq!(sent["x-scope-orgid"], "team-a");
        // The file of --http-config holds the same, without the section's name.
        let own: Vec<_> =
            section.lines().skip(1).map(|line| line.strip_prefix("  ").unwrap()).collect();
        fs::write(directory.path().join("http.yaml"), own.join("\n")).unwrap();
        fs::write(directory.path().join("metrics.yaml"), queries).unwrap();
        let args = ["--http-config", "http.yaml", "--target", &fake.url()];
        let run = auditor(directory.path(), &args);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
}

/// Lines of README's shell blocks and of the steps in the workflows that call the binary.
#[test]
fn every_command_shown_is_understood() {
    let workflow = include_str!("../../examples/github-actions-gating.yml");
    let steps = blocks("yaml").into_iter().chain([workflow]).flat_map(str::lines);
    let steps = steps.filter_map(|line| line.trim().strip_prefix("run: "));
    let shell = blocks("sh").into_iter().flat_map(str::lines).chain(steps);
    // What watches has tests of its own (`serve::shown`): it does not end by itself.
    let watches = |line: &str| line.starts_with("auditor serve ") || line.contains("/metrics.json");
    let calls = shell.filter(|line| line.starts_with("auditor ") && !watches(line));
    let calls: Vec<_> = calls.collect();
    assert!(calls.len() >= 9, "{calls:?}");
    let fake = backend();
    // One after the other, as a reader would: what one leaves behind, the next one takes up.
    let directory = empty_directory();
    for call in calls {
        let script = call
            .replace("--start 'uvicorn app:app' ", "")
            .replace("--probe http://localhost:8000/", &format!("--probe {}/", fake.url()))
            .replace("http://localhost:9090", &fake.url())
            .replace("http://localhost:8000/metrics", &format!("{}/metrics", fake.url()))
            .replace("python3 load.py", "echo")
            .replace("--for 10s", "--for 100ms");
        let mut path =
            std::ffi::OsString::from(Path::new(env!("CARGO_BIN_EXE_auditor")).parent().unwrap());
        path.push(":/usr/bin:/bin");
        let status = std::process::Command::new("sh")
            .args(["-ec", &script])
            .current_dir(directory.path())
            .env_clear()
            .env("PATH", path)
            .env("AUDITOR_TARGET", fake.url())
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&status.stderr);
        // The page of the fake stands still, which a doctor tells.
        let is_doctor = script.starts_with("auditor doctor");
        // And nobody but the probe asks it for anything.
        let is_idle = script.contains("--probe") && script.contains("--fail-on");
        let code = if is_doctor || is_idle { 3 } else { 0 };
        assert_eq!(status.status.code(), Some(code), "{script}: {stderr}");
    }
}

#[test]
fn the_suite_shown_is_read_and_the_summary_shown_is_printed() {
    let blocks = |language: &str| {
        let fence = format!("\n```{language}\n");
        SUITES
            .split(&fence)
            .skip(1)
            .map(|it| it.split_once("\n```").unwrap().0.to_owned())
            .collect::<Vec<_>>()
    };
    let suites: Vec<_> =
        blocks("yaml").into_iter().filter(|it| it.contains("scenarios:")).collect();
    assert_eq!(suites.len(), 2);
    for text in suites {
        let suite = SuiteFile::parse(Path::new("SUITE.yaml"), &text).unwrap();
        assert!(suite.expect.is_none_or(|expected| expected == suite.scenarios.len()));
    }
    let console = blocks("console").remove(0);
    let mut lines = console.lines();
    assert_eq!(lines.next(), Some("$ cd examples/fault-suite"));
    let command = lines.next().unwrap().strip_prefix("$ auditor ").unwrap();
    let args: Vec<_> = command.split(' ').chain(["--no-report"]).collect();
    let run = auditor(Path::new("examples/fault-suite"), &args);
    let shown: Vec<_> = lines.collect();
    assert_eq!(run.stdout.trim_end(), shown.join("\n"));
    assert_eq!(run.code, 1);
}

/// A test runs those steps, and with them what README shows of them.
#[test]
fn the_steps_shown_are_those_of_the_workflow() {
    let workflow: yaml_serde::Value =
        yaml_serde::from_str(include_str!("../../examples/github-actions-gating.yml")).unwrap();
    let steps = workflow["jobs"]["gate"]["steps"].as_sequence().unwrap();
    let shown = blocks("yaml").into_iter().find(|block| block.contains("$SERVICE")).unwrap();
    let shown: Vec<yaml_serde::Value> = yaml_serde::from_str(&format!("{shown}\n")).unwrap();
    assert!(shown.len() == 2 && shown.iter().all(|step| steps.contains(step)), "{shown:#?}");
}

/// Every threshold with its default.
fn thresholds() -> Vec<(&'static str, f64)> {
    let levels = Level::ALL.map(|(_, it)| (it.threshold(), Levels::default().start_of(it)));
    let limits = BuiltIn::all().iter().map(|it| (it.threshold, it.default));
    levels.into_iter().chain(limits).collect()
}

#[test]
fn thresholds_are_documented_with_their_defaults() {
    for (key, value) in thresholds() {
        let row = format!("| `{key}` | {value} |");
        assert!(CONFIGURATION.contains(&row), "docs/configuration.md lacks {row}");
    }
    for signal in Signal::all() {
        assert!(CONFIGURATION.contains(&format!("`{}`", signal.key())), "{}", signal.key());
    }
}

#[test]
fn the_template_says_what_the_program_assumes() {
    let template: yaml_serde::Value = yaml_serde::from_str(DEFAULT_METRICS).unwrap();
    for (key, value) in thresholds() {
        assert_eq!(template["thresholds"][key].as_f64(), Some(value), "{key}");
    }
    for (signal, weight) in Weights::default().iter() {
        let line = format!("#   {}: {weight}", signal.key());
        assert!(DEFAULT_METRICS.contains(&line), "{line}");
    }
}

/// What is commented out in the template can be uncommented.
#[test]
fn the_template_is_valid_without_its_comments_too() {
    let mut text = DEFAULT_METRICS.to_owned();
    for section in ["weights", "checks", "evidence", "profiles"] {
        let start = DEFAULT_METRICS.find(&format!("# {section}:")).unwrap();
        for line in DEFAULT_METRICS[start..].lines().take_while(|line| !line.is_empty()) {
            text += &format!("{}\n", line.strip_prefix("# ").unwrap());
        }
    }
    let plan = auditor::config::parse(Path::new("a"), &text, &Default::default());
    let criteria = plan.unwrap().criteria;
    assert!(criteria.checks.iter().any(|check| check.id == "memory"));
    assert_eq!(criteria.evidence.set.len(), 6);
}

/// The queries of async-runtime-auditor 0.1, with the variables put in.
#[test]
fn the_template_asks_what_the_original_asked() {
    let template: yaml_serde::Value = yaml_serde::from_str(DEFAULT_METRICS).unwrap();
    let ratio = |of: &str| format!("rate({of}_sum[15m]) / rate({of}_count[15m])");
    for (key, original) in [
        ("p99_latency", "histogram_quantile(0.99, rate(http_request_duration_seconds_bucket[5m]))"),
        ("event_loop_lag", "max_over_time(asyncio_event_loop_lag_seconds[15m])"),
        ("blocking_events_total", "blocking_events_total"),
        ("blocking_duration_avg", &ratio("blocking_duration_seconds")),
        ("peak_active_requests", "max_over_time(active_requests[15m])"),
        ("threadpool_queue_wait", &ratio("threadpool_queue_wait_seconds")),
        ("threadpool_tasks_started", "threadpool_tasks_started_total"),
        ("threadpool_tasks_completed", "threadpool_tasks_completed_total"),
    ] {
        let ours = template["queries"][key].as_str().unwrap();
        assert_eq!(ours.replace("{$selector}", "").replace("$window", "15m"), original);
    }
    let ours = ["requests_total", "error_ratio"];
    assert_eq!(template["queries"].as_mapping().unwrap().len(), 8 + ours.len());
    assert_eq!(template["vars"]["window"].as_str(), Some("15m"));
}

#[test]
fn rules_of_evidence_are_documented_with_their_defaults() {
    for def in &RULES {
        let row = format!("| `{}` | {} | {} |", def.key, def.default, def.description);
        assert!(EVIDENCE.contains(&row), "docs/evidence.md lacks {row}");
        let rows = EVIDENCE.lines().filter(|line| line.starts_with(&format!("| `{}` |", def.key)));
        assert_eq!(rows.count(), 2, "what it asks for, and of which source: {}", def.key);
        let template = DEFAULT_METRICS.split("# evidence:").nth(1).unwrap();
        assert!(template.contains(def.key), "the template lacks {}", def.key);
    }
    let example = EVIDENCE.split("```yaml").nth(1).and_then(|rest| rest.split("```").next());
    let plan = auditor::config::parse(Path::new("a"), example.unwrap(), &Default::default());
    assert_eq!(plan.unwrap().criteria.evidence.set.len(), 3);
}

#[test]
fn ci_calls_the_test_command() {
    let command = "cargo test --locked";
    assert!(blocks("sh").contains(&command));
    assert!(include_str!("../../.ci/run").lines().any(|line| line == command));
    assert!(include_str!("../../.github/workflows/ci.yml").contains("bash .ci/run"));
}
