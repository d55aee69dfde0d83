//! How old the newest samples are that the queries look at.

use super::looks::{Look, duration, milliseconds};
use super::{AskAgain, Inquiry};
use crate::config::Query;
use crate::model::evidence::{Evidence, QueryEvidence, Rule, Scope, Shortfall};
use crate::model::quantity::number;
use crate::model::question::Probe;
use crate::model::reading::Sample;
use crate::prometheus::samples;
use crate::promql::Expression;

/// So old a sample may always be, unless the configuration says otherwise, milliseconds.
const YOUNG: i64 = 60_000;
/// And so many of its usual intervals.
const INTERVALS: f64 = 3.0;
/// The least time over which the usual interval is looked for, milliseconds.
const LEAST_RANGE: i64 = 600_000;

/// The instant of a newest sample, milliseconds since the Unix epoch, if there is any; or why that
/// cannot be told.
pub(super) type Newest = Result<Option<i64>, String>;

/// A look whose newest sample may be too old.
struct Old<'a> {
    number: usize,
    look: &'a Look,
    newest: i64,
    /// Its usual interval, milliseconds.
    interval: Option<f64>,
}

impl Old<'_> {
    fn age(&self) -> i64 {
        self.look.instant.saturating_sub(self.newest)
    }
}

/// What stands for the instant of a newest sample that is older than the last minutes.
const OLDER: i64 = 0;

/// The time of the newest sample of the last minutes; where there are older ones alone, [`OLDER`].
pub(super) fn probe(look: &Look) -> Probe {
    let newest = samples::newest(&look.latest());
    let older = look.over(look.range.max(LEAST_RANGE));
    let expr = format!("{newest} or {OLDER} * max(count_over_time({older}))");
    Probe { expr: Expression::new(expr), span: None }
}

/// The same of all the time that the queries look at, and the usual interval of the samples.
fn probes_of_old(look: &Look) -> [Probe; 2] {
    let range = look.range.max(LEAST_RANGE);
    let step = (range / 180).clamp(5000, 240_000);
    let times = format!("timestamp({})[{}:{}]", look.latest(), duration(range), duration(step));
    let interval = samples::usual_interval(&times, &look.over(range));
    let newest = format!("max(max_over_time({times}))");
    [newest, interval].map(|expr| Probe { expr: Expression::new(expr), span: None })
}

/// The instant that a probe tells.
pub(super) fn newest(samples: Vec<Sample>) -> Option<i64> {
    let seconds = value(&samples)?;
    Some((seconds * 1000.0).round() as i64)
}

fn value(samples: &[Sample]) -> Option<f64> {
    samples.first().map(|sample| sample.value).filter(|value| value.is_finite())
}

/// Judges the newest samples, one for each look: what is known of them then, and the looks whose
/// samples are too old.
pub(super) fn judge(
    inquiry: &Inquiry<'_>,
    newest: Vec<Option<Newest>>,
    ask_again: AskAgain<'_>,
    evidence: &mut Evidence,
) -> (Vec<Newest>, Vec<usize>) {
    let mut newest: Vec<Newest> =
        newest.into_iter().map(|it| it.unwrap_or_else(not_asked)).collect();
    let old = look_closer(inquiry, &mut newest, ask_again);
    evidence.queries.extend(of_queries(inquiry, &newest));
    let old: Vec<_> = old.into_iter().filter(|it| it.age() as f64 > limit(inquiry, it)).collect();
    evidence.shortfalls.extend(too_old(inquiry, &old));
    evidence.shortfalls.extend(unknown(inquiry, &newest));
    let old = old.iter().map(|it| it.number).collect();
    (newest, old)
}

