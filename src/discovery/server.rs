//! Asks a server which metrics of the known libraries it has, and of which jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::fit::{marks_of, parse};
use super::inventory::Inventory;
use super::look::Trouble;
use super::text::promql_quoted;
use crate::collect::Failure;
use crate::config::Endpoint;
use crate::model::question::Values;
use crate::model::reading::{Incomplete, Labels};
use crate::one_line::one_line;
use crate::presets::PRESETS;
use crate::prometheus::http::Log;
use crate::prometheus::{self, Server, escaped_length};
use crate::storage::METRIC_NAME;

/// The longest list of names in one question, in bytes of a URL.
const LONGEST: usize = 4000;

/// What a server has of each job.
pub(super) type Jobs = BTreeMap<String, Inventory>;

/// A server that is asked.
pub(super) struct Asker<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) at: Timestamp,
    pub(super) started: Instant,
    pub(super) timeout: Duration,
    pub(super) log: Log<'a>,
    /// Label matchers for every question; empty for none.
    pub(super) selector: String,
}

impl Asker<'_> {
    /// Whether the server answers at all.
    ///
    /// # Errors
    /// Why it is not fit to be asked.
    pub(super) fn reach(&self) -> Result<(), Trouble> {
        let reached = prometheus::reach(self.endpoint, self.at, self.timeout, self.log);
        reached.map(drop).map_err(|problem| {
            let target = self.endpoint.target.to_string();
            let words = Failure::Server { target, problem }.to_string();
            Trouble::NoVerdict(self.endpoint.http.redact(&words))
        })
    }

    /// What there is now of all that the presets ask for, that is within the last 5 minutes.
    ///
    /// # Errors
    /// A question that cannot be answered.
    pub(super) fn jobs(&self) -> Result<Jobs, Trouble> {
        let mut found: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
        for names in batches(&known_names()) {
            let selected = self.selected(&names.join("|"));
            for labels in self.ask(&format!("count by (__name__, job, le) ({selected})"))? {
                let name_and_bound = (labels.metric_name().to_owned(), labels.get("le").to_owned());
                found.entry(labels.get("job").to_owned()).or_default().insert(name_and_bound);
            }
        }
        let inventory = |names: &BTreeSet<(String, String)>| {
            Inventory::of_names(names.iter().map(|(name, bound)| (name.as_str(), bound.as_str())))
        };
        Ok(found.iter().map(|(job, names)| (job.clone(), inventory(names))).collect())
    }

    /// Of which jobs there were marks of the libraries within the last hour.
    ///
    /// # Errors
    /// A question that cannot be answered.
    pub(super) fn jobs_of_the_hour(&self) -> Result<BTreeSet<String>, Trouble> {
        let marks = PRESETS.iter().flat_map(marks_of).flatten().map(str::to_owned);
        let marks: Vec<_> = marks.collect::<BTreeSet<_>>().into_iter().collect();
        let mut jobs = BTreeSet::new();
        for names in batches(&marks) {
            let selected = self.selected(&names.join("|"));
            let found = self.ask(&format!("count by (job) (last_over_time({selected}[1h]))"))?;
            jobs.extend(found.iter().map(|labels| labels.get("job").to_owned()));
        }
        Ok(jobs)
    }

    /// Metrics whose names fit that pattern.
    ///
    /// # Errors
    /// The question cannot be answered.
    pub(super) fn names_like(&self, pattern: &str) -> Result<Inventory, Trouble> {
        let found = self.ask(&format!("count by (__name__) ({})", self.selected(pattern)))?;
        Ok(Inventory::of_names(found.iter().map(|labels| (labels.metric_name(), ""))))
    }

    fn selected(&self, pattern: &str) -> String {
        let comma = if self.selector.is_empty() { "" } else { "," };
        format!("{{{METRIC_NAME}=~{}{comma}{}}}", promql_quoted(pattern), self.selector)
    }

    fn ask(&self, expr: &str) -> Result<Vec<Labels>, Trouble> {
        let within = (self.started, self.timeout);
        let server = Server::new(self.endpoint, self.at, false, within, self.log).interruptible();
        let answer = server.answer(expr, None).map_err(|failed| {
            if crate::interrupt::received().is_some() {
                return Trouble::interrupted();
            }
            let target = &self.endpoint.target;
            Trouble::NoVerdict(format!("{target}: {}", one_line(&failed.to_string())))
        })?;
        if let Some(incomplete) = answer.incomplete {
            // What is not there may be where it could not be looked.
            let (Incomplete::BackendSays(why) | Incomplete::Unanswered(why)) = incomplete;
            let why = self.endpoint.http.redact(&one_line(&why));
            return Err(Trouble::NoVerdict(format!("{}: {why}", self.endpoint.target)));
        }
        match answer.values {
            Values::Vector(samples) => {
                Ok(samples.into_iter().map(|sample| sample.labels).collect())
            }
            Values::Matrix(_) => Ok(Vec::new()),
        }
    }
}

/// Every metric that some preset asks for, and its other units.
fn known_names() -> Vec<String> {
    let mut names = BTreeSet::new();
    for preset in PRESETS {
        names.extend(marks_of(preset).into_iter().flatten().map(str::to_owned));
        let Ok(plan) = parse(preset.text, &[]) else { continue };
        for question in plan.questions(None) {
            let Ok(query) = question.expr.parsed() else { continue };
            for selector in query.selectors() {
                let name = selector.metric().or_else(|| name_pattern(&selector.text));
                names.extend(name.map(str::to_owned));
            }
        }
    }
    names.retain(|name| !name.starts_with("auditor_"));
    let other_units = names.iter().filter(|name| name.contains("_seconds"));
    let other_units =
        other_units.map(|name| name.replacen("_seconds", "_(milliseconds|ms|microseconds|us)", 1));
    let other_units: Vec<_> = other_units.collect();
    names.into_iter().chain(other_units).collect()
}

/// The pattern of a selector without a fixed name, as it is written.
fn name_pattern(selector: &str) -> Option<&str> {
    let (_, pattern) = selector.split_once("__name__=~\"")?;
    pattern.split('"').next()
}

fn batches(names: &[String]) -> Vec<Vec<String>> {
    let mut batches: Vec<Vec<String>> = Vec::new();
    let mut length = LONGEST;
    for name in names {
        length += escaped_length(name) + 3;
        if length > LONGEST {
            batches.push(Vec::new());
            length = escaped_length(name);
        }
        if let Some(last) = batches.last_mut() {
            last.push(name.clone());
        }
    }
    batches
}
