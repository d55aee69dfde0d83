//! The summary in the Prometheus text format, as the textfile collector of node_exporter reads it.

use std::io::{self, Write};

use crate::engine::Verdict;
use crate::one_line::one_line;
use crate::render::prometheus::Page;
use crate::report::suite::{ScenarioStatus, Summary};

/// What every page begins with.
pub(in crate::render) const FIRST_LINE: &str = "# HELP auditor_suite_verdict ";

/// The verdict, the counts, and the status, time and checks of each scenario.
///
/// # Errors
/// If it cannot be written.
pub(in crate::render) fn prometheus(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page(out);
    let is = |yes: bool| if yes { 1.0 } else { 0.0 };
    let name = "auditor_suite_verdict";
    page.family(name, "Whether the last run of the suite ended in this verdict: 1 or 0.")?;
    for verdict in Verdict::ALL {
        page.sample(name, &[("verdict", verdict.name())], is(verdict == summary.verdict))?;
    }
    let name = "auditor_suite_scenarios";
    page.family(name, "How many scenarios ended so.")?;
    let counts = summary.counts;
    for status in ScenarioStatus::ALL {
        let count = match status {
            ScenarioStatus::Pass => counts.pass,
            ScenarioStatus::Fail => counts.fail,
            ScenarioStatus::Inconclusive => counts.inconclusive,
        };
        page.sample(name, &[("status", &status.name().to_lowercase())], count as f64)?;
    }
    let expected = summary.expected_scenarios as f64;
    page.single("auditor_suite_expected_scenarios", "How many there have to be.", expected)?;
    let code = f64::from(summary.exit_code);
    page.single("auditor_suite_exit_code", "Exit code of the last run.", code)?;
    let at = summary.finished_at.parse::<jiff::Timestamp>().map(|at| at.as_millisecond());
    let at = at.map_or(f64::NAN, |at| at as f64 / 1000.0);
    page.single("auditor_suite_finished_timestamp_seconds", "When the last run ended.", at)?;
    scenarios(summary, &mut page)
}

fn scenarios(summary: &Summary, page: &mut Page<'_>) -> io::Result<()> {
    // Rows of a manifest may repeat both.
    let numbered = summary.scenarios.iter().zip(1..);
    let numbered: Vec<_> =
        numbered.map(|(it, number)| (it, one_line(&it.id), i32::to_string(&number))).collect();
    let name = "auditor_suite_scenario_passed";
    page.family(name, "Whether a scenario passed: 1 or 0, NaN without a verdict.")?;
    for (entry, id, number) in &numbered {
        let value = match entry.status {
            ScenarioStatus::Pass => 1.0,
            ScenarioStatus::Fail => 0.0,
            ScenarioStatus::Inconclusive => f64::NAN,
        };
        page.sample(name, &[("number", number), ("scenario", id)], value)?;
    }
    let name = "auditor_suite_scenario_duration_seconds";
    page.family(name, "How long a scenario took.")?;
    for (entry, id, number) in &numbered {
        let seconds = entry.duration_ms as f64 / 1000.0;
        page.sample(name, &[("number", number), ("scenario", id)], seconds)?;
    }
    let name = "auditor_suite_check_passed";
    page.family(name, "Whether a check of a scenario holds: 1 or 0, NaN where that is unknown.")?;
    for (entry, id, number) in &numbered {
        for check in &entry.checks {
            let value = check.passed.map_or(f64::NAN, |passed| if passed { 1.0 } else { 0.0 });
            let labels = [("number", &**number), ("scenario", id), ("check", &check.metric)];
            page.sample(name, &labels, value)?;
        }
    }
    Ok(())
}
