//! What is read first: the verdict with its reason, and the facts beside it.

use maud::{Markup, html};

use super::super::{blame, evidence, learn_more, remarks};
use super::words::{Kind, badge, code, nothing, value};
use crate::engine::Verdict;
use crate::model::level::Status;
use crate::model::quantity::number;
use crate::report::Report;

pub(super) fn title(report: &Report) -> String {
    let verdict = report.verdict.words().to_uppercase();
    format!("{verdict} · {} · auditor", crate::model::blame::shortened(&report.target, 100))
}

pub(super) fn header(report: &Report) -> Markup {
    let kind = of_verdict(report.verdict);
    html! {
        header.(kind.class()) {
            p.quiet { "Runtime audit of " (code(&report.target)) " at " (report.evaluated_at) }
            h1 { (badge(kind, &report.verdict.words().to_uppercase())) }
            p.reason { (evidence::brief(report, &report.verdict_reason)) }
            (place(report))
            (error(report))
            dl.facts {
                @if report.is_of_checks_alone() {
                    (fact("Status", &html! { "not asked for; checks alone decide" }))
                } @else {
                    (fact("Status", &badge(of_status(report), report.status.name())))
                    (fact("Score", &score(report)))
                }
                (fact("Exit code", &html! { (report.exit_code) }))
                (fact("Gate", &gate(report)))
                @if !report.is_of_checks_alone() { (fact("Load", &html! { (load(report)) })) }
                (command(report))
            }
            @if let Some(line) = learn_more::line(report) { p.quiet { (line) } }
        }
    }
}

/// The line that blocks, where it is known.
fn place(report: &Report) -> Markup {
    let remark = remarks::verdict(report);
    let line = remark.as_ref().and_then(|it| it.lines.first()).filter(|_| has_culprit(report));
    match line {
        Some(line) => html! { p { strong { (line) } } },
        None => nothing(),
    }
}

fn has_culprit(report: &Report) -> bool {
    blame::is_loop_broken(report) && !remarks::culprits(report).is_empty()
}

fn fact(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn error(report: &Report) -> Markup {
    match report.error.as_deref().filter(|error| *error != report.verdict_reason) {
        Some(error) => html! { p { strong { "Error: " } (error) } },
        None => nothing(),
    }
}

fn score(report: &Report) -> Markup {
    let score = report.runtime_health_score.map(|score| format!("{score:.0}"));
    let is_bound = report.score_is_lower_bound;
    html! {
        (value(score, is_bound, ""))
        @if is_bound { " " small { "signals are missing" } }
    }
}

fn gate(report: &Report) -> Markup {
    let names: Vec<_> = report.fail_on.iter().map(|it| format!("--fail-on {it}")).collect();
    html! {
        @if names.is_empty() { "none" } @else { code { (names.join(" ")) } }
    }
}

fn load(report: &Report) -> String {
    evidence::requests(report).unwrap_or_else(|| "unknown".to_owned())
}

fn command(report: &Report) -> Markup {
    let Some(command) = &report.command else { return nothing() };
    let kind = if command.failed { Kind::Bad } else { Kind::Good };
    let took = format!("after {} s", number(command.took_s));
    fact("Command", &html! { (badge(kind, &command.status)) " " (took) })
}

const fn of_verdict(verdict: Verdict) -> Kind {
    match verdict {
        Verdict::Pass => Kind::Good,
        Verdict::Fail | Verdict::CommandFailed | Verdict::Error => Kind::Bad,
        Verdict::Inconclusive | Verdict::Interrupted => Kind::Unknown,
        Verdict::NotGated => Kind::Warn,
    }
}

/// Of an audit that was not carried out to its end, what was seen is healthy at most.
const fn of_status(report: &Report) -> Kind {
    match report.status {
        Status::Healthy => match report.verdict {
            Verdict::Interrupted | Verdict::Error | Verdict::Inconclusive => Kind::Quiet,
            _ => Kind::Good,
        },
        Status::Degraded => Kind::Warn,
        Status::Inconclusive => Kind::Unknown,
        Status::Critical | Status::CollapseRisk => Kind::Bad,
    }
}
