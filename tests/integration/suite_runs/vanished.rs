//! What was there when the suite began, and is not when its scenario's turn comes: no pass.

use std::fs;

use serde_json::json;

use super::{each_of, run, summary};
use crate::support::fake::Fake;
use crate::support::page::{CONFIG, metrics};
use crate::support::{each, empty_directory};

const OF_LOGS: &str = "checks: {frames: {log: {file: app, line: FRAMES, key: count}, min: 10}}\n";

#[test]
fn what_the_command_of_another_scenario_takes_away() {
    let reads = json!({"id": "second", "config": "second.yaml", "recording": "calm.om"});
    let logs = json!({"id": "second", "config": "logs.yaml", "logs": {"app": "app.log"}});
    each(
        &[
            (&reads, "true", "PASS", "the score is"),
            (&logs, "true", "PASS", "all checks passed"),
            (&reads, "rm second.yaml", "INCONCLUSIVE", "second.yaml"),
            (&reads, "echo 'querys: {}' > second.yaml", "INCONCLUSIVE", "querys"),
            (&reads, ": > second.yaml", "INCONCLUSIVE", "second.yaml"),
            (&reads, "rm calm.om", "INCONCLUSIVE", "calm.om"),
            (&reads, ": > calm.om", "INCONCLUSIVE", "no samples"),
            (&logs, "rm app.log", "INCONCLUSIVE", "app.log"),
            (&logs, ": > app.log", "INCONCLUSIVE", "FRAMES"),
            (&logs, "rm logs.yaml", "INCONCLUSIVE", "logs.yaml"),
        ],
        2,
        |(second, command, status, words)| {
            let service = Fake::start(|_| metrics(0.01));
            let directory = empty_directory();
            let path = directory.path();
            let first = json!({
                "id": "first", "config": "page.yaml", "scrape": service.url(), "every": "50ms",
                "command": format!("sleep 0.3; {command}"),
            });
            let suite = json!({"scenarios": [first, second]});
            let line =
                |name: &str, value: f64, n: i32| format!("{name} {value} {}\n", 1000 + 15 * n);
            let recording: String =
                [("latency_seconds", 0.1), ("lag_seconds", 0.01), ("active", 3.0)]
                    .iter()
                    .flat_map(|(name, value)| (0..60).map(move |n| line(name, *value, n)))
                    .collect();
            for (name, text) in [
                ("suite.yaml", suite.to_string()),
                ("page.yaml", CONFIG.to_owned()),
                ("second.yaml", CONFIG.to_owned()),
                ("logs.yaml", OF_LOGS.to_owned()),
                ("app.log", "FRAMES count=12\n".to_owned()),
                ("calm.om", recording + "# EOF\n"),
            ] {
                fs::write(path.join(name), text).unwrap();
            }
            let run = run(path, &[]);
            let summary = summary(path);
            let shown = format!("{command}: {}{}", run.stdout, run.stderr);
            assert_eq!(each_of(&summary, "status"), ["PASS", status], "{shown}");
            let code = if *status == "PASS" { 0 } else { 3 };
            assert_eq!(run.code, code, "{shown}");
            let reason = each_of(&summary, "reason")[1];
            assert!(reason.contains(words), "{shown}");
        },
    );
}
