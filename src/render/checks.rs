//! The configuration's own checks, as a table in text.

use std::io::{self, Write};

use jiff::SignedDuration;

use super::evidence;
use super::labels::{Row, Shared};
use super::text::{BAD, BOLD, DIM, GOOD, WARN};
use crate::model::check::{Rule, Severity};
use crate::model::quantity::{logged, logged_beside, number, number_beside};
use crate::one_line::one_line;
use crate::report::{BaselineReport, CheckEntry, Report};

pub(super) fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let requested: Vec<_> = report.checks.iter().filter(|check| check.requested).collect();
    if requested.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{BOLD}Checks:{BOLD:#}")?;
    let shared = Shared::of(requested.iter().filter_map(|check| check.series.as_ref()));
    requested.into_iter().try_for_each(|check| row(out, report, check, &shared))?;
    shared.write(out)
}

fn row(
    out: &mut dyn Write,
    report: &Report,
    check: &CheckEntry,
    shared: &Shared,
) -> io::Result<()> {
    let (word, style) = match (check.passed, is_warning(check), check.severity) {
        (Some(false), _, Severity::Critical) => ("FAIL", BAD),
        (Some(false), _, Severity::Info) | (_, true, Severity::Info) => ("INFO", DIM),
        (Some(false), _, Severity::Warning) | (_, true, _) => ("WARN", WARN),
        (Some(true), _, _) => ("pass", GOOD),
        (None, _, _) => ("unknown", WARN),
    };
    let severity = check.severity.name();
    let rest = format!("{:<23} {} ({severity})", check.name, held(check));
    let place = Row { width: 2 + word.len().max(8) + rest.chars().count(), indent: 10 };
    let labels = shared.tail(check.series.as_ref(), place);
    writeln!(out, "  {style}{word:<8}{style:#}{rest}{labels}")?;
    if let Some(then) = since(check) {
        writeln!(out, "          {then}")?;
    }
    if check.passed != Some(true) && !check.description.is_empty() {
        writeln!(out, "          {DIM}{}{DIM:#}", check.description)?;
    }
    if let Some(reason) = check.reason.as_deref().map(|it| evidence::brief(report, it)) {
        writeln!(out, "          {DIM}{reason}{DIM:#}")?;
    }
    match (&check.query, check.passed) {
        (Some(query), None) => writeln!(out, "          {DIM}{query}{DIM:#}"),
        _ => Ok(()),
    }
}

pub(super) fn is_warning(check: &CheckEntry) -> bool {
    check.budget.as_ref().is_some_and(|budget| budget.is_warning)
}

/// What the value was, how much it changed, and the floor where that decides: `0.03 s in the baseline
/// (+140%), counts as 0.05 s`.
fn since(check: &CheckEntry) -> Option<String> {
    let baseline = check.baseline.as_ref()?;
    let (then, unit) = (number(baseline.value?), unit(check));
    let at_least = if baseline.is_lower_bound { "at least " } else { "" };
    let signed = |change: f64| format!("{}{}", if change < 0.0 { "" } else { "+" }, number(change));
    let change = match (baseline.change_ratio, baseline.change) {
        (_, Some(0.0)) => " (unchanged)".to_owned(),
        (Some(ratio), _) => format!(" ({}%)", signed(ratio * 100.0)),
        (None, Some(change)) => format!(" ({}{unit})", signed(change)),
        (None, None) => String::new(),
    };
    let counts_as = baseline
        .floor
        .filter(|floor| Some(*floor) > baseline.value)
        .map(|floor| format!(", counts as {at_least}{}{unit}", number(floor)));
    let counts_as = counts_as.unwrap_or_default();
    Some(format!("{at_least}{then}{unit} in the baseline{change}{counts_as}"))
}

fn unit(check: &CheckEntry) -> String {
    check.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default()
}

/// The value beside what it is held to, `0.02 > 0.01`, and what it was before, if that is known.
pub(super) fn values(check: &CheckEntry) -> String {
    let then = check.expected.and_then(|_| since(check)).map(|then| format!(", {then}"));
    held(check) + &then.unwrap_or_default()
}

/// The value beside what it is held to.
fn held(check: &CheckEntry) -> String {
    let is_decrease = check.baseline.as_ref().is_some_and(|it| it.max_decrease.is_some());
    let relation = match (check.rule, check.passed) {
        (Rule::Baseline, Some(false)) if is_decrease => "<",
        (Rule::Baseline, _) if is_decrease => ">=",
        (Rule::Max | Rule::Spike | Rule::Baseline, Some(false)) => ">",
        (Rule::Max | Rule::Spike | Rule::Baseline, _) => "<=",
        (Rule::Min, Some(false)) => "<",
        (Rule::Min, _) => ">=",
        (Rule::Budget, Some(false)) => ">=",
        (Rule::Budget, _) => "<",
    };
    let unit = unit(check);
    let values = match (check.actual, check.expected) {
        (Some(actual), Some(expected)) if check.passed.is_some() => {
            let (actual, expected) = match check.log {
                Some(_) => logged_beside(actual, expected),
                None => number_beside(actual, expected),
            };
            format!("{actual}{unit} {relation} {expected}{unit}")
        }
        (_, Some(expected)) => {
            let expected = if check.log.is_some() { logged(expected) } else { number(expected) };
            format!("? {relation} {expected}{unit}")
        }
        (_, None) => "?".to_owned(),
    };
    let more = match (&check.budget, &check.spike) {
        (Some(budget), _) => {
            budget.usage_ratio.map(|used| format!(", {} of the budget used", number(used)))
        }
        (_, Some(spike)) => spike.baseline_mean.map(|mean| {
            let times = number(spike.multiplier);
            if mean < spike.min_baseline {
                format!(", {times} times the min_baseline of {}", number(spike.min_baseline))
            } else {
                format!(", {times} times the mean of {}", number(mean))
            }
        }),
        _ => None,
    };
    values + &more.unwrap_or_default()
}

/// Which earlier audit it is compared with.
pub(super) fn baseline(baseline: &BaselineReport) -> String {
    let BaselineReport { path, offset_s, evaluated_at, verdict, .. } = baseline;
    let what = match (path, offset_s) {
        (Some(path), _) => one_line(path),
        (None, Some(offset)) => match SignedDuration::try_from_secs_f64(*offset) {
            Ok(offset) => format!("{offset:#} before"),
            Err(_) => format!("{offset} s before"),
        },
        (None, None) => "an earlier audit".to_owned(),
    };
    format!("{what}, at {}, verdict {}", one_line(evaluated_at), verdict.words())
}
