//! Audits of logs that a command writes, or does not.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::thread;
use std::time::Duration;

use crate::support::{Run, auditor, command, directory_with};
use serde_json::{Value, json};

const CONFIG: &str =
    "checks:\n  p50_us: {log: {file: load, line: LATENCY, key: p50_us}, max: 10}\n";

/// An audit of `before`, the log as an earlier run has left it, with a shell command.
fn audit(config: &str, before: Option<&str>, args: &[&str], script: &str) -> Run {
    let directory = directory_with(config);
    if let Some(before) = before {
        fs::write(directory.path().join("load.log"), before).unwrap();
    }
    let mut all = vec!["--log", "load=load.log", "--output-format", "json"];
    all.extend(args);
    all.extend(["--", "sh", "-c", script]);
    auditor(directory.path(), &all)
}

#[test]
fn a_log_is_read_after_the_command_that_writes_it() {
    let writes = "echo LATENCY p50_us=5 >> load.log";
    let slowly = "sleep 0.2; echo LATENCY p50_us=11 > load.log; sleep 0.1; echo LATENCY p50_us=6 >> load.log";
    for (before, script, code) in [
        (None, writes, 0),
        (Some("LATENCY p50_us=50\n"), writes, 0),
        (Some("LATENCY p50_us=5\n"), "echo LATENCY p50_us=50 >> load.log", 1),
        // As long as before.
        (Some("LATENCY p50_us=5\n"), "echo LATENCY p50_us=5 > load.log", 0),
        (None, slowly, 0),
        (None, "echo LATENCY p50_us=5 > load.log; exit 7", 1),
    ] {
        let run = audit(CONFIG, before, &["--fail-on-critical"], script);
        assert_eq!(run.code, code, "{script}: {}", run.stdout);
    }
}

#[test]
fn a_log_of_an_earlier_run_tells_nothing_of_this_one() {
    let before = Some("LATENCY p50_us=5\n");
    let zero = CONFIG.replace("max: 10", "max: 10, on_no_data: zero");
    for config in [CONFIG, &zero] {
        let run = audit(config, before, &["--fail-on-critical"], "true");
        let reason = run.json()["verdict_reason"].to_string();
        assert_eq!(run.code, 3, "{reason}");
        assert!(reason.contains("load.log was not written since the command started"), "{reason}");
    }
}

/// It was written before the command began, whatever is done with it then.
#[test]
fn an_old_log_that_is_put_in_its_place_tells_nothing() {
    let old = "echo LATENCY p50_us=5 > old; touch -d 2020-01-01 old;";
    for put in ["cp -p old load.log", "mv old load.log", "ln -f old load.log"] {
        let run = audit(CONFIG, None, &["--fail-on-critical"], &format!("{old} {put}"));
        assert_eq!(run.code, 3, "{put}: {}", run.stdout);
    }
}

/// Half a number is another number: `9` of `926900`.
#[test]
fn a_log_that_ends_within_a_value_tells_nothing_of_it() {
    for (written, code) in [
        ("LATENCY p50_us=5", 3),
        ("LATENCY p50_us=5 b", 0),
        ("LATENCY p50_us=5 ", 0),
        ("LATENCY p50_us=50 b=1", 1),
        ("LATENCY b=1 p50", 3),
    ] {
        let zero = CONFIG.replace("max: 10", "max: 10, on_no_data: zero");
        for config in [CONFIG, &zero] {
            let script = format!("printf '{written}' > load.log");
            let run = audit(config, None, &["--fail-on-critical"], &script);
            assert_eq!(run.code, code, "{written}: {}", run.stdout);
        }
    }
}

#[test]
fn a_value_of_a_log_is_compared_with_a_baseline() {
    let config =
        format!("{}baseline: {{p50_us: {{max_increase: 10%}}}}\n", CONFIG.replace("10", "1000"));
    let directory = directory_with(&config);
    let audit = |value: u32, args: &[&str]| {
        let script = format!("echo LATENCY p50_us={value} > load.log");
        let first = ["--log", "load=load.log", "--fail-on-critical", "--output-format", "json"];
        auditor(directory.path(), &[&first[..], args, &["--", "sh", "-c", &script]].concat())
    };
    let first = audit(100, &[]);
    assert_eq!(first.code, 0, "{}", first.stdout);
    fs::write(directory.path().join("main.json"), first.stdout).unwrap();
    for (value, code) in [(110, 0), (111, 1)] {
        let run = audit(value, &["--baseline", "main.json"]);
        assert_eq!(run.code, code, "{}", run.stdout);
    }
    fs::write(directory.path().join("metrics.yaml"), config.replace("p50_us: {max", "p50: {max"))
        .unwrap();
    assert_eq!(audit(100, &[]).code, 2);
}

