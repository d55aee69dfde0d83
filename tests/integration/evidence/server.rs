//! What a server does not say by itself: that its samples are old, that targets are gone, were
//! down, restarted, or that a counter is younger than its target.

mod end;
mod gateway;
mod live;

use std::fmt::Write as _;
use std::fs;
use std::ops::RangeInclusive;

use crate::support::real::{self, Server};
use crate::support::telemetry::{CALM, Instance};
use crate::support::{Run, auditor, directory_with, empty_directory};

/// 2026-01-31T12:00:00Z, and an hour before.
const END: i64 = 1_769_860_800;
const START: i64 = END - 3600;

/// A sample of a made-up service, before it is spoilt.
struct Sample<'a> {
    instance: &'a str,
    name: &'a str,
    /// Further labels.
    more: &'a str,
    /// Seconds before the end.
    ago: i64,
    value: f64,
}

impl Sample<'_> {
    fn unless(&self, missing: RangeInclusive<i64>) -> Option<f64> {
        (!missing.contains(&self.ago)).then_some(self.value)
    }
}

const LAG: &str = "asyncio_event_loop_lag_seconds";

type Spoil = fn(&Sample<'_>) -> Option<f64>;

/// One kind of telemetry, as the job of its name.
struct Row {
    job: &'static str,
    instances: &'static [&'static str],
    of: Instance,
    /// Seconds between two scrapes.
    step: usize,
    /// What becomes of a sample; nothing where it is missing.
    spoil: Spoil,
    /// What is set under `evidence`.
    evidence: &'static str,
    code: i32,
    /// The rules that fall short.
    rules: &'static [&'static str],
    /// What one of them says.
    says: &'static str,
}

const fn row(job: &'static str, spoil: Spoil) -> Row {
    Row {
        job,
        instances: &["a:8000"],
        of: CALM,
        step: 15,
        spoil,
        evidence: "{}",
        code: 0,
        rules: &[],
        says: "",
    }
}

impl Row {
    const fn of_two(self) -> Self {
        Self { instances: &["a:8000", "b:8000"], ..self }
    }

    const fn sick(self) -> Self {
        Self { of: Instance { lag: 2.0, ..CALM }, ..self }
    }

    const fn every(self, step: usize) -> Self {
        Self { step, ..self }
    }

    const fn set(self, evidence: &'static str) -> Self {
        Self { evidence, ..self }
    }

    const fn lacks(self, rules: &'static [&'static str], says: &'static str) -> Self {
        Self { code: 3, rules, says, ..self }
    }

    const fn fails(self) -> Self {
        Self { code: 1, ..self }
    }

    /// It is told all the same.
    const fn passes(self) -> Self {
        Self { code: 0, ..self }
    }
}

fn whole(sample: &Sample<'_>) -> Option<f64> {
    Some(sample.value)
}

fn gone_for_7_minutes(sample: &Sample<'_>) -> Option<f64> {
    (sample.ago >= 420).then_some(sample.value)
}

fn down_for_7_minutes(sample: &Sample<'_>) -> Option<f64> {
    let is_up = sample.ago >= 420;
    if sample.name == "up" { Some(f64::from(is_up)) } else { is_up.then_some(sample.value) }
}

fn without_up(sample: &Sample<'_>) -> Option<f64> {
    (sample.name != "up").then_some(sample.value)
}

/// What another instance than the first has met.
fn of_b(sample: &Sample<'_>, spoil: Spoil) -> Option<f64> {
    if sample.instance == "b:8000" { spoil(sample) } else { Some(sample.value) }
}

/// A restart so many seconds ago: the start time moves, and counters begin anew.
fn restart(sample: &Sample<'_>, ago: i64) -> Option<f64> {
    let is_new = sample.ago < ago;
    let is_counter = sample.name.contains("_seconds_") || sample.name.contains("_total");
    match sample.name {
        "process_start_time_seconds" if is_new => Some((END - ago) as f64),
        _ if is_new && is_counter => Some(sample.value * 2e-3),
        _ => Some(sample.value),
    }
}

/// The counters of blocking calls, that appear so many seconds ago with that value, and stay.
fn born(sample: &Sample<'_>, ago: i64, value: f64) -> Option<f64> {
    let is_born = sample.name.starts_with("blocking_");
    if is_born { (sample.ago < ago).then_some(value) } else { Some(sample.value) }
}

/// Nothing under `evidence`, and a check of metrics by a pattern of their names.
const NAMES: &str = r#"{}
checks: {names: {query: 'max({__name__=~"asyncio_event_loop.*|active_requests",$selector})', max: 1000}}"#;

