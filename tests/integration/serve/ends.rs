//! How a watcher ends, and what goes on meanwhile.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::{Watched, staging};
use crate::support::empty_directory;

#[test]
fn asked_to_end_it_ends_with_0_and_what_was_cut_short_is_not_kept() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    let watched = Watched::start(directory.path(), &["--config", "api.yaml", "--every", "1h"]);
    watched.json("/check");
    let kept = || fs::read_dir(directory.path().join("history/api")).unwrap().count();
    let before = kept();
    staging.delay(Duration::from_secs(25));
    let address = watched.address().to_owned();
    let audits = staging.audits();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| watched.get("/check"));
        watched.wait_for("the audit", |_| (staging.audits() > audits).then_some(()));
        watched.send(rustix::process::Signal::TERM);
        let reply = waiting.join().unwrap();
        assert_eq!(reply.status, 503, "{reply:?}");
    });
    let began = Instant::now();
    let (code, said) = watched.ended();
    assert_eq!(code, 0, "{said}");
    assert!(began.elapsed() < Duration::from_secs(20), "it does not wait for the server");
    assert_eq!(kept(), before, "no verdict was come to");
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn many_clients_are_answered_beside_an_audit() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    let watched = Watched::start(directory.path(), &["--config", "api.yaml", "--every", "1h"]);
    watched.json("/check");
    staging.delay(Duration::from_secs(2));
    thread::scope(|scope| {
        let checks: Vec<_> = (0..40).map(|_| scope.spawn(|| watched.get("/check"))).collect();
        let slow: Vec<_> =
            (0..40).map(|_| std::net::TcpStream::connect(watched.address()).unwrap()).collect();
        let quick: Vec<_> = (0..120)
            .map(|number| {
                let paths = ["/", "/metrics", "/api/alerts", "/metrics.json"];
                let path = paths[number % paths.len()];
                scope.spawn({
                    let watched = &watched;
                    move || watched.get(path)
                })
            })
            .collect();
        for (number, quick) in quick.into_iter().enumerate() {
            let reply = quick.join().unwrap();
            assert_eq!(reply.status, 200, "{number}: {reply:?}");
        }
        drop(slow);
        for check in checks {
            assert_eq!(check.join().unwrap().status, 200);
        }
    });
}
