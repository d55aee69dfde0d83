//! What held the loop up, and where: what was seen of a service from outside, summed up.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::one_line::one_line;

/// The `job` of every series that a probe leaves. No page has it: what a page says of itself under
/// the same names is not the probe's.
pub const JOB: &str = "auditor_probe";
/// A sample at the end of each stall, in seconds: `cause`, and where it was.
pub const STALL_DURATION: &str = "auditor_stall_duration_seconds";
/// How long the stalls of each `cause` took, seconds.
pub const STALL_SUM: &str = "auditor_stall_seconds_sum";
/// How many stalls there were of each `cause`.
pub const STALL_COUNT: &str = "auditor_stall_seconds_count";
/// How long each place of the application held the loop, seconds.
pub const BLOCKED: &str = "auditor_blocked_seconds_total";
/// In how many stalls that was.
pub const BLOCKED_STALLS: &str = "auditor_blocked_stalls_total";
/// Requests in flight, without the probe's: their peak since the sample before.
pub const ACTIVE: &str = "auditor_requests_active";
/// How long the thread of the loop was ready and waited for a CPU, seconds.
pub const RUN_QUEUE: &str = "auditor_loop_runqueue_seconds_total";
/// 1 for as long as no place can be named; its label `reason` says why.
pub const NOT_BLAMED: &str = "auditor_blame_unavailable";

/// The label `thread` of a place that held the loop from another thread, which kept the lock of the
/// interpreter.
pub const OTHER_THREAD: &str = "other";

/// What held the loop meanwhile.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum StallCause {
    /// A call that waits: synchronous I/O, a lock, a sleep.
    Asleep,
    /// It computed.
    Cpu,
    /// The loop was ready, and waited for a CPU: not the service's fault.
    Machine,
    /// Nothing tells.
    Unknown,
}

impl StallCause {
    /// Every one, in the order of the report.
    pub const ALL: [Self; 4] = [Self::Asleep, Self::Cpu, Self::Machine, Self::Unknown];

    /// Its name in series and in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asleep => "asleep",
            Self::Cpu => "cpu",
            Self::Machine => "machine",
            Self::Unknown => "unknown",
        }
    }

    /// The cause of that name; a name of a later version is unknown here.
    pub fn of_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|it| it.name() == name).unwrap_or(Self::Unknown)
    }
}

/// A place in the application.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    /// The path; relative to the repository where it is in it.
    pub file: String,
    /// The line, from 1; `None` where it is not known.
    pub line: Option<u32>,
    /// The function.
    pub function: String,
}

/// So much of a path is shown: its end.
const MOST_OF_A_PATH: usize = 60;
/// So much of a function's name is shown: its beginning.
const MOST_OF_A_NAME: usize = 60;

impl Site {
    /// As people read it, on one line: `app/db.py:42 fetch_user`.
    pub fn words(&self) -> String {
        let cut = self.file.chars().count().checked_sub(MOST_OF_A_PATH).filter(|cut| *cut > 0);
        let file = match cut {
            None => one_line(&self.file),
            Some(cut) => {
                format!("…{}", one_line(&self.file.chars().skip(cut + 1).collect::<String>()))
            }
        };
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        let function = shortened(&one_line(&self.function), MOST_OF_A_NAME);
        let words = format!("{file}{line} {function}");
        match words.trim() {
            "" => "a place without a name".to_owned(),
            words => words.to_owned(),
        }
    }
}

/// The beginning of a text, with an ellipsis where it is cut.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// How often, and how long in all.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tally {
    /// How many stalls.
    pub count: u64,
    /// How long they took, seconds.
    pub seconds: f64,
}

/// A time in which the service read no request.
#[derive(Debug, Clone, PartialEq)]
pub struct Stall {
    /// When it was over, in milliseconds since the Unix epoch.
    pub end: i64,
    /// How long it took, seconds; without a wait for a CPU, unless that is its cause. It began that
    /// long before its end, at least.
    pub duration_s: f64,
    /// What held the loop.
    pub cause: StallCause,
    /// Where; `None` where no single place was found.
    pub site: Option<Site>,
}

/// A place that held the loop.
#[derive(Debug, Clone, PartialEq)]
pub struct Culprit {
    /// Where it is.
    pub site: Site,
    /// The line of code; empty where it could not be read.
    pub source: String,
    /// How often, and how long in all.
    pub blocked: Tally,
    /// What it did for most of that time.
    pub cause: StallCause,
    /// What has read the stacks: `py-spy`, `inspector`; empty where nothing says.
    pub found_by: String,
    /// Whether another thread was there, and kept the lock of the interpreter from the loop.
    pub in_other_thread: bool,
}

/// What held the loop up while a probe asked the service.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Blame {
    /// The longest stalls, in the order of time.
    pub stalls: Vec<Stall>,
    /// How long the longest took, seconds; `None` where there was none.
    pub longest_s: Option<f64>,
    /// The same of those that were not the machine's.
    pub longest_own_s: Option<f64>,
    /// All stalls by their causes; without those of which nothing tells.
    pub stalled: BTreeMap<StallCause, Tally>,
    /// Those of them that are no culprit's; without causes that have none.
    pub unnamed: BTreeMap<StallCause, Tally>,
    /// The places that held the loop, the worst first.
    pub culprits: Vec<Culprit>,
    /// The most requests in flight during a stall; `None` where nothing tells.
    pub active_requests: Option<f64>,
    /// How long the loop waited for a CPU in all, seconds; `None` where nothing tells.
    pub cpu_wait_s: Option<f64>,
    /// Why no place could be named, or not every one, if so.
    pub not_blamed: Option<String>,
}

impl Blame {
    /// The longest stall that was not the machine's.
    pub fn longest_own(&self) -> Option<&Stall> {
        let own = self.stalls.iter().filter(|it| it.cause != StallCause::Machine);
        own.max_by(|one, other| one.duration_s.total_cmp(&other.duration_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_on_one_line_of_bounded_length() {
        let words = |file: &str, line, function: &str| {
            Site { file: file.to_owned(), line, function: function.to_owned() }.words()
        };
        assert_eq!(words("app/db.py", Some(42), "fetch_user"), "app/db.py:42 fetch_user");
        assert_eq!(words("app/db.py", None, ""), "app/db.py");
        assert_eq!(words("\u{200b}", None, "\n"), "a place without a name");
        assert_eq!(words("a\n::error::\u{202e}", Some(1), "f\u{1b}[31m"), "a ::error:: :1 f [31m");
        let long = words(&format!("/{}/end.py", "é".repeat(999)), Some(1), &"f".repeat(999));
        assert!(long.starts_with('…') && long.contains("é/end.py:1 ff") && long.ends_with("f…"));
        assert_eq!(long.chars().count(), MOST_OF_A_PATH + ":1 ".len() + MOST_OF_A_NAME);
    }

    #[test]
    fn causes_have_the_names_of_the_report() {
        for cause in StallCause::ALL {
            assert_eq!(StallCause::of_name(cause.name()), cause);
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.name());
        }
        assert_eq!(StallCause::of_name("of a later version"), StallCause::Unknown);
    }
}
