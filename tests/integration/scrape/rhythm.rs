//! When a page is scraped: never twice in a millisecond, and never in step with the service.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{CONFIG, metrics, service};
use crate::support::{auditor, directory_with};

/// The instants of `up` in a recording, a target each.
fn instants(recording: &str) -> Vec<Vec<f64>> {
    let mut targets: Vec<(&str, Vec<f64>)> = Vec::new();
    for line in recording.lines().filter(|line| line.starts_with("up{")) {
        let (series, sample) = line.rsplit_once("} ").unwrap();
        let at = sample.split(' ').nth(1).unwrap().parse().unwrap();
        match targets.iter_mut().find(|(target, _)| *target == series) {
            Some((_, instants)) => instants.push(at),
            None => targets.push((series, vec![at])),
        }
    }
    targets.into_iter().map(|(_, instants)| instants).collect()
}

/// The page changes with every scrape, so that two at one instant would contradict each other.
#[test]
fn short_audits_of_a_quick_page_do_not_contradict_themselves() {
    let audits: [&[&str]; 5] = [
        &["--", "true"],
        &["--every", "50ms", "--", "true"],
        &["--every", "50ms", "--", "sleep", "0.05"],
        &["--every", "100ms", "--for", "1s"],
        &["--", "sleep", "1"],
    ];
    let count = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let count = || count.fetch_add(1, Ordering::Relaxed);
                while let Some(number) = Some(count()).filter(|number| *number < 150) {
                    // The longest ones are the fewest.
                    let audit = if number % 10 < 7 { number % 3 } else { 3 + number % 2 };
                    audited(audits[audit], 1 + number % 2);
                }
            });
        }
    });
}

fn audited(args: &[&str], pages: usize) {
    let service = service(|n| metrics(0.01 + n as f64 / 1e6));
    let directory = directory_with(CONFIG);
    let urls: Vec<_> = (0..pages).map(|page| format!("{}/{page}/", service.url())).collect();
    let urls = urls.iter().flat_map(|url| ["--scrape", url]);
    let gate = ["--fail-on-critical", "--no-report", "--record", "rec.om"];
    let all: Vec<_> = urls.chain(gate).chain(args.iter().copied()).collect();
    let run = auditor(directory.path(), &all);
    assert_eq!(run.code, 0, "{all:?} {}{}", run.stdout, run.stderr);
    let recording = fs::read_to_string(directory.path().join("rec.om")).unwrap();
    let targets = instants(&recording);
    assert_eq!(targets.len(), pages, "{recording}");
    for instants in targets {
        assert!(instants.len() >= 2 && instants.is_sorted_by(|a, b| a < b), "{instants:?}");
    }
}

#[test]
fn scrapes_keep_the_interval_and_are_not_in_step() {
    let service = service(|_| metrics(0.01));
    let directory = directory_with(CONFIG);
    let url = service.url();
    let args = ["--scrape", &url, "--every", "200ms", "--for", "3s", "--record", "rec.om"];
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 0, "{}", run.stdout);
    let recording = fs::read_to_string(directory.path().join("rec.om")).unwrap();
    let instants = instants(&recording).remove(0);
    // One before the load, one every so often, and one when it is over.
    assert!((14..=18).contains(&instants.len()), "{instants:?}");
    let phases: Vec<_> = instants.iter().map(|at| (at - instants[0]).rem_euclid(0.2)).collect();
    for fifth in 0..5 {
        let part = f64::from(fifth) * 0.04..f64::from(fifth + 1) * 0.04;
        assert!(phases.iter().any(|phase| part.contains(phase)), "{part:?}: {phases:?}");
    }
}
