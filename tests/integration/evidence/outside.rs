//! What a probe could not see, or of what the machine is to blame: series as it writes them, made by
//! hand and spoilt in one way each, beside a calm and a sick service, and with the rules relaxed.

use std::fs;
use std::sync::Mutex;

use super::source::Source;
use super::telemetry::{Fares, Page, SCRAPES, SICK_FROM, START_TIME, Target, Telemetry};
use crate::support::{auditor, directory_with, each};

const LAG: &str = "auditor_probe_lag_seconds";
const MACHINE: &str = "auditor_machine_lag_seconds";
const SLOW: &str = "auditor_slow_answer_seconds";
const GAP: &str = "auditor_probe_gap_seconds";
const UNTOLD: &str = "auditor_untold_answer_seconds";
const NOT_MET: &str = "auditor_workers_not_met";
const STARVED: &str = "auditor_pool_starved_threads";
const ENDS: &str = "auditor_worker_ends_total";
const STARTS: &str = "auditor_worker_starts_total";
const LATE: &str = "auditor_probe_requests_total{result=\"late\"}";
const NOT_SEEN: &str = "auditor_not_seen{what=\"threads\",why=\"a reason\"}";

/// What is done to the telemetry, and what has to come of it.
struct Row {
    name: &'static str,
    spoil: fn(&mut Telemetry),
    rules: &'static [&'static str],
    words: &'static str,
    /// The exit codes of the calm service, of the sick one, and of the calm one where the rules are
    /// relaxed.
    codes: [i32; 3],
}

fn row(name: &'static str, spoil: fn(&mut Telemetry)) -> Row {
    Row { name, spoil, rules: &[], words: "", codes: [0, 1, 0] }
}

impl Row {
    fn falls_short(self, rules: &'static [&'static str], words: &'static str) -> Self {
        Self { rules, words, codes: [3, 1, 0], ..self }
    }

    fn codes(self, codes: [i32; 3]) -> Self {
        Self { codes, ..self }
    }

    /// What is wrong with what comes of it.
    fn problems(&self) -> Vec<String> {
        let cases = [(Fares::Well, false), (Fares::Ill, false), (Fares::Well, true)];
        let problem = |((fares, is_allowed), code): ((Fares, bool), &i32)| {
            let mut telemetry = seen(fares);
            (self.spoil)(&mut telemetry);
            let rule = |rule: &&str| match *rule {
                "min_requests" => "min_requests: 0".to_owned(),
                rule => format!("{rule}: allow"),
            };
            let relaxed: Vec<_> = self.rules.iter().filter(|_| is_allowed).map(rule).collect();
            let config = format!("{LIMITS}evidence: {{{}}}\n", relaxed.join(", "));
            let directory = directory_with(&config);
            fs::write(directory.path().join("run.om"), telemetry.recording()).unwrap();
            let args = ["--recording", "run.om", "--fail-on-critical", "--output-format", "json"];
            let run = auditor(directory.path(), &args);
            let report = run.json();
            let all = report["evidence"]["shortfalls"].as_array().cloned().unwrap_or_default();
            let mut rules: Vec<_> = all.iter().filter_map(|it| it["rule"].as_str()).collect();
            rules.dedup();
            let is_short = |rule: &&str| !is_allowed || *rule != "min_requests";
            let expected: Vec<_> = self.rules.iter().copied().filter(is_short).collect();
            let has = |it: &serde_json::Value| it["detail"].as_str().unwrap().contains(self.words);
            let is_said = self.words.is_empty() || all.iter().any(has);
            let is_marked = all.iter().all(|it| it["allowed"] == is_allowed);
            let is_right = run.code == *code && rules == expected && is_said && is_marked;
            (!is_right).then(|| {
                let (name, reason) = (self.name, &report["verdict_reason"]);
                let why = &report["error"];
                format!("{name} ({fares:?}, {is_allowed}): exit {} for {code}, {rules:?} for {expected:?}; {reason}; {why}; {all:#?}{}", run.code, run.stderr)
            })
        };
        cases.into_iter().zip(&self.codes).filter_map(problem).collect()
    }
}

/// The queries are those of the preset.
const LIMITS: &str = "
preset: probe
thresholds:
  max_event_loop_lag_s: 0.5
  max_blocking_duration_s: 1.0
  health_score_degraded: 400
  health_score_critical: 1200
";

