//! What those meet who use `auditor` for the first time: slips of the command line, and what is said of
//! them; failures, each said once; and what fits a screen.

use std::fs;

use super::{CONFIG, backend};
use crate::support::fake::{Fake, Request, Response};
use crate::support::real::free_address;
use crate::support::{Run, auditor, directory_with, empty_directory};

/// A terminal of the usual size.
const SCREEN: (usize, usize) = (80, 40);

#[test]
fn slips_of_the_command_line_are_named_with_what_to_write() {
    for (line, tip) in [
        ("init", "did you mean `auditor --init`?"),
        ("help", "did you mean `auditor --help`?"),
        ("help query", "did you mean `auditor query --help`?"),
        ("version", "did you mean `auditor --version`?"),
        ("--json", "did you mean `--output-format json`?"),
        ("query up --json", "did you mean `--output-format json`?"),
        ("-o json", "did you mean `--output-format json`, which"),
        ("--url http://h/", "`--probe URL` for any URL of the service"),
        ("http://h/", "`--probe URL` for any URL of the service"),
        ("http://h/metrics", "did you mean `auditor --scrape http://h/metrics`?"),
        ("--prometheus http://h", "did you mean `--target URL`?"),
        ("--fail", "did you mean `--fail-on-critical`, or `--fail-on LEVEL`?"),
        ("metrics.yml", "did you mean `auditor --config metrics.yml`?"),
        ("record run.om", "did you mean `auditor --record run.om`?"),
        ("--target http://h query up", "did you mean `auditor query up --target http://h`?"),
        ("qery up", "did you mean `auditor query up`?"),
        ("--fial-on critical", "a similar argument exists: '--fail-on'"),
    ] {
        let run = auditor(empty_directory().path(), &line.split(' ').collect::<Vec<_>>());
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{line}");
        assert!(run.stderr.contains(tip), "{line}: {}", run.stderr);
        assert_eq!(run.stderr.matches("tip:").count(), 1, "{line}: {}", run.stderr);
        assert!(!run.stderr.contains("Usage:"), "{line}: {}", run.stderr);
    }
}

#[test]
fn a_command_without_its_dashes_is_shown_with_them() {
    let is_told = |args: &[&str], line: &str| {
        let run = auditor(empty_directory().path(), args);
        assert_eq!(run.code, 2, "{args:?}");
        let words = format!("tip: a command to run stands after `--`: `auditor {line}`");
        assert!(run.stderr.contains(&words), "{args:?}: {}", run.stderr);
        run.stderr
    };
    is_told(&["--scrape", "http://h", "k6", "run", "a"], "--scrape http://h -- k6 run a");
    is_told(&["--for=3s", "-v", "python3", "load.py"], "--for=3s -v -- python3 load.py");
    let start = ["--start", "uvicorn app:app", "--probe", "http://h/", "sh", "it's"];
    is_told(&start, "--start 'uvicorn app:app' --probe http://h/ -- sh 'it'\\''s'");
    // `timeout` is an option of ours too, but whoever watches something means the command.
    let both = is_told(
        &["--probe", "http://h/", "timeout", "9", "k6", "--fail-on", "critical"],
        "--probe http://h/ -- timeout 9 k6 --fail-on critical",
    );
    assert!(
        both.contains("(if --fail-on is meant for auditor, it stands before the `--`)"),
        "{both}"
    );
    let secret = ["--target", "http://me:s3cret@h", "--header", "X-Key: s3cret", "sh", "load"];
    let told = is_told(&secret, "--target 'http://me:***@h/' --header 'X-Key: ***' -- sh load");
    assert!(!told.contains("s3cret"), "{told}");
}

#[test]
fn a_word_that_says_nothing_gets_no_tip() {
    for line in ["foo", "query up extra", "--no-such-thing x y"] {
        let run = auditor(empty_directory().path(), &line.split(' ').collect::<Vec<_>>());
        assert_eq!(run.code, 2, "{line}");
        assert!(!run.stderr.contains("tip:"), "{line}: {}", run.stderr);
    }
}

