//! A load need not go on once it is bound to fail; and one that may still pass does.

mod server;

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use server::Answer;

use super::GATE;
use crate::interruption::{assert_nothing_left, ended, spawn};
use crate::start;
use crate::support::fake::Fake;
use crate::support::page::{CONFIG, metrics};
use crate::support::real::{free_address, programs};
use crate::support::{auditor, directory_with, each};

/// A command that writes down its number, starts another one, and takes long.
const LOAD: &str = "echo $$ > started; sleep 100 & sleep 100";

/// A page whose loop lags by so many seconds at one scrape, and is calm before and after.
fn lagging(once: f64) -> Fake {
    let asked = AtomicUsize::new(0);
    Fake::start(move |_| {
        metrics(if asked.fetch_add(1, Ordering::Relaxed) == 20 { once } else { 0.01 })
    })
}

fn scrape<'a>(url: &'a str, options: &[&'a str]) -> Vec<&'a str> {
    let args = ["--scrape", url, "--every", "50ms", "--output-format", "json", "--abort-on-breach"];
    [&args[..], options].concat()
}

#[test]
fn a_proven_breach_ends_the_command_with_all_that_it_started() {
    let (service, directory) = (lagging(2.0), directory_with(CONFIG));
    let (path, url) = (directory.path(), service.url());
    let began = Instant::now();
    let options = [GATE, "--record", "run.om", "--", "/bin/sh", "-c", LOAD];
    let run = ended(spawn(path, &scrape(&url, &options)));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(run.code, 1, "{}", run.stderr);
    let group = fs::read_to_string(path.join("started")).unwrap().trim().parse().unwrap();
    assert_nothing_left(path, Some(group));
    let report = run.json();
    let status = report["command"]["status"].as_str().unwrap();
    let words = "was told to end once a breach was proven, and was ended by signal: 15 (SIGTERM)";
    assert_eq!(status, words);
    let reason = report["verdict_reason"].as_str().unwrap();
    let expected = "the score is 3003; CRITICAL starts at 1200; the command was ended early, as a \
                    breach was proven by then";
    assert_eq!((&report["verdict"], reason), (&"fail".into(), expected));
    assert_eq!(report["error"], serde_json::Value::Null);

    let replay = ["--recording", "run.om", "--output-format", "json"];
    let again = auditor(path, &[&replay[..], &[GATE]].concat());
    let replayed = again.json();
    assert_eq!((again.code, &replayed["verdict_reason"]), (1, &expected.into()));
    assert_eq!(replayed["command"], report["command"]);
    // By other limits it might have passed, and failed later.
    let lenient = format!(
        "{CONFIG}thresholds: {{health_score_critical: 9000, health_score_collapse: 9999}}\n"
    );
    fs::write(path.join("metrics.yaml"), lenient).unwrap();
    for gate in [&[][..], &[GATE]] {
        let run = auditor(path, &[&replay[..], gate].concat());
        let told = run.json()["verdict_reason"].as_str().unwrap().to_owned();
        assert_eq!(run.code, 3, "{told}");
        assert!(told.contains("(the score is at least 3003; CRITICAL starts at 1200)"), "{told}");
    }
}

/// What looks bad and is not proven, or not bad, does not end the load.
#[test]
fn a_load_that_may_still_pass_runs_to_its_end() {
    let mean = CONFIG.replace("max_over_time(lag_seconds", "avg_over_time(lag_seconds");
    let instant = CONFIG.replace("max_over_time(lag_seconds[$window])", "lag_seconds");
    let minimum =
        format!("{CONFIG}checks: {{own: {{query: 'max_over_time(active[$window])', min: 5}}}}\n");
    let given = ["--var", "window=30s"];
    let cases: [(&str, f64, &[&str], i32, bool); 5] = [
        (CONFIG, 0.3, &[], 0, false),
        (&mean, 2.0, &[], 0, false),
        (&instant, 2.0, &[], 0, false),
        (&minimum, 0.3, &[], 1, false),
        (CONFIG, 2.0, &given, 1, true),
    ];
    each(&cases, 5, |(config, lag, options, code, is_powerless)| {
        let (service, directory) = (lagging(*lag), directory_with(config));
        let url = service.url();
        let options = [*options, &[GATE, "--", "/bin/sleep", "4"]].concat();
        let run = auditor(directory.path(), &scrape(&url, &options));
        let report = run.json();
        assert_eq!(run.code, *code, "{config}: {}", report["verdict_reason"]);
        assert_eq!(report["command"]["status"], "exited with code 0", "{config}");
        assert!(!report["verdict_reason"].as_str().unwrap().contains("ended early"), "{config}");
        let is_told = run.stderr.contains("--abort-on-breach has no effect");
        assert_eq!(is_told, *is_powerless, "{config}: {}", run.stderr);
    });
}

/// A sample that was ended early has failed.
#[test]
fn a_breaker_counts_it() {
    let (service, directory) = (Fake::start(|_| metrics(2.0)), directory_with(CONFIG));
    let url = service.url();
    let options = [GATE, "--samples", "2", "--failure-threshold", "2", "--", "/bin/sleep", "100"];
    let began = Instant::now();
    let run = auditor(directory.path(), &scrape(&url, &options));
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let report = run.json();
    assert_eq!((run.code, &report["samples"]["failing"]), (1, &2.into()), "{}", run.stderr);
    let reason = report["verdict_reason"].as_str().unwrap();
    assert!(
        reason.starts_with("2 consecutive samples failed, the limit is 2: the score"),
        "{reason}"
    );
}

/// A real service, looked at from outside.
#[test]
fn a_blocked_service_is_not_loaded_any_longer_and_a_calm_one_is() {
    let test = "a_blocked_service_is_not_loaded_any_longer_and_a_calm_one_is";
    if !programs(test, &["python3"]) {
        return;
    }
    // What is seen from outside proves it as well where a server is asked for the rest.
    let calm = server::answering(|_| Answer::Lag("0.01"), "0.01");
    let target = calm.url();
    for (path, pause, code, beside) in [
        ("/block?2.5", 100, 1, &[][..]),
        ("/", 4, 0, &[]),
        ("/block?2.5", 100, 1, &["--target", &target]),
    ] {
        let directory = start::directory();
        let address = free_address();
        let (url, serve) = (format!("http://{address}/"), start::serve(&address));
        let load = format!(
            "import time, urllib.request\n\
             time.sleep(1)\n\
             urllib.request.urlopen('http://{address}{path}').read()\n\
             time.sleep({pause})"
        );
        let args = ["--start", &serve, "--probe", &url, GATE, "--abort-on-breach"];
        let more = ["--output-format", "json", "--", "python3", "-c", &load];
        let began = Instant::now();
        let run = start::run(directory.path(), &[beside, &args, &more].concat());
        assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
        let report = run.json();
        assert_eq!(run.code, code, "{path}: {}", report["verdict_reason"]);
        let status = report["command"]["status"].as_str().unwrap();
        assert_eq!(status.contains("once a breach was proven"), code == 1, "{path}: {status}");
    }
}

#[test]
fn it_takes_a_command_and_a_gate() {
    let load = ["--", "true"];
    for (args, words) in [
        (&["--scrape", "http://localhost:1", GATE][..], "<COMMAND>"),
        (&["--scrape", "http://localhost:1", "--", "true"], "there is no gate"),
        (&["--target", "http://localhost:1", GATE], "<COMMAND>"),
        (&["--target", "http://localhost:1", "--", "true"], "there is no gate"),
        (&["--recording", "run.om", GATE, "--", "true"], "--recording"),
    ] {
        let run = auditor(directory_with(CONFIG).path(), &[&["--abort-on-breach"], args].concat());
        assert_eq!(run.code, 2, "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{args:?}: {}", run.stderr);
    }
    let args = ["doctor", "--abort-on-breach", "--scrape", "http://localhost:1", GATE];
    let run = auditor(directory_with(CONFIG).path(), &[&args[..], &load].concat());
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("leave --abort-on-breach out"), "{}", run.stderr);
}
