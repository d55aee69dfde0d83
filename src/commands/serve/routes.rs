//! What is answered to which request.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::raw;
use super::state::Outcome;
use super::watcher::Watcher;
use crate::render::watch::{METRICS_CONTENT_TYPE, PAGE_CONTENT_TYPE};
use crate::render::{self, ReportFormat};
use crate::report::Report;
use crate::serve::{Answer, Counters, Request};
use crate::watch::{BadQuery, Entry, Filter, alerts, answers, failures, query, raw as envelope};

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// What there is, for those who ask for something else.
const ROUTES: [&str; 8] = [
    "/",
    "/check",
    "/api/alerts",
    "/api/failure-report/{service}",
    "/report/{service}",
    "/metrics",
    "/metrics.json",
    "/-/healthy",
];

/// Answers requests by what the watcher knows.
pub(super) struct Routes {
    pub(super) watcher: Arc<Watcher>,
    pub(super) counters: Arc<Counters>,
    /// Whether there are raw numbers at `/metrics.json`.
    pub(super) has_raw: bool,
}

/// Why there is no answer of the kind that was asked for.
enum Refusal {
    Bad(BadQuery),
    NotFound(BadQuery),
    Failed(String),
    Over,
}

impl Routes {
    /// The answer to a request.
    pub(super) fn answer(&self, request: &Request) -> Answer {
        self.of(request).unwrap_or_else(|refusal| match refusal {
            Refusal::Bad(bad) => json(400, &bad),
            Refusal::NotFound(bad) => json(404, &bad),
            Refusal::Failed(why) => Answer::error(500, &why),
            Refusal::Over => Answer::error(503, "the watcher is about to end"),
        })
    }

    fn of(&self, request: &Request) -> Result<Answer, Refusal> {
        let no_such =
            || Refusal::NotFound(BadQuery::new("there is no such path".to_owned(), ROUTES));
        let segments = request.segments().ok_or_else(no_such)?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match *segments.as_slice() {
            [] => self.page(request),
            ["check"] => self.check(request),
            ["api", "alerts"] => self.alerts(request),
            ["api", "failure-report", service] => self.failure_report(service, request),
            ["report", service] => self.report(service, request),
            ["metrics"] => self.metrics(request),
            ["metrics.json"] => self.raw(request),
            ["-", "healthy"] => self.healthy(request),
            _ => Err(no_such()),
        }
    }

    fn page(&self, request: &Request) -> Result<Answer, Refusal> {
        query::none(&request.query).map_err(Refusal::Bad)?;
        let snapshot = self.watcher.snapshot();
        written(PAGE_CONTENT_TYPE, |out| render::watch::page(&snapshot.view(), out))
    }

    fn check(&self, request: &Request) -> Result<Answer, Refusal> {
        query::none(&request.query).map_err(Refusal::Bad)?;
        let outcome = self.watcher.check().ok_or(Refusal::Over)?;
        let Outcome { checked_at, alerts, error: failed } = &*outcome;
        if let Some(why) = failed {
            return Ok(Answer::error(500, why));
        }
        let snapshot = self.watcher.snapshot();
        let hours = query::hours(&[]).map_err(Refusal::Bad)?;
        let report = |service: &str| {
            let entries = &snapshot.of(service)?.entries;
            Some((service.to_owned(), failures::report(service, entries, hours, snapshot.now)))
        };
        let reports: BTreeMap<_, _> =
            answers::stuck(alerts).into_iter().filter_map(report).collect();
        Ok(json(200, &answers::summary(&checked_at.to_string(), alerts, reports)))
    }

    fn alerts(&self, request: &Request) -> Result<Answer, Refusal> {
        let snapshot = self.watcher.snapshot();
        let reports = snapshot.kept.iter().filter_map(|it| it.latest.as_deref());
        let domains = alerts::domains(reports);
        let names = self.watcher.names();
        let filter = Filter::parse(&request.query, &names, &domains).map_err(Refusal::Bad)?;
        let last_check = snapshot.last_check.map(|at| at.to_string());
        Ok(json(200, &answers::listing(&snapshot.alerts, &filter, last_check.as_deref())))
    }

    fn failure_report(&self, service: &str, request: &Request) -> Result<Answer, Refusal> {
        let hours = query::hours(&request.query).map_err(Refusal::Bad)?;
        let snapshot = self.watcher.snapshot();
        let kept = snapshot.of(service).ok_or_else(|| self.no_such(service))?;
        let mut report = failures::report(service, &kept.entries, hours, snapshot.now);
        if snapshot.is_unseen(service) {
            report.is_unseen();
        }
        Ok(json(200, &report))
    }

