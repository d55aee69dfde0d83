//! One service: how it is, since when, and why.

use maud::{Markup, html};

use super::course::Course;
use super::drawn;
use super::words::{ago, moment};
use crate::engine::Verdict;
use crate::model::level::Status;
use crate::render::html::{Kind, address, badge, shown, value};
use crate::watch::{Entry, ServiceView, Standing, View};

pub(super) fn article(view: &View<'_>, it: &ServiceView<'_>, number: usize) -> Markup {
    let standing = view.standing(it);
    let (kind, word) = now(standing);
    html! {
        article.service.(kind.class()) {
            h3 { (shown(it.name)) " " (badge(kind, &word)) }
            p.reason { (why(view, standing)) }
            dl.facts { (facts(view, it, standing)) }
            @match Course::of(view, it.entries) {
                Some(course) => (drawn::charts(view, it, &course, number)),
                None => p.quiet { "There is nothing to draw before the first audit." },
            }
            (troubles(it))
        }
    }
}

fn now(standing: Standing<'_>) -> (Kind, String) {
    match standing {
        Standing::NotAudited(..) => (Kind::Bad, "NOT AUDITED".to_owned()),
        Standing::NoAudit => (Kind::Unknown, "NO AUDIT YET".to_owned()),
        Standing::Late(_) => (Kind::Unknown, "LATE".to_owned()),
        Standing::Audited(entry) => {
            (of_verdict(entry.verdict), entry.verdict.words().to_uppercase())
        }
    }
}

const fn of_verdict(verdict: Verdict) -> Kind {
    match verdict {
        Verdict::Pass => Kind::Good,
        Verdict::Fail | Verdict::CommandFailed | Verdict::Error => Kind::Bad,
        Verdict::NotGated | Verdict::Inconclusive | Verdict::Interrupted => Kind::Unknown,
    }
}

const fn of_status(status: Status) -> Kind {
    match status {
        Status::Healthy => Kind::Good,
        Status::Degraded => Kind::Warn,
        Status::Inconclusive => Kind::Unknown,
        Status::Critical | Status::CollapseRisk => Kind::Bad,
    }
}

/// The words of a verdict, marked as everywhere on the page.
pub(super) fn verdict(verdict: Verdict) -> Markup {
    badge(of_verdict(verdict), verdict.words())
}

fn why(view: &View<'_>, standing: Standing<'_>) -> Markup {
    match standing {
        Standing::NotAudited(why, _) => html! { "It could not be audited: " (shown(why)) },
        Standing::NoAudit => html! { "What is not audited yet is neither good nor bad." },
        Standing::Late(newest) => {
            let late = super::words::period(view.late_after());
            html! {
                "The newest audit is of " (ago(view.now, newest.at)) ", further away than " (late)
                ". How the service is now is not known; it was " strong { (newest.verdict.words()) }
                " then: " (shown(&newest.reason))
            }
        }
        Standing::Audited(newest) => html! { (shown(&newest.reason)) },
    }
}

fn facts(view: &View<'_>, it: &ServiceView<'_>, standing: Standing<'_>) -> Markup {
    let since = match standing {
        Standing::NotAudited(_, since) => Some(since),
        Standing::Audited(_) => it.since(),
        Standing::NoAudit | Standing::Late(_) => None,
    };
    let when = |at| html! { (moment(at)) " " small { "(" (ago(view.now, at)) ")" } };
    html! {
        @if let Some(since) = since {
            @let is_cut = it.entries.first().is_some_and(|first| first.at == since);
            (fact("Since", &html! { (when(since)) @if is_cut { " or earlier" } }))
        }
        @if let Some(newest) = standing.audited() {
            (fact("Score", &html! { (score(newest)) }))
            (fact("Status", &badge(of_status(newest.status), newest.status.name())))
        }
        @if let Some(newest) = it.newest() {
            @let late = matches!(standing, Standing::Late(_) | Standing::NotAudited(..));
            (fact("Last audited", &html! {
                @if late { strong { (when(newest.at)) } } @else { (when(newest.at)) }
                " " (report(it, newest, "report"))
            }))
        }
        (fact("Last failed", &match it.last_failing() {
            Some(failing) => html! { (when(failing.at)) " " (report(it, failing, "report")) },
            None if it.entries.is_empty() => html! { "not known" },
            None => html! { "never, as far back as the history goes" },
        }))
    }
}

fn fact(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn score(entry: &Entry) -> String {
    value(entry.score.map(|it| format!("{it:.0}")), entry.score_is_lower_bound, "")
}

/// The way to a report, from wherever the page is.
fn report(it: &ServiceView<'_>, entry: &Entry, words: &str) -> Markup {
    let path = format!("report/{}?at={}", address(it.name), address(&entry.at.to_string()));
    html! { a href=(path) { (words) } }
}

/// What is wrong with the history itself.
fn troubles(it: &ServiceView<'_>) -> Markup {
    let count = |count: u64, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    };
    let damaged = count(it.damaged as u64, "file", "files");
    let lost = count(it.not_kept, "report", "reports");
    html! {
        @if it.damaged > 0 {
            p { (badge(Kind::Warn, "damaged")) " " (damaged) " of its history could not be read, and " @if it.damaged == 1 { "is" } @else { "are" } " left out; the watcher's own output names them." }
        }
        @if it.not_kept > 0 {
            p { (badge(Kind::Warn, "not kept")) " " (lost) " could not be written since the start: look at the room on the disk of the history. A restart forgets them." }
        }
    }
}