const ROWS: &[Row] = &[
    row("calm", whole),
    row("calm-two", whole).of_two(),
    row("sick", whole).sick().fails(),
    // Age.
    row("gone", gone_for_7_minutes).lacks(&["gone_targets", "max_age"], "is 420 s old, where 60 s may pass (it came every 15 s)"),
    row("sick-gone", gone_for_7_minutes)
        .sick()
        .lacks(&["gone_targets", "max_age"], "")
        .fails(),
    row("down", down_for_7_minutes).lacks(&["gone_targets", "max_age"], "`up` is not 1"),
    row("pushed", without_up),
    row("pushed-old", |it| without_up(it).filter(|_| it.ago >= 420)).lacks(&["max_age"], "420 s"),
    row("pushed-two", without_up).of_two(),
    row("pushed-one-gone", |it| of_b(it, gone_for_7_minutes).and(without_up(it)).filter(|_| it.instance == "a:8000" || it.ago >= 420))
        .of_two()
        .lacks(&["gone_targets"], "an instance that no `up` tells of has no number for"),
    row("pushed-late", |it| without_up(it).filter(|_| it.ago >= 75)).lacks(&["max_age"], "75 s old, where 60 s"),
    row("pushed-late-allowed", |it| without_up(it).filter(|_| it.ago >= 75)).set("{max_age: 2m}"),
    row("slow", |it| without_up(it).filter(|_| it.ago >= 100)).every(60),
    row("slow-late", |it| without_up(it).filter(|_| it.ago >= 200)).every(60).lacks(&["max_age"], "240 s old, where 1"),
    row("strict", |it| without_up(it).filter(|_| it.ago >= 30)).set("{max_age: 20s}").lacks(&["max_age"], "30 s old, where 20 s may pass"),
    row("lag-old", |it| (it.name != "asyncio_event_loop_lag_seconds" || it.ago >= 240).then_some(it.value)).lacks(&["max_age"], "asyncio_event_loop_lag_seconds{job=\"lag-old\"} is 240 s old"),
    // A pattern of names.
    row("names", whole).of_two().set(NAMES),
    row("names-old", |it| (it.name != "asyncio_event_loop_lag_seconds" || it.ago >= 240).then_some(it.value)).set(NAMES).lacks(&["max_age", "max_age"], "{__name__=~\"asyncio_event_loop.*|active_requests\",job=\"names-old\",__name__=\"asyncio_event_loop_lag_seconds\"} is 240 s old"),
    row("names-gone", |it| of_b(it, gone_for_7_minutes)).of_two().set(NAMES).lacks(&["gone_targets", "gone_targets"], "b:8000"),
    // Targets.
    row("one-gone", |it| of_b(it, gone_for_7_minutes)).of_two().lacks(&["gone_targets"], "1 instance went away or is down (`up` is not 1) in the last 900 s {instance=\"b:8000\", job=\"one-gone\"}"),
    row("one-down", |it| of_b(it, down_for_7_minutes)).of_two().lacks(&["gone_targets"], "b:8000"),
    // VictoriaMetrics takes what ended some minutes ago for NaN.
    row("one-gone-allowed", |it| of_b(it, |it| (it.ago >= 800).then_some(it.value)))
        .of_two()
        .set("{gone_targets: allow}")
        .lacks(&["gone_targets"], "")
        .passes(),
    row("one-gone-earlier", |it| of_b(it, |it| (it.ago > 1300).then_some(it.value))).of_two(),
    row("failed", |it| match (it.name, it.ago) {
        ("up", 300..=330) => Some(0.0),
        (_, 300..=330) => None,
        _ => Some(it.value),
    }).lacks(&["failed_scrapes"], "scrapes of 1 instance failed (`up` was 0) in the last 900 s"),
    row("failed-earlier", |it| match (it.name, it.ago) {
        ("up", 1000..=1030) => Some(0.0),
        _ => Some(it.value),
    }),
    // Pauses: nothing was scraped, and nothing says so.
    row("paused", |it| it.unless(300..=420)).lacks(&["max_gap"], "there was no scrape for 150 s, where 15 s are usual {instance=\"a:8000\", job=\"paused\"}"),
    row("sick-paused", |it| it.unless(300..=420)).sick().lacks(&["max_gap"], "").fails(),
    row("paused-for-long", |it| it.unless(100..=800)).lacks(&["max_gap"], ""),
    row("paused-shortly", |it| it.unless(300..=330)).lacks(&["max_gap"], ""),
    row("both-paused", |it| it.unless(300..=420)).of_two().lacks(&["max_gap"], "; another instance had such a pause, too"),
    row("one-paused", |it| of_b(it, |it| it.unless(300..=420))).of_two().lacks(&["max_gap"], "b:8000"),
    row("paused-as-set", |it| it.unless(300..=420)).set("{max_gap: 150s}"),
    row("paused-longer-than-set", |it| it.unless(300..=420)).set("{max_gap: 130s}").lacks(&["max_gap"], "there was no scrape for 150 s, where 130 s may pass"),
    row("two-missed", |it| it.unless(300..=315)),
    row("paused-earlier", |it| it.unless(950..=1100)),
    row("began-late", |it| it.unless(400..=9000)),
    row("began-late-again", |it| it.unless(400..=1100)),
    row("each-minute", whole).every(60),
    row("each-minute-paused", |it| it.unless(300..=480)).every(60).lacks(&["max_gap"], ""),
    // Processes.
    row("restarted", |it| restart(it, 307)).lacks(&["restarts"], "1 instance restarted"),
    row("restarted-allowed", |it| restart(it, 307)).set("{restarts: allow}").lacks(&["restarts"], "").passes(),
    row("restarted-earlier", |it| restart(it, 1207)),
    row("restarted-nameless", |it| restart(it, 307).filter(|_| it.name != "process_start_time_seconds")).lacks(&["restarts"], "a counter fell"),
    row("both-restarted", |it| restart(it, 307)).of_two().lacks(&["restarts"], "2 instances restarted (their start times changed, or counters fell) in the last 900 s; one of them is {instance=\"a:8000\""),
    row("jitter", |it| match it.name {
        "process_start_time_seconds" => Some(it.value + (it.ago / 15 % 2) as f64),
        _ => Some(it.value),
    }),
    row("workers", |it| match it.name {
        "process_start_time_seconds" => Some(it.value + 3.0 * (it.ago / 15 % 2) as f64),
        _ => Some(it.value),
    }).lacks(&["workers"], "1 page is of several processes"),
    // Quantiles.
    row("beyond-buckets", |it| match it.more {
        ",le=\"0.1\"" | ",le=\"1\"" => Some(it.value * 0.9),
        _ => Some(it.value),
    }).lacks(&["top_bucket"], "`p99_latency` is 1 s or more: its highest bucket ends there").passes(),
    // What others have.
    row("lag-ended", |it| of_b(it, |it| (it.name != LAG || it.ago >= 400).then_some(it.value))).of_two().lacks(&["holes"], "a target that is up lacks asyncio_event_loop_lag_seconds"),
    row("lag-never", |it| of_b(it, |it| (it.name != LAG).then_some(it.value))).of_two().lacks(&["holes"], "b:8000"),
    row("page-empty", |it| of_b(it, |it| (it.name == "up").then_some(it.value))).of_two().lacks(&["holes", "holes"], "b:8000"),
    row("lag-nan", |it| Some(if it.name == LAG && it.ago < 600 { f64::NAN } else { it.value })).lacks(&["holes"], "or had NaN for it"),
    row("sick-lag-ended", |it| of_b(it, |it| (it.name != LAG || it.ago >= 400).then_some(it.value))).of_two().sick().lacks(&["holes"], "").fails(),
    // Requests.
    row("scrapes-alone", |it| match it.name {
        "http_request_duration_seconds_count" => Some(it.value / 1000.0),
        _ => Some(it.value),
    }).lacks(&["min_requests"], "are one more at each scrape: those for the page of metrics itself"),
    // Births.
    row("born", |it| born(it, 307, 2.0)).lacks(&["holes"], "appeared later than its target"),
    row("born-calm", |it| born(it, 307, 0.0)),
    row("born-earlier", |it| born(it, 1207, 2.0)),
    row("born-with-target", |it| born(it, 307, 2.0).filter(|_| it.ago < 307)),
    row("born-beside-others", |it| match (it.name, it.more) {
        // Another one of the same instance moves, in short calls.
        (name, "") if name.starts_with("blocking_") => Some((END - START - it.ago) as f64 * if name.ends_with("_sum") { 1e-4 } else { 1e-2 }),
        (_, ",call=\"db\"") => (it.ago < 307).then_some(2.0),
        _ => Some(it.value),
    }).lacks(&["holes"], "appeared later than its target"),
    row("born-and-negligible", |it| match (it.name, it.more) {
        (name, "") if name.starts_with("blocking_") => Some((END - START - it.ago) as f64),
        (_, ",call=\"db\"") => (it.ago < 307).then_some(2.0),
        _ => Some(it.value),
    }),
    row("born-and-risen", |it| match born(it, 307, 0.2) {
        Some(value) if it.name.starts_with("blocking_") => Some(value + (307 - it.ago) as f64 * 1e-4),
        other => other,
    }),
];

