//! Audits in the Prometheus text format: a report as the textfile collector of node_exporter reads it,
//! or several side by side, told apart by a label.
//!
//! What is not known is `NaN`, never 0.

mod page;

use std::io::{self, Write};

use jiff::Timestamp;

use crate::engine::Verdict;
use crate::model::level::Status;
use crate::model::mode::Mode;
use crate::report::{CheckEntry, Report, SignalEntry, StateName, TermEntry};

pub use page::MetricKind;
pub(super) use page::Page;

/// What every report begins with.
pub(super) const FIRST_LINE: &str = "# HELP auditor_verdict ";

/// The verdict, the score, the signals and the checks.
///
/// # Errors
/// If it cannot be written.
pub(super) fn prometheus(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let audit = Audit {
        service: None,
        verdict: report.verdict,
        status: report.status,
        score: report.runtime_health_score,
        score_is_lower_bound: report.score_is_lower_bound,
        exit_code: report.exit_code,
        evaluated_at: report.evaluated_at.parse().ok(),
        report: Some(report),
        is_of_now: true,
        proven: report.failure_modes.iter().map(|it| &*it.mode).collect(),
    };
    audits(&[audit], &mut Page(out))
}

/// An audit, as it is written.
pub(super) struct Audit<'a> {
    /// The service, where there may be several.
    pub(super) service: Option<&'a str>,
    pub(super) verdict: Verdict,
    pub(super) status: Status,
    pub(super) score: Option<f64>,
    pub(super) score_is_lower_bound: bool,
    pub(super) exit_code: u8,
    pub(super) evaluated_at: Option<Timestamp>,
    /// What has its signals and checks.
    pub(super) report: Option<&'a Report>,
    /// Whether these are of now. Of an earlier audit their names are known, and no value is.
    pub(super) is_of_now: bool,
    /// The failure modes that are proven.
    pub(super) proven: Vec<&'a str>,
}

impl Audit<'_> {
    fn sample(
        &self,
        page: &mut Page<'_>,
        name: &str,
        labels: &[(&str, &str)],
        value: f64,
    ) -> io::Result<()> {
        let of = self.service.map(|service| ("service", service));
        let labels: Vec<_> = of.into_iter().chain(labels.iter().copied()).collect();
        page.sample(name, &labels, value)
    }

    /// A value of the report, where that is of now.
    fn now(&self, value: Option<f64>) -> f64 {
        value.filter(|_| self.is_of_now).unwrap_or(f64::NAN)
    }
}

/// Seconds since the Unix epoch.
pub(super) fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

pub(super) const fn one_or_zero(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}

