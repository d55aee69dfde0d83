//! Questions beside those of an audit, many in one request: what they answer says what the other
//! answers are worth, and is worth no request each.
//!
//! Each one's series get a label with its number, and are told apart by it.

use std::collections::BTreeMap;
use std::thread;

use super::api::{Answered, Server};
use super::http::{Failed, TransportError};
use super::wave::{Spawned, Wave, join};
use super::wire::QueryError;
use crate::model::question::{Answer, Probe, Values};
use crate::model::reading::{Sample, Series};
use crate::storage::Labels;

/// The label that holds the number.
const LABEL: &str = "auditor_evidence";

/// The longest expression that is put together, in bytes of a URL: gateways bound its length, many
/// at 8 KB.
const LONGEST: usize = 7600;

/// What stands between two probes, as a URL has it.
const OR: &str = "+or+";

/// The length of a text in a URL, in bytes.
pub(crate) fn escaped_length(text: &str) -> usize {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" -_.*".contains(byte);
    text.len() + 2 * text.bytes().filter(|byte| !is_plain(byte)).count()
}

/// Answers to probes, with their numbers.
pub(crate) type Numbered = Vec<(usize, Answered)>;

/// Which probes share a request, by their numbers.
pub(crate) fn groups(probes: &[Probe]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
    for (number, probe) in probes.iter().enumerate() {
        let length = escaped_length(&marked(number, probe)) + OR.len();
        let fits = |(taken, group): &&mut (usize, Vec<usize>)| {
            group.first().is_some_and(|first| probes[*first].span == probe.span)
                && *taken + length <= LONGEST
        };
        match groups.iter_mut().find(fits) {
            Some((taken, group)) => {
                *taken += length;
                group.push(number);
            }
            None => groups.push((length, vec![number])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// The answers to a group of probes, with their numbers.
pub(crate) fn ask(server: &Server<'_>, probes: &[Probe], group: &[usize]) -> Numbered {
    let all: Vec<_> = group.iter().filter_map(|at| Some((*at, probes.get(*at)?))).collect();
    let marked: Vec<_> = all.iter().map(|(number, probe)| marked(*number, probe)).collect();
    let span = all.first().and_then(|(_, probe)| probe.span);
    match server.answer(&marked.join(" or "), span) {
        Ok(answer) => split(answer, group),
        // One that cannot be evaluated takes the others with it.
        Err(failed) if all.len() > 1 && may_do_alone(&failed.error) => one_by_one(server, &all),
        Err(failed) => group.iter().map(|number| (*number, Err(failed.clone()))).collect(),
    }
}

/// Whether what is refused together may be answered alone: it cannot be evaluated, or the question
/// or the answer is too long.
const fn may_do_alone(error: &QueryError) -> bool {
    matches!(
        error,
        QueryError::Api { .. }
            | QueryError::Status { status: 400 | 413 | 414 | 431, .. }
            | QueryError::Transport(TransportError::TooLarge(_))
    )
}

/// The answers to probes, in a wave of their own.
pub(crate) fn ask_all(server: &Server<'_>, probes: &[Probe]) -> Vec<Answered> {
    let (wave, groups) = (Wave::default(), groups(probes));
    let mut answers: Numbered = thread::scope(|scope| {
        let asked: Vec<_> = groups
            .iter()
            .map(|group| wave.spawn(scope, move || Ok(ask(server, probes, group))))
            .collect();
        let answers = groups.iter().zip(asked).flat_map(|(group, asked)| joined(group, asked));
        answers.collect()
    });
    answers.sort_by_key(|(number, _)| *number);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// The answers to a group, or why there are none.
pub(crate) fn joined(
    group: &[usize],
    asked: Spawned<'_, Result<Numbered, Failed<QueryError>>>,
) -> Numbered {
    let none = |failed: Failed<QueryError>| {
        group.iter().map(|number| (*number, Err(failed.clone()))).collect()
    };
    join(asked).unwrap_or_else(none)
}

fn one_by_one(server: &Server<'_>, all: &[(usize, &Probe)]) -> Numbered {
    let wave = Wave::default();
    thread::scope(|scope| {
        let ask = |(number, probe): &(usize, &Probe)| {
            let (expr, span) = (probe.expr.clone(), probe.span);
            (*number, wave.spawn(scope, move || server.answer(expr.as_str(), span)))
        };
        let asked: Vec<_> = all.iter().map(ask).collect();
        asked.into_iter().map(|(number, answer)| (number, join(answer))).collect()
    })
}

/// The expression with its number at every series.
fn marked(number: usize, probe: &Probe) -> String {
    format!("label_replace({}, \"{LABEL}\", \"{number}\", \"\", \"\")", probe.expr)
}

/// The answer to each of a group.
fn split(answer: Answer, group: &[usize]) -> Numbered {
    let Answer { values, incomplete, .. } = answer;
    let (mut parts, none): (BTreeMap<_, _>, _) = match values {
        Values::Vector(samples) => {
            let of = by_number(samples, |sample: &mut Sample| &mut sample.labels);
            (of.map(|(number, it)| (number, Values::Vector(it))).collect(), Values::Vector(vec![]))
        }
        Values::Matrix(series) => {
            let of = by_number(series, |series: &mut Series| &mut series.labels);
            (of.map(|(number, it)| (number, Values::Matrix(it))).collect(), Values::Matrix(vec![]))
        }
    };
    let answer = |number: &usize| {
        let values = parts.remove(number).unwrap_or_else(|| none.clone());
        (*number, Ok(Answer { values, incomplete: incomplete.clone(), zero_by_zero: None }))
    };
    group.iter().map(answer).collect()
}

/// What is of which number; the label is gone then.
fn by_number<T>(
    all: Vec<T>,
    labels: impl Fn(&mut T) -> &mut Labels,
) -> impl Iterator<Item = (usize, Vec<T>)> {
    let mut numbered: BTreeMap<usize, Vec<T>> = BTreeMap::new();
    for mut it in all {
        let labels = labels(&mut it);
        if let Ok(number) = labels.get(LABEL).parse() {
            labels.set(LABEL, "");
            numbered.entry(number).or_default().push(it);
        }
    }
    numbered.into_iter()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::question::Span;
    use crate::model::reading::Incomplete;
    use crate::promql::Expression;

    fn probe(expr: &str, span: Option<Span>) -> Probe {
        Probe { expr: Expression::new(expr), span }
    }

    #[test]
    fn what_is_of_one_time_shares_a_request_as_far_as_a_url_reaches() {
        let span = Some(Span { window: Duration::from_secs(60), step: Duration::from_secs(5) });
        let long = "x".repeat(4500);
        let probes = [("a", None), ("b", span), ("c", None), (&long, None), ("d", span)];
        let probes = probes.map(|(expr, span)| probe(expr, span));
        assert_eq!(groups(&probes), [vec![0, 2, 3], vec![1, 4]]);
        let twice = [probe(&long, None), probe(&long, None), probe("a", None)];
        assert_eq!(groups(&twice), [vec![0, 2], vec![1]]);
        assert!(groups(&[]).is_empty());
    }

    #[test]
    fn an_answer_is_split_by_its_numbers() {
        let sample = |number: &str, i: &str| Sample {
            labels: [(LABEL, number), ("i", i)].into_iter().collect(),
            value: 1.0,
        };
        let values = Values::Vector(vec![sample("4", "a"), sample("7", "b"), sample("4", "c")]);
        let incomplete = Some(Incomplete::BackendSays("a store is down".to_owned()));
        let answer = Answer { values, incomplete: incomplete.clone(), zero_by_zero: None };
        let parts: Vec<_> = split(answer, &[4, 5, 7])
            .into_iter()
            .map(|(number, answer)| {
                let answer = answer.unwrap();
                assert_eq!(answer.incomplete, incomplete);
                let Values::Vector(samples) = answer.values else { panic!("a vector") };
                let labels = samples.iter().map(|it| it.labels.to_string());
                (number, labels.collect::<Vec<_>>().join(" "))
            })
            .collect();
        let expected = [(4, r#"{i="a"} {i="c"}"#), (5, ""), (7, r#"{i="b"}"#)];
        assert_eq!(parts, expected.map(|(number, it)| (number, it.to_owned())));
    }
}
