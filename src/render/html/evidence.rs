//! What was seen and what was not, and what could not be read.

use maud::{Markup, html};

use super::super::evidence::{concerned, targets};
use super::super::text::unread;
use super::words::{Kind, badge, code, labels, more, name, nothing, origin};
use crate::model::quantity::number;
use crate::report::{Report, ShortfallEntry, StateName, TargetEvidenceEntry};

/// So many shortfalls are listed.
const MOST_SHORTFALLS: usize = 50;
/// So many targets are listed.
const MOST_TARGETS: usize = 20;

pub(super) fn not_seen(report: &Report) -> Markup {
    let all = &report.evidence.shortfalls;
    if all.is_empty() {
        return nothing();
    }
    html! {
        section {
            h2 { "Not seen" }
            @for shortfall in all.iter().take(MOST_SHORTFALLS) { (article(shortfall)) }
            (more(all.len(), MOST_SHORTFALLS, "shortfalls"))
        }
    }
}

fn article(shortfall: &ShortfallEntry) -> Markup {
    let kind = if shortfall.allowed { Kind::Quiet } else { Kind::Unknown };
    html! {
        article.(kind.class()) {
            h3 { "Rule " (name(&shortfall.rule)) @if shortfall.allowed { " " small { "allowed" } } }
            p {
                (shortfall.detail)
                @if let Some(names) = concerned(shortfall) { " (for " (names) ")" }
            }
            @if !shortfall.allowed { p { strong { "To do: " } (shortfall.advice) "." } }
        }
    }
}

pub(super) fn not_read(report: &Report) -> Markup {
    let (assumed, unread) = unread(report);
    html! {
        @if !unread.is_empty() {
            section {
                h2 { "Could not be read" }
                table {
                    caption { "Signals without a whole answer, and the queries that were asked" }
                    thead {
                        tr {
                            th scope="col" { "Signal" }
                            th scope="col" { "Answer" }
                            th scope="col" { "Query" }
                        }
                    }
                    tbody {
                        @for it in &unread {
                            tr {
                                th scope="row" { (name(it.signal)) }
                                td { (state(it.state)) p.quiet { (it.reason) } }
                                td { @if let Some(query) = it.query { (code(query)) } }
                            }
                        }
                    }
                }
            }
        }
        @if !assumed.is_empty() {
            section {
                h2 { "Assumed" }
                ul { @for it in &assumed { li { (name(it.signal)) ": " (it.reason) } } }
            }
        }
    }
}

fn state(state: StateName) -> Markup {
    badge(Kind::Unknown, state.words())
}

pub(super) fn seen(report: &Report) -> Markup {
    let evidence = &report.evidence;
    let in_short = targets(evidence);
    if in_short.is_none() && evidence.targets.is_empty() && evidence.rules.is_empty() {
        return nothing();
    }
    html! {
        section {
            h2 { "What was seen" }
            @if let Some(words) = in_short { p { (words) } }
            @if !evidence.targets.is_empty() { (of_targets(report)) }
            @if !evidence.rules.is_empty() {
                p { "Rules of evidence that the configuration sets:" }
                ul {
                    @for rule in &evidence.rules {
                        li {
                            (name(&rule.rule)) " is " strong { (rule.to) } "; default: " (rule.default)
                            (origin(rule.origin.as_ref()))
                        }
                    }
                }
            }
        }
    }
}

fn of_targets(report: &Report) -> Markup {
    let all = &report.evidence.targets;
    // Those of which least was seen come first, where not all are listed.
    let mut listed: Vec<_> = all.iter().collect();
    if all.len() > MOST_TARGETS {
        let covered = |it: &TargetEvidenceEntry| it.covered.unwrap_or(-1.0);
        listed.sort_by(|a, b| covered(a).total_cmp(&covered(b)));
    }
    html! {
        table {
            caption { "Per target" }
            thead {
                tr {
                    th scope="col" { "Target" }
                    th.n scope="col" { "Seen" }
                    th.n scope="col" { "Newest sample" }
                    th.n scope="col" { "Processes" }
                    th.n scope="col" { "Restarts" }
                }
            }
            tbody {
                @for target in listed.iter().take(MOST_TARGETS) { (target_row(report, target)) }
            }
        }
        (more(all.len(), MOST_TARGETS, "targets"))
    }
}

fn target_row(report: &Report, seen: &TargetEvidenceEntry) -> Markup {
    let count = |it: Option<usize>| it.map_or_else(|| "unknown".to_owned(), |it| it.to_string());
    let age = seen.newest_sample_age_s.map(|age| format!("{} s old", number(age)));
    let part = seen.covered.map(|part| format!("{} %", number((part * 100.0).floor())));
    let unknown = || "unknown".to_owned();
    let scrapes = report.scrapes.iter().find(|it| it.target == seen.target);
    html! {
        tr {
            th scope="row" {
                (labels(Some(&seen.target)))
                @if let Some(scrapes) = scrapes.filter(|it| it.failed > 0) {
                    p { (scrapes.failed) " of " (scrapes.tried) " scrapes failed" }
                }
            }
            td.n { (part.unwrap_or_else(unknown)) }
            td.n { (age.unwrap_or_else(unknown)) }
            td.n { (count(seen.processes)) }
            td.n { (count(seen.restarts)) }
        }
    }
}
