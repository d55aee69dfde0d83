//! Since when something lasts, as far as the history tells.

use jiff::Timestamp;

use crate::engine::Verdict;
use crate::watch::Entry;

/// The audits up to the newest that all show something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// When the first of them ended.
    pub(super) since: Timestamp,
    /// How many there are.
    pub(super) audits: usize,
}

/// The audits up to the newest that all show something; the newest does. Each earlier one is asked with
/// what was before it. One that cannot tell is no end of it, as what was not seen is not calm, and no
/// beginning either.
pub(super) fn run(
    (newest, earlier): (&Entry, &[Entry]),
    shows: impl Fn(&Entry, &[Entry]) -> Option<bool>,
) -> Run {
    let mut run = Run { since: newest.at, audits: 1 };
    let mut rest = earlier;
    while let Some((entry, before)) = rest.split_last() {
        match shows(entry, before) {
            Some(true) => run = Run { since: entry.at, audits: run.audits + 1 },
            Some(false) => break,
            None => {}
        }
        rest = before;
    }
    run
}

/// So many audits are looked back at where each is held against what was before it.
const MOST_COMPARED: usize = 300;

/// The same where each audit is held against what was before it, which takes its time: of what has lasted
/// for longer it says since when it has at least.
pub(super) fn compared_run(
    (newest, earlier): (&Entry, &[Entry]),
    shows: impl Fn(&Entry, &[Entry]) -> Option<bool>,
) -> Run {
    let left = std::cell::Cell::new(MOST_COMPARED);
    run((newest, earlier), |entry, before| {
        let Some(fewer) = left.get().checked_sub(1) else { return Some(false) };
        left.set(fewer);
        shows(entry, before)
    })
}

/// Whether an audit came to its end, and with something to say: one with no verdict tells of nothing
/// that it does not show.
pub(super) fn tells(entry: &Entry) -> bool {
    entry.has_verdict() || entry.verdict == Verdict::NotGated
}

/// Whether an audit watched for as long as it was meant to, so that what it counts can be compared.
pub(super) fn is_whole(entry: &Entry) -> bool {
    !matches!(entry.verdict, Verdict::Error | Verdict::Interrupted | Verdict::CommandFailed)
}

/// Whether an audit shows something; `None` where it does not, and could not.
pub(super) fn shown(entry: &Entry, is_there: bool) -> Option<bool> {
    (is_there || tells(entry)).then_some(is_there)
}

/// The share of a whole as a percentage, without decimals.
pub(super) fn percent(part: f64) -> String {
    format!("{:.0}%", part * 100.0)
}