/// The option would replace what was to be read.
#[test]
fn a_file_that_is_there_is_not_offered_to_be_written() {
    let directory = empty_directory();
    fs::write(directory.path().join("x.json"), "{}").unwrap();
    for line in ["report x.json", "report json=x.json", "record x.json"] {
        let run = auditor(directory.path(), &line.split(' ').collect::<Vec<_>>());
        assert_eq!(run.code, 2, "{line}");
        assert!(!run.stderr.contains("tip:"), "{line}: {}", run.stderr);
    }
}

#[test]
fn what_an_option_needs_is_said_by_its_name() {
    for (line, words) in [
        (
            "--recording a.om --abort-on-breach",
            "the argument '--recording <PATH>' cannot be used with '--abort-on-breach'",
        ),
        (
            "--recording a.om --time-limit 5s",
            "the argument '--recording <PATH>' cannot be used with '--time-limit <DURATION>'",
        ),
        ("--probe http://h/ --abort-on-breach", "--abort-on-breach needs a command: -- <COMMAND>"),
        ("--target http://h --blame=node", "--blame needs --probe <URL>"),
        ("doctor --target http://h --time-limit 5s", "--time-limit needs a command: -- <COMMAND>"),
        (
            "query up --every 2s",
            "--every needs --scrape <URL> or --scrape-json <URL> or --probe <URL>",
        ),
        ("query --target http://h", "the following required arguments were not provided"),
    ] {
        let run = auditor(empty_directory().path(), &line.split(' ').collect::<Vec<_>>());
        assert_eq!(run.code, 2, "{line}");
        assert!(run.stderr.starts_with(&format!("error: {words}")), "{line}: {}", run.stderr);
    }
}

#[test]
fn a_configuration_under_another_name_is_named() {
    for other in ["metrics.yml", "metrics.yaml.txt", "Metrics.yaml"] {
        let directory = empty_directory();
        fs::write(directory.path().join(other), CONFIG).unwrap();
        let run = auditor(directory.path(), &[]);
        assert_eq!(run.code, 2);
        let words = format!("there is {other}, and auditor reads metrics.yaml");
        assert!(run.stderr.contains(&words), "{}", run.stderr);
        assert!(run.stderr.contains(&format!("auditor --config {other}")), "{}", run.stderr);
    }
    let directory = directory_with(CONFIG);
    for (named, is_near) in [("metrics.yml", true), ("other.yml", false)] {
        let run = auditor(directory.path(), &["--config", named]);
        assert_eq!(run.code, 2);
        assert_eq!(run.stderr.contains("; there is metrics.yaml"), is_near, "{}", run.stderr);
    }
}

/// A probe needs no configuration, and whoever wrote one is told that it is not read.
#[test]
fn a_probe_does_not_pass_over_a_configuration_in_silence() {
    let service = Fake::start(|_| Response::new(200, "ok"));
    let directory = empty_directory();
    fs::write(directory.path().join("metrics.yml"), CONFIG).unwrap();
    let run = auditor(directory.path(), &["--probe", &service.url(), "--for", "1s"]);
    let words =
        "warning: metrics.yml is not read: rename it to metrics.yaml, or give --config metrics.yml";
    assert_eq!(run.stderr.lines().next(), Some(words), "{}", run.stderr);
}

/// Pages that are none of metrics.
fn service() -> Fake {
    Fake::start(|request| match request.path.as_str() {
        "/docs" => Response::new(200, "<!doctype html><title>Docs</title>"),
        "/broken" => Response::new(200, "up 1\nup one\n"),
        _ => Response::new(404, ""),
    })
}

