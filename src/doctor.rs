//! What an audit finds for each of its queries, or why it finds nothing; and whether its gate could
//! pass, and could fail. Nothing is judged here: the audit has done that.
//!
//! Whatever it wants to know beside the audit it asks in PromQL, so that a server and samples at hand
//! are the same to it.

mod buckets;
mod gate;
mod logs;
mod nothing;
mod unit;
mod window;

use std::collections::HashMap;

use serde::Serialize;

use crate::audit::Audit;
use crate::config::{Asked, ObservedRange, Plan, Query};
use crate::model::quantity::number;
use crate::model::question::Question;
use crate::model::reading::{CheckReading, Labels, Note, Reading, Sample, State};
use crate::promql::SelectorUse;

/// Answers expressions at the instant of the audit; the second says whether the server is to answer,
/// where there are samples at hand beside it.
pub type Ask<'a> = &'a dyn Fn(Vec<String>, bool) -> Vec<Result<Vec<Sample>, String>>;

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnosis {
    /// Where the telemetry came from, a password in it hidden.
    pub source: String,
    /// The configuration.
    pub config: String,
    /// The instant of the queries, RFC 3339.
    pub at: String,
    /// Every query, in the order of the report, and then what is taken from logs.
    pub queries: Vec<Finding>,
    /// Signals that the configuration does not ask for.
    pub not_configured: Vec<&'static str>,
    /// What was not seen, with its rule.
    pub not_seen: Vec<String>,
    /// Why the gate could not pass; `null` if it could.
    pub cannot_pass: Option<String>,
    /// Why the gate could not fail; `null` if it could.
    pub cannot_fail: Option<String>,
    /// What to do next: a command, or a change.
    pub next: String,
}

/// What was found of one query, or of one value in a log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Its name under `queries` or `checks`.
    pub name: String,
    /// As it was sent.
    pub asked: String,
    /// Its value with its unit; `null` if it has none.
    pub value: Option<String>,
    /// How many series came back.
    pub series: usize,
    /// How old the newest sample is that it uses, seconds.
    pub newest_sample_age_s: Option<f64>,
    /// The last line with what its log is looked through for; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// Why it has no value, or why that is no whole one.
    pub why: Option<String>,
    /// What to do about it.
    pub to_do: Option<String>,
    /// What is likely to be wrong with it though it has a value.
    pub warnings: Vec<String>,
    /// Why no gate could fail by it, whatever the service does; one of the warnings.
    #[serde(skip)]
    pub never_fails: Option<String>,
    /// The most that it can come to, where it is a quantile: the highest finite bucket, in its unit.
    #[serde(skip)]
    pub highest: Option<f64>,
}

impl Diagnosis {
    /// Whether the gate is worth its name.
    pub fn is_sound(&self) -> bool {
        self.cannot_pass.is_none() && self.cannot_fail.is_none()
    }
}

/// A query, what it asks and what came of it.
struct Case<'a> {
    plan: &'a Plan,
    query: &'a Query,
    question: &'a Question,
    reading: Option<&'a Reading>,
    /// For how long the service was watched, seconds, if it was.
    observed_s: Option<f64>,
    ask: Ask<'a>,
}

impl Case<'_> {
    /// What it selects; nothing if it is not understood here.
    fn selectors(&self) -> &[SelectorUse] {
        let parsed = self.question.expr.parsed();
        parsed.map(crate::promql::Query::selectors).unwrap_or_default()
    }

    /// The answers to expressions, with the labels as keys.
    fn ask(&self, exprs: Vec<String>) -> Vec<Result<Vec<Sample>, String>> {
        (self.ask)(exprs, self.question.is_of_server)
    }

    /// The answer to one expression; nothing if there is none.
    fn ask_one(&self, expr: String) -> Vec<Sample> {
        self.ask(vec![expr]).pop().and_then(Result::ok).unwrap_or_default()
    }

    /// The limit that its value is held to.
    fn limit(&self) -> Option<f64> {
        self.plan.criteria.limit(self.query.name())
    }

    fn unit(&self) -> &'static str {
        self.query.signal().map_or("", |signal| signal.unit())
    }
}

