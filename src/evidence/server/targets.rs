//! Targets that are gone, were down, restarted, or are several processes: by `up` and the start of
//! the process, where they exist beside what the queries look at.

use std::collections::BTreeSet;

use super::looks::{Group, LOOK, Look};
use super::{Inquiry, pauses};
use crate::model::evidence::{EvidenceRules, Rule, Shortfall};
use crate::model::quantity::{number, series};
use crate::model::question::Probe;
use crate::model::reading::Sample;
use crate::promql::Expression;
use crate::storage::Labels;
use crate::target_health::instance_and_job;

/// Something that is wrong with a target.
struct Fault {
    rule: Rule,
    /// The bit by which the server tells it.
    bit: u64,
    /// In words, of one target and of several.
    words: [&'static str; 2],
}

/// The faulty targets of a group, or why they are not known.
pub(super) type OfGroup<'a> = (&'a Group, Result<Vec<Sample>, String>);

const FAULTS: [Fault; 4] = [
    Fault {
        rule: Rule::GoneTargets,
        bit: 1,
        words: [
            "1 instance went away or is down (`up` is not 1)",
            "instances went away or are down (`up` is not 1)",
        ],
    },
    Fault {
        rule: Rule::FailedScrapes,
        bit: 2,
        words: [
            "scrapes of 1 instance failed (`up` was 0)",
            "instances had scrapes that failed (`up` was 0)",
        ],
    },
    Fault {
        rule: Rule::Restarts,
        bit: 4,
        words: [
            "1 instance restarted (its start time changed, or a counter fell)",
            "instances restarted (their start times changed, or counters fell)",
        ],
    },
    Fault {
        rule: Rule::Workers,
        bit: 8,
        words: [
            "1 page is of several processes (its start time goes back and forth)",
            "pages are of several processes (their start times go back and forth)",
        ],
    },
];

/// The start time of a process, which may jitter by a second where it is computed anew each time.
pub(super) const STARTED: &str = "process_start_time_seconds";

/// So far back at least a look has its targets: one may have been down for all of a short window.
const SEEN: i64 = 900_000;

/// The faulty targets of each look, with the sum of the bits of their faults, and of what may be a
/// pause.
pub(super) fn probe(looks: &[Look], group: &Group, rules: &EvidenceRules) -> Probe {
    let over = |metric| group.over(metric, group.range);
    let (up, started) = (over("up"), over(STARTED));
    let moved = format!("max_over_time({started}) - min_over_time({started}) > 1.5");
    let counters = group.looks.iter().filter_map(|number| looks.get(*number));
    let fell = counters
        .filter(|look| look.is_counter)
        .map(|look| format!(" or resets({}) > 0", look.over(group.range)));
    let fell: String = fell.collect();
    let gone =
        format!("count_over_time({up}) unless on (job, instance) ({} == 1)", group.latest("up"));
    let failed = format!("min_over_time({up}) == 0");
    let restarted = format!("{moved}{fell}");
    let mixed = format!("resets({started}) > 0 and {moved}");
    let bits = FAULTS.iter().map(|fault| fault.bit);
    let found = bits.zip([gone, failed, restarted, mixed]);
    let paused = pauses::may_be(group, rules).map(|found| (pauses::BIT, found));
    let faults = found.chain(paused).map(|(bit, found)| {
        format!(
            "label_replace(count by (job, instance) ({found}) * 0 + {bit}, \
             \"auditor_fault\", \"{bit}\", \"\", \"\")"
        )
    });
    let faults = faults.collect::<Vec<_>>().join(" or ");
    let seen = group.each(looks, |look| {
        let range = group.range.max(SEEN);
        format!("count by (job, instance) (count_over_time({}))", look.over(range))
    });
    let expr = format!(
        "({seen}) * 0 + on (job, instance) group_left () sum by (job, instance) ({faults})"
    );
    Probe { expr: Expression::new(expr), span: None }
}

/// What is wrong with the targets of all looks.
pub(super) fn shortfalls(inquiry: &Inquiry<'_>, answers: &[OfGroup<'_>]) -> Vec<Shortfall> {
    let of = |fault: &Fault| of_fault(inquiry, fault, answers);
    FAULTS.iter().filter_map(of).chain(unknown(inquiry, answers)).collect()
}

/// That nothing is known of targets: it is told under the first rule that is not relaxed.
fn unknown(inquiry: &Inquiry<'_>, answers: &[OfGroup<'_>]) -> Option<Shortfall> {
    let failed: Vec<_> =
        answers.iter().filter_map(|(group, it)| Some((group, it.as_ref().err()?))).collect();
    let (_, error) = failed.first()?;
    let rules = &inquiry.plan.criteria.evidence;
    let asked = FAULTS.iter().map(|fault| fault.rule).find(|rule| !rules.allows(*rule));
    let is_asked = failed.iter().any(|(group, _)| pauses::may_be(group, rules).is_some());
    let asked = asked.or(is_asked.then_some(Rule::MaxGap));
    let looks = failed.iter().flat_map(|(group, _)| group.looks.iter().copied());
    let detail = format!("it cannot be told whether targets are gone or restarted: {error}");
    Some(inquiry.shortfall(asked.unwrap_or(Rule::GoneTargets), looks, detail))
}

fn of_fault(inquiry: &Inquiry<'_>, fault: &Fault, answers: &[OfGroup<'_>]) -> Option<Shortfall> {
    let (mut targets, mut looks, mut range) = (BTreeSet::new(), BTreeSet::new(), 0);
    for (group, samples) in answers {
        let samples = samples.as_deref().unwrap_or_default();
        for sample in samples.iter().filter(|sample| is_faulty(sample, fault)) {
            let Ok(look) = sample.labels.get(LOOK).parse() else { continue };
            let mut target = sample.labels.clone();
            target.set(LOOK, "");
            targets.insert(target);
            looks.insert(look);
            range = range.max(group.range);
        }
    }
    let one = targets.first()?;
    let range = number(range as f64 / 1000.0);
    let [single, several] = fault.words;
    let (words, example, target) = match targets.len() {
        1 => (single.to_owned(), series(one), Some(one.clone())),
        count => (format!("{count} {several}"), format!("; one of them is{}", series(one)), None),
    };
    let detail = format!("{words} in the last {range} s{example}");
    Some(Shortfall { target, ..inquiry.shortfall(fault.rule, looks, detail) })
}

/// The targets that are several processes.
pub(super) fn of_several_processes(answers: &[OfGroup<'_>]) -> impl Iterator<Item = Labels> {
    let samples = answers.iter().flat_map(|(_, samples)| samples.as_deref().unwrap_or_default());
    let workers = FAULTS.iter().find(|fault| fault.rule == Rule::Workers);
    let is_it = move |sample: &&Sample| workers.is_some_and(|fault| is_faulty(sample, fault));
    samples.filter(is_it).map(|sample| instance_and_job(&sample.labels))
}

fn is_faulty(sample: &Sample, fault: &Fault) -> bool {
    let bits = sample.value as u64;
    let has = |rule| FAULTS.iter().any(|it| it.rule == rule && bits & it.bit != 0);
    let is_explained = match fault.rule {
        // The last scrapes of what went away fail.
        Rule::FailedScrapes => has(Rule::GoneTargets),
        // Processes that take turns look like restarts.
        Rule::Restarts => has(Rule::Workers),
        _ => false,
    };
    has(fault.rule) && !is_explained
}
