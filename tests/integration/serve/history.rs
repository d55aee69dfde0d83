//! What is kept on disk, and what is left of it after a bad end.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::{Watched, staging};
use crate::support::{auditor, empty_directory};

fn reports(directory: &Path) -> Vec<PathBuf> {
    let Ok(files) = fs::read_dir(directory.join("history/api")) else { return Vec::new() };
    let files = files.map(|it| it.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|it| it.extension().is_some_and(|it| it == "json")).collect();
    files.sort();
    files
}

/// At every moment at which it may be killed, what was kept before stays, and is whole.
#[test]
fn a_bad_end_loses_the_audit_under_way_and_nothing_else() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    for round in 0..12_u64 {
        let before = reports(directory.path());
        let args = ["--config", "api.yaml", "--every", "1s"];
        let watched = Watched::start(directory.path(), &args);
        assert!(!watched.said().contains("warning"), "{}", watched.said());
        let known = watched.json("/metrics.json")["cost"]["aggregate"]["reports"].as_u64().unwrap();
        assert!(known >= before.len() as u64, "{known} of {}", before.len());
        let checks = thread::scope(|scope| {
            // One after the other, so that most of the time something is written.
            let asking = scope.spawn(|| {
                let mut done = 0;
                while std::panic::catch_unwind(|| watched.json("/check")).is_ok() {
                    done += 1;
                }
                done
            });
            thread::sleep(Duration::from_millis(150 + round * 17));
            watched.send(rustix::process::Signal::KILL);
            asking.join().unwrap()
        });
        let after = reports(directory.path());
        assert!(before.iter().all(|it| after.contains(it)), "nothing goes");
        assert!(after.len() >= before.len() + checks, "what was answered is kept");
        for path in &after {
            let text = fs::read_to_string(path).unwrap();
            let report: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(report["verdict"], "pass", "{}", path.display());
        }
    }
}

#[test]
fn what_is_damaged_is_named_and_skipped() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    let args = ["--config", "api.yaml", "--every", "1h"];
    let watched = Watched::start(directory.path(), &args);
    watched.json("/check");
    watched.kill();
    let whole = reports(directory.path());
    let half = fs::read(&whole[0]).unwrap();
    let damaged = whole[0].with_file_name("2026-01-01T00-00-00.000Z.json");
    fs::write(&damaged, &half[..half.len() / 2]).unwrap();
    fs::write(damaged.with_file_name("notes.txt"), "keep me").unwrap();
    let args = ["--config", "api.yaml", "--every", "1h", "--retention", "100w"];
    let watched = Watched::start(directory.path(), &args);
    let said =
        watched.wait_for("a warning", |it| it.said().contains("2026-01-01").then(|| it.said()));
    assert!(said.contains("warning") && said.contains("api"), "{said}");
    watched.json("/check");
    let metrics = watched.get("/metrics").body;
    assert!(metrics.contains("auditor_history_damaged_files{service=\"api\"} 1\n"), "{metrics}");
    assert!(damaged.exists() && damaged.with_file_name("notes.txt").exists(), "nothing is deleted");
    drop(watched);
    // What is older than it is to be kept goes, and nothing else.
    let args = ["--config", "api.yaml", "--every", "1h", "--retention", "30d"];
    let watched = Watched::start(directory.path(), &args);
    watched.json("/check");
    assert!(!damaged.exists() && damaged.with_file_name("notes.txt").exists());
    assert!(whole.iter().all(|it| it.exists()));
}

#[test]
fn what_is_known_from_before_is_shown_with_its_time() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    staging.set("lag", "2.5");
    staging.set("blocking", "1.8");
    let args = ["--config", "api.yaml", "--every", "1h"];
    let watched = Watched::start(directory.path(), &args);
    let check = watched.json("/check");
    assert_eq!(watched.end().0, 0);
    // The first audit of the next watcher does not come to an end.
    staging.delay(Duration::from_secs(20));
    let watched = Watched::start(directory.path(), &args);
    let alerts = watched.json("/api/alerts");
    assert_eq!(alerts["total"], check["alert_count"], "{alerts:#}");
    let since = |it: &serde_json::Value| it["alerts"][0]["detected_at"].clone();
    assert_eq!(since(&alerts), since(&check), "since when it is so");
    assert!(watched.get("/").body.contains("api"));
}

#[test]
fn two_watchers_do_not_share_a_history() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    let _watched = Watched::start(directory.path(), &["--config", "api.yaml"]);
    let args = ["serve", "--config", "api.yaml", "--listen", "127.0.0.1:0", "--history", "history"];
    let second = auditor(directory.path(), &args);
    assert_eq!(second.code, 3, "{second:?}");
    assert!(second.stderr.contains("history"), "{second:?}");
}

#[test]
fn a_report_that_cannot_be_kept_is_told_and_shown_all_the_same() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    let watched = Watched::start(directory.path(), &["--config", "api.yaml", "--every", "1h"]);
    watched.json("/check");
    fs::remove_dir_all(directory.path().join("history/api")).unwrap();
    fs::write(directory.path().join("history/api"), "in the way").unwrap();
    staging.set("lag", "2.5");
    staging.set("blocking", "1.8");
    let check = watched.json("/check");
    assert!(check["critical"].as_u64().unwrap() > 0, "{check:#}");
    assert!(watched.said().contains("not kept"), "{}", watched.said());
    let metrics = watched.get("/metrics").body;
    assert!(metrics.contains("auditor_history_not_kept_total{service=\"api\"} 1\n"), "{metrics}");
    assert!(metrics.contains("auditor_verdict{service=\"api\",verdict=\"fail\"} 1\n"), "{metrics}");
    assert!(watched.get("/report/api").body.contains("EVENT_LOOP_STARVATION"));
}