    /// A report that is kept: as HTML, or as it was written.
    fn report(&self, service: &str, request: &Request) -> Result<Answer, Refusal> {
        const FORMATS: [&str; 2] = ["html", "json"];
        let [at, format] = query::values(&request.query, ["at", "format"]).map_err(Refusal::Bad)?;
        let format = format.unwrap_or("html");
        if !FORMATS.contains(&format) {
            return Err(Refusal::Bad(BadQuery::unknown("format", format, FORMATS)));
        }
        let snapshot = self.watcher.snapshot();
        let kept = snapshot.of(service).ok_or_else(|| self.no_such(service))?;
        let at = match at.unwrap_or("newest") {
            "newest" => kept.entries.last().map(|it| it.at),
            "failing" => kept.entries.iter().rev().find(|it| it.has_failed()).map(|it| it.at),
            text => Some(text.parse::<Timestamp>().map_err(|_| {
                let valid = ["newest", "failing", "an instant as 2026-01-31T12:00:00Z"];
                Refusal::Bad(BadQuery::unknown("report", text, valid))
            })?),
        };
        let none = || Refusal::NotFound(BadQuery::new("there is no such report".to_owned(), []));
        let report =
            self.read(service, at.ok_or_else(none)?, kept.latest.as_deref(), &kept.entries)?;
        match format {
            "json" => written(JSON, |out| ReportFormat::JSON.render(&report, out)),
            _ => written(PAGE_CONTENT_TYPE, |out| ReportFormat::HTML.render(&report, out)),
        }
    }

    fn read(
        &self,
        service: &str,
        at: Timestamp,
        latest: Option<&Report>,
        entries: &[Entry],
    ) -> Result<Report, Refusal> {
        if !entries.iter().any(|it| it.at == at) {
            let near = entries.iter().rev().take(5).map(|it| it.at.to_string()).collect::<Vec<_>>();
            let near: Vec<_> = near.iter().map(String::as_str).collect();
            return Err(Refusal::NotFound(BadQuery::new(
                "there is no report of that instant".to_owned(),
                near,
            )));
        }
        // The newest may not have been written.
        if let Some(latest) = latest.filter(|_| entries.last().is_some_and(|it| it.at == at)) {
            return Ok(latest.clone());
        }
        let history = self.watcher.history(service).ok_or(Refusal::Over)?;
        history.read(at).map_err(|error| Refusal::Failed(error.to_string()))
    }

    fn metrics(&self, request: &Request) -> Result<Answer, Refusal> {
        query::none(&request.query).map_err(Refusal::Bad)?;
        let snapshot = self.watcher.snapshot();
        let further = super::own::metrics(&self.counters);
        written(METRICS_CONTENT_TYPE, |out| render::watch::metrics(&snapshot.view(), &further, out))
    }

    fn raw(&self, request: &Request) -> Result<Answer, Refusal> {
        query::none(&request.query).map_err(Refusal::Bad)?;
        if !self.has_raw {
            return Ok(json(200, &envelope::Disabled::new()));
        }
        Ok(json(200, &raw::envelope(&self.watcher.snapshot())))
    }

    /// Whether rounds come as they should.
    fn healthy(&self, request: &Request) -> Result<Answer, Refusal> {
        query::none(&request.query).map_err(Refusal::Bad)?;
        if self.watcher.is_over() {
            return Err(Refusal::Over);
        }
        let snapshot = self.watcher.snapshot();
        if snapshot.is_overdue() {
            return Ok(Answer::error(503, "the round that is under way does not end"));
        }
        Ok(answer(200, TEXT, b"rounds are carried out\n".to_vec()))
    }

    fn no_such(&self, service: &str) -> Refusal {
        Refusal::NotFound(BadQuery::unknown("service", service, self.watcher.names()))
    }
}

fn json(status: u16, value: &impl Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(body) => answer(status, JSON, body),
        // An empty answer would look calm.
        Err(why) => Answer::error(500, &why.to_string()),
    }
}

fn answer(status: u16, content_type: &'static str, body: Vec<u8>) -> Answer {
    Answer { status, content_type, headers: Vec::new(), body }
}

/// What is written, if it can be.
fn written(
    content_type: &'static str,
    write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
) -> Result<Answer, Refusal> {
    let mut body = Vec::new();
    write(&mut body).map_err(|why| Refusal::Failed(why.to_string()))?;
    Ok(answer(200, content_type, body))
}
