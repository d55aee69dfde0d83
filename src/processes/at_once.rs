//! How many processes show pages of which several were asked for at the same time.
//!
//! In one process, no counter of a page is below that of a page that was there before this one was
//! asked for. Of pages of the same time nothing can be said: threads read counters in any order.

use std::collections::BTreeMap;

use super::columns::{Column, Role, Usage, columns};
use super::history::{Difference, Kind};
use crate::storage::Storage;

/// Two sizes of memory that are seen side by side for so many rounds are of two processes.
const ROUNDS_OF_MEMORY: usize = 3;

/// What several processes come to, if there are several; each round holds the instants of its pages
/// in the storage, which holds nothing else. How many were seen, at least. Memory tells nothing of a
/// process that takes some and returns it for each page.
pub(crate) fn seen_at_once(
    storage: &Storage,
    rounds: &[Vec<i64>],
    memory_tells: bool,
) -> Option<(usize, Kind)> {
    let all: Vec<_> = storage.iter().map(|(_, series)| series).collect();
    let mut columns = columns(storage, all, |_| Usage::Unused, true);
    let families = columns.iter().map(|column| column.family + 1).max().unwrap_or_default();
    let mut highest = vec![f64::NAN; columns.len()];
    let (mut starts, mut memory) = (Vec::new(), BTreeMap::new());
    let (mut is_other, mut is_shared) = (false, false);
    let mut is_rising: Vec<_> = columns.iter().map(|it| it.role == Role::OfProcess).collect();
    for (number, round) in rounds.iter().enumerate() {
        let before = highest.clone();
        let mut is_back = false;
        for at in round {
            columns.iter_mut().for_each(|column| column.go_to(*at));
            let difference = Difference::of(&before, &columns, families);
            let differs = difference.is_other();
            is_back |= !differs;
            is_other |= differs;
            is_shared |= differs && !difference.may_be_anew(age_of(&columns, *at));
            for (highest, column) in highest.iter_mut().zip(&columns) {
                *highest = highest.max(column.value);
                note(column, number, &mut starts, &mut memory);
            }
            let rises = columns.iter().zip(&before).map(|(it, before)| it.value > *before);
            if number > 0 {
                is_rising.iter_mut().zip(rises).for_each(|(all, rises)| *all &= rises);
            }
        }
        // What was there before goes on.
        is_shared |= is_other && is_back;
    }
    let seen = starts.len().max(2);
    // What is above all that came before, page after page, is of one process, which takes memory and
    // gives it back as it likes: two would have to take turns.
    let is_one = rounds.len() >= ROUNDS_OF_MEMORY && is_rising.contains(&true);
    let is_shared = is_shared || memory_tells && !is_one && are_side_by_side(&memory);
    match (is_shared, is_other) {
        (true, _) => Some((seen, Kind::Workers)),
        (false, true) => Some((seen, Kind::Restarts)),
        (false, false) => None,
    }
}

/// Whether there is anything that tells one process from another.
pub(crate) fn can_tell(storage: &Storage) -> bool {
    let all: Vec<_> = storage.iter().map(|(_, series)| series).collect();
    !columns(storage, all, |_| Usage::Unused, true).is_empty()
}

/// How long before an instant the process of that page was started, seconds.
pub(crate) fn age(storage: &Storage, at: i64) -> Option<f64> {
    let all: Vec<_> = storage.iter().map(|(_, series)| series).collect();
    let mut columns = columns(storage, all, |_| Usage::Unused, true);
    columns.iter_mut().for_each(|column| column.go_to(at));
    age_of(&columns, at)
}

