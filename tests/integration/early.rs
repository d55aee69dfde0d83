//! What is found out before a service is put under load, and what an earlier audit left behind.

use std::fs;
use std::path::Path;

use crate::support::fake::{Fake, Request, Response};
use crate::support::real::free_address;
use crate::support::{auditor, directory_with, each};

const CONFIG: &str = "queries: {p99_latency: a, event_loop_lag: b, blocking_duration_avg: c, peak_active_requests: d}\n";
const PAGE: &str = "a 0.1\nb 0.1\nc 0.1\nd 1\n";
const OLD_REPORT: &str = "{\"schema_version\": 1, \"status\": \"HEALTHY\", \"runtime_health_score\": 1.0, \"verdict\": \"pass\"}";
const OLD_RECORDING: &str = "a 1 1.000\n\
    scrape_duration_seconds{instance=\"a:1\",job=\"auditor\"} 0.1 1.000\n\
    up{instance=\"a:1\",job=\"auditor\"} 1 1.000\n# EOF\n";

fn service() -> Fake {
    Fake::start(|_| Response::with_headers(200, &[("Content-Type", &"text/plain")], PAGE))
}

fn server() -> Fake {
    Fake::start(|request: &Request| match request.path.as_str() {
        "/api/v1/query" => Response::value("0.1"),
        _ => Response::new(200, "Prometheus Server is Healthy.\n"),
    })
}

/// Refused: nothing is touched, nothing is run, and both are named.
fn refused(directory: &Path, args: &[&str], words: &[&str]) {
    let before = contents(directory);
    let run = auditor(directory, args);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}: {}", run.stderr);
    for words in words {
        assert!(run.stderr.contains(words), "{args:?}: {}", run.stderr);
    }
    assert_eq!(contents(directory), before, "{args:?}");
}

/// Every file that can be read, with its text.
fn contents(directory: &Path) -> Vec<(String, String)> {
    let mut all: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).unwrap_or_default();
            (entry.file_name().to_string_lossy().into_owned(), text)
        })
        .collect();
    all.sort();
    all
}

