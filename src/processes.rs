//! Which process shows the page of a target: whether it is one all the time, one after the other, or
//! several in turn.
//!
//! A process is told from another by the time of its start, and by its counters: they fall only
//! where another process shows them. What falls and does not come back was a restart; what comes
//! back is a page that several workers show in turn.

mod at_once;
mod columns;
mod history;

pub(crate) use at_once::{age, can_tell, seen_at_once};
pub(crate) use columns::{Column, Usage, columns};
pub(crate) use history::{Change, History, Kind};
