//! Why a query has no value: there is no such metric, or none with these labels, or nothing happened.

use super::{Case, braces, is_known};
use crate::config::Source;
use crate::model::reading::State;
use crate::model::signal::Signal;
use crate::promql::SelectorUse;
use crate::storage::METRIC_NAME;

/// So many names or values are told.
const FEW: usize = 4;
/// Parts of a name that are in too many others to lead anywhere.
const COMMON: [&str; 12] = [
    "seconds", "total", "count", "bucket", "sum", "max", "min", "avg", "http", "process", "time",
    "duration",
];

/// Why there is no value, and what to do; nothing where there is one.
pub(super) fn why(case: &Case<'_>) -> (Option<String>, Option<String>) {
    if let Err(error) = case.question.expr.parsed()
        && !case.question.is_of_server
    {
        return (Some(error.to_string()), Some("mend the query".to_owned()));
    }
    let Some(reading) = case.reading.filter(|reading| !is_known(reading)) else {
        return (None, None);
    };
    if case.query.signal() == Some(Signal::ERROR_RATIO) && reading.state == State::NotANumber {
        return (Some("NaN, because no request was counted".to_owned()), None);
    }
    match &reading.state {
        State::NoData | State::Ok => no_data(case),
        State::NotANumber => not_a_number(case),
        State::Failed(why) => (Some(why.clone()), None),
        other => (other.reason().map(str::to_owned), None),
    }
}

fn no_data(case: &Case<'_>) -> (Option<String>, Option<String>) {
    let selectors = case.selectors();
    let found = case.ask(selectors.iter().map(|it| there(it, "")).collect());
    let missing =
        selectors.iter().zip(&found).filter(|(_, it)| matches!(it, Ok(it) if it.is_empty()));
    let missing: Vec<_> = missing.map(|(selector, _)| selector).collect();
    let is_of_failures = case.query.signal() == Some(Signal::ERROR_RATIO);
    match missing.first() {
        Some(_) if is_of_failures && missing.len() < found.len() => {
            (Some("nothing failed, as far as the service counts failures".to_owned()), None)
        }
        Some(selector) => absent(case, selector),
        None => {
            let why = "its metrics are there, but the query leaves none of their series over (a \
                       comparison, or labels that do not match on both sides)";
            let to_do = "evaluate its parts: auditor query EXPR";
            (Some(why.to_owned()), Some(to_do.to_owned()))
        }
    }
}

/// A selector as it is read best: variables may leave a comma, or nothing, in its braces.
pub(super) fn shown(selector: &SelectorUse) -> String {
    selector.text.replace(",}", "}").replace("{}", "")
}

/// Whether anything was there in the time that a selector looks at.
fn there(selector: &SelectorUse, offset: &str) -> String {
    let range = selector.range.max(300_000);
    format!("count(count_over_time({}[{range}ms]{offset}))", selector.text)
}

fn absent(case: &Case<'_>, selector: &SelectorUse) -> (Option<String>, Option<String>) {
    let text = &shown(selector);
    if text.starts_with("auditor_") && case.plan.spec.outside.is_none() {
        let why = format!("`{text}` is what the probe sees, and there is none");
        let to_do = "add --probe URL, of something that the service answers at once";
        return (Some(why), Some(to_do.to_owned()));
    }
    let Some(metric) = selector.metric() else {
        return (Some(format!("nothing is there that `{text}` selects")), None);
    };
    let of_metric = format!("count(last_over_time({{{METRIC_NAME}=\"{metric}\"}}[1h]))");
    let hour_ago = format!("count(last_over_time({}[1h]))", selector.text);
    let mut answers = case.ask(vec![of_metric, hour_ago]).into_iter();
    let mut is_there = || answers.next().is_some_and(|it| it.is_ok_and(|it| !it.is_empty()));
    let (has_metric, was_there) = (is_there(), is_there());
    if was_there {
        let why = format!("`{text}` was there within the last hour, and is not there now");
        let to_do = "see whether the service is up, and still scraped";
        return (Some(why), Some(to_do.to_owned()));
    }
    if has_metric { other_labels(case, selector, metric) } else { no_metric(case, metric) }
}

