//! How a suite goes: a bar on a terminal, a line for each scenario elsewhere.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};

use super::planned::Planned;
use crate::one_line::one_line;
use crate::output;
use crate::report::suite::{ScenarioEntry, ScenarioStatus};

/// How wide the bar is, in characters.
const WIDTH: usize = 30;

/// Tells on standard error how a suite goes.
pub(super) struct SuiteProgress {
    total: usize,
    /// A line that is written anew, instead of one for each scenario.
    is_bar: bool,
    so_far: Mutex<SoFar>,
}

#[derive(Default)]
struct SoFar {
    ended: usize,
    failed: usize,
    inconclusive: usize,
}

impl SuiteProgress {
    /// Where commands print to the same terminal, each scenario has a line of its own.
    pub(super) fn new(planned: &[Planned<'_>], has_commands: bool) -> Self {
        let is_bar = io::stderr().is_terminal() && !has_commands;
        let progress = Self { total: planned.len(), is_bar, so_far: Mutex::default() };
        if is_bar {
            progress.draw(&SoFar::default());
        }
        progress
    }

    /// Tells that a scenario has ended; `None` if the suite was interrupted before it had.
    pub(super) fn tell(&self, entry: Option<&ScenarioEntry>) {
        let mut so_far = self.so_far.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = entry else { return };
        so_far.ended += 1;
        so_far.failed += usize::from(entry.status == ScenarioStatus::Fail);
        so_far.inconclusive += usize::from(entry.status == ScenarioStatus::Inconclusive);
        if self.is_bar {
            self.draw(&so_far);
        } else {
            output::message(&line(so_far.ended, self.total, entry));
        }
    }

    fn draw(&self, so_far: &SoFar) {
        // Progress that cannot be shown is no failure of the suite.
        let _ = write!(io::stderr(), "\r\x1b[K{}", bar(so_far, self.total));
    }
}

impl Drop for SuiteProgress {
    /// Takes the bar away: the summary comes next.
    fn drop(&mut self) {
        if self.is_bar {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(ended: usize, total: usize, entry: &ScenarioEntry) -> String {
    let (status, id, reason) = (entry.status.name(), one_line(&entry.id), one_line(&entry.reason));
    format!("[{ended}/{total}] {status} {id}: {reason}")
}

fn bar(so_far: &SoFar, total: usize) -> String {
    let done = (so_far.ended * WIDTH).checked_div(total).unwrap_or(WIDTH);
    let (done, left) = ("#".repeat(done), "-".repeat(WIDTH - done));
    let mut words = format!("[{done}{left}] {} of {total} scenarios", so_far.ended);
    if so_far.failed > 0 {
        words += &format!(", {} failed", so_far.failed);
    }
    if so_far.inconclusive > 0 {
        words += &format!(", {} without a verdict", so_far.inconclusive);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_says_how_far_it_is() {
        let so_far = SoFar { ended: 5, failed: 1, inconclusive: 0 };
        let expected = "[###############---------------] 5 of 10 scenarios, 1 failed";
        assert_eq!(bar(&so_far, 10), expected);
        assert!(
            bar(&SoFar { ended: 3, failed: 0, inconclusive: 2 }, 3)
                .ends_with("2 without a verdict")
        );
    }
}