#[test]
fn a_page_beside_the_usual_one_names_that() {
    let service = service();
    let url = service.url();
    let usual = format!("; did you mean {url}/metrics?");
    for (path, words) in [
        ("/metric", format!("/metric: HTTP 404{usual}")),
        ("/api/Metrics", format!("; did you mean {url}/api/metrics?")),
        ("/docs", usual),
        ("", "/metrics: HTTP 404; does the service show its metrics at another path?".to_owned()),
    ] {
        let page = format!("{url}{path}");
        let run = auditor(directory_with(CONFIG).path(), &["--scrape", &page, "--for", "1s"]);
        assert_eq!(run.code, 3);
        assert!(run.stdout.contains(&words), "{path}: {}", run.stdout);
        let is_usual = |request: &Request| request.path == "/metrics";
        let is_asked_for = service.requests().iter().any(is_usual);
        assert_eq!(is_asked_for, path.is_empty(), "what may have been meant is not asked for");
    }
    let broken = format!("{url}/broken");
    let run = auditor(directory_with(CONFIG).path(), &["--scrape", &broken, "--for", "1s"]);
    assert!(!run.stdout.contains("did you mean"), "{}", run.stdout);
}

/// How often it says so, wherever that is.
fn said(run: &Run, words: &str) -> usize {
    run.stdout.matches(words).count() + run.stderr.matches(words).count()
}

#[test]
fn a_failure_is_said_once() {
    let closed = format!("http://{}/", free_address());
    let service = service();
    let page = format!("{}/metric", service.url());
    let parse = "queries: {p99_latency: a, event_loop_lag: 'max((', blocking_duration_avg: c, peak_active_requests: d}";
    let broken = empty_directory();
    fs::write(broken.path().join("broken.om"), "a b c\n").unwrap();
    let broken = broken.path().join("broken.om").display().to_string();
    for (config, args, words) in [
        (CONFIG, &["--target", &closed][..], "Connection refused"),
        (CONFIG, &["--scrape", &closed, "--for", "1s"], "Connection refused"),
        (CONFIG, &["--scrape", &page, "--for", "1s"], "HTTP 404"),
        (CONFIG, &["--start", "exit 7", "--probe", &closed], "exited with code 7"),
        (CONFIG, &["--recording", "nowhere.om"], "No such file"),
        (CONFIG, &["--recording", &broken], "is not a number"),
        (parse, &["--recording", "../nowhere.om"], "parse error"),
        (CONFIG, &["--target", "h:9090"], "the target has no scheme"),
    ] {
        let directory = directory_with(config);
        let run = auditor(directory.path(), &[args, &["--no-report"]].concat());
        assert!(run.code > 1, "{args:?}");
        let shown = format!("{}{}", run.stderr, run.stdout);
        assert_eq!(said(&run, words), 1, "{args:?}: {shown}");
        let json = [args, &["--no-report", "--output-format", "json"]].concat();
        let json = auditor(directory.path(), &json);
        assert_eq!(json.stderr.matches(words).count(), 1, "{args:?}: {}", json.stderr);
    }
}

