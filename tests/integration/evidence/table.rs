//! The table of evidence: how telemetry is spoilt, or only looks as if it was, on which sources,
//! and what has to come of it.

#![allow(dead_code, reason = "each theme uses a part of this")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::source::{self, Source};
use super::telemetry::{Fares, Telemetry};
use crate::support::Run;

/// A way to spoil telemetry, and what has to come of it.
pub(crate) struct Row {
    name: &'static str,
    spoil: fn(&mut Telemetry),
    sources: &'static [Source],
    /// The rules that fall short; none if all was seen.
    rules: &'static [&'static str],
    calm: i32,
    sick: i32,
    /// The exit code of the calm service where the rules are relaxed.
    allowed: i32,
    /// Said in a shortfall.
    words: &'static str,
    /// Below the queries of the configuration.
    more: &'static str,
}

/// Telemetry that is spoilt like this, which lacks nothing unless [`Row::falls_short`].
pub(crate) fn row(name: &'static str, spoil: fn(&mut Telemetry)) -> Row {
    let (rules, words, more) = (&[][..], "", "");
    Row { name, spoil, sources: source::ALL, rules, calm: 0, sick: 1, allowed: 0, words, more }
}

impl Row {
    /// On these sources alone; else on all.
    pub(crate) fn on(self, sources: &'static [Source]) -> Self {
        Self { sources, ..self }
    }

    /// These rules fall short, and no other: a calm service does not pass, a sick one fails.
    pub(crate) fn falls_short(self, rules: &'static [&'static str]) -> Self {
        Self { rules, calm: 3, ..self }
    }

    /// A shortfall says so.
    pub(crate) fn says(self, words: &'static str) -> Self {
        Self { words, ..self }
    }

    /// The exit code of the sick service, where its sickness is spoilt too.
    pub(crate) fn sick(self, sick: i32) -> Self {
        Self { sick, ..self }
    }

    /// The exit code of the calm service.
    pub(crate) fn calm(self, calm: i32) -> Self {
        Self { calm, ..self }
    }

    /// The exit code of the calm service where the rules are relaxed, and its values are unknown.
    pub(crate) fn allowed(self, allowed: i32) -> Self {
        Self { allowed, ..self }
    }

    /// With this below the queries of the configuration.
    pub(crate) fn with(self, more: &'static str) -> Self {
        Self { more, ..self }
    }

    /// Audits it on a source, and says what is wrong.
    fn try_on(&self, source: Source) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut expect = |fares: Fares, code: i32, allowed: bool| {
            let mut telemetry = Telemetry::whole(source, fares);
            (self.spoil)(&mut telemetry);
            let run = source::audit(&telemetry, &self.config(allowed));
            let problem = self.problem(&run, source, code, allowed);
            wrong.extend(problem.map(|it| {
                let allowed = if allowed { ", allowed" } else { "" };
                format!("{} ({source:?}, {fares:?}{allowed}): {it}", self.name)
            }));
        };
        expect(Fares::Well, self.calm, false);
        expect(Fares::Ill, self.sick, false);
        if self.calm == 3 {
            expect(Fares::Well, self.allowed, true);
        }
        wrong
    }

    fn config(&self, allowed: bool) -> String {
        let mut rules = Vec::new();
        if allowed {
            rules.extend(self.rules.iter().map(|rule| match *rule {
                "min_requests" => "min_requests: 0".to_owned(),
                "max_gap" => "max_gap: 1m".to_owned(),
                rule => format!("{rule}: allow"),
            }));
        }
        format!("evidence: {{{}}}\n{}", rules.join(", "), self.more)
    }

    fn problem(&self, run: &Run, source: Source, code: i32, allowed: bool) -> Option<String> {
        // The last page may be shown more than once there.
        let is_counted = source != Source::Live;
        let words = if is_counted { Some(self.words) } else { self.words.split(" in ").next() };
        let words = words.unwrap_or_default();
        let report = run.json();
        let shortfalls = report["evidence"]["shortfalls"].as_array().cloned().unwrap_or_default();
        let mut rules: Vec<_> =
            shortfalls.iter().map(|it| it["rule"].as_str().unwrap_or_default()).collect();
        rules.dedup();
        let details: Vec<_> =
            shortfalls.iter().map(|it| it["detail"].as_str().unwrap_or_default()).collect();
        // Who asks for no request misses none, and a pause that may be is none.
        let is_short = |rule: &&str| !allowed || !["min_requests", "max_gap"].contains(rule);
        let expected: Vec<_> = self.rules.iter().copied().filter(is_short).collect();
        let words = if expected.is_empty() { "" } else { words };
        let is_said = details.iter().any(|it| it.contains(words)) || words.is_empty();
        let is_allowed = shortfalls.iter().all(|it| it["allowed"] == allowed);
        let is_right = run.code == code && rules == expected && is_said && is_allowed;
        (!is_right).then(|| {
            let reason = &report["verdict_reason"];
            format!(
                "exit {} for {code}, {rules:?} for {expected:?}; {reason}; {details:#?} for {words:?}{}",
                run.code, run.stderr
            )
        })
    }
}

/// Tries every row on each of its sources, a few at a time.
pub(crate) fn check(rows: &[Row]) {
    let all: Vec<_> =
        rows.iter().flat_map(|row| row.sources.iter().map(move |on| (row, *on))).collect();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((row, source)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = row.try_on(*source);
                    wrong.lock().unwrap().extend(found);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