fn check(rows: &[Row]) {
    let wrong = Mutex::new(Vec::new());
    each(rows, 6, |row| wrong.lock().unwrap().extend(row.problems()));
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// What a probe sees of a service with one worker, once a second.
fn seen(fares: Fares) -> Telemetry {
    let mut telemetry = Telemetry::whole(Source::Recording, fares);
    let target = telemetry.first();
    target.job = "auditor_probe";
    for (n, scrape) in target.scrapes.iter_mut().enumerate() {
        scrape.page = page(n, fares);
    }
    telemetry
}

fn page(n: usize, fares: Fares) -> Page {
    let is_ill = fares == Fares::Ill && n >= SICK_FROM;
    let (scrapes, stalls) = (n as f64 + 1.0, if is_ill { n - SICK_FROM + 1 } else { 0 } as f64);
    let mut page = Page::default();
    for (result, each) in [("answered", 20.0), ("failed", 0.0), ("left_out", 0.0), ("late", 0.0)] {
        page.set(&format!("auditor_probe_requests_total{{result=\"{result}\"}}"), each * scrapes);
    }
    for (le, part) in [("0.005", 18.0), ("2.5", 20.0), ("10", 20.0), ("+Inf", 20.0)] {
        let bucket = format!("auditor_probe_duration_seconds_bucket{{le=\"{le}\"}}");
        page.set(&bucket, part * scrapes);
    }
    page.set("auditor_probe_duration_seconds_sum", scrapes * 0.04);
    page.set("auditor_probe_duration_seconds_count", scrapes * 20.0);
    page.set(LAG, if is_ill { 1.4 } else { 0.004 });
    for (name, value) in [(MACHINE, 0.001), (SLOW, 0.0), (GAP, 0.05), (UNTOLD, 0.0), (NOT_MET, 0.0)]
    {
        page.set(name, value);
    }
    for (cause, count) in [("asleep", stalls), ("cpu", 0.0), ("machine", 0.0), ("unknown", 0.0)] {
        page.set(&format!("auditor_stall_seconds_sum{{cause=\"{cause}\"}}"), count * 1.4);
        page.set(&format!("auditor_stall_seconds_count{{cause=\"{cause}\"}}"), count);
    }
    page.set("auditor_requests_active", 3.0);
    page.set("auditor_requests_seen_total", scrapes * 10.0);
    page.set("auditor_accept_queue", 0.0);
    page.set("auditor_unread_bytes", 0.0);
    page.set("auditor_pool_threads{state=\"busy\"}", 1.0);
    page.set("auditor_pool_threads{state=\"idle\"}", 7.0);
    page.set("auditor_pool_backlog", 0.0);
    page.set("auditor_pool_wait_seconds", 0.0);
    page.set("auditor_loop_cpu_seconds_total", scrapes * 0.1);
    page.set("auditor_loop_runqueue_seconds_total", scrapes * 0.001);
    page.set("auditor_processes", 1.0);
    page.set(ENDS, 0.0);
    page.set(STARTS, 0.0);
    page.set(START_TIME, 1_699_999_000.25);
    page
}

/// The series of the process and its sockets are not there, because they cannot be read.
fn without_process(t: &mut Telemetry) {
    for name in [
        "auditor_requests_active",
        "auditor_requests_seen_total",
        "auditor_accept_queue",
        "auditor_unread_bytes",
        "auditor_pool_threads",
        "auditor_pool_backlog",
        "auditor_pool_wait_seconds",
        "auditor_loop_cpu_seconds_total",
        "auditor_loop_runqueue_seconds_total",
        "auditor_processes",
        NOT_MET,
        START_TIME,
    ] {
        t.each(.., |_, page| {
            page.samples.retain(|(series, _)| series.split('{').next() != Some(name));
        });
    }
}

const ALL: usize = SCRAPES - 1;

#[test]
fn what_the_machine_is_to_blame_for_is_no_verdict() {
    const BUSY: &[&str] = &["busy_machine"];
    check(&[
        row("whole", |_| {}),
        row("the loop waits for a CPU", |t| t.set(9..=9, MACHINE, 0.9))
            .falls_short(BUSY, "waited for a CPU for 0.9 s, over 0.5 s"),
        row("at the end", |t| t.set(ALL.., MACHINE, 3.0)).falls_short(BUSY, "too busy"),
        row("all the time", |t| t.set(.., MACHINE, 1.0)).falls_short(BUSY, "too busy"),
        row("not for long enough to decide", |t| t.set(.., MACHINE, 0.49)),
        row("not a number", |t| t.set(.., MACHINE, f64::NAN)),
        row("nobody saw what an answer waited for", |t| t.set(12..=12, UNTOLD, 1.2))
            .falls_short(&["busy_machine"], "cannot be told what an answer waited for, for 1.2 s"),
        row("one that did not take long", |t| t.set(12..=12, UNTOLD, 0.4)),
        row("the probe asks nothing", |t| t.set(12..=12, GAP, 0.8))
            .falls_short(BUSY, "could ask nothing for 0.8 s, over 0.5 s"),
        row("for a moment", |t| t.set(12..=12, GAP, 0.4)),
        row("the probe is late", |t| t.each(.., |n, page| page.set(LATE, n as f64 * 5.0)))
            .falls_short(BUSY, "the probe was late itself in "),
        row("now and then", |t| t.each(.., |n, page| page.set(LATE, n as f64))),
        row("the threads of the pool wait for a CPU", |t| t.set(9..=9, STARVED, 4.0))
            .falls_short(BUSY, "the 4 threads of the pool waited for a CPU, and requests for them"),
        row("those of a pool with room", |t| t.set(.., STARVED, 0.0)),
        row("of one of two", |t| {
            t.add("b:8000");
            t.set(9..=9, MACHINE, 0.9);
        })
        .falls_short(BUSY, "a:8000"),
        row("a page that says the same is not the probe's", |t| {
            let page: &mut Target = t.add("b:8000");
            page.job = "api";
            for scrape in &mut page.scrapes {
                scrape.page = Page::default();
                for name in [MACHINE, SLOW, GAP, NOT_MET, STARVED] {
                    scrape.page.set(name, 9.0);
                }
            }
        }),
    ]);
}

#[test]
fn what_is_slow_or_not_met_by_the_probe_is_no_pass() {
    check(&[
        row("an answer is slow", |t| t.set(9..=9, SLOW, 0.8))
            .falls_short(&["slow_answers"], "took 0.8 s, over 0.5 s"),
        row("the last one is", |t| t.set(ALL.., SLOW, 0.8)).falls_short(&["slow_answers"], "0.8 s"),
        row("not slower than the limit", |t| t.set(.., SLOW, 0.5)),
        row("a worker is not met", |t| t.set(.., NOT_MET, 1.0))
            .falls_short(&["workers"], "1 workers of the service were not met"),
        row("one that came at the end", |t| t.set(15.., NOT_MET, 2.0))
            .falls_short(&["workers"], "2 workers"),
        row("each is met in the end", |t| t.set(3..=5, NOT_MET, 1.0)),
        row("all of it at once", |t| {
            t.set(9..=9, MACHINE, 0.9);
            t.set(9..=9, SLOW, 0.9);
            t.set(.., NOT_MET, 1.0);
        })
        .falls_short(&["workers", "busy_machine", "slow_answers"], "0.9 s"),
    ]);
}

#[test]
fn another_process_and_a_probe_that_failed_are_told() {
    check(&[
        row("the service is started anew", |t| t.set(10.., START_TIME, 1_700_000_009.5))
            .falls_short(&["restarts"], "it restarted once"),
        row("and is there at the last look alone", |t| t.set(ALL.., START_TIME, 1_700_000_018.5))
            .falls_short(&["restarts"], "restarted"),
        row("a worker ends and is not replaced", |t| t.set(10.., ENDS, 1.0))
            .falls_short(&["restarts"], "1 worker ended and 0 were started, first at "),
        row("one comes", |t| t.set(10.., STARTS, 1.0))
            .falls_short(&["restarts"], "0 workers ended and 1 was started"),
        row("workers are started anew, and their start times tell too", |t| {
            t.set(5.., ENDS, 1.0);
            t.set(ALL.., ENDS, 2.0);
            t.set(10.., STARTS, 1.0);
            t.set(5.., START_TIME, 1_700_000_005.5);
            t.set(10.., START_TIME, 1_700_000_010.5);
        })
        .falls_short(&["restarts"], "2 workers ended and 1 was started"),
        row("no answer came for a while", |t| t.first().fail(8..=9))
            .falls_short(&["failed_scrapes"], "2 of 2"),
        row("it is gone in the end", |t| t.first().fail(ALL..))
            .falls_short(&["failed_scrapes"], "1 of 2"),
    ]);
}

#[test]
fn what_cannot_be_seen_is_not_calm() {
    check(&[
        row("the process cannot be", |t| {
            without_process(t);
            t.set(..1, NOT_SEEN, 1.0);
        })
        .falls_short(&["not_visible"], "threads cannot be seen: a reason")
        // There is no value that could be believed.
        .codes([3, 1, 3]),
        row("the pool cannot be", |t| {
            t.each(.., |_, page| {
                page.samples.retain(|(series, _)| !series.starts_with("auditor_pool_"));
            });
            t.set(..1, NOT_SEEN, 1.0);
        })
        .falls_short(&["not_visible"], "threads cannot be seen: a reason")
        .codes([3, 1, 3]),
        row("how many threads a busy pool may have", |t| {
            t.set(9..=9, "auditor_pool_limit_unknown_threads", 8.0);
        })
        .falls_short(&["not_visible"], "all 8 threads of the pool were busy"),
        row("what no query uses", |t| {
            t.without(.., "auditor_unread_bytes");
            t.set(..1, NOT_SEEN, 1.0);
        }),
    ]);
}