/// Nothing writes it in between.
#[test]
fn the_same_log_is_not_read_several_times() {
    let directory = directory_with(CONFIG);
    fs::write(directory.path().join("load.log"), "LATENCY p50_us=50\n").unwrap();
    let args = ["--log", "load=load.log", "--fail-on-critical", "--samples", "2"];
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("--samples would read the same logs again"), "{}", run.stderr);
}

#[test]
fn the_report_says_where_a_value_stands_and_claims_no_status() {
    let run = audit(CONFIG, None, &["--fail-on-critical"], "echo LATENCY p50_us=5 > load.log");
    let report = run.json();
    let check = report["checks"].as_array().unwrap().iter().find(|it| it["name"] == "p50_us");
    let check = check.unwrap();
    let log = json!({"file": "load", "path": "load.log", "line": "LATENCY", "key": "p50_us"});
    assert_eq!(
        (&check["log"], &check["query"], &check["actual"]),
        (&log, &Value::Null, &json!(5.0))
    );
    for (key, value) in [
        ("status", json!("INCONCLUSIVE")),
        ("runtime_health_score", Value::Null),
        ("source", json!("log")),
        ("target", json!("load.log")),
        ("verdict", json!("pass")),
        ("verdict_reason", json!("all checks passed")),
        ("error", Value::Null),
    ] {
        assert_eq!(report[key], value, "{key}");
    }
    let without = report["checks"].as_array().unwrap().iter().filter(|it| it.get("log").is_none());
    assert!(without.count() > 0, "a check of a signal has no log");
}

#[test]
fn every_report_tells_of_the_checks_and_of_no_signal() {
    let directory = directory_with(CONFIG);
    fs::write(directory.path().join("load.log"), "LATENCY p50_us=200000\n").unwrap();
    let formats = ["text", "markdown", "html", "junit", "github", "gitlab", "sarif", "prometheus"];
    let mut args = vec!["--log", "load=load.log", "--fail-on-critical", "--no-report"];
    let reports = formats.map(|format| format!("{format}={format}.out"));
    args.extend(reports.iter().flat_map(|report| ["--report", report]));
    assert_eq!(auditor(directory.path(), &args).code, 1);
    for format in formats {
        let text = fs::read_to_string(directory.path().join(format!("{format}.out"))).unwrap();
        assert!(text.contains("200000"), "{format}: {text}");
        for word in ["event_loop_lag", "HEALTHY", "Over time", "not configured"] {
            // These two list every status, limit or rule that there is.
            let is_told = !matches!(format, "prometheus" | "sarif") && text.contains(word);
            assert!(!is_told, "{format} tells of {word}: {text}");
        }
    }
    let place = "the value of `p50_us` in the last line with `LATENCY` of load.log";
    for format in ["html", "junit"] {
        let text = fs::read_to_string(directory.path().join(format!("{format}.out"))).unwrap();
        assert!(text.contains(place), "{format}: {text}");
    }
}

#[test]
fn without_a_gate_a_broken_check_is_told_and_stops_nothing() {
    let run = audit(CONFIG, None, &[], "echo LATENCY p50_us=11 > load.log");
    assert_eq!((run.code, run.json()["verdict"].as_str()), (0, Some("not_gated")));
    let run = audit(CONFIG, None, &[], "echo LATENCY p50_us=1 > load.log");
    assert_eq!((run.code, run.json()["verdict"].as_str()), (0, Some("pass")));
}

#[test]
fn a_gate_passes_by_the_checks_that_it_looks_at() {
    let config = "checks:
  p50_us: {log: {file: load, line: LATENCY, key: p50_us}, max: 10}
  p99_us: {log: {file: load, line: LATENCY, key: p99_us}, max: 10, severity: warning}\n";
    let warning = "but the check `p99_us` (warning) is broken: p99_us=11 > 10";
    for (line, gate, code, words) in [
        ("p50_us=1 p99_us=1", "critical", 0, "all checks passed"),
        ("p50_us=1 p99_us=11", "critical", 0, warning),
        ("p50_us=1 p99_us=11", "degraded", 1, "`p99_us` (warning) is broken"),
        ("p50_us=1", "critical", 0, "all checks that the gate looks at passed"),
        ("p50_us=1", "degraded", 3, "has no value of `p99_us`"),
        ("p99_us=1", "critical", 3, "has no value of `p50_us`"),
    ] {
        let script = format!("echo LATENCY {line} > load.log");
        let run = audit(config, None, &["--fail-on", gate], &script);
        let reason = run.json()["verdict_reason"].as_str().unwrap().to_owned();
        assert_eq!(run.code, code, "{line} {gate}: {reason}");
        assert!(reason.contains(words), "{line} {gate}: {reason}");
    }
}

