//! Elements of arrays in JSON documents: one that is no longer there, where its array is, has ended.
//! That was seen, and is no hole; the array itself, or a member of an element that is there, is one.

use std::collections::HashMap;

use super::walk::{Hole, Run, Walk};
use crate::collect::DOCUMENT;
use crate::exposition::json::{INFO, LABELS, LENGTH};
use crate::storage::{Labels, METRIC_NAME, Series};
use crate::target_health::{longest_pause, usual_interval};

/// The arrays of the documents of a target, by the names of their metrics.
#[derive(Debug, Default)]
pub(super) struct Elements<'a> {
    arrays: HashMap<&'a str, Array<'a>>,
}

#[derive(Debug, Default)]
struct Array<'a> {
    /// Say that it is there: one series, or one for each of the elements that it is within.
    lengths: Vec<&'a Series>,
    /// Say that an element is there, by its labels without a name.
    infos: HashMap<Labels, &'a Series>,
}

/// An element around a series: when its array was there, and when itself.
struct Around {
    array: Vec<i64>,
    element: Vec<i64>,
}

impl<'a> Elements<'a> {
    /// Those of a target; a page that is no document has none.
    pub(super) fn of(of_target: &[&'a Series]) -> Self {
        let mut found = Self::default();
        if !of_target.iter().any(|it| it.labels.metric_name() == DOCUMENT) {
            return found;
        }
        for series in of_target {
            let name = series.labels.metric_name();
            if let Some(array) = name.strip_suffix(LENGTH) {
                found.arrays.entry(array).or_default().lengths.push(series);
            }
        }
        for series in of_target {
            let array = series.labels.metric_name().strip_suffix(INFO);
            if let Some(array) = array.and_then(|it| found.arrays.get_mut(it)) {
                array.infos.insert(series.labels.without_name(), series);
            }
        }
        found
    }

    /// Takes out of what a series lacks where it has only ended.
    pub(super) fn without_ends(&self, walk: Walk, series: &Series, pages: &[i64]) -> Walk {
        let is_missing = walk.runs.iter().any(|run| run.hole == Hole::Missing);
        let around = if is_missing { self.around(&series.labels) } else { Vec::new() };
        if around.is_empty() {
            return walk;
        }
        let are_words = self.are_words(&series.labels);
        let state = |page: usize| match pages.get(page).map(|at| state(&around, *at)) {
            // Another one says something else of it.
            Some(State::There) if are_words => State::Ended,
            state => state.unwrap_or(State::Unseen),
        };
        let mut runs: Vec<Run> = Vec::new();
        for run in walk.runs {
            if run.hole != Hole::Missing {
                runs.push(run);
                continue;
            }
            let from = if run.to == pages.len() { at_end(run, pages, state) } else { run.from };
            for page in (from..run.to).filter(|page| state(*page) != State::Ended) {
                match runs.last_mut() {
                    Some(last) if last.hole == run.hole && last.to == page => last.to += 1,
                    _ => runs.push(Run { hole: run.hole, from: page, to: page + 1 }),
                }
            }
        }
        Walk { runs, ..walk }
    }

    /// Whether a series is what is said of an element in words: it has labels that the element has not.
    fn are_words(&self, labels: &Labels) -> bool {
        let array = labels.metric_name().strip_suffix(LABELS).and_then(|it| self.arrays.get(it));
        array.is_some_and(|it| !it.infos.contains_key(&labels.without_name()))
    }

    /// The elements that a series is within.
    fn around(&self, labels: &Labels) -> Vec<Around> {
        let name = labels.metric_name();
        let ends = name.match_indices('_').map(|(end, _)| end).chain([name.len()]);
        let arrays = ends.filter_map(|end| self.arrays.get(name.get(..end)?));
        arrays.filter_map(|array| array.around(labels)).collect()
    }
}

impl Array<'_> {
    fn around(&self, labels: &Labels) -> Option<Around> {
        let exact = self.infos.get(&labels.without_name()).copied();
        let info = exact.or_else(|| {
            self.infos.values().find(|info| is_within(labels, &info.labels)).copied()
        })?;
        let length = self.lengths.iter().find(|length| is_within(labels, &length.labels))?;
        Some(Around { array: instants(length), element: instants(info) })
    }
}

/// Whether a series has all the labels of another one, but its name.
fn is_within(labels: &Labels, outer: &Labels) -> bool {
    outer.iter().all(|(name, value)| name == METRIC_NAME || labels.get(name) == value)
}

fn instants(series: &Series) -> Vec<i64> {
    series.read_points().map(|point| point.at).collect()
}

/// What a page says of an element of which it lacks a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It has ended.
    Ended,
    /// It is there, without a number.
    There,
    /// Nothing, for its array is not there either.
    Unseen,
}

