//! Where the telemetry is: the sections `target` and `http`, the environment, the command line.

use std::path::Path;

use super::{Entry, find, http};
use crate::config::http::HttpConfig;
use crate::config::problems::Problems;
use crate::config::yaml::{Node, Origin, Value};
use crate::config::{
    DEFAULT_TARGET, Endpoint, Environment, Outside, OutsideRequest, Request, Scrape, ScrapedPage,
    Shows, Source, SourceRequest, SourceSpec, Start, Target,
};
use crate::model::blame::JOB as PROBE_JOB;

/// The option that names what is asked again and again.
const PROBE: &str = "--probe";

/// What the environment and the command line say of the server, as a layer.
pub(super) fn outside_layer(request: &Request, problems: &mut Problems) -> Node {
    const NAME: &str = "AUDITOR_TARGET";
    let nothing = Node { origin: Origin::Environment(NAME), value: Value::Null };
    let SourceRequest::Server(given) = &request.source else { return nothing };
    let (origin, target) = match (given, &request.environment.target) {
        (Some(text), _) => (Origin::CommandLine("--target"), text.as_str()),
        (None, from_environment) => match http::variable(NAME, from_environment.as_ref()) {
            Ok(Some(text)) => (Origin::Environment(NAME), text),
            Ok(None) => return nothing,
            Err(message) => {
                problems.outside(message);
                return nothing;
            }
        },
    };
    let node = |value| Node { origin: origin.clone(), value };
    let text = |text: &str| node(Value::Text(text.to_owned()));
    node(Value::Map(vec![(text("target"), text(target))]))
}