/// The label that no series of the metric has the value of.
fn other_labels(
    case: &Case<'_>,
    selector: &SelectorUse,
    metric: &str,
) -> (Option<String>, Option<String>) {
    let labels: Vec<_> = selector.labels().map(str::to_owned).collect();
    let values = |label: &String| {
        let expr = format!("count by ({label}) (last_over_time({metric}[1h]))");
        let samples = case.ask_one(expr);
        samples.iter().map(|it| it.labels.get(label).to_owned()).collect::<Vec<_>>()
    };
    for label in &labels {
        let values = values(label);
        if values.is_empty() || values.iter().any(|value| selector.takes(label, value)) {
            continue;
        }
        let found: Vec<_> = values.iter().take(FEW).map(|value| format!("{value:?}")).collect();
        let more = if values.len() > FEW { ", …" } else { "" };
        let why = format!(
            "`{metric}` is there, but its label `{label}` is {}{more}; the query asks for `{}`",
            found.join(", "),
            shown(selector)
        );
        let to_do = format!("correct `{label}`: --var 'selector=…', or --job with --scrape");
        return (Some(why), Some(to_do));
    }
    let why = format!("`{metric}` is there, but no series with all of `{}`", shown(selector));
    (Some(why), Some("correct the labels: --var 'selector=…'".to_owned()))
}

fn no_metric(case: &Case<'_>, metric: &str) -> (Option<String>, Option<String>) {
    let near = near(case, metric);
    let why = match near.is_empty() {
        true => format!("there is no metric `{metric}`"),
        false => format!("there is no metric `{metric}`; near it: {}", near.join(", ")),
    };
    let to_do = match case.plan.spec.source {
        Source::Recording(_) => "correct the name in the query".to_owned(),
        Source::Scrape(_) | Source::Server(_) | Source::Logs => {
            let options = case.plan.spec.options();
            format!("find out what fits, in an empty directory: auditor --init {options}")
        }
    };
    (Some(why), Some(to_do))
}

/// Names that share a part with the one that is missing, the nearest first.
fn near(case: &Case<'_>, metric: &str) -> Vec<String> {
    let is_telling = |part: &&str| part.len() > 2 && !COMMON.contains(part);
    let parts = metric.split(&['_', ':'][..]).filter(is_telling);
    // Names of metrics have nothing that a pattern would read in another way.
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() {
        return Vec::new();
    }
    let expr =
        format!("count by ({METRIC_NAME}) ({{{METRIC_NAME}=~\".*({}).*\"}})", parts.join("|"));
    let mut names: Vec<_> = case
        .ask_one(expr)
        .iter()
        .map(|it| it.labels.metric_name().to_owned())
        .filter(|name| !name.starts_with("auditor_"))
        .collect();
    let far = |name: &String| -strsim::jaro_winkler(name, metric);
    names.sort_by(|a, b| far(a).total_cmp(&far(b)).then_with(|| a.cmp(b)));
    names.dedup();
    names.truncate(FEW);
    names
}

/// 0/0 where the counters stood still.
fn not_a_number(case: &Case<'_>) -> (Option<String>, Option<String>) {
    let counters: Vec<_> = case.selectors().iter().filter(|it| it.is_counter).collect();
    let moved = |it: &&SelectorUse| {
        let range = it.range.max(60_000);
        format!("sum(increase({}[{range}ms])) > 0", it.text)
    };
    let answers = case.ask(counters.iter().map(moved).collect());
    let stands =
        counters.iter().zip(&answers).find(|(_, it)| matches!(it, Ok(it) if it.is_empty()));
    match stands {
        Some((selector, _)) => {
            let labels = case.reading.and_then(|it| it.labels.as_ref()).map(braces);
            let why = format!(
                "NaN, because nothing happened: `{}` did not grow in the window {}",
                shown(selector),
                labels.unwrap_or_default()
            );
            let to_do = "put the service under a load that it counts there: -- COMMAND";
            (Some(why.trim_end().to_owned()), Some(to_do.to_owned()))
        }
        None => (Some("NaN".to_owned()), Some("evaluate its parts: auditor query EXPR".to_owned())),
    }
}
