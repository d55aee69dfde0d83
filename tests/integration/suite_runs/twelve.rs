//! Twelve scenarios in one suite: every kind of source, and every way to end.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{SIGNALS, assert_ended, each_of, noted, run, summary};
use crate::repeats;
use crate::start::{ON_ANSWERS, SERVICE, python};
use crate::support::real::{self, free_address};
use crate::support::telemetry::{self, CALM, FLEET, Format};
use crate::support::{auditor, empty_directory};

/// 2026-01-31T12:00:00Z.
const END: i64 = 1_769_860_800;
const HOUR: i64 = 3600;

/// A limit that `lenient` takes back.
const STRICT: &str = "
queries: {event_loop_lag: 'max_over_time(asyncio_event_loop_lag_seconds{$selector}[$window])'}
checks: {own: {query: 'max(active_requests{$selector})', max: 5}}
evidence: {min_requests: 0}
profiles: {lenient: {checks: {own: {max: 10}}}}
";

const OF_LOGS: &str = "checks: {
  frames: {log: {file: app, line: FRAMES, key: count}, min: 10},
  p50_us: {log: {file: app, line: LATENCY, key: p50_us}, max: 150000}}
";

/// What a service shows of itself on its page of metrics.
const ON_ITS_PAGE: &str = "queries: {p99_latency: calm, event_loop_lag: calm}\n";

/// What the scenarios are made of.
fn directory() -> tempfile::TempDir {
    let directory = empty_directory();
    let path = directory.path();
    assert_eq!(auditor(path, &["--init"]).code, 0);
    let calm = telemetry::text(&[CALM], END - HOUR, END, Format::OpenMetrics);
    for (name, text) in [
        ("calm.om", calm.as_str()),
        ("service.py", SERVICE),
        ("outside.yaml", ON_ANSWERS),
        ("page.yaml", ON_ITS_PAGE),
        ("probe.yaml", "preset: probe\n"),
        ("signals.yaml", SIGNALS),
        ("strict.yaml", STRICT),
        ("logs.yaml", OF_LOGS),
        ("good.log", "FRAMES count=12 late=0\nLATENCY p50_us=90000\n"),
        ("slow.log", "FRAMES count=12 late=3\nLATENCY p50_us=200000\n"),
    ] {
        fs::write(path.join(name), text).unwrap();
    }
    fs::copy("examples/blocked.om", path.join("blocked.om")).unwrap();
    directory
}

/// A shell command that becomes a service at that address.
fn service(name: &str, address: &str) -> String {
    let (host, port) = address.split_once(':').unwrap();
    noted(name) + &format!("exec python3 service.py {host} {port}")
}

/// The suite, which asks that server and that flaky one.
fn suite(server: &str, flaky: &str) -> Value {
    let [probed, scraped] = [(); 2].map(|()| free_address());
    json!({
        "scenarios": [
            {"id": "blocked", "name": "A query in the loop", "config": "probe.yaml",
             "recording": "blocked.om"},
            {"id": "hangs", "config": "signals.yaml", "target": flaky, "time_limit": "2s",
             "settle": "0s", "command": noted("hangs") + "sleep 100 & sleep 100"},
            {"id": "calm", "recording": "calm.om"},
            {"id": "server", "target": server, "at": END, "vars": {"selector": "job=\"calm\""}},
            {"id": "lenient", "config": "strict.yaml", "profile": "lenient", "target": server,
             "at": END, "vars": {"selector": "job=\"calm\"", "window": "10m"}},
            {"id": "nobody", "target": server, "at": END, "vars": {"selector": "job=\"nobody\""}},
            {"id": "probed", "config": "outside.yaml", "start": service("probed", &probed),
             "probe": format!("http://{probed}/"), "command": noted("load") + "sleep 2"},
            {"id": "logs", "config": "logs.yaml", "logs": {"app": "good.log"},
             "metrics": {"frames": {"file": "app", "line": "FRAMES"}}},
            {"id": "scraped", "config": "page.yaml", "start": service("scraped", &scraped),
             "scrape": format!("http://{scraped}/metrics"), "every": "100ms",
             "command": ["sleep", 1]},
            {"id": "slow-logs", "config": "logs.yaml", "logs": {"app": "slow.log"}},
            {"id": "flaky", "config": "signals.yaml", "target": flaky, "samples": 3,
             "interval": "10ms", "failure_threshold": 2},
            {"id": "broken-load", "config": "signals.yaml", "target": flaky, "settle": "0s",
             "command": "exit 7"},
        ],
        "expect": {"scenarios": 12},
    })
}

/// The scenario of that id.
fn of<'a>(summary: &'a Value, id: &str) -> &'a Value {
    let scenarios = summary["scenarios"].as_array().unwrap();
    scenarios.iter().find(|it| it["id"] == id).unwrap()
}