#[test]
fn a_query_that_cannot_be_parsed_is_named_with_its_line() {
    let config = "queries:\n  p99_latency: a\n  event_loop_lag: b\n  blocking_duration_avg:\n    \
                  query: max((\n  peak_active_requests: d\n";
    let directory = directory_with(config);
    let page = format!("{}/metrics", service().url());
    let run = auditor(directory.path(), &["--scrape", &page, "--for", "1s"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let words = "the query `blocking_duration_avg` (metrics.yaml:5) failed: ";
    assert!(run.stdout.contains(words), "{}", run.stdout);
    assert_eq!(
        run.stdout.matches("another query cannot be evaluated").count(),
        1,
        "{}",
        run.stdout
    );
}

#[test]
fn the_verdict_alone_is_one_line() {
    let directory = directory_with(CONFIG);
    for (value, code, verdict) in
        [("0.1", 0, "PASS - "), ("9", 1, "FAIL - the score is "), ("NaN", 3, "INCONCLUSIVE - ")]
    {
        let fake = backend(value);
        let args = ["-q", "--target", &fake.url(), "--fail-on-critical"];
        let run = auditor(directory.path(), &args);
        assert_eq!((run.code, run.stderr.as_str()), (code, ""));
        assert!(run.stdout.starts_with(&format!("Verdict: {verdict}")), "{}", run.stdout);
        assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
        let loud = auditor(directory.path(), &args[1..]);
        let verdict = loud.stdout.lines().find(|line| line.starts_with("Verdict: "));
        assert_eq!(verdict, run.stdout.lines().last());
        let json = auditor(directory.path(), &[&args[..], &["--output-format", "json"]].concat());
        assert_eq!(json.json()["exit_code"], code);
    }
}

#[test]
fn quiet_hides_nothing_that_went_wrong() {
    let directory = directory_with(CONFIG);
    let fake = backend("9");
    let args = ["-q", "--target", &fake.url(), "--fail-on-critical", "--report", "no/such/place"];
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 1);
    assert!(run.stdout.starts_with("Verdict: FAIL - "), "{}", run.stdout);
    assert!(
        run.stderr.starts_with("error: cannot write the report no/such/place"),
        "{}",
        run.stderr
    );
    assert_eq!(auditor(directory.path(), &["-q", "-v"]).code, 2);
}

#[test]
fn the_version_names_the_commit_where_there_is_one() {
    let run = auditor(empty_directory().path(), &["--version"]);
    let package = format!("auditor {}", env!("CARGO_PKG_VERSION"));
    let rest = run.stdout.strip_prefix(&package).unwrap().trim_end();
    let Some(commit) = rest.strip_prefix(" (") else { return assert_eq!(rest, "") };
    let (hash, day) = commit.trim_end_matches(')').split_once(' ').unwrap();
    assert!(hash.len() >= 7 && hash.chars().all(|c| c.is_ascii_hexdigit()), "{rest}");
    let day: jiff::civil::Date = day.parse().unwrap();
    assert!(day.year() >= 2025, "{rest}");
}

#[test]
fn the_short_help_fits_a_screen() {
    let directory = empty_directory();
    let short = auditor(directory.path(), &["-h"]).stdout;
    let (width, height) = SCREEN;
    assert!(short.lines().count() <= height, "{} lines:\n{short}", short.lines().count());
    assert!(short.lines().all(|line| line.chars().count() <= width), "{short}");
    let schema = auditor(directory.path(), &["schema", "-h"]).stdout;
    for document in ["config", "report", "suite", "summary", "metrics.yaml"] {
        assert!(schema.contains(document), "{document}: {schema}");
    }
    let long = auditor(directory.path(), &["--help"]).stdout;
    for heading in ["Where the telemetry is", "The service and its load", "The gate", "The report"]
    {
        assert!(short.contains(&format!("\n{heading}:\n")), "{short}");
        assert!(long.contains(&format!("\n{heading}:\n")), "{long}");
    }
    assert!(long.contains("--blame-after") && !short.contains("--blame-after"));
}

#[test]
fn the_probe_tells_how_it_asks_and_how_often() {
    let service = Fake::start(|_| Response::new(200, "ok"));
    let url = service.url();
    let args = ["--probe", &url, "--for", "1s", "--no-report", "-v"];
    let run = auditor(empty_directory().path(), &args);
    let lines: Vec<_> = run.stderr.lines().filter(|line| line.starts_with("probe ")).collect();
    let [asks, asked] = lines.as_slice() else { panic!("{}", run.stderr) };
    let begin = format!("probe {url}: GET every 50ms");
    assert!(asks.starts_with(&begin), "{asks}");
    let count = asked.strip_prefix(&format!("probe {url}: ")).unwrap();
    let (count, rest) = count.split_once(" requests, ").unwrap();
    assert!(count.parse::<usize>().unwrap() > 5 && rest.starts_with("0 failed"), "{asked}");
}