#[test]
fn what_is_read_is_not_overwritten() {
    let service = service();
    let directory = directory_with(CONFIG);
    let path = directory.path();
    for (name, text) in [
        ("other.yaml", CONFIG),
        ("http.yaml", "authorization: {credentials_file: token}\n"),
        ("token", "secret\n"),
        ("load.js", "load"),
        ("run.om", OLD_RECORDING),
        (
            "secured.yaml",
            &format!("{CONFIG}http: {{authorization: {{credentials_file: token}}}}\n"),
        ),
    ] {
        fs::write(path.join(name), text).unwrap();
    }
    fs::create_dir(path.join("snapshots")).unwrap();
    fs::write(path.join("snapshots/1.prom"), PAGE).unwrap();
    std::os::unix::fs::symlink("metrics.yaml", path.join("link")).unwrap();
    fs::hard_link(path.join("metrics.yaml"), path.join("hard")).unwrap();
    let url = service.url();
    let scrape = ["--scrape", &url, "--for", "100ms"];
    let load = ["--scrape", &url, "--record", "load.js", "--", "sh", "load.js"];
    let snapshots = ["--recording", "snapshots", "--report", "snapshots/report.json"];
    let both = [&scrape[..], &["--record", "out", "--report", "./out"]].concat();
    let with = |rest: &[&'static str]| [&scrape[..], rest].concat();
    for (args, words) in [
        (with(&["--report", "metrics.yaml"]), ["--report metrics.yaml", "--config metrics.yaml"]),
        (with(&["--record", "metrics.yaml"]), ["--record metrics.yaml", "--config metrics.yaml"]),
        (with(&["--report", "link"]), ["--report link", "--config metrics.yaml"]),
        (with(&["--report", "hard"]), ["--report hard", "--config metrics.yaml"]),
        (
            with(&["--config", "other.yaml", "--report", "snapshots/../other.yaml"]),
            ["--report snapshots/../other.yaml", "--config other.yaml"],
        ),
        (
            with(&["--http-config", "http.yaml", "--report", "http.yaml"]),
            ["--report http.yaml", "--http-config http.yaml"],
        ),
        (
            with(&["--http-config", "http.yaml", "--report", "token"]),
            ["--report token", "the configuration's file token"],
        ),
        (
            with(&["--config", "secured.yaml", "--record", "token"]),
            ["--record token", "the configuration's file token"],
        ),
        (load.to_vec(), ["--record load.js", "the command's load.js"]),
        (both, ["--report ./out", "--record out"]),
        (
            vec!["--recording", "run.om", "--report", "run.om"],
            ["--report run.om", "--recording run.om"],
        ),
        (snapshots.to_vec(), ["--report snapshots/report.json", "--recording snapshots"]),
    ] {
        refused(path, &args, &words);
    }
    assert!(service.requests().is_empty());
}

#[test]
fn two_ways_to_nowhere_are_no_clash() {
    let (service, directory) = (service(), directory_with(CONFIG));
    let url = service.url();
    let args =
        ["--scrape", &url, "--for", "100ms", "--report", "/dev/null", "--record", "/dev/null"];
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn what_cannot_be_written_is_told_before_the_load() {
    for (flag, what) in [("--report", "report"), ("--record", "recording")] {
        for path in ["no/such/directory/file", "directory", "/proc/version"] {
            let (service, directory) = (service(), directory_with(CONFIG));
            fs::create_dir(directory.path().join("directory")).unwrap();
            let url = service.url();
            let args = ["--scrape", &url, flag, path, "--fail-on-critical"];
            let run = auditor(directory.path(), &[&args[..], &["--", "touch", "loaded"]].concat());
            assert_eq!(run.code, 3, "{path}: {}", run.stdout);
            let words = format!("cannot write the {what} {path}: ");
            assert!(run.stdout.contains(&format!("Verdict: ERROR - {words}")), "{}", run.stdout);
            assert_eq!((run.stdout.matches(&words).count(), run.stderr.as_str()), (1, ""));
            assert!(!directory.path().join("loaded").exists() && service.requests().is_empty());
        }
    }
}

#[test]
fn a_server_that_is_not_there_is_found_out_before_the_load() {
    let directory = directory_with(CONFIG);
    let sick = Fake::start(|_| Response::new(401, "who are you?"));
    let gone = format!("http://{}", free_address());
    for (url, words) in [(gone.as_str(), "cannot connect to"), (&sick.url(), "wants credentials")] {
        for gate in [&[][..], &["--fail-on-critical"]] {
            let args = [&["--target", url], gate, &["--", "touch", "loaded"]].concat();
            let run = auditor(directory.path(), &args);
            assert_eq!(run.code, 3, "{}", run.stdout);
            assert!(run.says(words) && run.says(url), "{}", run.stderr);
            assert!(run.stdout.contains("Verdict: ERROR"), "{}", run.stdout);
            assert!(!directory.path().join("loaded").exists());
        }
    }
    let server = server();
    let args = ["--target", &server.url(), "--fail-on-critical", "--", "touch", "loaded"];
    assert_eq!(auditor(directory.path(), &args).code, 0);
    assert!(directory.path().join("loaded").exists());
}

#[test]
fn a_command_that_is_announced_has_to_be_there() {
    let (service, directory) = (service(), directory_with(CONFIG));
    let args = ["--scrape", &service.url(), "--for", "100ms", "--"];
    let run = auditor(directory.path(), &args);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("after `--` there is no command"), "{}", run.stderr);
    assert!(service.requests().is_empty());
    // Elsewhere the two hyphens announce something else.
    let server = server();
    let args = ["query", "--target", &server.url(), "--", "-up"];
    assert_eq!(auditor(directory.path(), &args).code, 0);
}

/// What ends early leaves nothing that says how it went.
#[test]
fn an_old_report_says_nothing_of_an_audit_that_did_not_take_place() {
    let gone = format!("http://{}/metrics", free_address());
    let ended_early: [(&[&str], i32); 7] = [
        (&["--config", "nowhere"], 2),
        (&["--config", "broken.yaml"], 2),
        (&["--fail-on", "nonsense"], 2),
        (&["--scrape", "localhost"], 2),
        (&["--target", "http://h", "--"], 2),
        (&["--target", "http://h", "--", "/no/such/program"], 3),
        (&["--scrape", &gone, "--record", "run.om"], 3),
    ];
    // Some are tried again and again.
    each(&ended_early, ended_early.len(), |&(args, code)| {
        for report in [&[][..], &["--report", "audit_results.json"], &["--report=other.json"]] {
            let directory = directory_with(CONFIG);
            let path = directory.path();
            fs::write(path.join("broken.yaml"), "queries: [").unwrap();
            fs::write(path.join("run.om"), OLD_RECORDING).unwrap();
            let name =
                if report == ["--report=other.json"] { "other.json" } else { "audit_results.json" };
            fs::write(path.join(name), OLD_REPORT).unwrap();
            let run = auditor(path, &[report, args].concat());
            assert_eq!(run.code, code, "{args:?}: {}", run.stderr);
            let left = fs::read_to_string(path.join(name)).unwrap_or_default();
            assert!(!left.contains("\"verdict\": \"pass\""), "{args:?} {report:?}: {left}");
            let is_recorded = args.contains(&"run.om");
            assert_eq!(path.join("run.om").exists(), !is_recorded, "{args:?}");
        }
    });
}

/// Nor does a clash of paths, unless the report is read itself.
#[test]
fn an_old_report_says_nothing_of_an_audit_that_a_clash_kept_from_taking_place() {
    let clashes: [(&[&str], &str, bool); 7] = [
        (&["--record", "metrics.yaml"], "audit_results.json", false),
        (&["--record", "metrics.yaml", "--report", "other.json"], "other.json", false),
        (&["--record", "out", "--report", "out"], "out", false),
        (&["--record", "out", "--report", "link"], "out", false),
        (&["--record", "load", "--report", "load", "--", "cat", "load"], "load", true),
        (&["--config", "old", "--report", "old"], "old", true),
        (&["--http-config", "old", "--report", "./old"], "old", true),
    ];
    for (args, report, is_read) in clashes {
        let directory = directory_with(CONFIG);
        std::os::unix::fs::symlink("out", directory.path().join("link")).unwrap();
        let path = directory.path().join(report);
        fs::write(&path, OLD_REPORT).unwrap();
        let run = auditor(directory.path(), &[&["--scrape", "http://127.0.0.1:1"], args].concat());
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains("name another file"), "{args:?}: {}", run.stderr);
        let left = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(left, if is_read { OLD_REPORT } else { "" }, "{args:?}");
    }
}

