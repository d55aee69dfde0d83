//! What is refused before anything is watched: exit 2, with what to do.

use std::net::TcpListener;

use super::{Watched, staging};
use crate::support::{auditor, empty_directory};

#[test]
fn what_cannot_be_watched_is_refused_at_once() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("broken.yaml", "queries: {p99_latency: 1 +}\n");
    write("empty", "");
    write("token", "abc\n");
    write("logs.yaml", "checks: {errors: {log: {file: a, line: b, key: c}, max: 1}}\n");
    write("load.yaml", "scenarios:\n- {id: a, config: api.yaml, command: ./load}\n");
    write("start.yaml", "scenarios:\n- {id: a, probe: 'http://localhost:1/', start: ./app}\n");
    write("past.yaml", "scenarios:\n- {id: a, config: api.yaml, recording: a.om}\n");
    write("two.yaml", "scenarios:\n- {id: Api, config: api.yaml}\n");
    let page = "http://localhost:1/metrics";
    let cases: [(&[&str], &[&str]); 19] = [
        (&["--config", "api.yaml", "--scrape", page], &["'--scrape'", "--services"]),
        (&["--config", "api.yaml", "--fail-on-critical"], &["'--fail-on-critical'", "--services"]),
        (&[], &["--config", "--services"]),
        (&["--config", "none.yaml"], &["none.yaml"]),
        (&["--config", "broken.yaml"], &["broken.yaml:1:"]),
        (&["--config", "api.yaml", "--config", "api=broken.yaml"], &["api", "name"]),
        (&["--config", "api.yaml", "--services", "two.yaml"], &["two.yaml:2:", "name"]),
        (&["--config", "logs.yaml"], &["log"]),
        (&["--services", "load.yaml"], &["load.yaml:2:", "`command`"]),
        (&["--services", "start.yaml"], &["start.yaml:2:", "`start`"]),
        (&["--services", "past.yaml"], &["past.yaml:2:", "`recording`"]),
        (&["--config", "api.yaml", "--every", "0s"], &["--every", "1s"]),
        (&["--config", "api.yaml", "--retention", "never"], &["--retention"]),
        (&["--config", "api.yaml", "--listen", "0.0.0.0:0"], &["--token-file", "0.0.0.0"]),
        (&["--config", "api.yaml", "--listen", "[::]:0"], &["--token-file"]),
        (&["--config", "api.yaml", "--listen", "9464"], &["9464", "127.0.0.1:9464"]),
        (&["--config", "api.yaml", "--token-file", "none"], &["none"]),
        (&["--config", "api.yaml", "--token-file", "empty"], &["empty"]),
        (&["--config", "api.yaml", "--history", "api.yaml"], &["api.yaml"]),
    ];
    for (args, words) in cases {
        let mut all = vec!["serve"];
        for (option, value) in [("--history", "history"), ("--listen", "127.0.0.1:0")] {
            if !args.contains(&option) {
                all.extend([option, value]);
            }
        }
        all.extend(args);
        let run = auditor(directory.path(), &all);
        assert_eq!(run.code, 2, "{args:?}: {run:?}");
        for word in words {
            assert!(run.stderr.contains(word), "{args:?} without {word}: {}", run.stderr);
        }
    }
}

/// A supervisor tries again after 3, and not after 2.
#[test]
fn a_port_that_is_in_use_may_be_free_later() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let args = ["serve", "--config", "api.yaml", "--history", "history", "--listen", &taken];
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 3, "{run:?}");
    assert_eq!(run.stderr.matches("in use").count(), 1, "{run:?}");
    assert!(run.stderr.contains(&taken), "{run:?}");
}

#[test]
fn rounds_that_take_longer_than_they_may_are_told_of() {
    let directory = empty_directory();
    let page = "http://127.0.0.1:9/metrics";
    let services = format!("scenarios:\n- {{id: a, preset: go, scrape: '{page}', for: 40s}}\n");
    std::fs::write(directory.path().join("services.yaml"), services).unwrap();
    let args = ["--services", "services.yaml", "--every", "30s"];
    let watched = Watched::start(directory.path(), &args);
    assert!(watched.said().contains("a round takes 40s or more"), "{}", watched.said());
}