#[test]
fn what_need_never_end_is_not_waited_for() {
    let directory = directory_with(CONFIG);
    let zero = CONFIG.replace("max: 10", "max: 10, on_no_data: zero");
    fs::write(directory.path().join("metrics.yaml"), zero).unwrap();
    for path in ["/dev/zero", "/dev/stdin"] {
        let log = format!("load={path}");
        let run = auditor(directory.path(), &["--log", &log, "--fail-on-critical"]);
        assert_eq!(run.code, 3, "{}", run.stdout);
        assert!(run.stdout.contains("it is no regular file"), "{}", run.stdout);
    }
}

#[test]
fn a_number_that_rounding_makes_equal_to_its_limit_is_not_told() {
    for (limit, value, code) in [
        ("max: 9007199254740992", "9007199254740992", 0),
        ("max: 9007199254740992", "9007199254740993", 3),
        ("max: 9007199254740992", "9007199254740995", 1),
        ("min: 1", "99999999999999999999999", 0),
        ("max: 10", "9999999999999999999999999999999999999999999", 3),
        ("max: 0", "-0.0", 0),
        ("max: 10", "10.0000001", 1),
        ("max: 10, on_no_data: zero", "", 0),
    ] {
        let script = format!("echo LATENCY p50_us={value} > load.log");
        let config = CONFIG.replace("max: 10", limit);
        let run = audit(&config, None, &["--fail-on-critical"], &script);
        assert_eq!(run.code, code, "{limit} {value}: {}", run.json()["verdict_reason"]);
    }
}

#[test]
fn the_doctor_shows_the_line_and_the_value_or_why_there_is_none() {
    let directory = directory_with(CONFIG);
    let look = |log: &str| {
        fs::write(directory.path().join("load.log"), log).unwrap();
        let run = auditor(directory.path(), &["doctor", "--log", "load=load.log"]);
        (run.code, run.stdout)
    };
    for (log, code, words) in [
        (
            "LATENCY p50_us=1\nx LATENCY p50_us=7 z\n",
            0,
            ["found: x LATENCY p50_us=7 z", "p50_us: 7\n"],
        ),
        ("LATENCY p99_us=1\n", 3, ["found: LATENCY p99_us=1", "has no value of `p50_us`"]),
        ("LATENCY p50_us=7ms\n", 3, ["found: LATENCY p50_us=7ms", "p50_us=7ms is no number"]),
        ("nothing\n", 3, ["p50_us: unknown", "no line of load.log contains `LATENCY`"]),
    ] {
        let (found, text) = look(log);
        assert_eq!(found, code, "{text}");
        words.iter().for_each(|it| assert!(text.contains(it), "{it} is not in\n{text}"));
    }
}

#[test]
fn a_report_is_not_written_over_a_log() {
    let directory = directory_with(CONFIG);
    fs::write(directory.path().join("load.log"), "LATENCY p50_us=1\n").unwrap();
    let run = auditor(directory.path(), &["--log", "load=load.log", "--report", "json=load.log"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert_eq!(
        fs::read_to_string(directory.path().join("load.log")).unwrap(),
        "LATENCY p50_us=1\n"
    );
}

/// 1 GiB in lines of half a MiB, all holes but their ends, with one line that is longer than any may be.
#[test]
#[cfg(target_os = "linux")]
fn a_large_log_is_read_in_bounded_memory() {
    let directory = directory_with(CONFIG);
    let mut log = File::create(directory.path().join("load.log")).unwrap();
    log.write_all(b"LATENCY p50_us=50\n").unwrap();
    for line in (0..2048).filter(|line| !(100..120).contains(line)) {
        log.seek(SeekFrom::Start(line << 19 | 0x7_ffff)).unwrap();
        log.write_all(b"\n").unwrap();
    }
    log.write_all(b"LATENCY p50_us=5\n").unwrap();
    let args = ["--log", "load=load.log", "--fail-on-critical", "--quiet"];
    let mut child = command(directory.path(), &args).spawn().unwrap();
    let mut peak = 0;
    let status = loop {
        peak = peak.max(crate::faults::memory::high_water(child.id()).unwrap_or_default());
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        thread::sleep(Duration::from_millis(1));
    };
    assert_eq!(status.code(), Some(0));
    assert!(peak < 50, "{peak} MiB");
}
