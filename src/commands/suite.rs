//! `auditor suite`: many audits, with one answer.

mod planned;
mod progress;

use std::collections::HashSet;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;

use super::audit::carry_out;
use super::deliver::deliver;
use super::github::GitHub;
use super::perform::Setting;
use super::{paths, repository, schedule};
use crate::cli::{Cli, SuiteArgs};
use crate::config::{Environment, Manifest, SuiteFile};
use crate::engine::Verdict;
use crate::exit::Exit;
use crate::log::pairs_of_last_line;
use crate::report::suite::{Run, Scalar, ScenarioEntry, ScenarioFacts, Summary, thresholds_of};
use crate::report::{Ordered, OriginEntry, Report, Word};
use crate::{interrupt, output, render};
use planned::{Planned, Suite};
use progress::SuiteProgress;

/// What came of a scenario.
enum Ended {
    Finished(Box<ScenarioEntry>),
    /// The suite was interrupted before it had ended.
    NotFinished,
}

/// Every error that it returns came before anything was audited.
pub(super) fn run(cli: &Cli, args: &SuiteArgs) -> anyhow::Result<Exit> {
    paths::clear_reports(cli);
    paths::check(cli)?;
    let began = super::now()?;
    let Ok(read) = interrupt::race(read(args)) else {
        // There is nothing yet that a summary could be about.
        return Ok(Exit::NoVerdict);
    };
    let (file, manifest) = read?;
    let suite = Suite::new(&file, manifest, args)?;
    let Some(planned) = suite.planned(cli)? else { return Ok(Exit::NoVerdict) };
    if let Some(directory) = &args.run_dir {
        std::fs::create_dir_all(directory)
            .with_context(|| format!("cannot make the directory {}", directory.display()))?;
    }
    planned.iter().filter_map(|it| it.kept_at.as_deref()).for_each(paths::clear_kept_report);
    let delivery = cli.delivery();
    let progress = (!delivery.is_quiet).then(|| SuiteProgress::new(&planned, suite.has_commands()));
    let results = schedule::run(&planned, suite.jobs(), |scenario| {
        let ended = audit(&suite, scenario, args);
        if let Some(progress) = &progress {
            progress.tell(match &ended {
                Ended::Finished(entry) => Some(entry),
                Ended::NotFinished => None,
            });
        }
        ended
    });
    drop(progress);
    let by = interrupt::received();
    let mut entries = Vec::new();
    let mut not_finished = Vec::new();
    for (scenario, result) in planned.iter().zip(results) {
        match result {
            Some(Ended::Finished(entry)) => entries.push(*entry),
            Some(Ended::NotFinished) | None => not_finished.push(scenario.id.clone()),
        }
    }
    let run = Run {
        suite: args.file.display().to_string(),
        mode: args.profile.clone().or_else(profile_of_environment),
        run_id: args.run_id.clone().unwrap_or_else(|| began.strftime("%Y%m%dT%H%M%SZ").to_string()),
        run_dir: args.run_dir.as_ref().map(|path| path.display().to_string()),
        started_at: began.to_string(),
        finished_at: super::now()?.to_string(),
        expected: suite.expected(),
        without_row: suite.without_row(),
        expects_each: suite.expects_each(),
        interruption: by.map(|by| format!("the suite was interrupted ({})", by.name)),
        not_finished,
    };
    let mut summary = Summary::new(run, thresholds(&entries), entries);
    summary.suite_in_repository = repository::path_in(&args.file);
    let exit = summary.exit();
    let github = GitHub::of_process(&delivery);
    Ok(deliver(summary, exit, &delivery, github.as_ref()))
}

/// The profile that holds where neither the command line nor a scenario names one.
fn profile_of_environment() -> Option<String> {
    let profile = Environment::of_process().profile?;
    Some(profile.to_string_lossy().into_owned()).filter(|it| !it.is_empty())
}

/// Reads the suite and its manifest.
fn read(
    args: &SuiteArgs,
) -> impl FnOnce() -> anyhow::Result<(SuiteFile, Option<Manifest>)> + use<> {
    let (file, manifest) = (args.file.clone(), args.manifest.clone());
    move || {
        let file = SuiteFile::read(&file)?;
        Ok((file, manifest.as_deref().map(Manifest::read).transpose()?))
    }
}

/// The file of the suite, from the root of the repository if it is in one.
fn suite_path(path: &Path) -> String {
    repository::path_in(path).unwrap_or_else(|| path.display().to_string())
}

