//! Failure modes with their evidence, and findings.

use maud::{Markup, html};

use super::super::text::listed_findings;
use super::words::{Kind, badge, labels, name, nothing, value};
use crate::model::mode::ModeSeverity;
use crate::model::quantity::number_beside;
use crate::report::{EvidenceEntry, FailureModeEntry, NotAssessable, Report};

/// So many findings are listed.
const MOST: usize = 50;

pub(super) fn section(report: &Report) -> Markup {
    if report.failure_modes.is_empty() && report.failure_modes_not_assessable.is_empty() {
        return nothing();
    }
    html! {
        section {
            h2 { "Failure modes" }
            @for found in &report.failure_modes { (mode(found)) }
            @if !report.failure_modes_not_assessable.is_empty() {
                ul { @for open in &report.failure_modes_not_assessable { li { (unknown(report, open)) } } }
            }
        }
    }
}

fn mode(found: &FailureModeEntry) -> Markup {
    let kind = match found.severity {
        ModeSeverity::High => Kind::Bad,
        ModeSeverity::Medium => Kind::Warn,
    };
    html! {
        article.(kind.class()) {
            h3 { (name(&found.mode)) " " (badge(kind, found.severity.name())) }
            p { (found.description) }
            ul { @for evidence in &found.evidence { li { (proof(evidence)) } } }
        }
    }
}

fn proof(evidence: &EvidenceEntry) -> Markup {
    let (observed, limit) = number_beside(evidence.value, evidence.limit);
    let observed = value(Some(observed), evidence.is_lower_bound, &evidence.unit);
    html! {
        (name(&evidence.signal)) " " strong { (observed) } ", limit " (limit) " " (evidence.unit)
        (labels(evidence.series.as_ref()))
    }
}

fn unknown(report: &Report, open: &NotAssessable) -> Markup {
    let mut entries = open.unknown.iter().map(|signal| report.signals.get(signal));
    let is_bound = entries.all(|it| it.is_some_and(|it| it.value.is_some() && it.is_lower_bound));
    let signals = open.unknown.join(", ");
    html! {
        (name(&open.mode)) " "
        @if is_bound { "cannot be ruled out: " (signals) " may be higher" }
        @else { "cannot be told without " (signals) }
    }
}

pub(super) fn findings(report: &Report) -> Markup {
    let found = listed_findings(report);
    if found.is_empty() {
        return nothing();
    }
    html! {
        section {
            h2 { "Findings" }
            ul { @for finding in found.iter().take(MOST) { li { (finding) } } }
            (super::words::more(found.len(), MOST, "findings"))
        }
    }
}
