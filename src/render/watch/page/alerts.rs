//! What stands against the services, the worst first.

use maud::{Markup, html};

use super::words::{ago, moment};
use crate::model::check::Severity;
use crate::render::html::{Kind, badge, shown, time_of};
use crate::watch::{Alert, View};

/// So many are listed.
const MOST: usize = 100;

pub(super) fn counts(view: &View<'_>) -> String {
    let count = |severity| view.alerts.iter().filter(|it| it.severity == severity).count();
    let counts = Severity::ALL.map(|(name, severity)| (count(severity), name));
    let words: Vec<_> = counts
        .iter()
        .filter(|it| it.0 > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

pub(super) fn section(view: &View<'_>) -> Markup {
    html! {
        section {
            h2 { "Alerts" }
            @if view.alerts.is_empty() {
                p { (none(view)) }
            } @else {
                table.alerts {
                    caption { "What stands against the services, the worst first" }
                    thead { tr {
                        th scope="col" { "What" }
                        th scope="col" { "Service" }
                        th scope="col" { "Since" }
                    } }
                    tbody { @for alert in view.alerts.iter().take(MOST) { (row(view, alert)) } }
                }
                @let more = view.alerts.len().saturating_sub(MOST);
                @if more > 0 { p.quiet { "and " (more) " more; all are in " a href="api/alerts" { "api/alerts" } } }
            }
        }
    }
}

/// That nothing stands against a service is known where it was audited.
fn none(view: &View<'_>) -> &'static str {
    let is_seen = view.services.iter().all(|it| view.standing(it).audited().is_some());
    if view.services.is_empty() || !is_seen {
        "None so far; not every service was audited."
    } else {
        "Nothing stands against any service."
    }
}

const fn kind(severity: Severity) -> Kind {
    match severity {
        Severity::Critical => Kind::Bad,
        Severity::Warning => Kind::Warn,
        Severity::Info => Kind::Quiet,
    }
}

fn row(view: &View<'_>, alert: &Alert) -> Markup {
    html! {
        tr {
            th scope="row" {
                (badge(kind(alert.severity), alert.severity.name())) " " strong { (shown(&alert.title)) }
                p.quiet { (shown(&alert.detail)) }
            }
            td { (shown(&alert.service)) }
            td { (since(view, &alert.detected_at)) }
        }
    }
}

fn since(view: &View<'_>, text: &str) -> Markup {
    match time_of(text) {
        Some(at) => html! { (moment(at)) " " small { "(" (ago(view.now, at)) ")" } },
        None => html! { (shown(text)) },
    }
}