/// Looks at what came of the queries of an audit; `observed` is what was watched.
pub fn diagnose(plan: &Plan, audit: &Audit, observed: &ObservedRange, ask: Ask<'_>) -> Diagnosis {
    let observed_s = observed.window.map(|window| window.as_secs_f64());
    let ages: HashMap<usize, f64> = audit
        .evidence
        .queries
        .iter()
        .filter_map(|it| Some((it.query, it.newest_sample_age_s?)))
        .collect();
    let cases = plan.queries.iter().zip(&audit.questions).enumerate();
    let mut queries: Vec<_> = cases
        .map(|(number, (query, question))| {
            let reading = reading(query, audit);
            let case = Case { plan, query, question, reading, observed_s, ask };
            let mut finding = finding(&case, ages.get(&number).copied());
            // What holds for all of it is told once.
            let told = audit.evidence.shortfalls.iter();
            finding.why =
                finding.why.filter(|why| !told.clone().any(|it| why.starts_with(&it.detail)));
            finding
        })
        .collect();
    queries.extend(logs::findings(plan, audit));
    let cannot_pass = gate::cannot_pass(plan, audit);
    let cannot_fail = gate::cannot_fail(plan, &queries);
    let next = gate::next(plan, audit, &queries, cannot_pass.as_deref(), cannot_fail.as_deref());
    let rules = &plan.criteria.evidence;
    let is_told = |it: &&crate::model::evidence::Shortfall| !rules.allows(it.rule);
    let not_seen = audit.evidence.shortfalls.iter().filter(is_told);
    Diagnosis {
        source: plan.spec.to_string(),
        config: plan.config.display().to_string(),
        at: audit.at.to_string(),
        queries,
        not_configured: gate::not_configured(plan, audit),
        not_seen: not_seen.map(|it| format!("{}: {}", it.rule.key(), it.detail)).collect(),
        cannot_pass,
        cannot_fail,
        next,
    }
}

fn reading<'a>(query: &Query, audit: &'a Audit) -> Option<&'a Reading> {
    match &query.asked {
        Asked::Signal(signal) => Some(audit.readings.get(*signal)),
        Asked::Check(name) => match audit.readings.of_check(name)? {
            CheckReading::Value(reading) => Some(reading),
            CheckReading::Range(_) => None,
        },
    }
}

fn finding(case: &Case<'_>, age: Option<f64>) -> Finding {
    let (why, to_do) = nothing::why(case);
    let (mut warnings, mut never_fails, mut highest) = (Vec::new(), None, None);
    if case.question.expr.parsed().is_ok() {
        let histograms = buckets::ends(case);
        highest = buckets::highest(case, &histograms);
        never_fails = constant(case).or_else(|| buckets::unreachable(case, &histograms));
        warnings.extend(never_fails.clone());
        warnings.extend(unit::warnings(case));
        warnings.extend(window::warnings(case));
        warnings.extend(window::blind(case));
        warnings.extend(buckets::coarse(case, &histograms));
    }
    Finding {
        name: case.query.name().to_owned(),
        asked: case.question.expr.as_str().to_owned(),
        value: case.reading.and_then(|reading| value(reading, case.unit())),
        series: case.reading.map_or(0, |reading| reading.series),
        newest_sample_age_s: age,
        line: None,
        why,
        to_do,
        warnings,
        never_fails,
        highest,
    }
}

fn value(reading: &Reading, unit: &str) -> Option<String> {
    let is_put_in = reading.notes.contains(&Note::NoDataAsZero);
    let is_known = reading.measured && reading.value.least.is_finite() && !is_put_in;
    let at_least = if reading.value.exact().is_none() { "at least " } else { "" };
    is_known.then(|| format!("{at_least}{} {unit}", number(reading.value.least)).trim().to_owned())
}

/// That it is the same whatever the service does.
fn constant(case: &Case<'_>) -> Option<String> {
    case.selectors().is_empty().then(|| {
        "it selects no metric, so that it is the same whatever the service does: a gate on it \
         never changes"
            .to_owned()
    })
}

/// Labels in braces, for a sentence.
fn braces(labels: &Labels) -> String {
    crate::model::quantity::series(labels).trim().to_owned()
}

/// Whether a reading has a value that can be relied on. A 0 that stands for nothing (`on_no_data`) tells
/// nothing of what it stands for.
fn is_known(reading: &Reading) -> bool {
    let is_put_in = reading.notes.contains(&Note::NoDataAsZero);
    reading.measured && matches!(reading.state, State::Ok) && !is_put_in
}
