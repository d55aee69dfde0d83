//! How a long watching goes, on a terminal that somebody looks at.

use std::cell::Cell;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use crate::collect::ProgressUpdate;
use crate::model::quantity::number;

/// Between lines, where a command prints to the same terminal.
const BESIDE_A_COMMAND: Duration = Duration::from_secs(10);

/// Tells on standard error how it goes, if that is a terminal.
pub struct Progress {
    /// A line for itself each time, instead of one that is written anew.
    is_beside_a_command: bool,
    told: Cell<Option<Duration>>,
}

impl Progress {
    /// Where somebody looks on; `None` elsewhere.
    pub fn on_terminal(is_beside_a_command: bool) -> Option<Self> {
        let told = Cell::new(None);
        io::stderr().is_terminal().then_some(Self { is_beside_a_command, told })
    }

    /// Tells how it goes.
    pub fn tell(&self, update: &ProgressUpdate) {
        let mut stderr = io::stderr();
        let line = line(update);
        // Progress that cannot be shown is no failure of the audit.
        if !self.is_beside_a_command {
            self.told.set(Some(update.passed));
            let _ = write!(stderr, "\r\x1b[K{line}");
        } else if update.passed >= self.told.get().unwrap_or_default() + BESIDE_A_COMMAND {
            self.told.set(Some(update.passed));
            let _ = writeln!(stderr, "auditor: {line}");
        }
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

fn line(update: &ProgressUpdate) -> String {
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
        let update = ProgressUpdate {
            passed: Duration::from_secs(12),
            left: Some(Duration::from_millis(17_400)),
            scrapes: 13,
            failed: 1,
            worst_lag_s: Some(1.204),
        };
        assert_eq!(line(&update), "18 s left, 13 scrapes (1 failed), worst lag 1.204 s");
        let update = ProgressUpdate { left: None, failed: 0, worst_lag_s: None, ..update };
        assert_eq!(line(&update), "12 s, 13 scrapes");
    }
}
