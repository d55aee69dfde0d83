//! The baseline: what an earlier audit found, as far as that can be compared with what this one asks.
//!
//! It comes from a report, be it read from a file or of an audit of the same server at an earlier
//! instant, and goes as plain values into the [engine](crate::engine).

mod queries;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::{FileError, Plan, Query, read_text};
use crate::engine::Verdict;
use crate::model::baseline::Baseline;
use crate::model::check::{Check, Observed};
use crate::model::interval::Interval;
use crate::model::reading::ReadAs;
use crate::model::signal::Signal;
use crate::one_line::one_line;
use crate::report::suite::Summary;
use crate::report::{
    BaselineReport, CheckEntry, LogEntry, ReadError, Report, SignalEntry, TermEntry,
};
use queries::selects_the_same;

/// A report above this size, in bytes, is refused unread.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Why a baseline cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error(
        "cannot read the baseline {}: {reason}; give --baseline the JSON report of an earlier audit \
         (--report json=PATH writes one), or leave it out until there is one",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: FileError,
    },
    /// It is about many audits.
    #[error(
        "the baseline {}: this is the summary of a suite; give the report of one of its scenarios \
         (auditor suite --run-dir keeps them)",
        .0.display()
    )]
    Summary(PathBuf),
    /// It is no report that can be read here.
    #[error("the baseline {}: {reason}; {}", path.display(), way_out(reason))]
    NoReport {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: ReadError,
    },
}

fn way_out(reason: &ReadError) -> &'static str {
    match reason {
        ReadError::Json(_) => {
            "give --baseline the JSON report of an earlier audit, as --report json=PATH writes it"
        }
        ReadError::Version(_) => "make the baseline anew with this version of auditor",
    }
}

/// An earlier audit.
#[derive(Debug, Clone)]
pub struct Earlier {
    report: Report,
    origin: Origin,
}

/// Where it comes from.
#[derive(Debug, Clone)]
enum Origin {
    File(PathBuf),
    Before(Duration),
}

impl Earlier {
    /// Reads a report from a file. `patience` bounds the wait for what is no file on disk.
    ///
    /// # Errors
    /// A file that cannot be read, or is no report of this version of the schema.
    pub fn read(path: &Path, patience: Duration) -> Result<Self, Error> {
        let path = path.to_owned();
        let text = match read_text(&path, MAX_BYTES, patience) {
            Ok(text) => text,
            Err(reason) => return Err(Error::Unreadable { path, reason }),
        };
        match Report::from_json(&text) {
            Ok(report) => Ok(Self { report, origin: Origin::File(path) }),
            Err(_) if Summary::is_json_of_one(&text) => Err(Error::Summary(path)),
            Err(reason) => Err(Error::NoReport { path, reason }),
        }
    }

    /// The audit that was carried out of what was so long before.
    pub const fn before(offset: Duration, report: Report) -> Self {
        Self { report, origin: Origin::Before(offset) }
    }

    /// What the report says of it.
    pub fn entry(&self) -> BaselineReport {
        let (path, offset_s) = match &self.origin {
            Origin::File(path) => (Some(path.display().to_string()), None),
            Origin::Before(offset) => (None, Some(offset.as_secs_f64())),
        };
        let Report { evaluated_at, verdict, verdict_reason, .. } = &self.report;
        BaselineReport {
            path,
            offset_s,
            evaluated_at: one_line(evaluated_at),
            verdict: *verdict,
            verdict_reason: one_line(verdict_reason),
        }
    }

    /// What each comparison of the plan is held against.
    pub fn values(&self, plan: &Plan) -> Baseline {
        let then = Then { report: &self.report, plan };
        // What a file says may be anything.
        let value =
            |check: &Check| (check.id.clone(), then.value(check).map_err(|it| one_line(&it)));
        plan.criteria.comparisons.iter().map(value).collect()
    }
}

/// The report of then, beside the plan of now.
struct Then<'a> {
    report: &'a Report,
    plan: &'a Plan,
}

