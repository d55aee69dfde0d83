//! The summary as JUnit's XML: the verdict and each scenario is a test case.

use std::io::{self, Write};
use std::time::Duration;

use super::{counts, details, id, verdict_line};
use crate::engine::Verdict;
use crate::render::junit::{Outcome, case, document, suite};
use crate::report::suite::{ScenarioEntry, ScenarioStatus, Summary};

/// A test case for the verdict and each scenario: one that failed is a failure, one without a verdict
/// an error.
///
/// # Errors
/// If it cannot be written.
pub(in crate::render) fn junit(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let line = verdict_line(summary);
    let outcome = match summary.verdict {
        Verdict::Pass | Verdict::NotGated => Outcome::Passed,
        Verdict::Fail | Verdict::CommandFailed => Outcome::Broken(line.clone()),
        Verdict::Inconclusive | Verdict::Interrupted | Verdict::Error => {
            Outcome::Unknown(line.clone())
        }
    };
    let verdict = case("verdict", outcome, &format!("{line}\n{}", counts(summary)));
    let scenarios = summary.scenarios.iter().map(scenario);
    let unfinished = summary.not_finished.iter().map(|id| {
        case(id, Outcome::Unknown("the suite was interrupted before it had ended".to_owned()), "")
    });
    let suites = [
        suite("auditor.verdict", vec![verdict]),
        suite("auditor.suite", scenarios.chain(unfinished).collect()),
    ];
    document(suites, out)
}

fn scenario(entry: &ScenarioEntry) -> quick_junit::TestCase {
    let words = format!("{} - {}", entry.status.name(), entry.reason);
    let outcome = match entry.status {
        ScenarioStatus::Pass => Outcome::Passed,
        ScenarioStatus::Fail => Outcome::Broken(words.clone()),
        ScenarioStatus::Inconclusive => Outcome::Unknown(words.clone()),
    };
    let mut lines = vec![words];
    if entry.status != ScenarioStatus::Pass {
        lines.extend(details(entry));
    }
    let mut case = case(&id(entry), outcome, &lines.join("\n"));
    let ms = u64::try_from(entry.duration_ms).unwrap_or_default();
    case.set_time(Duration::from_millis(ms));
    case
}
