//! Which steps are seen whole: those in which every target that a query selects has its samples.
//!
//! A sum or a maximum of several series does not show that one of them is not there, so the
//! selectors themselves are looked at.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::asked::Asked;
use super::grid::{Grid, Sampling};
use super::presence::{self, offset};
use crate::evaluate::Error;
use crate::model::question::{Answer, Question, Values};
use crate::promql::{self, Expression, SelectorUse};
use crate::storage::Labels;
use crate::target_health::longest_pause;

/// The questions about selectors, each once.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    pub(super) questions: Vec<Question>,
    /// The number of the first of two questions of a selector: the fewest samples that a series of a
    /// target has in a step, and how many series it has.
    numbers: HashMap<String, usize>,
}

impl Coverage {
    /// What has to be asked for these lines.
    pub(super) fn new<'a>(
        lines: impl Iterator<Item = &'a Asked>,
        grid: Grid,
        sampling: Sampling,
    ) -> Self {
        let mut coverage = Self::default();
        for line in lines {
            let question = &line.question;
            let range = sampling.range(grid.step, question.is_of_server).as_millis().max(1);
            for it in uses(line).unwrap_or_default().iter().filter(|it| it.metric().is_some()) {
                coverage.ask(question, it, grid, range);
            }
        }
        coverage
    }

    fn ask(&mut self, question: &Question, it: &SelectorUse, grid: Grid, range: u128) {
        let number = self.questions.len();
        if *self.numbers.entry(key(question, it)).or_insert(number) != number {
            return;
        }
        let target = "(job, instance)";
        let offset = offset(it.offset);
        // A scrape that failed brought nothing.
        let failed = format!("min_over_time(up[{range}ms]{offset}) == 0");
        let samples = format!("count_over_time({}[{range}ms]{offset})", it.text);
        for function in ["min", "count"] {
            let of_target = format!("{function} by {target} ({samples})");
            self.questions.push(Question {
                expr: Expression::new(format!("{of_target} unless on {target} ({failed})")),
                span: Some(grid.span(grid.step)),
                nothing_counts: false,
                zero_by_zero: false,
                accept_partial: true,
                is_of_server: question.is_of_server,
            });
        }
    }

    /// Of each step, whether all that a line looks at was seen, by the answers to the questions.
    pub(super) fn whole(
        &self,
        line: &Asked,
        answers: &[Result<Answer, Error>],
        (instants, step): (&[i64], Duration),
        longest: Option<Duration>,
    ) -> Vec<bool> {
        let mut whole = vec![true; instants.len()];
        let Ok(uses) = uses(line) else { return vec![false; instants.len()] };
        for it in &uses {
            let number = self.numbers.get(&key(&line.question, it));
            let answers = number.and_then(|number| answers.get(*number..*number + 2));
            let Some([Ok(fewest), Ok(series)]) = answers else {
                return vec![false; instants.len()];
            };
            let targets = targets(fewest, series, instants);
            if targets.is_empty() {
                continue;
            }
            let seen = seen(&targets, step.as_secs_f64(), longest);
            // What looks back beyond its step sees the steps before it as well.
            let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
            let before = usize::try_from((it.range - 1).max(0) / step).unwrap_or(usize::MAX);
            for (number, whole) in whole.iter_mut().enumerate() {
                let first = number.saturating_sub(before);
                *whole &= seen.get(first..=number).is_some_and(|it| it.iter().all(|it| *it));
            }
        }
        whole
    }
}

/// What has to be there for a line to be seen whole; where no series stands for a number, pages.
///
/// # Errors
/// The query cannot be read.
fn uses(line: &Asked) -> Result<Vec<SelectorUse>, promql::Error> {
    let mut uses = line.question.expr.parsed()?.selectors().to_vec();
    uses.retain(|it| !it.is_fixed);
    if line.needs_pages {
        for it in uses.clone() {
            let pages = Expression::new(presence::pages(&it));
            let of_pages = pages.parsed().map(promql::Query::selectors).unwrap_or_default();
            uses.extend(of_pages.iter().cloned());
        }
    }
    Ok(uses)
}

fn key(question: &Question, it: &SelectorUse) -> String {
    format!("{} {} {}", question.is_of_server, it.offset, it.text)
}

/// The fewest samples of a series, and how many series there are, in each step.
type OfTarget = Vec<(f64, f64)>;

fn targets(fewest: &Answer, series: &Answer, instants: &[i64]) -> Vec<OfTarget> {
    let mut found: BTreeMap<Labels, OfTarget> = BTreeMap::new();
    let mut add = |answer: &Answer, set: fn(&mut (f64, f64), f64)| {
        let Values::Matrix(all) = &answer.values else { return };
        for it in all {
            let target = found.entry(it.labels.clone());
            let steps = target.or_insert_with(|| vec![(0.0, 0.0); instants.len()]);
            for (at, value) in &it.points {
                let step = instants.binary_search(at).ok().and_then(|step| steps.get_mut(step));
                step.into_iter().for_each(|step| set(step, *value));
            }
        }
    };
    add(fewest, |step, value| step.0 = value);
    add(series, |step, value| step.1 = value);
    found.into_values().collect()
}

/// Of each step, whether each target has its series, and they have samples without too long a pause.
fn seen(targets: &[OfTarget], step_s: f64, longest: Option<Duration>) -> Vec<bool> {
    let steps = targets.first().map_or(0, Vec::len);
    let mut seen = vec![true; steps];
    for target in targets {
        let usual = usual(target);
        // A pause as long as that takes the place of so many samples.
        let lost = (longest_pause(step_s / usual, longest) * usual / step_s).floor() - 1.0;
        let mut most = 0.0_f64;
        for number in 0..steps {
            let (samples, series) = target[number];
            most = most.max(series);
            let beside = |other: Option<usize>| {
                let other = other.and_then(|it| target.get(it));
                other.is_some_and(|other| samples + other.0 <= 2.0 * usual - lost.max(1.0))
            };
            let lacks = beside(number.checked_sub(1)) || beside(number.checked_add(1));
            seen[number] &= samples > 0.0 && series >= most && !(lacks && samples < usual);
        }
    }
    seen
}

/// How many samples each series has in most steps.
fn usual(target: &OfTarget) -> f64 {
    let mut counts: Vec<_> = target.iter().map(|step| step.0).filter(|it| *it > 0.0).collect();
    counts.sort_by(f64::total_cmp);
    counts.get(counts.len() / 2).copied().unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_whole_where_no_target_lacks_samples() {
        let calm = [(12.0, 1.0); 6];
        for (name, changed, expected) in [
            ("nothing", &[][..], "111111"),
            ("one sample", &[(2, (11.0, 1.0))], "111111"),
            ("two samples of one step", &[(2, (10.0, 1.0))], "110111"),
            ("a pause over the end of a step", &[(2, (11.0, 1.0)), (3, (11.0, 1.0))], "110011"),
            ("a step", &[(2, (0.0, 0.0))], "110111"),
            ("the last step", &[(5, (0.0, 0.0))], "111110"),
            ("a series that comes late", &[(0, (12.0, 0.5))], "111111"),
            ("a series that ends", &[(4, (12.0, 0.5)), (5, (12.0, 0.5))], "111100"),
        ] {
            let mut other = calm.to_vec();
            changed.iter().for_each(|(step, found)| other[*step] = *found);
            let seen = seen(&[calm.to_vec(), other], 180.0, None);
            let found: String = seen.iter().map(|it| if *it { '1' } else { '0' }).collect();
            assert_eq!(found, expected, "{name}");
        }
    }
}
