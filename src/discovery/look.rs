//! The way from what was asked to the file and what is said of it.

use std::collections::BTreeSet;
use std::time::Instant;

use super::case::{Case, candidates, pattern};
use super::fit::{Fit, recognised};
use super::inventory::Inventory;
use super::page::{Looker, Search};
use super::report::{self, Where};
use super::server::{Asker, Jobs};
use super::text::promql_quoted;
use crate::config::{Endpoint, Source, SourceSpec};
use crate::presets::{PRESETS, Preset};
use crate::prometheus::http::Log;

/// What is asked for.
pub(crate) struct Asked {
    /// The URLs, and how they are reached.
    pub(crate) spec: SourceSpec,
    /// The preset that is forced.
    pub(crate) preset: Option<&'static Preset>,
    /// The job that is chosen, or the label `job` of what is scraped.
    pub(crate) job: Option<String>,
    /// Variables that are given.
    pub(crate) vars: Vec<(String, String)>,
    /// Options of the next command that say how the URL is reached.
    pub(crate) options: Vec<String>,
}

/// Why nothing is written.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The user has to choose, or to say something else.
    Usage(String),
    /// Nobody answers, or nothing that can be understood.
    NoVerdict(String),
}

impl Trouble {
    pub(super) fn interrupted() -> Self {
        Self::NoVerdict("interrupted; nothing was written".to_owned())
    }
}

/// The file, and what is said of it.
pub(crate) struct Discovered {
    pub(crate) file: String,
    pub(crate) words: String,
}

/// Looks at what is there.
///
/// # Errors
/// Why nothing is to be written.
pub(crate) fn look(asked: &Asked, started: Instant, log: Log<'_>) -> Result<Discovered, Trouble> {
    match &asked.spec.source {
        Source::Server(endpoint) => of_server(asked, endpoint, started, log),
        _ => of_service(asked, started, log),
    }
}

fn of_service(asked: &Asked, started: Instant, log: Log<'_>) -> Result<Discovered, Trouble> {
    let page = match &asked.spec.source {
        Source::Scrape(scrape) => scrape.pages.first(),
        _ => None,
    };
    let probe = asked.spec.outside.as_ref().and_then(|outside| outside.probes.first());
    let Some(place) = page.or(probe) else {
        return Err(Trouble::Usage("there is no URL to look at".to_owned()));
    };
    let job = asked.job.clone().unwrap_or_else(|| "auditor".to_owned());
    let target = [("instance", place.instance.as_str()), ("job", job.as_str())];
    let looker = Looker {
        endpoint: &place.endpoint,
        target: target.into_iter().collect(),
        started,
        timeout: asked.spec.timeout,
        log,
    };
    let search = if page.is_some() { looker.page()? } else { looker.beside_probe()? };
    let Search { found, tried, denied } = search;
    let given = place.endpoint.target.printable_page("").to_string();
    let probe = probe.map(|probe| probe.endpoint.target.printable_page("").to_string());
    if let Some(place) = denied.filter(|_| found.is_none() && page.is_some()) {
        let words = format!(
            "{place}; give credentials for it, as by --http-config, or name another page\n{}",
            report::tried(&tried)
        );
        return Err(Trouble::NoVerdict(words));
    }
    if found.is_none() && page.is_some() {
        // That page is none, so that the probe would ask in vain there.
        let mut root = place.endpoint.target.printable_page("");
        root.set_path("/");
        root.set_query(None);
        let words = format!(
            "no page of metrics at {given}, nor elsewhere:\n{}\
             if it has none: auditor --init --probe {}, with a route that is answered at once",
            report::tried(&tried),
            root
        );
        return Err(Trouble::NoVerdict(words));
    }
    let (place, inventory) = match found {
        Some(found) => (Where::Page(found.target.printable_page("").to_string()), found.inventory),
        None => (Where::Nowhere, Inventory::default()),
    };
    let candidates = candidates(&inventory);
    let fits = fits(&inventory, &asked.vars)?;
    let target = None;
    let case = Case { place, inventory, candidates, fits, target, probe, given, tried };
    case.write(asked)
}

