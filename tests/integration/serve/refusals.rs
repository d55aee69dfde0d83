//! What is refused before anything is watched: exit 2, with what to do.

use std::net::TcpListener;

use super::staging;
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
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let page = "http://localhost:1/metrics";
    let cases: [(&[&str], &[&str]); 20] = [
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
        (&["--config", "api.yaml", "--listen", &taken], &[&taken, "in use"]),
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