/// `None` where there is no such source; a problem says why.
///
/// `own_http` stands in for the section `http`, which is checked all the same; `is_of_logs` says that
/// nothing is asked of any source.
pub(super) fn read_source(
    path: &Path,
    (sections, is_of_logs): (&[Entry<'_>], bool),
    own_http: Option<HttpConfig>,
    request: &Request,
    problems: &mut Problems,
) -> Option<SourceSpec> {
    let [target, http] = ["target", "http"].map(|name| find(sections, name).map(|(_, node)| node));
    let is_server = matches!(request.source, SourceRequest::Server(_));
    let is_default = target.is_none() && is_server && !is_of_logs;
    let target = read_target(target, problems);
    let is_used = is_server && own_http.is_none();
    let section_http = http.map(|node| http::read_section(node, path, is_used, request, problems));
    let http = own_http.iter().chain(&section_http);
    let files = http.flat_map(|http| http.files.iter().cloned()).collect();
    let page_http = own_http.clone().unwrap_or_default();
    let source = match &request.source {
        _ if is_of_logs => Source::Logs,
        SourceRequest::Server(_) => {
            let mut http = own_http.or(section_http).unwrap_or_default();
            let environment = &request.environment;
            http::add_outside(&mut http, target.as_ref(), environment, request, problems);
            Source::Server(Box::new(Endpoint { target: target?, http }))
        }
        SourceRequest::Scrape { urls, documents, job, every, length } => {
            if job == PROBE_JOB {
                problems.outside(format!("--job {job}: that is what --probe calls its own series"));
                return None;
            }
            let mut scraped: Vec<ScrapedPage> = Vec::new();
            for (shows, urls) in [(Shows::Metrics, urls), (Shows::Json, documents)] {
                let named = (shows.option(), urls.as_slice(), job.as_str());
                let more = pages(named, page_http.clone(), &scraped, request, problems)?;
                scraped.extend(more.into_iter().map(|page| ScrapedPage { shows, ..page }));
            }
            let pages = scraped;
            Source::Scrape(Scrape { pages, every: *every, length: *length })
        }
        SourceRequest::Recording(path) => Source::Recording(path.clone()),
    };
    let outside = match &request.outside {
        Some(asked) if !asked.probes.is_empty() && !is_of_logs => {
            let is_server = matches!(source, Source::Server(_));
            // What was meant for a server is not sent to a service.
            let http = if is_server { HttpConfig::default() } else { page_http };
            let scraped = match &source {
                Source::Scrape(scrape) => scrape.pages.as_slice(),
                _ => &[],
            };
            Some(read_outside(asked, http, scraped, request, problems)?)
        }
        _ => None,
    };
    let start = request.outside.as_ref().and_then(|asked| {
        let command = asked.start.clone()?;
        let directory = request.directory.clone();
        Some(Start { command, directory, timeout: asked.start_timeout })
    });
    let (command, timeout) = (request.command.clone(), request.timeout);
    let (settle, logs) = (request.settle, request.logs.clone());
    let (at, now) = (request.at, request.now);
    let (time_limit, directory) = (request.time_limit, request.directory.clone());
    Some(SourceSpec {
        source,
        is_default,
        outside,
        start,
        command,
        time_limit,
        directory,
        at,
        now,
        timeout,
        settle,
        logs,
        files,
    })
}

fn read_target(node: Option<&Node>, problems: &mut Problems) -> Option<Target> {
    match node.map(|node| (node, &node.value)) {
        None => Target::parse(DEFAULT_TARGET).ok(),
        Some((node, Value::Text(text))) => {
            Target::parse(text).map_err(|message| problems.at(node, message)).ok()
        }
        Some((node, other)) => {
            problems.at(node, format!("`target` must be a URL, found {}", other.kind()));
            None
        }
    }
}

/// How the service is looked at from outside, beside the pages that are scraped.
fn read_outside(
    asked: &OutsideRequest,
    http: HttpConfig,
    scraped: &[ScrapedPage],
    request: &Request,
    problems: &mut Problems,
) -> Option<Outside> {
    // Headers for a server are no business of the service.
    let is_server = matches!(request.source, SourceRequest::Server(_));
    let headers = if is_server { Vec::new() } else { request.headers.clone() };
    let request = &Request { headers, ..request.clone() };
    let probes = pages((PROBE, &asked.probes, PROBE_JOB), http, scraped, request, problems)?;
    Some(Outside {
        probes,
        probe_every: asked.probe_every,
        every: asked.every,
        length: asked.length,
        pids: asked.pids.clone(),
        pool_threads: asked.pool_threads,
        blame: asked.blame,
        blame_after: asked.blame_after,
    })
}

/// The pages of a service. What the file and the environment say of credentials is the
/// server's, and not sent to a service.
fn pages(
    (option, urls, job): (&str, &[String], &str),
    http: HttpConfig,
    before: &[ScrapedPage],
    request: &Request,
    problems: &mut Problems,
) -> Option<Vec<ScrapedPage>> {
    let mut pages: Vec<ScrapedPage> = Vec::new();
    for url in urls {
        // Only pages of metrics have a usual place.
        let is_metrics = option == Shows::Metrics.option();
        let parsed = if is_metrics { Target::parse_page(url) } else { Target::parse_probe(url) };
        let target =
            parsed.map_err(|message| problems.outside(format!("{option}: {message}"))).ok()?;
        let mut http = http.clone();
        let environment = Environment::default();
        http::add_outside(&mut http, Some(&target), &environment, request, problems);
        let taken: Vec<_> = before.iter().chain(&pages).collect();
        let instance = instance(&target, &taken);
        if pages.iter().any(|page| page.endpoint.target.is_same_page(&target)) {
            problems.outside(format!("{option}: {target} is given twice"));
            return None;
        }
        let endpoint = Endpoint { target, http };
        pages.push(ScrapedPage { shows: Shows::Metrics, endpoint, job: job.to_owned(), instance });
    }
    Some(pages)
}

/// The label `instance` of a page, which no page before it has. Pages of one address are told apart
/// by their paths, and by their numbers where it is a secret that differs.
fn instance(target: &Target, before: &[&ScrapedPage]) -> String {
    let is_free = |name: &String| before.iter().all(|page| page.instance != *name);
    let has_twin = before.iter().any(|it| it.endpoint.target.authority() == target.authority());
    let place = if has_twin { target.place() } else { target.authority() };
    let numbered = (2..).map(|number| format!("{place} ({number})"));
    std::iter::once(place.clone()).chain(numbered).find(is_free).unwrap_or_default()
}
