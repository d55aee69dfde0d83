//! The recording of a starved service, mutated at random: whatever is lost of it or moved in it,
//! what is left is either sick or seen to be incomplete. It never passes.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use auditor::audit::audit_at_worst_instant;
use auditor::collect::{self, Lag, Observer, Watched};
use auditor::config::{self, Plan, Request, SourceRequest};
use auditor::engine::Verdict;
use auditor::model::level::{Gate, Level};

use crate::support::empty_directory;

/// So many mutations, a seed each.
const MUTATIONS: u64 = 2400;
const STARVED: &str = include_str!("../../examples/starved.om");

/// SplitMix64, by Steele, Lea and Flood: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// What is done to the recording, and what it is called.
type Mutation = (&'static str, fn(&mut Vec<String>, &mut Random));

const KINDS: [Mutation; 10] = [
    ("lines dropped here and there", |lines, random| {
        let part = 2 + random.below(40);
        lines.retain(|_| random.below(part) != 0);
    }),
    ("a block of lines dropped", |lines, random| {
        let start = random.below(lines.len());
        let end = (start + 1 + random.below(lines.len() / 2)).min(lines.len());
        lines.drain(start..end);
    }),
    ("a metric dropped from a moment on", |lines, random| {
        let (name, from) = (name_of(&pick(lines, random)), instant_of(&pick(lines, random)));
        lines.retain(|line| name_of(line) != name || instant_of(line) < from);
    }),
    ("a metric dropped for a while", |lines, random| {
        let name = name_of(&pick(lines, random));
        let [one, other] = [(); 2].map(|()| instant_of(&pick(lines, random)));
        let (from, to) = (one.min(other), one.max(other));
        lines.retain(|line| {
            name_of(line) != name || instant_of(line) < from || instant_of(line) > to
        });
    }),
    ("what is sick of the lag dropped, and the blocking for a while", |lines, random| {
        let [one, other] = [(); 2].map(|()| instant_of(&pick(lines, random)));
        let (from, to) = (one.min(other), one.max(other));
        let is_lag = |line: &str| name_of(line) == "asyncio_event_loop_lag_seconds";
        let is_sick = |line: &str| value_of(line).parse().is_ok_and(|lag: f64| lag > 0.1);
        let is_blocking = |line: &str| name_of(line).starts_with("blocking_");
        let is_then = |line: &str| (from..=to).contains(&instant_of(line));
        lines.retain(|line| !(is_lag(line) && is_sick(line) || is_blocking(line) && is_then(line)));
    }),
    ("what is sick turned to NaN, and the blocking dropped from a moment on", |lines, random| {
        let from = instant_of(&pick(lines, random));
        for line in &mut *lines {
            let value = value_of(line);
            let is_lag = name_of(line) == "asyncio_event_loop_lag_seconds";
            if is_lag && value.parse().is_ok_and(|lag: f64| lag > 0.1) {
                *line = line.replace(&format!(" {value} "), " NaN ");
            }
        }
        let is_lost =
            |line: &str| name_of(line).starts_with("blocking_") && instant_of(line) >= from;
        lines.retain(|line| !is_lost(line));
    }),
    ("scrapes dropped, their `up` kept", |lines, random| {
        let [one, other] = [(); 2].map(|()| instant_of(&pick(lines, random)));
        let (from, to) = (one.min(other), one.max(other));
        let is_lost = |line: &str| (from..=to).contains(&instant_of(line));
        lines.retain(|line| {
            !is_lost(line) || ["up", "scrape_duration_seconds"].contains(&name_of(line).as_str())
        });
    }),
    ("lines doubled", |lines, random| {
        for _ in 0..1 + random.below(50) {
            let at = random.below(lines.len());
            lines.insert(at, lines[at].clone());
        }
    }),
    ("samples shifted in time", |lines, random| {
        for _ in 0..1 + random.below(60) {
            let at = random.below(lines.len());
            let by = random.below(8000) as f64 / 1000.0 - 4.0;
            if let Some((rest, instant)) = lines[at].rsplit_once(' ') {
                let moved = instant.parse::<f64>().unwrap_or_default() + by;
                lines[at] = format!("{rest} {moved:.3}");
            }
        }
    }),
    ("values given to the lines after them", |lines, random| {
        let name = name_of(&pick(lines, random));
        let of_metric: Vec<_> =
            (0..lines.len()).filter(|at| name_of(&lines[*at]) == name).collect();
        let from = random.below(of_metric.len());
        for pair in of_metric[from..].windows(2).rev() {
            let value = value_of(&lines[pair[0]]);
            let mut words: Vec<_> = lines[pair[1]].split(' ').map(str::to_owned).collect();
            let place = words.len() - 2;
            words[place] = value;
            lines[pair[1]] = words.join(" ");
        }
    }),
];

fn pick(lines: &[String], random: &mut Random) -> String {
    lines[random.below(lines.len())].clone()
}

fn name_of(line: &str) -> String {
    line.split(['{', ' ']).next().unwrap_or_default().to_owned()
}

fn instant_of(line: &str) -> i64 {
    let seconds: f64 = line.rsplit(' ').next().and_then(|it| it.parse().ok()).unwrap_or_default();
    (seconds * 1000.0).round() as i64
}

fn value_of(line: &str) -> String {
    line.rsplit(' ').nth(1).unwrap_or_default().to_owned()
}

fn mutated(seed: u64) -> (&'static str, String) {
    let mut random = Random(seed);
    let (kind, mutate) = KINDS[seed as usize % KINDS.len()];
    let mut lines: Vec<_> =
        STARVED.lines().filter(|line| *line != "# EOF").map(str::to_owned).collect();
    mutate(&mut lines, &mut random);
    (kind, lines.join("\n") + "\n# EOF\n")
}

fn plan(recording: &Path) -> Plan {
    let request = Request {
        source: SourceRequest::Recording(recording.to_owned()),
        gate: Gate { level: Some(Level::Critical), failure_mode: false },
        ..Request::default()
    };
    config::parse(Path::new("metrics.yaml"), config::DEFAULT_METRICS, &request).unwrap()
}

fn verdict(recording: &Path) -> (Verdict, String) {
    let plan = plan(recording);
    let log = |_: &str| {};
    let observer = Observer { log: &log, progress: None, stdout_is_taken: true };
    let lag = Lag { read_by: None, limit: Duration::MAX };
    let watched = Watched { expressions: &[], lag, required: &[], accept_partial: false };
    let telemetry = collect::collect(&plan.spec, Instant::now(), watched, observer).unwrap();
    let audit = audit_at_worst_instant(&plan, &telemetry, &log);
    (audit.assessment.verdict, audit.assessment.verdict_reason)
}

/// Which of these mutations pass, and why.
fn passing(seeds: impl Iterator<Item = u64>) -> Vec<String> {
    let directory = empty_directory();
    let path = directory.path().join("mutated.om");
    let passes = |seed| {
        let (kind, recording) = mutated(seed);
        fs::write(&path, recording).unwrap();
        let (verdict, reason) = verdict(&path);
        (verdict == Verdict::Pass).then(|| format!("seed {seed}, {kind}: {reason}"))
    };
    seeds.filter_map(passes).collect()
}

#[test]
fn no_mutation_of_a_starved_service_passes() {
    let threads = 4;
    let passed: Vec<_> = thread::scope(|scope| {
        let of_thread = |first| scope.spawn(move || passing((first..MUTATIONS).step_by(threads)));
        let started: Vec<_> = (0..threads as u64).map(of_thread).collect();
        started.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(passed.is_empty(), "{} passed: {passed:#?}", passed.len());
}

#[test]
fn without_a_mutation_it_fails() {
    let directory = empty_directory();
    let path = directory.path().join("starved.om");
    fs::write(&path, STARVED).unwrap();
    assert_eq!(verdict(&path).0, Verdict::Fail);
}