#[test]
fn what_is_not_from_an_audit_stays_until_there_is_something_to_write() {
    let directory = directory_with(CONFIG);
    let path = directory.path();
    for text in ["", "notes", "{}", "[1]", "{\"verdict\": \"pass\"}", "status: HEALTHY\n"] {
        fs::write(path.join("notes"), text).unwrap();
        for args in [["--config", "nowhere"], ["--fail-on", "nonsense"]] {
            assert_eq!(auditor(path, &[&args[..], &["--report", "notes"]].concat()).code, 2);
            assert_eq!(fs::read_to_string(path.join("notes")).unwrap(), text);
        }
        let gone = format!("http://{}/metrics", free_address());
        let args = ["--scrape", &gone, "--record", "notes", "--config", "nowhere"];
        assert_eq!(auditor(path, &args).code, 2);
        assert_eq!(fs::read_to_string(path.join("notes")).unwrap(), text);
    }
}

#[test]
fn who_asks_for_something_else_keeps_the_report() {
    let directory = directory_with(CONFIG);
    let file = directory.path().join("audit_results.json");
    fs::write(&file, OLD_REPORT).unwrap();
    for args in [
        &["--help"][..],
        &["--version"],
        &["--init"],
        &["schema", "report"],
        &["schema", "nonsense"],
        &["query"],
        &["query", "up", "--recording", "nowhere"],
        &["--no-report", "--config", "nowhere"],
        &["--output-format", "json", "--config", "nowhere"],
        &["--output-format", "json", "--fail-on", "nonsense"],
    ] {
        auditor(directory.path(), args);
        assert_eq!(fs::read_to_string(&file).unwrap(), OLD_REPORT, "{args:?}");
    }
}

/// The file that a link points to is replaced, and the link stays.
#[test]
fn a_link_to_the_report_stays_a_link() {
    let (server, directory) = (server(), directory_with(CONFIG));
    let path = directory.path();
    fs::create_dir(path.join("kept")).unwrap();
    fs::write(path.join("kept/report.json"), OLD_REPORT).unwrap();
    std::os::unix::fs::symlink("kept/report.json", path.join("link")).unwrap();
    let args = ["--report", "link", "--target"];
    assert_eq!(auditor(path, &[&args[..], &["http://h", "--config", "nowhere"]].concat()).code, 2);
    assert!(!path.join("kept/report.json").exists());
    assert_eq!(auditor(path, &[&args[..], &[&server.url()]].concat()).code, 0);
    assert!(path.join("link").is_symlink());
    assert!(fs::read_to_string(path.join("kept/report.json")).unwrap().contains("\"pass\""));
}

/// A command that failed fails its replay too.
#[test]
fn a_recording_knows_how_the_command_ended() {
    for (script, code, verdict) in
        [("true", 0, "pass"), ("exit 7", 1, "command_failed"), ("kill -9 $$", 1, "command_failed")]
    {
        let (service, directory) = (service(), directory_with(CONFIG));
        let url = service.url();
        let common = ["--fail-on-critical", "--output-format", "json"];
        let scrape = ["--scrape", &url, "--every", "50ms", "--record", "run.om"];
        let load = ["--", "sh", "-c", &format!("sleep 0.2; {script}")].map(str::to_owned);
        let load: Vec<_> = load.iter().map(String::as_str).collect();
        let live = auditor(directory.path(), &[&common[..], &scrape, &load].concat());
        let replayed =
            auditor(directory.path(), &[&common[..], &["--recording", "run.om"]].concat());
        assert_eq!((live.code, replayed.code), (code, code), "{}", live.stdout);
        let (live, replayed) = (live.json(), replayed.json());
        assert_eq!(live["verdict"], verdict);
        for key in ["verdict", "verdict_reason", "command", "signals", "findings", "scrapes"] {
            assert_eq!(live[key], replayed[key], "{script}: {key}");
        }
    }
}
