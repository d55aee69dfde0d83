//! How a run ended, kept as series of its recording, so that its replay has the same verdict.
//!
//! They have neither of the labels `job` and `instance`, which every series of a page has.

use std::time::Duration;

use super::command::CommandOutcome;
use super::coverage::UP;
use crate::interrupt::Interruption;
use crate::storage::{Labels, METRIC_NAME, Point, Points, Series, Storage};

/// How long the command ran, seconds. Its labels say which one, and how it ended.
pub(crate) const DURATION: &str = "auditor_command_duration_seconds";
/// The exit code of the command; it has none where a signal ended it.
const EXIT_CODE: &str = "auditor_command_exit_code";
/// That the service that was started ended before the audit did. Its label says how.
const SERVICE_ENDED: &str = "auditor_service_ended";
/// The number of the signal that interrupted the run. Its label says the name.
const INTERRUPTED: &str = "auditor_interrupted";

/// Which command it was.
const COMMAND: &str = "command";
/// How it ended, in words.
const STATUS: &str = "status";
/// `true` where it was told to end before it had.
const TOLD_TO_END: &str = "interrupted";
/// The breach for which it was told to end.
const BREACH: &str = "breach";
/// The name of a signal.
const SIGNAL: &str = "signal";

/// Adds how the run ended to what was scraped, at the last of its scrapes.
pub(super) fn add(
    storage: &mut Storage,
    command: Option<&CommandOutcome>,
    service_ended: Option<&str>,
    interruption: Option<Interruption>,
) {
    let ups = storage.of_metric(Some(UP)).map(|series| &series.points);
    let Some(at) = ups.filter_map(Points::last).max().or(storage.span().map(|(_, last)| last))
    else {
        return;
    };
    let mut add = |name, labels: &[(&str, &str)], value| {
        let labels = labels.iter().copied().chain([(METRIC_NAME, name)]).collect();
        let id = storage.series(labels);
        // No page has such a series, so there is nothing to contradict.
        let _ = storage.push(id, Point { at, value });
    };
    if let Some(command) = command {
        let told = if command.is_interrupted { "true" } else { "" };
        let breach = command.breach.as_deref().unwrap_or_default();
        let (line, status) = (command.line.as_str(), command.status.as_str());
        let labels = [(COMMAND, line), (STATUS, status), (TOLD_TO_END, told), (BREACH, breach)];
        add(DURATION, &labels, command.took.as_secs_f64());
        if let Some(code) = command.code {
            add(EXIT_CODE, &labels[..1], code.into());
        }
    }
    if let Some(how) = service_ended {
        add(SERVICE_ENDED, &[(STATUS, how)], 1.0);
    }
    if let Some(interruption) = interruption {
        add(INTERRUPTED, &[(SIGNAL, interruption.name)], interruption.signal.into());
    }
}

/// How the command of a recorded run ended, if there was one.
pub(super) fn command(storage: &Storage) -> Option<CommandOutcome> {
    let (labels, seconds) = own(storage, DURATION)?;
    let code = own(storage, EXIT_CODE).map(|(_, code)| code as i32);
    let text = |name| labels.get(name).to_owned();
    Some(CommandOutcome {
        line: text(COMMAND),
        code,
        is_success: code == Some(0),
        status: text(STATUS),
        took: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
        is_interrupted: labels.get(TOLD_TO_END) == "true",
        breach: Some(text(BREACH)).filter(|breach| !breach.is_empty()),
    })
}

/// That the service of a recorded run ended before the run did, in words, if so.
pub(super) fn service_ended(storage: &Storage) -> Option<&str> {
    own(storage, SERVICE_ENDED).map(|(labels, _)| labels.get(STATUS))
}

/// The name of the signal that interrupted a recorded run, if one did.
pub(super) fn interruption(storage: &Storage) -> Option<&str> {
    own(storage, INTERRUPTED).map(|(labels, _)| labels.get(SIGNAL))
}

/// The labels and the last value of a series that is no page's.
fn own<'a>(storage: &'a Storage, name: &str) -> Option<(&'a Labels, f64)> {
    let is_own = |series: &&Series| series.labels.get("instance").is_empty();
    let series = storage.of_metric(Some(name)).find(is_own)?;
    series.points.iter().last().map(|point| (&series.labels, point.value))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn scraped() -> Storage {
        let mut storage = Storage::default();
        for name in ["up", "x", EXIT_CODE, INTERRUPTED] {
            let labels = [(METRIC_NAME, name), ("instance", "a:1")].into_iter().collect();
            let id = storage.series(labels);
            for at in [1000, 2000] {
                storage.push(id, Point { at, value: 1.0 }).unwrap();
            }
        }
        storage
    }

    #[test]
    fn how_a_run_ended_is_read_as_it_was_added() {
        let ended = |code, status: &str, is_interrupted| CommandOutcome {
            line: "k6 run 'a b'".to_owned(),
            code,
            is_success: code == Some(0),
            status: status.to_owned(),
            took: Duration::from_millis(1234),
            is_interrupted,
            breach: None,
        };
        let aborted = CommandOutcome {
            breach: Some("the score is at least 3000".to_owned()),
            ..ended(None, "was told to end once a breach was proven", true)
        };
        let signal = Interruption { signal: 15, name: "SIGTERM", at: Instant::now() };
        for (outcome, by) in [
            (None, None),
            (Some(ended(Some(0), "exited with code 0", false)), None),
            (Some(ended(Some(-1), "exited with code -1", false)), None),
            (Some(ended(None, "was ended by signal: 9 (SIGKILL)", false)), None),
            (Some(ended(None, "was interrupted and was ended by signal: 15", true)), Some(signal)),
            (Some(ended(Some(7), "exited with code 7", false)), Some(signal)),
            (Some(aborted), None),
            (None, Some(signal)),
        ] {
            let mut storage = scraped();
            add(&mut storage, outcome.as_ref(), None, by);
            assert_eq!(command(&storage), outcome);
            assert_eq!(interruption(&storage), by.map(|by| by.name));
            assert_eq!(storage.span(), Some((1000, 2000)), "it is no longer than it was");
        }
    }

    #[test]
    fn of_nothing_there_is_nothing_to_keep() {
        let mut storage = Storage::default();
        let by = Interruption { signal: 2, name: "SIGINT", at: Instant::now() };
        add(&mut storage, None, Some("x"), Some(by));
        assert!(storage.is_empty());
    }
}
