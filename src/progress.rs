//! How a long watching goes, on a terminal that somebody looks at.

use std::cell::Cell;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use crate::collect::{ProgressUpdate, ScrapeProgress};
use crate::model::quantity::number;

/// Between lines, where a command prints to the same terminal.
const BESIDE_A_COMMAND: Duration = Duration::from_secs(10);

/// Tells on standard error how it goes, if that is a terminal.
pub struct Progress {
    /// A line for itself each time, instead of one that is written anew.
    is_beside_a_command: bool,
    /// Which audit of several it is.
    prefix: String,
    told: Cell<Option<Duration>>,
}

impl Progress {
    /// Where somebody looks on; `None` elsewhere. `sample` is the number of the audit and how many
    /// there are, where it is one of several.
    pub fn on_terminal(is_beside_a_command: bool, sample: Option<(u32, u32)>) -> Option<Self> {
        let (told, prefix) = (Cell::new(None), prefix(sample));
        io::stderr().is_terminal().then_some(Self { is_beside_a_command, prefix, told })
    }

    /// Tells that it begins later.
    pub fn tell_pause(&self, left: Duration) {
        let left = left.as_secs_f64().ceil();
        let _ = writeln!(io::stderr(), "auditor: {}begins in {left} s", self.prefix);
    }

    /// Tells how it goes.
    pub fn tell(&self, update: &ProgressUpdate) {
        let mut stderr = io::stderr();
        let line = format!("{}{}", self.prefix, line(update));
        // Progress that cannot be shown is no failure of the audit.
        if !self.is_beside_a_command {
            self.told.set(Some(update.passed()));
            let _ = write!(stderr, "\r\x1b[K{line}");
        } else if self.is_due(update) {
            self.told.set(Some(update.passed()));
            let _ = writeln!(stderr, "auditor: {line}");
        }
    }
}

impl Progress {
    /// Whether it is time for another line. The command has ended when a server is waited for, and
    /// with it the time that is counted.
    fn is_due(&self, update: &ProgressUpdate) -> bool {
        let told = self.told.get();
        let first = if matches!(update, ProgressUpdate::Settling { .. }) {
            Duration::ZERO
        } else {
            BESIDE_A_COMMAND
        };
        update.passed() >= told.map_or(first, |told| told + BESIDE_A_COMMAND)
    }
}

impl Drop for Progress {
    /// Takes the line away: the report comes next.
    fn drop(&mut self) {
        if !self.is_beside_a_command && self.told.get().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn prefix(sample: Option<(u32, u32)>) -> String {
    sample.map_or_else(String::new, |(number, count)| format!("sample {number} of {count}: "))
}

fn line(update: &ProgressUpdate) -> String {
    match update {
        ProgressUpdate::Scraping(update) => scraping(update),
        ProgressUpdate::Settling { passed, at_most } => {
            let left = at_most.saturating_sub(*passed).as_secs_f64().ceil();
            format!("waiting for the server's samples from after the end, at most {left} s more")
        }
    }
}

fn scraping(update: &ScrapeProgress) -> String {
    let time = match update.left {
        Some(left) => format!("{} s left", left.as_secs_f64().ceil()),
        None => format!("{} s", update.passed.as_secs()),
    };
    let failed = match update.failed {
        0 => String::new(),
        failed => format!(" ({failed} failed)"),
    };
    let lag =
        update.worst_lag_s.map_or_else(String::new, |lag| format!(", worst lag {} s", number(lag)));
    format!("{time}, {} scrapes{failed}{lag}", update.scrapes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_it_goes() {
        let update = ScrapeProgress {
            passed: Duration::from_secs(12),
            left: Some(Duration::from_millis(17_400)),
            scrapes: 13,
            failed: 1,
            worst_lag_s: Some(1.204),
        };
        assert_eq!(scraping(&update), "18 s left, 13 scrapes (1 failed), worst lag 1.204 s");
        let update = ScrapeProgress { left: None, failed: 0, worst_lag_s: None, ..update };
        assert_eq!(line(&ProgressUpdate::Scraping(update)), "12 s, 13 scrapes");
        let (passed, at_most) = (Duration::from_millis(3100), Duration::from_secs(10));
        let update = ProgressUpdate::Settling { passed, at_most };
        let expected = "waiting for the server's samples from after the end, at most 7 s more";
        assert_eq!(line(&update), expected);
        assert_eq!([prefix(None), prefix(Some((2, 3)))], ["", "sample 2 of 3: "]);
    }
}