/// The samples of all rows, times in seconds or in milliseconds.
fn text(per_second: i64) -> String {
    let mut out = String::new();
    for row in ROWS {
        for instance in row.instances {
            for (number, time) in (START..=END).step_by(row.step).enumerate() {
                let n = number as f64 + 1.0;
                let mut scrape = row.of.scrape(n);
                scrape.extend([
                    ("http_request_duration_seconds_count", n * 1000.0),
                    ("up", 1.0),
                    ("process_start_time_seconds", (START - 1000) as f64 + 0.37),
                    ("blocking_duration_seconds_sum|,call=\"db\"", 0.0),
                    ("blocking_duration_seconds_count|,call=\"db\"", 0.0),
                ]);
                for (name, value) in scrape {
                    let (name, more) = name.split_once('|').unwrap_or((name, ""));
                    let sample = Sample { instance, name, more, ago: END - time, value };
                    let Some(value) = (row.spoil)(&sample) else { continue };
                    let (job, time) = (row.job, time * per_second);
                    writeln!(
                        out,
                        "{name}{{job=\"{job}\",instance=\"{instance}\"{more}}} {value} {time}"
                    )
                    .unwrap();
                }
            }
        }
    }
    out
}

fn gate(row: &Row, server: &Server) -> Run {
    let config = auditor::config::DEFAULT_METRICS;
    let directory = directory_with(&format!("{config}\nevidence: {}\n", row.evidence));
    let (selector, at) = (format!("selector=job=\"{}\"", row.job), END.to_string());
    let args = ["--target", &server.url, "--var", &selector, "--fail-on-critical"];
    let args = [&args[..], &["--at", &at, "--output-format", "json"]].concat();
    auditor(directory.path(), &args)
}