impl Then<'_> {
    /// # Errors
    /// Why there is nothing to compare with.
    fn value(&self, check: &Check) -> Result<Interval, String> {
        let Report { verdict, verdict_reason, .. } = self.report;
        match verdict {
            Verdict::Pass | Verdict::NotGated | Verdict::Fail => {}
            Verdict::Inconclusive
            | Verdict::Interrupted
            | Verdict::Error
            | Verdict::CommandFailed => {
                let words = verdict.words();
                return Err(format!(
                    "the baseline ended without a result ({words}): {verdict_reason}"
                ));
            }
        }
        match &check.observes {
            Observed::Score => self.score(),
            Observed::Signal(signal) => self.signal(*signal),
            Observed::Check(name) => self.check(name),
            Observed::Query | Observed::Log => Err("a check is compared by its name".to_owned()),
        }
    }

    /// The sum of the points: the number at the top of the report is rounded.
    fn score(&self) -> Result<Interval, String> {
        for (signal, weight) in self.plan.criteria.weights.iter() {
            let then = self.report.weights.get(signal.key()).copied();
            if then != Some(weight) {
                let then = then.map_or_else(|| "none".to_owned(), |then| then.to_string());
                let key = signal.key();
                return Err(format!("the weight of {key} is {weight}, and {then} in the baseline"));
            }
            if weight > 0.0 {
                self.is_same_term(signal)?;
            }
        }
        if self.report.runtime_health_score.is_none() {
            return Err("the baseline knows no signal of the score".to_owned());
        }
        let terms = self.report.score_breakdown.iter();
        let sum = terms.fold(0.0, |sum: f64, term| (sum + term.points).min(f64::MAX));
        Ok(bound(sum, self.report.score_is_lower_bound))
    }

    /// # Errors
    /// What makes the term of a signal another one: it then has another meaning, or was missing.
    fn is_same_term(&self, signal: Signal) -> Result<(), String> {
        let now = self.inputs(signal);
        if now.is_empty() {
            let then = self.term(signal).filter(|it| it.value.is_some() || it.is_lower_bound);
            return match then {
                Some(_) => Err(format!("the baseline has {} in its score", signal.key())),
                None => Ok(()),
            };
        }
        self.is_same_quantity(signal, &now)
    }

    fn signal(&self, signal: Signal) -> Result<Interval, String> {
        let inputs = self.inputs(signal);
        self.is_same_quantity(signal, &inputs)?;
        let entry = self.report.signals.get(signal.key()).ok_or_else(|| absent(signal))?;
        let (value, is_lower_bound) = match inputs.as_slice() {
            [own] if *own == signal => of_whole_time(signal, entry),
            _ => self.term(signal).map_or((None, true), |term| (term.value, term.is_lower_bound)),
        };
        let unknown = inputs.iter().find_map(|it| {
            let entry = self.report.signals.get(it.key())?;
            entry.value.is_none().then_some(entry)
        });
        value
            .map(|value| bound(value, is_lower_bound))
            .ok_or_else(|| not_known(signal.key(), unknown.and_then(|it| it.reason.as_deref())))
    }

    /// The signals that have to be read for it now: itself, or those that the backlog is made of;
    /// none where it is not queried.
    fn inputs(&self, signal: Signal) -> Vec<Signal> {
        let is_asked = |signal: &Signal| self.plan.query(*signal).is_some();
        if is_asked(&signal) {
            return vec![signal];
        }
        let parts = [Signal::THREADPOOL_TASKS_STARTED, Signal::THREADPOOL_TASKS_COMPLETED];
        let is_difference = signal == Signal::THREADPOOL_BACKLOG && parts.iter().all(is_asked);
        if is_difference { parts.to_vec() } else { Vec::new() }
    }

    /// # Errors
    /// What makes it another quantity than it was.
    fn is_same_quantity(&self, signal: Signal, inputs: &[Signal]) -> Result<(), String> {
        let own = self.report.signals.get(signal.key()).ok_or_else(|| absent(signal))?;
        if own.query.is_some() && !inputs.contains(&signal) {
            let key = signal.key();
            return Err(format!("{key} has a query of its own in the baseline, and none now"));
        }
        inputs.iter().try_for_each(|input| {
            let then = self.report.signals.get(input.key()).ok_or_else(|| absent(*input))?;
            self.is_same_signal(*input, then)
        })
    }

    fn is_same_signal(&self, signal: Signal, then: &SignalEntry) -> Result<(), String> {
        let key = signal.key();
        let query = then.query.as_deref().ok_or_else(|| absent(signal))?;
        let now = self.query(|it| it.signal() == Some(signal)).ok_or_else(|| absent(signal))?;
        if then.unit != signal.unit() {
            let (unit, other) = (signal.unit(), &then.unit);
            return Err(format!("{key} is in {unit}, and in {other} in the baseline"));
        }
        if then.reduce != Some(now.0.read_as.reduce) {
            return Err(format!("{key} is reduced from its series in another way than then"));
        }
        selects_the_same(key, &now.1, query)
    }

    /// A check of the configuration's own.
    fn check(&self, name: &str) -> Result<Interval, String> {
        let then = self.report.checks.iter().find(|check| check.name == name);
        let then = then.ok_or_else(|| format!("the baseline has no check `{name}`"))?;
        if let Some(now) = self.plan.logs.iter().find(|it| it.check == name) {
            let is_same = |then: &LogEntry| (&then.line, &then.key) == (&now.line, &now.key);
            if !then.log.as_ref().is_some_and(is_same) {
                return Err(format!("`{name}` is read from another line or key than then"));
            }
            return observed(then).ok_or_else(|| not_known(name, then.reason.as_deref()));
        }
        let query = then.query.as_deref();
        let query = query.ok_or_else(|| format!("`{name}` has no query in the baseline"))?;
        let (now, expr) =
            self.query(|it| it.name() == name).ok_or_else(|| format!("`{name}` has no query"))?;
        if then.spike.is_some() {
            return Err(format!("`{name}` is a spike in the baseline"));
        }
        let reduce = then.reduce.unwrap_or(ReadAs::default_for_check(then.rule).reduce);
        if reduce != now.read_as.reduce {
            return Err(format!("`{name}` is reduced from its series in another way than then"));
        }
        selects_the_same(name, &expr, query)?;
        let unknown = || not_known(name, then.reason.as_deref());
        observed(then).ok_or_else(unknown)
    }

    /// The query that `is_it`, and what it asks.
    fn query(&self, is_it: impl Fn(&Query) -> bool) -> Option<(&Query, String)> {
        let questions = self.plan.questions(None);
        let mut asked = self.plan.queries.iter().zip(questions);
        let (query, question) = asked.find(|(query, _)| is_it(query))?;
        Some((query, question.expr.as_str().to_owned()))
    }

    fn term(&self, signal: Signal) -> Option<&TermEntry> {
        self.report.score_breakdown.iter().find(|term| term.signal == signal.key())
    }
}

/// The value of a signal and whether it is a lower bound. The backlog alone is about an instant.
fn of_whole_time(signal: Signal, entry: &SignalEntry) -> (Option<f64>, bool) {
    let at_end = entry.at_end.as_ref().filter(|_| signal != Signal::THREADPOOL_BACKLOG);
    at_end.map_or((entry.value, entry.is_lower_bound), |it| (it.value, it.is_lower_bound))
}

/// What a check observed, if anything was measured.
fn observed(check: &CheckEntry) -> Option<Interval> {
    check.actual?;
    Some(Interval {
        least: check.observed.least.unwrap_or(f64::NEG_INFINITY),
        most: check.observed.most.unwrap_or(f64::INFINITY),
    })
}

const fn bound(value: f64, is_lower_bound: bool) -> Interval {
    if is_lower_bound { Interval::at_least(value) } else { Interval::exactly(value) }
}

fn absent(signal: Signal) -> String {
    format!("the baseline has no query for {}", signal.key())
}

fn not_known(name: &str, reason: Option<&str>) -> String {
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{name} is not known in the baseline{reason}")
}
