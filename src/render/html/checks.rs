//! The configuration's own checks.

use maud::{Markup, html};

use super::super::checks::{is_warning, values};
use super::super::evidence;
use super::words::{Kind, badge, code, labels, more, name, nothing, origin};
use crate::model::baseline;
use crate::model::check::{SECTION, Severity};
use crate::report::{CheckEntry, Report};

/// So many checks are listed.
const MOST: usize = 100;

pub(super) fn section(report: &Report) -> Markup {
    let checks: Vec<_> = report.checks.iter().filter(|check| check.requested).collect();
    if checks.is_empty() {
        return nothing();
    }
    html! {
        section {
            h2 { "Checks" }
            table {
                caption {
                    "What the configuration asks for under " code { (SECTION) }
                    @if report.baseline.is_some() { " and " code { (baseline::SECTION) } }
                }
                thead {
                    tr {
                        th scope="col" { "Check" }
                        th scope="col" { "Result" }
                        th scope="col" { "Observed and allowed" }
                    }
                }
                tbody { @for check in checks.iter().take(MOST) { (row(report, check)) } }
            }
            (more(checks.len(), MOST, "checks"))
        }
    }
}

fn row(report: &Report, check: &CheckEntry) -> Markup {
    let (word, kind) = match (check.passed, is_warning(check), check.severity) {
        (Some(false), _, Severity::Critical) => ("fail", Kind::Bad),
        (Some(false), _, Severity::Info) | (_, true, Severity::Info) => ("info", Kind::Quiet),
        (Some(false), _, Severity::Warning) | (_, true, _) => ("warning", Kind::Warn),
        (Some(true), _, _) => ("pass", Kind::Good),
        (None, _, _) => ("unknown", Kind::Unknown),
    };
    html! {
        tr {
            th scope="row" {
                (name(&check.name)) (origin(check.origin.as_ref()))
                @if !check.description.is_empty() { p.quiet { (check.description) } }
            }
            td { (badge(kind, word)) br; small.quiet { (check.severity.name()) } }
            td {
                (in_words(check)) (labels(check.series.as_ref()))
                @if let Some(reason) = check.reason.as_deref() {
                    p.quiet { (evidence::brief(report, reason)) }
                }
                @if let (Some(query), None) = (&check.query, check.passed) { p { (code(query)) } }
                @if let Some(log) = &check.log { p.quiet { (log.words()) } }
            }
        }
    }
}

/// The value beside what it is held to.
fn in_words(check: &CheckEntry) -> String {
    let values = values(check);
    match values.strip_prefix('?') {
        Some("") => "unknown".to_owned(),
        Some(limit) => format!("unknown, has to be{limit}"),
        None => values,
    }
}
