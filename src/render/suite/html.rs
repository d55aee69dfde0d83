//! The summary as one HTML file that needs nothing else.

use std::io::{self, Write};

use maud::{Markup, html};

use super::{counts, details, id, others, without_row};
use crate::engine::Verdict;
use crate::render::html::{Kind, Parts, badge, page_of};
use crate::report::suite::{ScenarioEntry, ScenarioStatus, Summary};

/// So many scenarios are told in full, and so many listed.
const MOST_TOLD: usize = 100;
const MOST_LISTED: usize = 2000;

/// The whole summary as a page.
///
/// # Errors
/// If it cannot be written.
pub(in crate::render) fn html(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let verdict = summary.verdict.words().to_uppercase();
    let suite = crate::model::blame::shortened(&summary.suite, 100);
    let parts = Parts {
        title: &format!("{verdict} · {suite} · auditor"),
        reload_s: None,
        header: &header(summary),
        main: &sections(summary),
        footer: &footer(summary),
    };
    page_of(&parts, out)
}

const fn kind(status: ScenarioStatus) -> Kind {
    match status {
        ScenarioStatus::Pass => Kind::Good,
        ScenarioStatus::Fail => Kind::Bad,
        ScenarioStatus::Inconclusive => Kind::Warn,
    }
}

fn header(summary: &Summary) -> Markup {
    let kind = match summary.verdict {
        Verdict::Pass => Kind::Good,
        Verdict::Fail | Verdict::CommandFailed | Verdict::Error => Kind::Bad,
        Verdict::NotGated | Verdict::Inconclusive | Verdict::Interrupted => Kind::Warn,
    };
    let error = summary.error.as_deref().filter(|it| *it != summary.verdict_reason);
    html! {
        header.(kind.class()) {
            p.quiet { "Suite " code { (summary.suite) } " from " (summary.started_at) " to " (summary.finished_at) }
            h1 { (badge(kind, &summary.verdict.words().to_uppercase())) }
            p.reason { (summary.verdict_reason) }
            @if let Some(line) = without_row(summary) { p { (line) } }
            @if let Some(error) = error { p { strong { "Error: " } (error) } }
            dl.facts {
                div { dt { "Scenarios" } dd { (counts(summary)) } }
                div { dt { "Expected" } dd { (summary.expected_scenarios) } }
                div { dt { "Exit code" } dd { (summary.exit_code) } }
                @if let Some(profile) = &summary.mode { div { dt { "Profile" } dd { (profile) } } }
            }
        }
    }
}

fn sections(summary: &Summary) -> Markup {
    let told: Vec<_> = others(summary).take(MOST_TOLD).collect();
    let more = summary.scenarios.len().saturating_sub(MOST_LISTED);
    html! {
        @if !told.is_empty() {
            section { h2 { "Did not pass" } @for entry in told { (told_in_full(entry)) } }
        }
        @if !summary.not_finished.is_empty() {
            section { h2 { "Not finished" } p { (summary.not_finished.join(", ")) } }
        }
        @if !summary.scenarios.is_empty() {
            section {
                h2 { "Scenarios" }
                table {
                    thead { tr {
                        th scope="col" { "Scenario" }
                        th scope="col" { "Result" }
                        th.n scope="col" { "Seconds" }
                        th scope="col" { "Why" }
                    } }
                    tbody { @for entry in summary.scenarios.iter().take(MOST_LISTED) { (row(entry)) } }
                }
                @if more > 0 { p.quiet { "and " (more) " more; all are in the JSON summary" } }
            }
        }
    }
}

fn told_in_full(entry: &ScenarioEntry) -> Markup {
    let kind = kind(entry.status);
    html! {
        article.(kind.class()) {
            h3 { (id(entry)) " " (badge(kind, entry.status.name())) }
            @if entry.name != entry.id { p.quiet { (entry.name) } }
            p { (entry.reason) }
            @let details = details(entry);
            @if !details.is_empty() { ul { @for line in details { li { (line) } } } }
            @let files: Vec<_> = entry.evidence.iter().filter(|(name, _)| *name != "report").collect();
            @if !files.is_empty() {
                p.quiet { @for (name, file) in files { (name) ": " code { (file) } " " } }
            }
        }
    }
}

fn row(entry: &ScenarioEntry) -> Markup {
    let seconds = entry.duration_ms as f64 / 1000.0;
    html! {
        tr {
            th scope="row" { (id(entry)) @if entry.name != entry.id { p.quiet { (entry.name) } } }
            td { (badge(kind(entry.status), entry.status.name())) }
            td.n { (format!("{seconds:.1}")) }
            td { (entry.reason) }
        }
    }
}

fn footer(summary: &Summary) -> Markup {
    html! {
        section {
            h2 { "How this was made" }
            dl.made {
                dt { "Suite" } dd { code { (summary.suite) } }
                dt { "Run" } dd { (summary.run_id) }
                @if let Some(directory) = &summary.run_dir { dt { "Kept in" } dd { code { (directory) } } }
                dt { "Version" } dd { "auditor " (env!("AUDITOR_VERSION")) }
            }
        }
    }
}
