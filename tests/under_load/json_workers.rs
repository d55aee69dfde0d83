//! A program that has its jobs done by processes of their own and shows its state as a JSON document:
//! calm, and ill in the ways that the preset has checks for; by real processes and their CPU ticks.

use serde_json::Value;

use crate::alone;
use crate::presets::{file, free_ports};
use crate::services::with_paths;
use crate::support::real;
use crate::support::{Run, auditor, command, each, empty_directory};

/// How it falls ill after three seconds, the exit code, and the check that is broken, or the words that
/// say why there is no verdict.
const CASES: [(&str, i32, &str); 8] = [
    ("calm", 0, ""),
    // One of the jobs waits for a lock that nobody gives back.
    ("hangs", 1, "stuck"),
    // The process of a job is killed, and the job has failed: one of many.
    ("killed", 0, ""),
    // The same, and the job is listed on and on.
    ("unnoticed", 1, "lost"),
    // Nobody takes a job any more.
    ("dormant", 1, "dormant"),
    // The document is no longer made anew.
    ("frozen", 3, "failed_scrapes"),
    ("off", 3, "it says `enabled: false`"),
    ("idle", 3, "min_requests"),
];

/// It looks back for less than the preset does, so that the runs are shorter.
const SHORTER: [&str; 4] = ["--var", "patience=8s", "--var", "half=4s"];
const GATE: [&str; 3] = ["--fail-on-critical", "--output-format", "json"];

fn audited(mode: &str) -> (Run, Run) {
    let (port, _) = free_ports();
    let directory = empty_directory();
    let start = format!("python3 {} {port} {mode}", file("json_workers.py").display());
    let url = format!("http://127.0.0.1:{port}/metrics");
    let mut live = command(directory.path(), &["--preset", "json-workers", "--scrape-json", &url]);
    live.args(["--start", &start, "--for", "16s", "--record", "rec.om"]).args(SHORTER).args(GATE);
    let live = with_paths(&mut live).output().expect("the binary starts").into();
    let again =
        [&["--preset", "json-workers", "--recording", "rec.om"], &SHORTER[..], &GATE].concat();
    (live, auditor(directory.path(), &again))
}

/// The checks with a finding.
fn broken(report: &Value) -> Vec<&str> {
    let checks = report["checks"].as_array().expect("checks").iter();
    let broken = checks.filter(|it| it["passed"] == false && it["severity"] == "critical");
    broken.map(|it| it["name"].as_str().expect("a name")).collect()
}

#[test]
fn the_preset_tells_workers_that_are_stuck_or_lost_from_those_at_work() {
    if !real::python_with("workers that show a JSON document", &["http.server"]) {
        return;
    }
    let _alone = alone();
    each(&CASES, 4, |(mode, code, words)| {
        let (live, recorded) = audited(mode);
        let report = live.json();
        let shown = format!("{mode}: {report:#}\n{}", live.stderr);
        assert_eq!(live.code, *code, "{shown}");
        if *code == 1 {
            assert_eq!(broken(&report), [*words], "{shown}");
        } else if *code == 3 {
            assert!(
                report["verdict_reason"].as_str().expect("a reason").contains(words),
                "{shown}"
            );
        } else {
            let ratio = report["signals"]["error_ratio"]["value"].as_f64().expect("a ratio");
            assert_eq!(ratio > 0.0, *mode == "killed", "{shown}");
        }
        if *mode != "off" {
            assert_eq!(recorded.code, *code, "{mode}: {}", recorded.stdout);
        }
    });
}