fn state(around: &[Around], at: i64) -> State {
    let has = |instants: &[i64]| instants.binary_search(&at).is_ok();
    if around.iter().any(|it| has(&it.array) && !has(&it.element)) {
        State::Ended
    } else if around.iter().all(|it| has(&it.element)) {
        State::There
    } else {
        State::Unseen
    }
}

/// The first page that counts of those up to the last one that lack a series. What an element shows of
/// a process ends with that, and the element a moment later, when its end is noticed: in between it has
/// no number. Where the last page comes before, that moment may be as long as a pause between scrapes.
fn at_end(run: Run, pages: &[i64], state: impl Fn(usize) -> State) -> usize {
    let there = (run.from..run.to).take_while(|page| state(*page) == State::There).count();
    let next = run.from + there;
    let has_ended = next < run.to && state(next) == State::Ended;
    let usual = usual_interval(pages).unwrap_or_default() as f64 / 1000.0;
    let moment = match (pages.get(run.from), next.checked_sub(1).and_then(|it| pages.get(it))) {
        (Some(first), Some(last)) => last.saturating_sub(*first) as f64 / 1000.0,
        _ => 0.0,
    };
    let is_short = next == run.to && moment <= longest_pause(usual, None);
    if has_ended || is_short { next } else { run.from }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Point, Storage};

    /// The pages that lack `w_ticks{id="1"}`, by their numbers, of ten pages a second apart. A page has
    /// its number (`+`), its element without it (`0`), the array without the element (`-`), or nothing.
    fn lacks(pages: &str) -> Vec<usize> {
        lacked("w_ticks", &[("id", "1")], pages)
    }

    /// The same of another series.
    fn lacked(name: &str, labels: &[(&str, &str)], pages: &str) -> Vec<usize> {
        let mut storage = Storage::default();
        let instants: Vec<i64> = (0..pages.len() as i64).map(|page| page * 1000).collect();
        let mut add = |name: &str, labels: &[(&str, &str)], on: &str| {
            let labels = labels.iter().copied().chain([(METRIC_NAME, name)]).collect();
            let id = storage.series(labels);
            for (at, page) in instants.iter().zip(pages.chars()) {
                if on.contains(page) {
                    storage.push(id, Point { at: *at, value: 1.0 }).unwrap();
                }
            }
            id
        };
        let id = [("id", "1")];
        add(DOCUMENT, &[], "+0-. ");
        add("w_length", &[], "+0-");
        add("w_info", &id, "+0");
        let series = add(name, labels, "+");
        let of_target: Vec<_> = storage.iter().map(|(_, series)| series).collect();
        let runs = pages.char_indices().skip_while(|(_, page)| *page != '+');
        let runs = runs.filter(|(_, page)| *page != '+');
        let runs = runs.fold(Vec::<Run>::new(), |mut runs, (page, _)| {
            match runs.last_mut() {
                Some(run) if run.to == page => run.to += 1,
                _ => runs.push(Run { hole: Hole::Missing, from: page, to: page + 1 }),
            }
            runs
        });
        let walk = Walk { runs, ..Walk::default() };
        let found = Elements::of(&of_target).without_ends(walk, storage.get(series), &instants);
        found.runs.iter().flat_map(|run| run.from..run.to).collect()
    }

    #[test]
    fn an_element_that_has_gone_lacks_nothing_and_one_that_is_there_does() {
        for (pages, expected) in [
            ("++++++++++", &[][..]),
            ("++++------", &[]),
            ("--++----++", &[]),
            ("++++0+++++", &[4]),
            ("++++.+++++", &[4]),
            ("+++++.....", &[5, 6, 7, 8, 9]),
            ("+++--..---", &[5, 6]),
            // Its process has ended, and is struck off later.
            ("++0000----", &[]),
            ("++++++0000", &[]),
            ("+++++00000", &[5, 6, 7, 8, 9]),
            ("++00--++++", &[2, 3]),
            ("++00..----", &[2, 3, 4, 5]),
        ] {
            assert_eq!(lacks(pages), expected, "{pages}");
        }
    }

    /// What is said of it in words may change at any time; a number of that name may not go.
    #[test]
    fn words_about_an_element_end_while_it_is_there() {
        let words = [("id", "1"), ("step", "a")];
        for (pages, expected) in
            [("++++0000++", &[][..]), ("++++------", &[]), ("+++++.....", &[5, 6, 7, 8, 9])]
        {
            assert_eq!(lacked("w_labels", &words, pages), expected, "{pages}");
        }
        assert_eq!(lacked("w_labels", &words[..1], "++++0000++"), [4, 5, 6, 7]);
    }
}