/// Each metric, with the samples of every audit.
pub(super) fn audits(all: &[Audit<'_>], page: &mut Page<'_>) -> io::Result<()> {
    let name = "auditor_verdict";
    page.family(name, "Whether the last audit ended in this verdict: 1 or 0.")?;
    for audit in all {
        for verdict in Verdict::ALL {
            let value = one_or_zero(verdict == audit.verdict);
            audit.sample(page, name, &[("verdict", verdict.name())], value)?;
        }
    }
    let name = "auditor_status";
    page.family(name, "Whether the service had this status: 1 or 0.")?;
    for audit in all {
        for status in Status::ALL {
            let value = one_or_zero(status == audit.status);
            audit.sample(page, name, &[("status", status.name())], value)?;
        }
    }
    numbers(all, page)?;
    signals(all, page)?;
    checks(all, page)?;
    failure_modes(all, page)
}

/// What an audit has one of.
fn numbers(all: &[Audit<'_>], page: &mut Page<'_>) -> io::Result<()> {
    type Value = fn(&Audit<'_>) -> f64;
    let families: [(&str, &str, Value); 4] = [
        ("auditor_score", "Runtime health score; the higher, the worse.", |it| {
            it.score.unwrap_or(f64::NAN)
        }),
        ("auditor_score_is_lower_bound", "Whether the score may be higher: 1 or 0.", |it| {
            one_or_zero(it.score_is_lower_bound)
        }),
        ("auditor_exit_code", "Exit code of the last audit.", |it| f64::from(it.exit_code)),
        ("auditor_evaluated_timestamp_seconds", "The instant that was audited.", |it| {
            it.evaluated_at.map_or(f64::NAN, seconds)
        }),
    ];
    for (name, help, value) in families {
        page.family(name, help)?;
        for audit in all {
            audit.sample(page, name, &[], value(audit))?;
        }
    }
    Ok(())
}

fn signals(all: &[Audit<'_>], page: &mut Page<'_>) -> io::Result<()> {
    let reported = || all.iter().filter_map(|audit| Some((audit, audit.report?)));
    let metric = "auditor_signal";
    page.family(metric, "Value of a signal in its unit, or the least that it can be.")?;
    for (audit, report) in reported() {
        for (name, entry) in report.signals.iter() {
            let labels = [("signal", name), ("unit", &*entry.unit)];
            let value = entry.value.or_else(|| computed(report, name)?.value);
            audit.sample(page, metric, &labels, audit.now(value))?;
        }
    }
    let metric = "auditor_signal_state";
    page.family(metric, "1 with the state in which a signal was read.")?;
    for (audit, report) in reported() {
        for (name, entry) in report.signals.iter() {
            let state = if audit.is_of_now { state(report, name, entry) } else { "failed" };
            let state = state.replace(' ', "_");
            audit.sample(page, metric, &[("signal", name), ("state", &*state)], 1.0)?;
        }
    }
    Ok(())
}

fn state(report: &Report, name: &str, entry: &SignalEntry) -> &'static str {
    if computed(report, name).is_some() { "computed" } else { entry.state.words() }
}

/// The term of a signal that has no query, and follows from others.
fn computed<'a>(report: &'a Report, name: &str) -> Option<&'a TermEntry> {
    let is_without_query = |it: &SignalEntry| it.state == StateName::NotConfigured;
    report.signals.get(name).filter(|it| is_without_query(it))?;
    let term = report.score_breakdown.iter().find(|term| term.signal == name);
    term.filter(|term| term.value.is_some() || term.is_lower_bound)
}

fn checks(all: &[Audit<'_>], page: &mut Page<'_>) -> io::Result<()> {
    type Value = fn(&Audit<'_>, &CheckEntry) -> f64;
    let families: [(&str, &str, Value); 3] = [
        (
            "auditor_check_passed",
            "Whether a check holds: 1 or 0, NaN where that is unknown.",
            |audit, check| audit.now(check.passed.map(one_or_zero)),
        ),
        ("auditor_check_value", "What a check observed.", |audit, check| audit.now(check.actual)),
        ("auditor_check_limit", "What a check holds it to.", |_, check| {
            check.expected.unwrap_or(f64::NAN)
        }),
    ];
    for (name, help, value) in families {
        page.family(name, help)?;
        for audit in all {
            for check in audit.report.iter().flat_map(|it| &it.checks) {
                let labels = [("check", check.name.as_str()), ("severity", check.severity.name())];
                audit.sample(page, name, &labels, value(audit, check))?;
            }
        }
    }
    Ok(())
}

fn failure_modes(all: &[Audit<'_>], page: &mut Page<'_>) -> io::Result<()> {
    let name = "auditor_failure_mode";
    page.family(name, "Whether a failure mode is proven: 1 or 0, NaN where that is unknown.")?;
    for audit in all {
        let is_open = |mode: &Mode| {
            let open =
                |it: &Report| it.failure_modes_not_assessable.iter().any(|it| it.mode == mode.name);
            !audit.is_of_now || audit.report.is_none_or(open)
        };
        for mode in Mode::all() {
            let value = match audit.proven.contains(&mode.name) && audit.is_of_now {
                true => 1.0,
                false if is_open(mode) => f64::NAN,
                false => 0.0,
            };
            audit.sample(page, name, &[("mode", mode.name)], value)?;
        }
    }
    Ok(())
}
