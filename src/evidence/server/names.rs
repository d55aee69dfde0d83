//! Selectors of metrics by a pattern of their names: functions drop the names, and a server refuses
//! what then has series with the same labels. So it is asked for the names, and then about each.

use super::looks::Look;
use super::{AskAgain, Inquiry, Probed};
use crate::model::evidence::{Evidence, Rule};
use crate::model::question::Probe;
use crate::model::reading::Sample;
use crate::promql::Expression;
use crate::storage::METRIC_NAME;

/// The label of the name: another one than that of metrics survives what is done to it.
const NAME: &str = "auditor_name";
/// So many names are asked about.
const MOST: usize = 100;

/// The names of the metrics that a look selects.
pub(super) fn probe(look: &Look) -> Probe {
    let expr = format!("count by ({METRIC_NAME}) ({})", look.latest());
    let expr = format!("label_replace({expr}, \"{NAME}\", \"$1\", \"{METRIC_NAME}\", \"(.*)\")");
    Probe { expr: Expression::new(format!("max by ({NAME}) ({expr})")), span: None }
}

/// Adds what is told of each metric of the looks whose names are told.
pub(super) fn add(
    inquiry: &Inquiry<'_>,
    names: &[(&Look, Result<Vec<Sample>, String>)],
    answers: &[Probed],
    ask_again: AskAgain<'_>,
    evidence: &mut Evidence,
) {
    let mut looks = Vec::new();
    for (look, names) in names {
        match names {
            // There may have been a metric earlier.
            Ok(names) if names.is_empty() => looks.push((*look).clone()),
            Ok(names) if names.len() <= MOST => {
                looks.extend(names.iter().map(|sample| look.named(sample.labels.get(NAME))));
            }
            other => {
                let (text, count) = (&look.text, other.as_ref().map_or(0, Vec::len));
                let why = other.as_ref().err().cloned();
                let why = why.unwrap_or_else(|| format!("they are {count}, more than {MOST}"));
                let detail = format!("it cannot be told how old the metrics of {text} are: {why}");
                let shortfall = inquiry.shortfall(Rule::MaxAge, [], detail);
                evidence.shortfalls.push(look.scoped(shortfall));
            }
        }
    }
    if looks.is_empty() {
        return;
    }
    let Inquiry { plan, questions, telemetry, .. } = *inquiry;
    let named = Inquiry::of(plan, questions, telemetry, (looks, Vec::new()), Vec::new());
    let probed = ask_again(named.probes());
    let told = named.told(answers, &probed, ask_again);
    evidence.shortfalls.extend(told.shortfalls);
    for (known, found) in evidence.queries.iter_mut().zip(told.queries) {
        let ages = known.newest_sample_age_s.into_iter().chain(found.newest_sample_age_s);
        known.newest_sample_age_s = ages.reduce(f64::min);
        known.covered = known.covered.into_iter().chain(found.covered).reduce(f64::min);
    }
}
