//! The recording of a starved service, mutated at random: whatever is lost of it or moved in it,
//! what is left is either sick or seen to be incomplete. It never passes.

use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use auditor::audit::audit_at_worst_instant;
use auditor::collect::{self, BreachTests, Lag, Observer, Watched};
use auditor::config::{self, Plan, Request, SourceRequest};
use auditor::engine::Verdict;
use auditor::model::level::{Gate, Level};

use crate::support::empty_directory;

/// So many mutations, a seed each.
const MUTATIONS: u64 = 2400;
const LAG: &str = "asyncio_event_loop_lag_seconds";
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
        let is_lag = |line: &str| name_of(line) == LAG;
        let is_sick = |line: &str| value_of(line).parse().is_ok_and(|lag: f64| lag > 0.1);
        let is_blocking = |line: &str| name_of(line).starts_with("blocking_");
        let is_then = |line: &str| (from..=to).contains(&instant_of(line));
        lines.retain(|line| !(is_lag(line) && is_sick(line) || is_blocking(line) && is_then(line)));
    }),
    ("what is sick turned to NaN, and the blocking dropped from a moment on", |lines, random| {
        let from = instant_of(&pick(lines, random));
        for line in &mut *lines {
            let value = value_of(line);
            let is_lag = name_of(line) == LAG;
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

/// The recording with its lag at these scrapes alone, and else calm.
fn starved_at(scrapes: RangeInclusive<usize>) -> Vec<String> {
    let lines = lines_of(STARVED);
    let instants: BTreeSet<_> = lines.iter().map(|line| instant_of(line)).collect();
    let instants: Vec<_> = instants.into_iter().collect();
    let is_sick = |line: &str| instants[scrapes.clone()].contains(&instant_of(line));
    let calm = |line: String| {
        let value = value_of(&line);
        let calm = match name_of(&line).as_str() {
            LAG if !is_sick(&line) => "0.004",
            name if name.starts_with("blocking_") => "0",
            _ => return line,
        };
        line.replace(&format!(" {value} "), &format!(" {calm} "))
    };
    lines.into_iter().map(calm).collect()
}

fn lines_of(recording: &str) -> Vec<String> {
    recording.lines().filter(|line| *line != "# EOF").map(str::to_owned).collect()
}

fn text_of(lines: &[String]) -> String {
    lines.join("\n") + "\n# EOF\n"
}

fn mutated(seed: u64) -> (&'static str, String) {
    let mut random = Random(seed);
    let (kind, mutate) = KINDS[seed as usize % KINDS.len()];
    // Starved all the time, or for three scrapes alone.
    let mut lines = match seed as usize / KINDS.len() % 2 {
        0 => lines_of(STARVED),
        _ => starved_at(7..=9),
    };
    mutate(&mut lines, &mut random);
    (kind, text_of(&lines))
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
    let (max_clock_skew, accept_partial) = (Duration::MAX, false);
    let expressions = &[];
    let watched = Watched {
        expressions,
        lag,
        required: &[],
        accept_partial,
        max_clock_skew,
        breach: BreachTests::default(),
    };
    let telemetry = collect::collect(&plan.spec, Instant::now(), watched, observer).unwrap();
    let audit = audit_at_worst_instant(&plan, &telemetry, &log);
    (audit.assessment.verdict, audit.assessment.verdict_reason)
}

/// What these mutations come to: their kind, the verdict, and why.
fn verdicts(seeds: impl Iterator<Item = u64>) -> Vec<(&'static str, Verdict, String)> {
    let directory = empty_directory();
    let path = directory.path().join("mutated.om");
    let audited = |seed| {
        let (kind, recording) = mutated(seed);
        fs::write(&path, recording).unwrap();
        let (verdict, reason) = verdict(&path);
        (kind, verdict, format!("seed {seed}, {kind}: {reason}"))
    };
    seeds.map(audited).collect()
}

#[test]
fn no_mutation_of_a_starved_service_passes() {
    let threads = 4;
    let all: Vec<_> = thread::scope(|scope| {
        let of_thread = |first| scope.spawn(move || verdicts((first..MUTATIONS).step_by(threads)));
        let started: Vec<_> = (0..threads as u64).map(of_thread).collect();
        started.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let passed: Vec<_> = all.iter().filter(|(_, verdict, _)| *verdict == Verdict::Pass).collect();
    assert!(passed.is_empty(), "{} passed: {passed:#?}", passed.len());
    // Where nothing of the sickness is left, that is what stops them; elsewhere it is mostly seen.
    for (kind, verdict, reason) in &all {
        let is_all_lost = kind.starts_with("what is sick");
        assert!(!is_all_lost || *verdict == Verdict::Inconclusive, "{reason}");
    }
    let failed = all.iter().filter(|(_, verdict, _)| *verdict == Verdict::Fail).count();
    assert!(failed > all.len() / 2, "{failed} of {} fail", all.len());
}

#[test]
fn without_a_mutation_it_fails() {
    let directory = empty_directory();
    let path = directory.path().join("starved.om");
    for lines in [lines_of(STARVED), starved_at(7..=9)] {
        fs::write(&path, text_of(&lines)).unwrap();
        assert_eq!(verdict(&path).0, Verdict::Fail);
    }
}
