//! The services that are watched, each with what its audits take.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::PathBuf;

use jiff::Timestamp;

use super::super::audit::{check_repeats, earlier};
use super::super::scenario::{self, Place};
use super::super::schedule::Scheduled;
use crate::cli::{Cli, NamedConfig, ServeArgs};
use crate::config::{
    ConfigError, Environment, GivenOption, Plan, Problem, ScenarioSpec, Source, SuiteFile,
};

/// Options that run, start or write something, and why a watcher has none of them.
const OF_RUNNING: [&str; 7] =
    ["start", "start_timeout", "time_limit", "settle", "abort_on_breach", "record", "state"];
/// Options that look at what does not change any more.
const OF_THE_PAST: [&str; 2] = ["recording", "at"];

/// A service that is audited again and again.
#[derive(Debug)]
pub(super) struct Service {
    /// Its place among the services.
    pub(super) index: usize,
    /// Its name, of no other service.
    pub(super) name: String,
    spec: ScenarioSpec,
    /// The file that lists it.
    file: PathBuf,
    profile: Option<String>,
    /// Whether its audits only read, and may do so beside others.
    only_reads: bool,
}

impl Scheduled for Service {
    fn only_reads(&self) -> bool {
        self.only_reads
    }
}

impl Service {
    /// The plan of its next audit. `None` where a signal came meanwhile.
    ///
    /// # Errors
    /// Everything that is wrong with its configuration.
    pub(super) fn prepare(&self, now: Timestamp) -> Result<Option<(Cli, Plan)>, ConfigError> {
        let place = Place { file: &self.file, logs: Vec::new() };
        let environment = Environment::of_process();
        scenario::prepare(&self.spec, self.profile.as_deref(), place, now, environment)
    }

    fn of_config(named: &NamedConfig, profile: Option<String>) -> Self {
        let value = Some(OsString::from(&named.path));
        let config = GivenOption { key: "config", name: "config", value, place: None };
        let spec = ScenarioSpec {
            id: named.name.clone(),
            name: named.name.clone(),
            place: None,
            options: vec![config],
            command: Vec::new(),
            logs: Vec::new(),
            metrics: Vec::new(),
        };
        Self::new(spec, PathBuf::new(), profile)
    }

    fn new(spec: ScenarioSpec, file: PathBuf, profile: Option<String>) -> Self {
        Self { index: 0, name: spec.id.clone(), spec, file, profile, only_reads: false }
    }
}

/// The services that the command line names, and the plan of the first audit of each. `None` where a
/// signal came meanwhile.
///
/// # Errors
/// Everything that is wrong with their configurations.
pub(super) fn services(
    args: &ServeArgs,
    now: Timestamp,
) -> anyhow::Result<Option<Vec<(Service, Plan)>>> {
    let profile = || args.profile.clone();
    let mut services: Vec<_> =
        args.configs.iter().map(|it| Service::of_config(it, profile())).collect();
    if let Some(path) = &args.services {
        let listed = SuiteFile::read(path)?.scenarios.into_iter();
        services.extend(listed.map(|spec| Service::new(spec, path.clone(), profile())));
    }
    let mut problems: Vec<Problem> = Vec::new();
    let mut names = HashSet::new();
    let mut ready = Vec::new();
    for mut service in services {
        // The directories of their histories differ by more than the case of letters.
        if !names.insert(service.name.to_lowercase()) {
            let name = &service.name;
            let message = format!("two services have the name `{name}`; give one another");
            problems.push(Problem { place: service.spec.place.clone(), message });
            continue;
        }
        problems.extend(refused(&service.spec));
        match service.prepare(now) {
            Ok(None) => return Ok(None),
            Ok(Some((cli, plan))) => {
                let wrong = of_plan(&cli, &plan).map(|why| service.spec.problem(None, &why));
                problems.extend(wrong);
                service.only_reads = plan.only_reads();
                service.index = ready.len();
                ready.push((service, plan));
            }
            Err(ConfigError::Invalid(found)) => {
                let new: Vec<_> = found.into_iter().filter(|it| !problems.contains(it)).collect();
                problems.extend(new);
            }
            Err(other) => problems.push(problem(&service.spec, &other.to_string())),
        }
    }
    if problems.is_empty() { Ok(Some(ready)) } else { Err(ConfigError::Invalid(problems).into()) }
}

/// What is wrong with a service, where it is listed.
fn problem(spec: &ScenarioSpec, message: &str) -> Problem {
    match spec.place {
        Some(_) => spec.problem(None, message),
        None => Problem { place: None, message: message.to_owned() },
    }
}

/// What a watcher does not do.
fn refused(spec: &ScenarioSpec) -> Option<Problem> {
    if !spec.command.is_empty() {
        let message = "`command`: a watcher runs no load; leave it to a suite";
        return Some(spec.problem(None, message));
    }
    if !spec.logs.is_empty() {
        let message =
            "`logs`: a watcher cannot tell how old the lines of a log are; leave them to a suite";
        return Some(spec.problem(None, message));
    }
    let given = |keys: &[&str]| spec.options.iter().find(|it| keys.contains(&it.key));
    if let Some(option) = given(&OF_RUNNING) {
        let message = "a watcher only looks on: it starts, ends and writes nothing; leave it out";
        return Some(spec.problem(Some(option), message));
    }
    let option = given(&OF_THE_PAST)?;
    let message = "it would be the same audit again, about a time that is over; leave it out";
    Some(spec.problem(Some(option), message))
}

/// Why there would be no use in the audit of that plan, again and again.
pub(super) fn of_plan(cli: &Cli, plan: &Plan) -> Option<String> {
    if matches!(plan.spec.source, Source::Logs) || !plan.logs.is_empty() {
        let why = "its checks take values from logs (`log`), and a watcher cannot tell how old those are; \
                   leave them to a gate";
        return Some(why.to_owned());
    }
    if plan.spec.is_default {
        let why = "it does not say where the telemetry comes from: add `target` to it, or list the service in \
                   --services FILE with `scrape`, `probe` or `target`";
        return Some(why.to_owned());
    }
    let repeats = check_repeats(cli, plan).err().map(|it| it.to_string());
    repeats.or_else(|| earlier(plan).err().map(|it| it.to_string()))
}
