//! What a watcher knows as one HTML page that needs no script: what is sick, since when, and why.

mod alerts;
mod course;
mod drawn;
mod service;
mod words;

use std::io::{self, Write};

use maud::{Markup, html};

use self::words::{ago, moment, period};
use crate::render::html::{Kind, Parts, badge, page_of};
use crate::watch::{ServiceView, View};

/// What the page is, for those who ask for it over HTTP.
pub const PAGE_CONTENT_TYPE: &str = "text/html; charset=utf-8";

/// After so many seconds a browser loads the page anew: it may hang on a wall, where nobody does.
const RELOAD_S: u32 = 60;

/// What the drawings of each service mean.
const LEGEND: &str = "Below each score, a high bar is a failure, a middle one an audit without a verdict, a \
                      low one a pass; where it is hatched, nothing was audited. A stretch shows the worst \
                      of its audits.";

/// The page.
///
/// # Errors
/// If it cannot be written.
pub fn page(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let tally = Tally::of(view);
    let parts = Parts {
        title: &format!("{} · auditor", tally.headline()),
        reload_s: Some(RELOAD_S),
        header: &header(view, &tally),
        main: &main(view),
        footer: &footer(view),
    };
    page_of(&parts, out)
}

/// How a service is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Now {
    Fails,
    Unknown,
    Passes,
}

impl Now {
    fn of(view: &View<'_>, service: &ServiceView<'_>) -> Self {
        match view.standing(service).audited() {
            Some(entry) if entry.has_failed() => Self::Fails,
            Some(entry) if entry.has_verdict() => Self::Passes,
            _ => Self::Unknown,
        }
    }
}

/// How many services are how.
struct Tally {
    fail: usize,
    unknown: usize,
    pass: usize,
}

impl Tally {
    fn of(view: &View<'_>) -> Self {
        let count = |now| view.services.iter().filter(|it| Now::of(view, it) == now).count();
        Self { fail: count(Now::Fails), unknown: count(Now::Unknown), pass: count(Now::Passes) }
    }

    const fn all(&self) -> usize {
        self.fail + self.unknown + self.pass
    }

    const fn kind(&self) -> Kind {
        match (self.fail, self.unknown, self.pass) {
            (1.., _, _) => Kind::Bad,
            (0, 0, 1..) => Kind::Good,
            _ => Kind::Unknown,
        }
    }

    /// The worst of it, as one reads it from across the room.
    fn headline(&self) -> String {
        let all = self.all();
        match (self.fail, self.unknown) {
            (0, 0) if all == 0 => "NOTHING IS WATCHED".to_owned(),
            (0, 0) if all == 1 => "PASS".to_owned(),
            (0, 0) => format!("ALL {all} PASS"),
            (0, _) if all == 1 => "NO VERDICT".to_owned(),
            (0, unknown) => format!("{unknown} OF {all} WITHOUT A VERDICT"),
            (_, _) if all == 1 => "FAIL".to_owned(),
            (1, _) => format!("1 OF {all} FAILS"),
            (fail, _) => format!("{fail} OF {all} FAIL"),
        }
    }

    fn sentence(&self) -> String {
        let verb = |count: usize, one: &str, many: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            _ => Some(format!("{count} {many}")),
        };
        let noun = if self.all() == 1 { "service" } else { "services" };
        let parts = [
            verb(self.fail, "fails", "fail"),
            verb(self.unknown, "has no verdict", "have no verdict"),
            verb(self.pass, "passes", "pass"),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        match parts.is_empty() {
            true => "The watcher was given no services.".to_owned(),
            false => format!("Of {} {noun}: {}.", self.all(), parts.join(", ")),
        }
    }
}

fn header(view: &View<'_>, tally: &Tally) -> Markup {
    let kind = tally.kind();
    html! {
        header.(kind.class()) {
            p.quiet { "Services under watch, at " (moment(view.now)) }
            h1 { (badge(kind, &tally.headline())) }
            p.reason { (tally.sentence()) }
            dl.facts {
                div { dt { "Last check" } dd { (last_check(view)) } }
                div { dt { "Next round" } dd { (next_round(view)) } }
                div { dt { "Alerts" } dd { (alerts::counts(view)) } }
            }
        }
    }
}

fn last_check(view: &View<'_>) -> Markup {
    match view.last_check {
        Some(at) => html! { (moment(at)) " " small { "(" (ago(view.now, at)) ")" } },
        None => html! { "none has ended yet" },
    }
}

fn next_round(view: &View<'_>) -> Markup {
    html! {
        @if view.is_under_way {
            "under way"
        } @else {
            @match view.next_round {
                Some(at) if at > view.now => {
                    (moment(at)) " " small { "(in " (period(at.duration_since(view.now).unsigned_abs())) ")" }
                }
                Some(_) => "due",
                None => "not known",
            }
        }
    }
}

fn main(view: &View<'_>) -> Markup {
    let mut services: Vec<_> = view.services.iter().collect();
    services.sort_by_key(|it| Now::of(view, it));
    html! {
        (alerts::section(view))
        @if !services.is_empty() {
            section {
                h2 { "Services" }
                p.quiet { (LEGEND) }
                (drawn::definitions())
                @for (number, it) in services.iter().enumerate() { (service::article(view, it, number)) }
            }
        }
    }
}

fn footer(view: &View<'_>) -> Markup {
    html! {
        section {
            h2 { "How this was made" }
            dl.made {
                dt { "Rounds" } dd { "every " (period(view.every)) ", since " (moment(view.started_at)) }
                dt { "History" } dd { "reports are kept for " (period(view.retention)) }
                dt { "For programs" } dd {
                    a href="api/alerts" { "alerts" } ", " a href="metrics" { "metrics" } ", "
                    a href="metrics.json" { "raw signals" }
                }
                dt { "This page" } dd { "loads itself anew every " (RELOAD_S) " s; times are UTC" }
                dt { "Version" } dd { "auditor " (env!("AUDITOR_VERSION")) }
            }
        }
    }
}
