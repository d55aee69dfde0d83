//! Audits that are compared with an earlier one: with its report, or with the past of a server.

use std::fs;
use std::path::Path;

use crate::support::real::{self, Server};
use crate::support::telemetry::{self, CALM, Format, Instance};
use crate::support::{Run, auditor, directory_with, empty_directory};

/// 2026-01-31T12:00:00Z.
const END: i64 = 1_769_860_800;
const DAY: i64 = 86_400;
const HOUR: i64 = 3600;

const ALLOWED: &str = "baseline:
  score: {max_increase: 10%}
  event_loop_lag: {max_increase: 20%, floor: 0.01}
";

/// No threshold is near, and it is much more than it was.
const SLUGGISH: Instance = Instance { lag: 0.1, ..CALM };

/// A server that has one hour of `then`, and a day later one hour of `now`.
fn server(then: &[Instance], now: &[Instance]) -> Server {
    let then = telemetry::text(then, END - DAY - HOUR, END - DAY, Format::OpenMetrics);
    let now = telemetry::text(now, END - HOUR, END, Format::OpenMetrics);
    real::prometheus_of(&(then.replace("# EOF\n", "") + &now), None, "")
}

/// A directory with the configuration that `--init` writes, and what may change.
fn initialised() -> tempfile::TempDir {
    let directory = empty_directory();
    assert_eq!(auditor(directory.path(), &["--init"]).code, 0);
    let path = directory.path().join("metrics.yaml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, text + ALLOWED).unwrap();
    directory
}

fn compared(directory: &Path, server: &Server, more: &[&str]) -> Run {
    let args = ["--target", &server.url, "--var", "selector=job=\"calm\"", "--fail-on-critical"];
    let at = END.to_string();
    let options = ["--at", &at, "--output-format", "json"];
    auditor(directory, &[&args[..], &options, more].concat())
}

/// What became of the comparison of that name.
fn comparison(run: &Run, name: &str) -> serde_json::Value {
    let report = run.json();
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {report:#}")).clone()
}

#[test]
fn a_time_is_not_compared_with_itself() {
    let directory = initialised();
    let args = ["--baseline-window", "10m", "--target", "http://127.0.0.1:9"];
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("shorter than the window of 900s"), "{}", run.stderr);
}

#[test]
fn a_server_is_asked_what_was_a_day_before() {
    if !real::programs("the comparison with the past of a server", &["prometheus", "promtool"]) {
        return;
    }
    let directory = initialised();
    let sluggish = server(&[CALM], &[SLUGGISH]);
    let recovered = server(&[SLUGGISH], &[CALM]);
    let nothing = serde_json::Value::Null;
    for (server, offset, code, passed, then) in [
        (&sluggish, "1d", 1, false.into(), 0.004.into()),
        (&recovered, "1d", 0, true.into(), 0.1.into()),
        (&recovered, "15m", 0, true.into(), 0.004.into()),
        (&sluggish, "2d", 3, nothing.clone(), nothing.clone()),
    ] {
        let run = compared(directory.path(), server, &["--baseline-window", offset]);
        let lag = comparison(&run, "baseline.event_loop_lag");
        assert_eq!(run.code, code, "{offset}: {:#}", run.json());
        assert_eq!((&lag["passed"], &lag["baseline"]["value"]), (&passed, &then), "{lag:#}");
        assert_eq!(comparison(&run, "baseline.score")["passed"], passed);
        let report = run.json();
        assert_eq!(report["evaluated_at"], "2026-01-31T12:00:00Z", "it is about now");
        if offset == "1d" {
            assert_eq!(report["baseline"]["evaluated_at"], "2026-01-30T12:00:00Z");
            assert_eq!(report["baseline"]["offset_s"], 86_400.0);
        }
    }
}

/// The same audit in two steps: what the file holds is what the window finds.
#[test]
fn a_report_of_then_says_the_same_as_the_past_of_the_server() {
    if !real::programs("the comparison with a report of then", &["prometheus", "promtool"]) {
        return;
    }
    let directory = initialised();
    let server = server(&[CALM], &[SLUGGISH]);
    let then = (END - DAY).to_string();
    let args = ["--target", &server.url, "--var", "selector=job=\"calm\"", "--at", &then];
    let earlier = auditor(directory.path(), &[&args[..], &["--report", "then.json"]].concat());
    assert_eq!(earlier.code, 0, "{earlier:?}");
    let of_file = compared(directory.path(), &server, &["--baseline", "then.json"]);
    let of_window = compared(directory.path(), &server, &["--baseline-window", "1d"]);
    assert_eq!((of_file.code, of_window.code), (1, 1));
    assert_eq!(of_file.json()["checks"], of_window.json()["checks"]);
    let baseline = of_file.json()["baseline"].clone();
    assert_eq!((&baseline["path"], &baseline["verdict"]), (&"then.json".into(), &"pass".into()));
}

const CONFIG: &str = "queries:
  p99_latency: latency
  event_loop_lag: max_over_time(lag[$window])
  blocking_duration_avg: blocking
  peak_active_requests: active
checks:
  throughput: {query: rps, min: 1}
";

/// A recording of three scrapes, with that lag in the second one.
fn recording(lag: f64, throughput: f64) -> String {
    let scrape = |second: i64, lag: f64| {
        let values = [("active", 3.0), ("blocking", 0.0), ("lag", lag), ("latency", 0.01)];
        let values = values.into_iter().chain([("rps", throughput)]);
        let at = END + second;
        values.map(|(name, value)| (name, format!("{name} {value} {at}\n"))).collect::<Vec<_>>()
    };
    let mut lines = [scrape(0, 0.001), scrape(1, lag), scrape(2, 0.002)].concat();
    lines.sort_by_key(|(name, _)| *name);
    lines.into_iter().map(|(_, line)| line).collect::<String>() + "# EOF\n"
}

/// A directory with the report `main.json` of a calm service, and recordings of later builds.
fn with_report_of_main(allowed: &str) -> tempfile::TempDir {
    let directory = directory_with(&format!("{CONFIG}{allowed}"));
    let main = "main.om";
    for (name, lag, throughput) in
        [(main, 0.02, 50.0), ("slow.om", 0.03, 50.0), ("few.om", 0.02, 30.0)]
    {
        fs::write(directory.path().join(name), recording(lag, throughput)).unwrap();
    }
    let run = auditor(directory.path(), &["--recording", main, "--report", "main.json", "-q"]);
    assert_eq!(run.code, 0, "{run:?}");
    directory
}

/// What is the same passes by whatever allowance, to the last bit.
#[test]
fn a_build_that_is_the_same_passes_with_nothing_allowed() {
    let directory = with_report_of_main(
        "baseline:
  score: {max_increase: 0}
  event_loop_lag: {max_increase: 0%}
  throughput: {max_decrease: 0}
  load_warning: {max_decrease: 0%}
",
    );
    for (build, code) in [("main.om", 0), ("slow.om", 1), ("few.om", 1)] {
        let args = ["--recording", build, "--baseline", "main.json", "--fail-on-critical"];
        let run = auditor(directory.path(), &[&args[..], &["--no-report"]].concat());
        assert_eq!(run.code, code, "{build}: {}", run.stdout);
    }
}

/// The default report stands where the baseline does: it must not be lost, however the audit ends.
#[test]
fn a_baseline_is_never_overwritten() {
    let directory = with_report_of_main("baseline: {score: {max_increase: 10%}}\n");
    let path = directory.path().join("audit_results.json");
    fs::copy(directory.path().join("main.json"), &path).unwrap();
    let before = fs::read(&path).unwrap();
    for more in [&[][..], &["--no-such-option"], &["--report", "json=audit_results.json"]] {
        let args = ["--recording", "main.om", "--baseline", "audit_results.json"];
        let run = auditor(directory.path(), &[&args[..], more].concat());
        assert_eq!(run.code, 2, "{more:?}: {}", run.stderr);
        assert_eq!(fs::read(&path).unwrap(), before, "{more:?}");
    }
}

/// Nothing is watched before it is known that there is something to compare with.
#[test]
fn a_broken_baseline_is_told_before_the_load_begins() {
    let directory = with_report_of_main("baseline: {score: {max_increase: 10%}}\n");
    fs::write(directory.path().join("half.json"), "{\"schema_version\": 1, ").unwrap();
    let suite = r#"{"schema_version": 1, "scenarios": [], "all_pass": true}"#;
    fs::write(directory.path().join("suite.json"), suite).unwrap();
    let usual = "give --baseline the JSON report";
    let summary =
        "suite.json: this is the summary of a suite; give the report of one of its scenarios";
    for (baseline, words) in [
        ("nowhere.json", usual),
        ("half.json", usual),
        ("metrics.yaml", usual),
        (".", usual),
        ("suite.json", summary),
    ] {
        let args = ["--scrape", "http://127.0.0.1:1/metrics", "--baseline", baseline];
        let load = ["--", "touch", "begun"];
        let run = auditor(directory.path(), &[&args[..], &["--no-report"], &load].concat());
        assert_eq!(run.code, 2, "{baseline}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{}", run.stderr);
        assert!(!directory.path().join("begun").exists(), "{baseline}");
    }
}

/// Every format tells of it.
#[test]
fn every_report_has_the_comparison() {
    let directory = with_report_of_main("baseline: {event_loop_lag: {max_increase: 10%}}\n");
    let formats = [
        ("text", "0.02 s in the baseline (+50%)"),
        ("markdown", "Baseline: main.json"),
        ("github", "event_loop_lag=0.03 &gt; 0.022"),
        ("gitlab", "event_loop_lag=0.03 > 0.022 (0.02 + 10%)"),
        ("junit", "<testcase name=\"baseline.event_loop_lag\""),
        ("sarif", "event_loop_lag=0.03 > 0.022 (0.02 + 10%)"),
        ("html", "main.json, at 2026-01-31T12:00:02Z, verdict pass"),
        (
            "prometheus",
            "auditor_check_passed{check=\"baseline.event_loop_lag\",severity=\"critical\"} 0",
        ),
    ];
    let reports: Vec<_> = formats.iter().map(|(it, _)| format!("--report={it}={it}")).collect();
    let args = ["--recording", "slow.om", "--baseline", "main.json", "--fail-on-critical"];
    let reports = reports.iter().map(String::as_str);
    let args: Vec<_> = args.into_iter().chain(["--no-report"]).chain(reports).collect();
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 1, "{run:?}");
    for (format, words) in formats {
        let text = fs::read_to_string(directory.path().join(format)).unwrap();
        assert!(
            text.contains(words) || text.contains(&words.replace("&gt;", ">")),
            "{format}: {text}"
        );
    }
}

/// The limit follows from the floor, so that the formats with the values name it.
#[test]
fn a_floor_that_decides_is_told() {
    let allowed = "baseline: {event_loop_lag: {max_increase: 10%, floor: 0.025}}\n";
    let directory = with_report_of_main(allowed);
    let formats = ["text", "markdown", "html", "junit"];
    let reports: Vec<_> = formats.iter().map(|it| format!("--report={it}={it}")).collect();
    let args = ["--recording", "slow.om", "--baseline", "main.json", "--no-report"];
    let args: Vec<_> = args.into_iter().chain(reports.iter().map(String::as_str)).collect();
    assert_eq!(auditor(directory.path(), &args).code, 0);
    for format in formats {
        let text = fs::read_to_string(directory.path().join(format)).unwrap();
        let words = "0.02 s in the baseline (+50%), counts as 0.025 s";
        assert!(text.contains(words), "{format}: {text}");
    }
}
