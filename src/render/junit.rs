//! The report as JUnit's XML, which test tabs show: the verdict, each signal and each check is a test
//! case.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::remarks;
use super::rows::{self, rows};
use super::{checks, evidence};
use crate::engine::Verdict;
use crate::model::signal::Signal;
use crate::one_line::one_line;
use crate::report::{CheckEntry, LogEntry, Report, SignalEntry, StateName, TermEntry};

/// What tells the file from those of other tools.
pub(super) const NAME: &str = r#"<testsuites name="auditor""#;

/// A test case for the verdict, each signal and each check: what breaks a limit is a failure, what is
/// unknown an error.
///
/// # Errors
/// If it cannot be written.
pub(super) fn junit(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let own: Vec<_> = own_checks(report).map(|it| of_check(report, it)).collect();
    let own = (!own.is_empty()).then(|| suite("auditor.checks", own));
    let signals = (!report.is_of_checks_alone()).then(|| suite("auditor.signals", signals(report)));
    let verdict = suite("auditor.verdict", vec![verdict(report)]);
    document(std::iter::once(verdict).chain(signals).chain(own), out)
}

/// Writes a document of these suites.
///
/// # Errors
/// If it cannot be written.
pub(super) fn document(
    suites: impl IntoIterator<Item = TestSuite>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut document = Document::new("auditor");
    document.add_test_suites(suites);
    let xml = document.to_string().map_err(io::Error::other)?;
    // The schema by which Jenkins' xUnit plugin refuses files has this count for suites alone.
    let total = format!(r#" skipped="{}""#, document.skipped);
    out.write_all(xml.replacen(&total, "", 1).as_bytes())
}

/// A suite of cases, which have its name as their class.
pub(super) fn suite(name: &str, cases: Vec<TestCase>) -> TestSuite {
    let mut suite = TestSuite::new(name);
    let cases = cases.into_iter().map(|mut case| {
        case.set_classname(name);
        case
    });
    suite.add_test_cases(cases);
    suite
}

/// What a case comes to, and in which words.
pub(super) enum Outcome {
    Passed,
    /// It breaks a limit.
    Broken(String),
    /// It cannot be told.
    Unknown(String),
    /// Nothing depends on it.
    Skipped(String),
}

pub(super) fn case(name: &str, outcome: Outcome, details: &str) -> TestCase {
    let details = &lines(details);
    let status = match &outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Skipped(words) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(lines(words));
            status
        }
        Outcome::Broken(words) => {
            non_success(NonSuccessKind::Failure, "breach", &lines(words), details)
        }
        Outcome::Unknown(words) => {
            non_success(NonSuccessKind::Error, "unknown", &lines(words), details)
        }
    };
    let is_passed = matches!(outcome, Outcome::Passed);
    let mut case = TestCase::new(one_line(name), status);
    if is_passed && !details.is_empty() {
        case.set_system_out(details.as_str());
    }
    case
}

/// Words without characters that XML cannot hold, or that change their direction.
fn lines(words: &str) -> String {
    words.lines().map(one_line).collect::<Vec<_>>().join("\n")
}

fn non_success(kind: NonSuccessKind, of_type: &str, words: &str, details: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    let description = if details.is_empty() { words } else { details };
    status.set_type(of_type).set_message(words).set_description(description);
    status
}

fn verdict(report: &Report) -> TestCase {
    let line = remarks::verdict_line(report);
    let lines = remarks::verdict(report).map(|remark| {
        let place = remark.place.map(|place| place.words());
        place.into_iter().chain(remark.lines).collect::<Vec<_>>().join("\n")
    });
    let outcome = match report.verdict {
        Verdict::Pass => Outcome::Passed,
        Verdict::Fail | Verdict::CommandFailed => Outcome::Broken(line),
        // Without a gate it stands in no one's way.
        Verdict::NotGated => Outcome::Passed,
        Verdict::Inconclusive if report.exit_code == 0 => Outcome::Skipped(line),
        Verdict::Inconclusive | Verdict::Interrupted | Verdict::Error => Outcome::Unknown(line),
    };
    case("verdict", outcome, &lines.unwrap_or_else(|| remarks::verdict_line(report)))
}

fn signals(report: &Report) -> Vec<TestCase> {
    let shown = rows(report);
    let value = |name: &str| {
        let row = shown.iter().find(|row| row.name == name);
        row.map(|row| (row.value.clone(), row.limit.clone()))
    };
    let of = |(name, entry): (&str, &SignalEntry)| {
        let (value, limit) = value(name).unwrap_or_default();
        let limit = limit.map(|limit| format!(", limit {limit}")).unwrap_or_default();
        let words = format!("{name}: {value}{limit}");
        of_signal(report, name, entry, words)
    };
    report.signals.iter().map(of).collect()
}

fn of_signal(report: &Report, name: &str, entry: &SignalEntry, words: String) -> TestCase {
    let reason = entry.reason.as_deref().map(|it| one_line(&evidence::brief(report, it)));
    let query = entry.query.as_deref().map(one_line);
    let details = [Some(words.clone()), reason.clone(), query].into_iter().flatten();
    let details = details.collect::<Vec<_>>().join("\n");
    let why = reason.unwrap_or_else(|| entry.state.words().to_owned());
    let check = report.checks.iter().find(|check| check.name == name);
    let term = report.score_breakdown.iter().find(|term| term.signal == name);
    let counts = term.is_some()
        || rows::is_part_of_backlog(report, name)
        || check.is_some_and(|check| check.requested);
    // The backlog may follow from two other signals.
    let is_computed = |term: &TermEntry| term.value.is_some() || term.is_lower_bound;
    let is_unknown = |term: &TermEntry| term.value.is_none() || term.is_lower_bound;
    let computed = term.filter(|term| is_computed(term));
    let is_broken = check.is_some_and(|check| check.passed == Some(false));
    let outcome = match entry.state {
        _ if is_broken => Outcome::Broken(words),
        StateName::NotConfigured => match computed {
            Some(term) if is_unknown(term) => Outcome::Unknown(words),
            Some(_) => Outcome::Passed,
            None => Outcome::Skipped("not configured".to_owned()),
        },
        StateName::Ok if !(entry.is_lower_bound && counts) => Outcome::Passed,
        _ if counts && !rows::is_dull(name, entry) => Outcome::Unknown(format!("{words}: {why}")),
        _ => Outcome::Skipped(format!("{}: {why}", rows::UNKNOWN)),
    };
    case(name, outcome, &details)
}

/// The checks that are not the limit of a signal.
fn own_checks(report: &Report) -> impl Iterator<Item = &CheckEntry> {
    report.checks.iter().filter(|it| it.requested && Signal::from_key(&it.name).is_none())
}

fn of_check(report: &Report, check: &CheckEntry) -> TestCase {
    let words = format!("{} ({})", checks::values(check), check.severity.name());
    let reason = check.reason.as_deref().map(|it| one_line(&evidence::brief(report, it)));
    let log = || check.log.as_ref().map(LogEntry::words);
    let asked = check.query.clone().or_else(log).map(|it| one_line(&it));
    let description = Some(one_line(&check.description)).filter(|it| !it.is_empty());
    let details = [Some(words.clone()), description, reason.clone(), asked].into_iter().flatten();
    let details = details.collect::<Vec<_>>().join("\n");
    let outcome = match check.passed {
        Some(true) => Outcome::Passed,
        Some(false) => Outcome::Broken(words),
        None => Outcome::Unknown(reason.unwrap_or(words)),
    };
    case(&check.name, outcome, &details)
}