#[test]
fn twelve_scenarios_come_to_one_answer() {
    let name = "twelve_scenarios_come_to_one_answer";
    if !python(name) || !real::programs(name, &["prometheus", "promtool"]) {
        return;
    }
    let directory = directory();
    let path = directory.path();
    let server = real::prometheus(&FLEET, END - HOUR, END, "");
    // `hangs` comes first, then the three samples of `flaky`.
    let flaky = repeats::server("PPFPP");
    fs::write(path.join("suite.yaml"), suite(&server.url, &flaky.url()).to_string()).unwrap();
    let began = Instant::now();
    let run = run(path, &["--run-id", "night", "--run-dir", "kept", "--jobs", "3"]);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(60), "the command that hangs is ended: {took:?}");

    let summary = summary(path);
    let expected = [
        ("blocked", "FAIL", "the score is 2320; CRITICAL starts at 400"),
        ("hangs", "FAIL", "did not end within 2s and was ended (--time-limit)"),
        ("calm", "PASS", "the score is "),
        ("server", "PASS", "the score is "),
        ("lenient", "PASS", "the score is "),
        ("nobody", "INCONCLUSIVE", "no signal of the score is known"),
        ("probed", "PASS", "the score is "),
        ("logs", "PASS", "all checks passed"),
        ("scraped", "PASS", "the score is "),
        ("slow-logs", "FAIL", "p50_us=200000 > 150000"),
        ("flaky", "PASS", "1 of 3 samples failed, the limit is 2 in a row"),
        ("broken-load", "FAIL", "exited with code 7"),
    ];
    let shown = format!("{}{}", run.stdout, run.stderr);
    let found = each_of(&summary, "id").into_iter().zip(each_of(&summary, "status"));
    let statuses: Vec<_> = expected.iter().map(|(id, status, _)| (*id, *status)).collect();
    assert_eq!(found.collect::<Vec<_>>(), statuses, "{shown}");
    for ((id, _, words), reason) in expected.iter().zip(each_of(&summary, "reason")) {
        assert!(reason.contains(words), "{id}: {reason}");
    }
    assert_whole(&summary, run.code);
    assert_entries(&summary);
    assert_told(&run.stdout, &expected.map(|(id, status, _)| (id, status)));
    for name in ["hangs", "probed", "load", "scraped"] {
        assert_ended(path, name);
    }
    assert_kept(path, &summary);
}

/// What the summary says of all of them together.
fn assert_whole(summary: &Value, code: i32) {
    let counts = json!({"total": 12, "pass": 7, "fail": 4, "inconclusive": 1});
    assert_eq!(summary["counts"], counts);
    assert_eq!((code, &summary["exit_code"]), (1, &1.into()));
    assert_eq!(
        (&summary["recommended_exit_code"], &summary["all_pass"]),
        (&1.into(), &false.into())
    );
    assert_eq!((&summary["expected_scenarios"], &summary["run_id"]), (&12.into(), &"night".into()));
    let reason = "4 of 12 scenarios failed: blocked, hangs, slow-logs, broken-load";
    assert_eq!((&summary["verdict"], &summary["verdict_reason"]), (&"fail".into(), &reason.into()));
    assert_eq!((summary.get("not_finished"), &summary["error"]), (None, &Value::Null));
    let limits = json!({"frames_min": 10, "p50_us_max": 150_000});
    assert_eq!(summary["thresholds"]["slow-logs"], limits);
    let orders = summary["scenarios"].as_array().unwrap().iter().map(|it| it["order"].as_u64());
    assert!(orders.eq((1..=12).map(Some)));
}

/// What it says of some of them beside their status.
fn assert_entries(summary: &Value) {
    let blocked = of(summary, "blocked");
    assert_eq!(blocked["name"], "A query in the loop");
    assert_eq!(blocked["failure_modes"], json!(["EVENT_LOOP_STARVATION"]));
    assert!(blocked["culprit"].as_str().unwrap().starts_with("examples/shop/db.py:16"));
    assert_eq!(blocked["score"], 2320.27);
    for (id, exits) in [
        ("blocked", json!({"command": 0})),
        ("hangs", json!({"command": null})),
        ("logs", json!({})),
        ("broken-load", json!({"command": 7})),
        ("probed", json!({"command": 0})),
        ("scraped", json!({"command": 0})),
    ] {
        assert_eq!(of(summary, id)["process_exit"], exits, "{id}");
    }
    assert!(of(summary, "hangs")["duration_ms"].as_i64() >= Some(2000));
    let own = &of(summary, "lenient")["checks"][0];
    assert_eq!(
        (&own["metric"], &own["actual"], &own["expected"]),
        (&json!("own"), &json!(7), &json!(10))
    );
    let logs = of(summary, "logs");
    assert_eq!(logs["metrics"]["frames"], json!({"count": 12, "late": 0}));
    assert!(logs["evidence"]["app"].as_str().unwrap().ends_with("good.log"));
    assert_eq!((logs.get("score"), logs.get("runtime_status")), (None, None));
    assert_eq!(of(summary, "slow-logs")["violations"], json!(["p50_us=200000 > 150000"]));
    assert_eq!(of(summary, "nobody")["verdict"], "inconclusive");
}

/// Standard output has them in the order of the suite.
fn assert_told(stdout: &str, expected: &[(&str, &str)]) {
    let lines = stdout.lines().filter_map(|line| {
        let mut words = line.strip_prefix("  ")?.split_whitespace();
        let status = words.next().filter(|_| !line.starts_with("   "))?;
        Some((words.next()?, status))
    });
    assert_eq!(lines.collect::<Vec<_>>(), expected, "{stdout}");
    assert!(stdout.contains("12 scenarios: 7 passed, 4 failed, 1 without a verdict"), "{stdout}");
}

/// The report of each is where the summary says.
fn assert_kept(path: &Path, summary: &Value) {
    for entry in summary["scenarios"].as_array().unwrap() {
        let kept = format!("kept/{}.json", entry["id"].as_str().unwrap());
        assert_eq!(entry["evidence"]["report"], kept);
        let report: Value =
            serde_json::from_str(&fs::read_to_string(path.join(&kept)).unwrap()).unwrap();
        assert_eq!(report["verdict"], entry["verdict"], "{kept}");
    }
}
