//! The report in the Prometheus text format, as the textfile collector of node_exporter reads it.
//!
//! What is not known is `NaN`, never 0.

use std::io::{self, Write};

use crate::engine::Verdict;
use crate::exposition::{Value, quoted};
use crate::model::level::Status;
use crate::report::{CheckEntry, Report, SignalEntry, StateName, TermEntry};

/// What every report begins with.
pub(super) const FIRST_LINE: &str = "# HELP auditor_verdict ";

/// The verdict, the score, the signals and the checks.
///
/// # Errors
/// If it cannot be written.
pub(super) fn prometheus(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page(out);
    let is = |yes: bool| if yes { 1.0 } else { 0.0 };
    page.family("auditor_verdict", "Whether the last audit ended in this verdict: 1 or 0.")?;
    for verdict in Verdict::ALL {
        let value = is(verdict == report.verdict);
        page.sample("auditor_verdict", &[("verdict", verdict.name())], value)?;
    }
    page.family("auditor_status", "Whether the service had this status: 1 or 0.")?;
    for status in Status::ALL {
        let value = is(status == report.status);
        page.sample("auditor_status", &[("status", status.name())], value)?;
    }
    let score = report.runtime_health_score.unwrap_or(f64::NAN);
    page.single("auditor_score", "Runtime health score; the higher, the worse.", score)?;
    let bound = is(report.score_is_lower_bound);
    page.single("auditor_score_is_lower_bound", "Whether the score may be higher: 1 or 0.", bound)?;
    let code = f64::from(report.exit_code);
    page.single("auditor_exit_code", "Exit code of the last audit.", code)?;
    let at = report.evaluated_at.parse::<jiff::Timestamp>().map(|at| at.as_millisecond());
    let at = at.map_or(f64::NAN, |at| at as f64 / 1000.0);
    page.single("auditor_evaluated_timestamp_seconds", "The instant that was audited.", at)?;
    signals(report, &mut page)?;
    checks(report, &mut page)?;
    failure_modes(report, &mut page)
}

fn signals(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    page.family("auditor_signal", "Value of a signal in its unit, or the least that it can be.")?;
    for (name, entry) in report.signals.iter() {
        let labels = [("signal", name), ("unit", &*entry.unit)];
        let value = entry.value.or_else(|| computed(report, name)?.value);
        page.sample("auditor_signal", &labels, value.unwrap_or(f64::NAN))?;
    }
    page.family("auditor_signal_state", "1 with the state in which a signal was read.")?;
    for (name, entry) in report.signals.iter() {
        let is_computed = computed(report, name).is_some();
        let state = if is_computed { "computed" } else { entry.state.words() };
        let state = state.replace(' ', "_");
        let labels = [("signal", name), ("state", &*state)];
        page.sample("auditor_signal_state", &labels, 1.0)?;
    }
    Ok(())
}

/// The term of a signal that has no query, and follows from others.
fn computed<'a>(report: &'a Report, name: &str) -> Option<&'a TermEntry> {
    let is_without_query = |it: &SignalEntry| it.state == StateName::NotConfigured;
    report.signals.get(name).filter(|it| is_without_query(it))?;
    let term = report.score_breakdown.iter().find(|term| term.signal == name);
    term.filter(|term| term.value.is_some() || term.is_lower_bound)
}

fn checks(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    let passed = |check: &CheckEntry| match check.passed {
        Some(true) => 1.0,
        Some(false) => 0.0,
        None => f64::NAN,
    };
    let actual = |check: &CheckEntry| check.actual.unwrap_or(f64::NAN);
    let expected = |check: &CheckEntry| check.expected.unwrap_or(f64::NAN);
    type Value = fn(&CheckEntry) -> f64;
    let families: [(&str, &str, Value); 3] = [
        (
            "auditor_check_passed",
            "Whether a check holds: 1 or 0, NaN where that is unknown.",
            passed,
        ),
        ("auditor_check_value", "What a check observed.", actual),
        ("auditor_check_limit", "What a check holds it to.", expected),
    ];
    for (name, help, value) in families {
        page.family(name, help)?;
        for check in &report.checks {
            let labels = [("check", check.name.as_str()), ("severity", check.severity.name())];
            page.sample(name, &labels, value(check))?;
        }
    }
    Ok(())
}

fn failure_modes(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    let name = "auditor_failure_mode";
    page.family(name, "Whether a failure mode is proven: 1 or 0, NaN where that is unknown.")?;
    for mode in crate::model::mode::Mode::all() {
        let is_proven = report.failure_modes.iter().any(|it| it.mode == mode.name);
        let is_open = report.failure_modes_not_assessable.iter().any(|it| it.mode == mode.name);
        let value = match (is_proven, is_open) {
            (true, _) => 1.0,
            (false, true) => f64::NAN,
            (false, false) => 0.0,
        };
        page.sample(name, &[("mode", mode.name)], value)?;
    }
    Ok(())
}

/// A page in the making.
pub(super) struct Page<'a>(pub(super) &'a mut dyn Write);

impl Page<'_> {
    /// Begins a metric; all of them are gauges.
    pub(super) fn family(&mut self, name: &str, help: &str) -> io::Result<()> {
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge")
    }

    /// A metric of one sample.
    pub(super) fn single(&mut self, name: &str, help: &str, value: f64) -> io::Result<()> {
        self.family(name, help)?;
        self.sample(name, &[], value)
    }

    pub(super) fn sample(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        value: f64,
    ) -> io::Result<()> {
        let pairs = labels.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
        let pairs = pairs.collect::<Vec<_>>().join(",");
        let labels = if pairs.is_empty() { String::new() } else { format!("{{{pairs}}}") };
        let value = Value(value);
        writeln!(self.0, "{name}{labels} {value}")
    }
}