fn age_of(columns: &[Column<'_>], at: i64) -> Option<f64> {
    let start = columns.iter().find(|it| it.role == Role::Start && !it.value.is_nan())?;
    Some(at as f64 / 1000.0 - start.value)
}

/// Keeps each start time once, and of each size of memory the first and the last round.
fn note(
    column: &Column<'_>,
    round: usize,
    starts: &mut Vec<f64>,
    memory: &mut BTreeMap<u64, (usize, usize)>,
) {
    match column.role {
        Role::Start if !column.value.is_nan() && !starts.contains(&column.value) => {
            starts.push(column.value);
        }
        Role::Memory if !column.value.is_nan() => {
            memory.entry(column.value.to_bits()).or_insert((round, round)).1 = round;
        }
        _ => {}
    }
}

/// The memory of one process goes up and down by so many bytes: some pages.
const OF_ONE_PROCESS: f64 = 65_536.0;

/// Whether two sizes of memory come again and again during the same rounds. One process has one
/// after the other, and goes between those that lie close together.
fn are_side_by_side(memory: &BTreeMap<u64, (usize, usize)>) -> bool {
    let spans: Vec<_> = memory.iter().map(|(bits, span)| (f64::from_bits(*bits), span)).collect();
    spans.iter().enumerate().any(|(index, (size, (first, last)))| {
        let others = spans[index + 1..].iter();
        let mut far = others.filter(|(other, _)| (other - size).abs() > OF_ONE_PROCESS);
        far.any(|(_, (other_first, other_last))| {
            let common = (*last.min(other_last) + 1).saturating_sub(*first.max(other_first));
            common >= ROUNDS_OF_MEMORY
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{METRIC_NAME, Point};

    /// What rounds of pages come to; a series each, and a slice a round.
    fn seen(series: &[(&str, &[&[f64]])]) -> Option<(usize, Kind)> {
        let mut storage = Storage::default();
        let (mut rounds, start) = (Vec::new(), 1_700_000_000_000);
        for (name, values) in series {
            let id = storage.series([(METRIC_NAME, *name)].into_iter().collect());
            rounds.clear();
            let mut at = start;
            for round in *values {
                let mut instants = Vec::new();
                for value in *round {
                    storage.push(id, Point { at, value: *value }).unwrap();
                    instants.push(at);
                    at += 1;
                }
                rounds.push(instants);
            }
        }
        seen_at_once(&storage, &rounds, true)
    }

    #[test]
    fn pages_are_held_against_those_of_earlier_rounds() {
        let (start, cpu) = ("process_start_time_seconds", "process_cpu_seconds_total");
        let memory = "process_resident_memory_bytes";
        let old = 1_699_999_000.5;
        let workers = Some((2, Kind::Workers));
        for (what, series, expected) in [
            ("one", &[(cpu, &[&[0.1][..], &[0.1, 0.2], &[0.2, 0.3]][..])][..], None),
            ("threads in any order", &[(cpu, &[&[0.1], &[0.3, 0.2, 0.3], &[0.3, 0.4]])], None),
            ("less than before", &[(cpu, &[&[0.2], &[0.1, 0.2], &[0.3]])], workers),
            (
                "less, of processes started at once",
                &[(cpu, &[&[0.2], &[0.1], &[0.1]]), (start, &[&[old], &[old], &[old]])],
                workers,
            ),
            (
                "a process that is started meanwhile",
                &[(start, &[&[old], &[old, old], &[old + 1000.0, old + 1000.0]])],
                Some((2, Kind::Restarts)),
            ),
            (
                "another that was started before",
                &[(start, &[&[old], &[old, old], &[old + 9.0, old + 9.0]])],
                workers,
            ),
            ("jitter", &[(start, &[&[old], &[old + 0.5, old], &[old + 0.2, old - 0.9]])], None),
            (
                "memory side by side",
                &[(memory, &[&[4e6], &[4e6, 5e6], &[5e6, 4e6], &[5e6, 4e6]])],
                workers,
            ),
            ("memory that grows", &[(memory, &[&[4e6], &[4e6, 5e6], &[5e6, 6e6], &[6e6]])], None),
            (
                "memory that goes up and down by a page",
                &[(
                    memory,
                    &[&[4e6], &[4e6, 4_004_096.0], &[4_004_096.0, 4e6], &[4_004_096.0, 4e6]],
                )],
                None,
            ),
            (
                "memory that goes up and down while the CPU of one process rises",
                &[
                    (memory, &[&[4e6], &[4e6, 5e6], &[5e6, 4e6], &[5e6, 4e6]]),
                    (cpu, &[&[0.1], &[0.11, 0.12], &[0.13, 0.14], &[0.15, 0.16]]),
                ],
                None,
            ),
            (
                "memory side by side while some CPU does not rise",
                &[
                    (memory, &[&[4e6], &[4e6, 5e6], &[5e6, 4e6], &[5e6, 4e6]]),
                    (cpu, &[&[0.1], &[0.1, 0.1], &[0.1, 0.1], &[0.1, 0.1]]),
                ],
                workers,
            ),
            ("memory that comes back", &[(memory, &[&[4e6], &[5e6, 5e6], &[4e6, 4e6]])], None),
        ] {
            assert_eq!(seen(series), expected, "{what}");
        }
    }
}