fn of_server(
    asked: &Asked,
    endpoint: &Endpoint,
    started: Instant,
    log: Log<'_>,
) -> Result<Discovered, Trouble> {
    let selector = asked.vars.iter().rev().find(|(name, _)| name == "selector");
    let of_job = asked.job.as_ref().map(|job| format!("job={}", promql_quoted(job)));
    let matchers: Vec<String> = selector.map(|it| it.1.clone()).into_iter().chain(of_job).collect();
    let (at, timeout) = (asked.spec.instant(), asked.spec.timeout);
    let selector = matchers.join(",");
    let asker = Asker { endpoint, at, started, timeout, log, selector };
    asker.reach()?;
    let jobs = asker.jobs()?;
    let given = endpoint.target.printable_page("").to_string();
    let given = given.trim_end_matches('/').to_owned();
    let fitting = fitting(&jobs, asked)?;
    let (job, fits) = match fitting.as_slice() {
        [] if jobs.values().all(|it| it.size().0 == 0) => {
            return Err(nothing_now(&asker, asked, &given)?);
        }
        [] => (None, nearest_fits(&jobs, asked)?),
        [(job, _)] => {
            let fits = fits(&jobs[job], &asked.vars)?;
            (Some(job.clone()), fits)
        }
        several => return Err(choose(several, &given)),
    };
    let inventory = match &job {
        Some(job) => {
            jobs.into_iter().find(|(name, _)| name == job).map(|it| it.1).unwrap_or_default()
        }
        None => Inventory::default(),
    };
    let candidates =
        if job.is_none() { candidates(&asker.names_like(&pattern())?) } else { Vec::new() };
    let probe = asked.spec.outside.as_ref().and_then(|outside| outside.probes.first());
    let probe = probe.map(|probe| probe.endpoint.target.printable_page("").to_string());
    let place = Where::Server { url: given.clone(), job };
    let target = Some(given.clone());
    let tried = Vec::new();
    Case { place, inventory, candidates, fits, target, probe, given, tried }.write(asked)
}

/// The jobs that fit, each with what is said of it.
fn fitting(jobs: &Jobs, asked: &Asked) -> Result<Vec<(String, String)>, Trouble> {
    let mut fitting = Vec::new();
    for (job, inventory) in jobs {
        let all = fits(inventory, &asked.vars)?;
        let words = match asked.preset {
            Some(preset) => {
                let fit = all.iter().find(|fit| fit.preset.name == preset.name);
                fit.filter(|fit| fit.own_signals() > 0).map(report::in_short)
            }
            None => recognised(all).0.first().map(report::in_short),
        };
        fitting.extend(words.map(|words| (job.clone(), words)));
    }
    Ok(fitting)
}

/// What is there of the presets in the job that comes nearest to one.
fn nearest_fits(jobs: &Jobs, asked: &Asked) -> Result<Vec<Fit>, Trouble> {
    let all = jobs.values().map(|inventory| fits(inventory, &asked.vars));
    let all = all.collect::<Result<Vec<_>, _>>()?;
    let most = |fits: &Vec<Fit>| fits.iter().map(|fit| (fit.marks.len(), fit.own_signals())).max();
    Ok(all.into_iter().max_by_key(most).unwrap_or_default())
}

fn choose(several: &[(String, String)], given: &str) -> Trouble {
    let rows = several
        .iter()
        .map(|(job, words)| format!("  --job {}   {words}\n", report::shown_word(job)));
    let rows: String = rows.collect();
    Trouble::Usage(format!(
        "several jobs at {given} fit; choose one, and nothing is written until then:\n{}",
        rows.trim_end()
    ))
}

/// What is said where a server has nothing of the last 5 minutes that a preset knows.
fn nothing_now(asker: &Asker<'_>, asked: &Asked, given: &str) -> Result<Trouble, Trouble> {
    let of_job = asked.job.as_ref().map(|job| format!(" of job {}", report::shown_word(job)));
    let of_job = of_job.unwrap_or_default();
    let jobs = asker.jobs_of_the_hour()?;
    let mut words =
        format!("{given} has nothing{of_job} of the last 5 minutes that a preset asks for");
    if !jobs.is_empty() {
        let jobs: Vec<_> = jobs.iter().map(|job| report::shown_word(job)).collect();
        words += &format!(
            "; within the last hour there was, of job {}: does the service run, and is it scraped?",
            jobs.join(", ")
        );
    } else if of_job.is_empty() {
        words += ", nor of the last hour: is the service scraped by this server?";
    } else {
        let all =
            Asker { endpoint: asker.endpoint, log: asker.log, selector: String::new(), ..*asker };
        let names: BTreeSet<String> =
            all.jobs()?.into_keys().map(|job| report::shown_word(&job)).collect();
        let names: Vec<_> = names.into_iter().collect();
        words += &format!("; of these jobs there is something: {}", names.join(", "));
    }
    Ok(Trouble::Usage(words + "; nothing was written"))
}

pub(super) fn fits(inventory: &Inventory, vars: &[(String, String)]) -> Result<Vec<Fit>, Trouble> {
    let fits = PRESETS.iter().map(|preset| Fit::new(preset, inventory, vars));
    fits.collect::<Result<_, _>>().map_err(|error| Trouble::Usage(error.to_string()))
}