/// Asks again about what has samples and none that is young: when the newest came, and how often
/// they come. All that is not young comes of it.
fn look_closer<'a>(
    inquiry: &'a Inquiry<'_>,
    newest: &mut [Newest],
    ask_again: AskAgain<'_>,
) -> Vec<Old<'a>> {
    let max_age = inquiry.plan.criteria.evidence.max_age;
    let young = max_age.map_or(YOUNG, milliseconds).min(YOUNG);
    let doubtful: Vec<_> = inquiry
        .looks
        .iter()
        .zip(newest)
        .enumerate()
        .filter(|(_, (look, newest))| match newest {
            Ok(Some(at)) => look.instant.saturating_sub(*at) > young,
            Ok(None) | Err(_) => false,
        })
        .collect();
    let wanted = |newest: &Newest| [*newest == Ok(Some(OLDER)), max_age.is_none()];
    let probes = doubtful.iter().flat_map(|(_, (look, newest))| {
        let probes = probes_of_old(look).into_iter().zip(wanted(newest));
        probes.filter_map(|(probe, is_wanted)| is_wanted.then_some(probe))
    });
    let probes: Vec<_> = probes.collect();
    let mut answers = Vec::new().into_iter();
    if !probes.is_empty() {
        answers = ask_again(&probes).into_iter();
    }
    let mut next = || answers.next().map(|answer| inquiry.whole(&answer));
    let mut old = Vec::new();
    for (number, (look, newest)) in doubtful {
        let [is_newest_asked, is_interval_asked] = wanted(newest);
        if is_newest_asked {
            *newest = next().unwrap_or_else(not_asked).map(self::newest);
        }
        let interval = if is_interval_asked { next().and_then(Result::ok) } else { None };
        let interval = interval.and_then(|samples| value(&samples)).filter(|it| *it > 0.0);
        if let Ok(Some(at)) = newest {
            let interval = interval.map(|seconds| seconds * 1000.0);
            old.push(Old { number, look, newest: *at, interval });
        }
    }
    old
}

fn not_asked<T>() -> Result<T, String> {
    Err("it was not asked".to_owned())
}

/// How old the newest sample may be, milliseconds.
fn limit(inquiry: &Inquiry<'_>, old: &Old<'_>) -> f64 {
    match inquiry.plan.criteria.evidence.max_age {
        Some(limit) => limit.as_secs_f64() * 1000.0,
        None => (INTERVALS * old.interval.unwrap_or_default()).max(YOUNG as f64),
    }
}

/// How old the newest sample is of what each query uses.
fn of_queries(inquiry: &Inquiry<'_>, newest: &[Newest]) -> Vec<QueryEvidence> {
    let ages = |query: usize| {
        let looks = inquiry.looks.iter().zip(newest);
        looks.filter(move |(look, _)| look.queries.contains(&query)).filter_map(|(look, newest)| {
            let newest = newest.as_ref().ok()?.as_ref()?;
            Some(look.instant.saturating_sub(*newest).max(0))
        })
    };
    let evidence = |query| QueryEvidence {
        query,
        newest_sample_age_s: ages(query).min().map(|age| age as f64 / 1000.0),
        ..QueryEvidence::default()
    };
    (0..inquiry.questions.len()).map(evidence).collect()
}

/// One shortfall for all that is too old: what ends together has one cause.
fn too_old(inquiry: &Inquiry<'_>, old: &[Old<'_>]) -> Option<Shortfall> {
    let oldest = old.iter().max_by_key(|it| it.age())?;
    let seconds = |milliseconds: f64| number(milliseconds / 1000.0);
    let (age, limit) = (seconds(oldest.age() as f64), seconds(limit(inquiry, oldest)));
    let why = match (inquiry.plan.criteria.evidence.max_age, oldest.interval) {
        (None, Some(interval)) => format!(
            " (it came every {} s)",
            seconds(if interval < 10_000.0 {
                interval
            } else {
                (interval / 1000.0).round() * 1000.0
            })
        ),
        _ => String::new(),
    };
    let text = &oldest.look.text;
    let others = others(old.len());
    let detail = format!(
        "the newest sample of {text} is {age} s old, where {limit} s may pass{why}{others}"
    );
    Some(inquiry.shortfall(Rule::MaxAge, old.iter().map(|it| it.number), detail))
}

fn others(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        2 => "; so is that of another selector".to_owned(),
        count => format!("; so are those of {} other selectors", count - 1),
    }
}

/// What cannot be told.
fn unknown(inquiry: &Inquiry<'_>, newest: &[Newest]) -> Vec<Shortfall> {
    let failed = newest.iter().enumerate();
    let failed: Vec<_> = failed.filter_map(|(look, it)| Some((look, it.as_ref().err()?))).collect();
    let mut found = Vec::new();
    if let Some((first, error)) = failed.first() {
        let text = &inquiry.looks[*first].text;
        let detail = format!("it cannot be told how old the newest sample of {text} is: {error}");
        found.push(inquiry.shortfall(Rule::MaxAge, failed.iter().map(|(look, _)| *look), detail));
    }
    for (query, error) in &inquiry.unread {
        let name = inquiry.plan.queries.get(*query).map(Query::name).unwrap_or_default();
        let detail = format!(
            "it cannot be told how old the samples of `{name}` are: write its metrics with braces, \
             as in x{{}} ({error})"
        );
        let scope = Scope::Queries(vec![*query]);
        found.push(Shortfall { scope, ..inquiry.shortfall(Rule::MaxAge, [], detail) });
    }
    found
}
