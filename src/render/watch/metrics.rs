//! What a watcher knows, in the Prometheus text format: the newest audit of every service, and how the
//! watcher itself is.

use std::io::{self, Write};

use super::MetricKind;
use crate::engine::Verdict;
use crate::exit::Exit;
use crate::model::check::Severity;
use crate::model::level::{Gate, Level, Status};
use crate::render::prometheus::{Audit, Page, audits, one_or_zero, seconds};
use crate::watch::{Category, ServiceView, Standing, View};

/// What the page is, for those who ask for it over HTTP.
pub const METRICS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A metric that someone else counts, such as the requests of the HTTP server.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric<'a> {
    /// Its name.
    pub name: &'static str,
    /// What it is, on one line.
    pub help: &'static str,
    /// Whether it only grows.
    pub kind: MetricKind,
    /// Its samples: their labels, and the value; NaN where it is not known.
    pub samples: Vec<(Vec<(&'static str, &'a str)>, f64)>,
}

/// The page: what is known of each service, of the watcher, and what others count.
///
/// Of a service that was not audited the last time, or not for long, the verdict is `error` and every
/// number `NaN`: what an earlier audit saw is not how the service is.
///
/// # Errors
/// If it cannot be written.
pub fn metrics(view: &View<'_>, further: &[Metric<'_>], out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page(out);
    let all: Vec<_> = view.services.iter().map(|service| audit(view, service)).collect();
    audits(&all, &mut page)?;
    services(view, &mut page)?;
    alerts(view, &mut page)?;
    watcher(view, &mut page)?;
    for metric in further {
        page.family_of(metric.kind, metric.name, metric.help)?;
        for (labels, value) in &metric.samples {
            page.sample(metric.name, labels, *value)?;
        }
    }
    Ok(())
}

fn audit<'a>(view: &View<'_>, service: &ServiceView<'a>) -> Audit<'a> {
    let newest = view.standing(service).audited();
    let verdict = newest.map_or(Verdict::Error, |it| it.verdict);
    // A service that is watched has a gate.
    let exit = Exit::of(verdict, Gate::at(Level::Critical)).code();
    let report = service.latest;
    let evaluated_at = report.and_then(|it| it.evaluated_at.parse().ok());
    Audit {
        service: Some(service.name),
        verdict,
        status: newest.map_or(Status::Inconclusive, |it| it.status),
        score: newest.and_then(|it| it.score),
        score_is_lower_bound: newest.is_none_or(|it| it.score_is_lower_bound),
        exit_code: newest.and(report).map_or(exit, |it| it.exit_code),
        evaluated_at: evaluated_at.or_else(|| service.newest().map(|it| it.at)),
        report,
        is_of_now: newest.is_some(),
        proven: newest.iter().flat_map(|it| it.modes.iter()).map(|mode| &**mode).collect(),
    }
}

/// What the watcher knows of each service beside its newest audit.
fn services(view: &View<'_>, page: &mut Page<'_>) -> io::Result<()> {
    use MetricKind::{Counter, Gauge};
    type Value = fn(&View<'_>, &ServiceView<'_>) -> f64;
    let families: [(&str, &str, MetricKind, Value); 7] = [
        (
            "auditor_service_audited",
            "Whether the verdict is of now, rather than not known or of long ago: 1 or 0.",
            Gauge,
            |view, it| one_or_zero(view.standing(it).audited().is_some()),
        ),
        (
            "auditor_verdict_since_timestamp_seconds",
            "Since when the verdict is what it is.",
            Gauge,
            |view, it| since(view, it).unwrap_or(f64::NAN),
        ),
        ("auditor_audits_total", "Audits since the start of the watcher.", Counter, |_, it| {
            it.audits.0 as f64
        }),
        ("auditor_audit_duration_seconds_total", "How long they took in all.", Counter, |_, it| {
            it.audits.1.as_secs_f64()
        }),
        ("auditor_history_reports", "Reports in the history.", Gauge, |_, it| {
            it.entries.len() as f64
        }),
        (
            "auditor_history_damaged_files",
            "Files of the history that could not be read.",
            Gauge,
            |_, it| it.damaged as f64,
        ),
        (
            "auditor_history_not_kept_total",
            "Reports that could not be written to the history since the start of the watcher.",
            Counter,
            |_, it| it.not_kept as f64,
        ),
    ];
    for (name, help, kind, value) in families {
        page.family_of(kind, name, help)?;
        for service in &view.services {
            page.sample(name, &[("service", service.name)], value(view, service))?;
        }
    }
    Ok(())
}

fn since(view: &View<'_>, service: &ServiceView<'_>) -> Option<f64> {
    match view.standing(service) {
        Standing::NotAudited(_, since) => Some(seconds(since)),
        Standing::NoAudit => None,
        Standing::Late(newest) => Some(seconds(newest.at)),
        Standing::Audited(_) => service.since().map(seconds),
    }
}

/// How many alerts there are of each kind. That there is none is known where the service was seen.
fn alerts(view: &View<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let name = "auditor_alerts";
    page.family(name, "Alerts that stand; NaN where the service was not audited.")?;
    for service in &view.services {
        let is_seen = view.standing(service).audited().is_some();
        for (severity_name, severity) in Severity::ALL {
            for (category_name, category) in Category::ALL {
                let of = view.alerts.iter().filter(|it| it.service == service.name);
                let of = of.filter(|it| it.severity == severity && it.category == category);
                let value = match of.count() {
                    0 if !is_seen => f64::NAN,
                    count => count as f64,
                };
                let labels = [
                    ("service", service.name),
                    ("severity", severity_name),
                    ("category", category_name),
                ];
                page.sample(name, &labels, value)?;
            }
        }
    }
    Ok(())
}

fn watcher(view: &View<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let name = "auditor_last_check_timestamp_seconds";
    let last = view.last_check.map_or(f64::NAN, seconds);
    page.single(name, "When the last round of audits ended; NaN before the first.", last)?;
    let is_under_way = one_or_zero(view.is_under_way);
    page.single("auditor_round_under_way", "Whether one is under way: 1 or 0.", is_under_way)?;
    let every = view.every.as_secs_f64();
    page.single("auditor_every_seconds", "From the start of a round to the next.", every)?;
    let name = "auditor_start_time_seconds";
    page.single(name, "When the watcher was started.", seconds(view.started_at))?;
    let name = "auditor_build_info";
    page.family(name, "1 with the version of auditor.")?;
    page.sample(name, &[("version", env!("AUDITOR_VERSION"))], 1.0)
}
