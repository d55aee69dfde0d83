//! Which process shows the page of a target: whether it is one all the time, one after the other, or
//! several in turn.
//!
//! A process is told from another by the time of its start, and by its counters: they fall only
//! where another process shows them. What falls and does not come back was a restart; what comes
//! back is a page that several workers show in turn.

mod columns;
mod history;

use columns::Role;
pub(crate) use columns::{Column, Usage, columns};
pub(crate) use history::{Change, History, Kind};

use crate::storage::Storage;

/// How many processes are seen on a page that the storage holds of the same target at these
/// instants, one right after the other; and how they follow one another.
pub(crate) fn seen_in_a_row(storage: &Storage, instants: &[i64]) -> Option<(usize, Kind)> {
    let all = storage.iter().map(|(_, series)| series);
    let mut columns = columns(all.collect::<Vec<_>>(), |_| Usage::Unused, true);
    let history = History::of(&mut columns, instants);
    Some((history.processes(), history.kind()?))
}

/// How far the counters of a page have risen, and how much memory its process has: in one process
/// pages follow one another in this order. The storage holds one page.
pub(crate) fn rise(storage: &Storage) -> (f64, f64) {
    let all = storage.iter().map(|(_, series)| series);
    let mut columns = columns(all.collect::<Vec<_>>(), |_| Usage::Unused, true);
    let (mut rise, mut memory) = (0.0, 0.0);
    for column in &mut columns {
        column.go_to(0);
        match column.role {
            Role::Memory => memory = column.value,
            Role::Start => {}
            Role::OfProcess | Role::Counter | Role::Named if column.value.is_nan() => {}
            Role::OfProcess | Role::Counter | Role::Named => rise += column.value,
        }
    }
    (rise, memory)
}