/// The limits of each scenario's own checks, under its id.
fn thresholds(entries: &[ScenarioEntry]) -> Ordered<Ordered<crate::report::suite::Plain>> {
    let mut all: Vec<(Word, _)> = Vec::new();
    let mut told = HashSet::new();
    for entry in entries.iter().filter(|entry| !entry.checks.is_empty()) {
        if told.insert(&entry.id) {
            all.push((entry.id.clone().into(), thresholds_of(&entry.checks)));
        }
    }
    Ordered(all)
}

/// Audits one scenario.
fn audit(suite: &Suite<'_>, scenario: &Planned<'_>, args: &SuiteArgs) -> Ended {
    if is_interrupted() {
        return Ended::NotFinished;
    }
    let began = Instant::now();
    let audited = audited(suite, scenario, args, began);
    let facts = |evidence| facts(scenario, began, evidence);
    let logs = scenario.evidence();
    Ended::Finished(Box::new(match audited {
        // What is interrupted in a recording was so then.
        Ok(report) if report.verdict == Verdict::Interrupted && is_interrupted() => {
            return Ended::NotFinished;
        }
        Ok(report) => {
            let kept = scenario.kept_at.as_deref().map(|path| keep(path, &report));
            match kept.transpose() {
                Ok(path) => {
                    let path = path.map(|path| ("report".to_owned(), path));
                    ScenarioEntry::new(facts(logs.into_iter().chain(path).collect()), &report)
                }
                Err(why) => ScenarioEntry::new(facts(logs), &report).not_kept(why),
            }
        }
        Err(_) if is_interrupted() => return Ended::NotFinished,
        Err(why) => ScenarioEntry::not_audited(facts(logs), why),
    }))
}

fn is_interrupted() -> bool {
    interrupt::received().is_some()
}

/// The report of a scenario's audit.
///
/// # Errors
/// Why there is none.
fn audited(
    suite: &Suite<'_>,
    scenario: &Planned<'_>,
    args: &SuiteArgs,
    began: Instant,
) -> Result<Report, String> {
    let now = super::now().map_err(|error| error.to_string())?;
    let prepared = suite.prepare(scenario, now, Environment::of_process());
    let prepared = prepared.map_err(|error| error.to_string())?;
    let (cli, plan) = prepared.ok_or("the suite was interrupted")?;
    let setting = Setting {
        is_quiet: args.delivery().is_quiet,
        is_verbose: args.verbose,
        stdout_is_taken: true,
        record: cli.record_path(),
        aborts_on_breach: cli.aborts_on_breach(),
        scenario: Some(&scenario.id),
        ..Setting::default()
    };
    setting.warn(&plan.warnings());
    let carried_out = carry_out(&cli, plan, began, setting, None);
    carried_out.map(|(report, _)| report).map_err(|error| format!("{error:#}"))
}

fn facts(scenario: &Planned<'_>, began: Instant, evidence: Vec<(String, String)>) -> ScenarioFacts {
    let took = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    let row = scenario.row.as_ref();
    let origin = scenario.spec.place.as_ref().map(|place| OriginEntry {
        file: suite_path(&place.path),
        line: place.line,
        column: place.column,
    });
    ScenarioFacts {
        order: scenario.order,
        id: scenario.id.clone(),
        name: scenario.name.clone(),
        duration_ms: row.map_or(took, |row| row.duration_ms),
        exits: row.map(|row| row.exits.clone()).unwrap_or_default(),
        metrics: metrics(scenario),
        evidence,
        unlisted: row.is_some_and(|row| row.id != scenario.spec.id),
        origin,
    }
}

/// What the logs say in the lines that are to be shown. A log that is missing says nothing.
fn metrics(scenario: &Planned<'_>) -> Vec<(String, Vec<(String, Scalar)>)> {
    let pairs = |file: &str, token: &str| {
        let path = scenario.logs().into_iter().find(|(name, _)| name == file)?.1;
        let pairs = pairs_of_last_line(&path, token).ok()?;
        Some(pairs.iter().map(|(key, value)| (key.to_owned(), value.into())).collect())
    };
    let lines = scenario.spec.metrics.iter();
    lines.map(|it| (it.name.clone(), pairs(&it.file, &it.token).unwrap_or_default())).collect()
}

/// Keeps the report of a scenario; where.
///
/// # Errors
/// Why it cannot be kept.
fn keep(path: &Path, report: &Report) -> Result<String, String> {
    let written = output::write_file(path, |out| render::json(report, out));
    written
        .map(|()| path.display().to_string())
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}
