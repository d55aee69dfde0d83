//! How the report was made, for whoever wants to make it again.

use maud::{Markup, html};

use super::words::{code, name, nothing, origin};
use crate::model::quantity::number;
use crate::report::{Report, SourceKind};

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section {
            h2 { "How this was made" }
            dl.made {
                (entry(source_word(report.source), &html! { (code(&report.target)) (backend(report)) }))
                (entry("Evaluated at", &html! { (report.evaluated_at) }))
                (entry("Configuration", &configuration(report)))
                @if let Some(baseline) = &report.baseline {
                    (entry("Baseline", &html! { (super::super::checks::baseline(baseline)) }))
                }
                (command(report))
                @if !report.options.is_empty() {
                    (entry("Options", &html! { code { "auditor " (report.options) } }))
                }
                (entry("Version", &html! { "auditor " (env!("AUDITOR_VERSION")) }))
            }
            (queries(report))
            @if !report.is_of_checks_alone() { (thresholds(report)) }
        }
    }
}

fn entry(word: &str, value: &Markup) -> Markup {
    html! { dt { (word) } dd { (value) } }
}

const fn source_word(source: SourceKind) -> &'static str {
    match source {
        SourceKind::Scrape => "Scraped",
        SourceKind::Probe => "Probed",
        SourceKind::Recording => "Recording",
        SourceKind::Log => "Log",
        SourceKind::Server => "Server",
    }
}

fn backend(report: &Report) -> Markup {
    let Some(product) = &report.backend.product else { return nothing() };
    html! {
        " (" (product) @if let Some(version) = &report.backend.version { " " (version) } ")"
    }
}

fn configuration(report: &Report) -> Markup {
    html! {
        (code(&report.config))
        @if let Some(preset) = &report.preset { " over preset " code { (preset) } }
        @if let Some(profile) = &report.profile { ", profile " code { (profile) } }
    }
}

fn command(report: &Report) -> Markup {
    let Some(command) = &report.command else { return nothing() };
    entry(
        "Command",
        &html! {
            (code(&command.line)) " " (command.status) " after " (number(command.took_s)) " s"
        },
    )
}

fn thresholds(report: &Report) -> Markup {
    html! {
        details {
            summary { "The thresholds that were judged by" }
            table.values {
                caption { "As under " code { "thresholds" } " in the configuration" }
                thead { tr { th scope="col" { "Threshold" } th.n scope="col" { "Value" } } }
                tbody {
                    @for (key, value) in report.thresholds.iter() {
                        tr { th scope="row" { (name(key)) } td.n { (number(*value)) } }
                    }
                }
            }
        }
    }
}

fn queries(report: &Report) -> Markup {
    let signals = report.signals.iter().filter_map(|(signal, entry)| {
        Some((signal, entry.query.as_deref()?, entry.origin.as_ref()))
    });
    let checks = report.checks.iter();
    let checks =
        checks.filter_map(|it| Some((&*it.name, it.query.as_deref()?, it.origin.as_ref())));
    let all: Vec<_> = signals.chain(checks).collect();
    if all.is_empty() {
        return nothing();
    }
    html! {
        details {
            summary { "The " (all.len()) " queries as they were asked" }
            table {
                caption { "PromQL" }
                thead { tr { th scope="col" { "For" } th scope="col" { "Query" } } }
                tbody {
                    @for (of, query, place) in all.iter().take(MOST) {
                        tr { th scope="row" { (name(of)) (origin(*place)) } td { (code(query)) } }
                    }
                }
            }
            (super::words::more(all.len(), MOST, "queries"))
        }
    }
}

/// So many queries are listed.
const MOST: usize = 100;