#[test]
fn what_a_server_does_not_say_by_itself_is_looked_at() {
    if !real::available("the evidence of real servers") {
        return;
    }
    let directory = empty_directory();
    let file = directory.path().join("samples");
    fs::write(&file, text(1) + "# EOF\n").unwrap();
    let servers = [
        ("Prometheus", real::prometheus_of_file(&file, None, "")),
        ("VictoriaMetrics", real::victoria_metrics_of(text(1000))),
    ];
    let mut wrong = Vec::new();
    // VictoriaMetrics keeps no NaN, so that such a series ends there.
    let is_told = |row: &Row, product: &str| row.job != "lag-nan" || product == "Prometheus";
    for (row, (product, server)) in
        ROWS.iter().flat_map(|row| servers.iter().map(move |it| (row, it)))
    {
        if !is_told(row, product) {
            continue;
        }
        let run = gate(row, server);
        let report = run.json();
        let shortfalls = report["evidence"]["shortfalls"].as_array().unwrap();
        let rules: Vec<_> = shortfalls.iter().map(|it| it["rule"].as_str().unwrap()).collect();
        let says = shortfalls.iter().any(|it| it["detail"].as_str().unwrap().contains(row.says));
        if run.code != row.code || rules != row.rules || !(says || row.says.is_empty()) {
            let (job, reason) = (row.job, &report["verdict_reason"]);
            wrong.push(format!("{job} on {product}: {} {reason} {shortfalls:?}", run.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (product, server) in &servers {
        for (job, first) in [
            ("calm", [Some(1.0), Some(0.0), Some(1.0), Some(0.0)]),
            ("failed", [Some(0.95), Some(0.0), Some(1.0), Some(0.0)]),
            ("restarted", [Some(1.0), Some(0.0), Some(2.0), Some(1.0)]),
            ("workers", [Some(1.0), Some(0.0), None, None]),
            ("one-gone", [Some(1.0), Some(0.0), Some(1.0), Some(0.0)]),
        ] {
            assert_eq!(of_first_target(job, server), first, "{job} on {product}");
        }
    }
}

/// What the report says of the first target of a row: how far it was covered, how old its newest
/// sample is, its processes and its restarts.
fn of_first_target(job: &str, server: &Server) -> [Option<f64>; 4] {
    let row = ROWS.iter().find(|row| row.job == job).unwrap();
    let evidence = gate(row, server).json()["evidence"].clone();
    let targets = evidence["targets"].as_array().unwrap();
    assert_eq!(targets.len(), row.instances.len(), "{evidence:#}");
    assert_eq!(targets[0]["target"]["instance"], "a:8000", "{evidence:#}");
    let lag =
        evidence["queries"].as_array().unwrap().iter().find(|it| it["name"] == "event_loop_lag");
    assert!(lag.unwrap()["covered"].as_f64().unwrap() > 0.9, "{evidence:#}");
    ["covered", "newest_sample_age_s", "processes", "restarts"]
        // VictoriaMetrics may count one scrape more.
        .map(|key| targets[0][key].as_f64().map(|it| (it * 100.0).round() / 100.0))
}
