//! The scenarios that are to be audited, each with the plan of its audit.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::thread;

use jiff::Timestamp;

use super::super::audit::{check_repeats, earlier, kept};
use super::super::paths;
use super::super::scenario::{self, Place};
use super::super::schedule::Scheduled;
use crate::cli::{Cli, SuiteArgs};
use crate::config::{
    ConfigError, Environment, LineOfLog, Manifest, ManifestRow, Plan, Problem, ScenarioSpec,
    SuiteFile,
};

/// Keys of a scenario that compare with an earlier audit.
const OF_BASELINE: [&str; 2] = ["baseline", "baseline_window"];
/// Keys by which several audits decide together. With a manifest there is one, and the exit codes in it
/// are not known to the breaker.
const OF_REPEATS: [&str; 5] = ["samples", "interval", "failure_threshold", "cooldown", "state"];
/// Keys of a scenario that run something, or are about that. With a manifest it has run already.
const OF_RUNNING: [&str; 5] = ["start", "start_timeout", "time_limit", "settle", "abort_on_breach"];
/// The most problems that are told of a suite.
const MOST_PROBLEMS: usize = 25;

/// Why a suite cannot be run.
#[derive(Debug, thiserror::Error)]
pub(super) enum SuiteError {
    /// A row of the manifest is of no scenario.
    #[error(
        "{}:{line}: {} has no scenario `{id}`; add it, or `unlisted` for all that are not listed",
        manifest.display(),
        suite.display()
    )]
    NotListed {
        /// The manifest.
        manifest: PathBuf,
        /// The line of the row.
        line: u64,
        /// The suite.
        suite: PathBuf,
        /// The id of the row.
        id: String,
    },
    /// No scenario has such an id.
    #[error("--only {pattern}: no scenario has such an id; there are {}", ids.join(", "))]
    NoneChosen {
        /// The pattern.
        pattern: String,
        /// Those that there are.
        ids: Vec<String>,
    },
}

/// A suite, and what the command line chooses of it.
pub(super) struct Suite<'a> {
    file: &'a SuiteFile,
    rows: Option<Vec<(&'a ScenarioSpec, ManifestRow)>>,
    args: &'a SuiteArgs,
}

/// A scenario that is to be audited.
pub(super) struct Planned<'a> {
    /// Its place in the suite, or what the manifest says.
    pub(super) order: i64,
    /// Its id.
    pub(super) id: String,
    /// Its name.
    pub(super) name: String,
    /// What the suite says of it.
    pub(super) spec: &'a ScenarioSpec,
    /// What the manifest says of it.
    pub(super) row: Option<ManifestRow>,
    /// Whether it only reads, and may do so beside others.
    pub(super) only_reads: bool,
    /// Where its report is kept, if it is.
    pub(super) kept_at: Option<PathBuf>,
}

/// Gives each scenario a file for its report, by its id; those that share one have a number too.
fn name_files(planned: &mut [Planned<'_>], directory: Option<&Path>) {
    let Some(directory) = directory else { return };
    let mut used: HashSet<String> = HashSet::new();
    for scenario in planned {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let id = scenario.id.chars().map(|c| if is_plain(c) { c } else { '_' });
        let name: String = id.take(100).collect();
        let numbered = (2..).map(|number| format!("{name}.{number}"));
        // Proof: of infinitely many names, one is not used yet.
        let free = std::iter::once(name.clone()).chain(numbered).find(|it| !used.contains(it));
        let name = free.unwrap_or_default();
        scenario.kept_at = Some(directory.join(format!("{name}.json")));
        used.insert(name);
    }
}

/// That a scenario writes to a file which another one writes to as well, in words.
fn shared(own: &Cli, id: &str, written: &mut HashMap<PathBuf, String>) -> Option<String> {
    let files = [("state", own.state_path()), ("record", own.record_path())];
    files.into_iter().find_map(|(key, path)| {
        let path = path?;
        let other = written.insert(path.to_owned(), id.to_owned())?;
        let path = path.display();
        Some(format!("`{key}` {path} is that of the scenario `{other}` too; give each its own"))
    })
}

impl Scheduled for Planned<'_> {
    fn only_reads(&self) -> bool {
        self.only_reads
    }
}

impl Planned<'_> {
    /// The names of its logs, and where they are.
    pub(super) fn logs(&self) -> Vec<(String, PathBuf)> {
        let of_row = self.row.iter().flat_map(|row| &row.logs);
        // A slash at its end is no part of a file's name.
        let path = |path: &str| Path::new(path).components().collect::<PathBuf>();
        let of_row = of_row.map(|(name, it)| (name.clone(), path(it)));
        let of_row: Vec<_> = of_row.collect();
        let own = self.spec.logs.iter().cloned();
        own.filter(|(name, _)| !of_row.iter().any(|(it, _)| it == name))
            .chain(of_row.clone())
            .collect()
    }

    /// The files that tell more.
    pub(super) fn evidence(&self) -> Vec<(String, String)> {
        let own =
            self.spec.logs.iter().map(|(name, path)| (name.clone(), path.display().to_string()));
        let Some(row) = &self.row else { return own.collect() };
        let is_replaced = |name: &String| row.logs.iter().any(|(it, _)| it == name);
        let own = own.filter(|(name, _)| !is_replaced(name));
        own.chain(row.logs.clone()).chain([("sdp".to_owned(), row.sdp.clone())]).collect()
    }
}

impl<'a> Suite<'a> {
    /// A suite, by its own list of scenarios or by that of a manifest.
    ///
    /// # Errors
    /// A row that is of no scenario.
    pub(super) fn new(
        file: &'a SuiteFile,
        manifest: Option<Manifest>,
        args: &'a SuiteArgs,
    ) -> Result<Self, SuiteError> {
        let listed = |row: ManifestRow| {
            let spec = file.scenario(&row.id).or(file.unlisted.as_ref());
            let spec = spec.ok_or_else(|| SuiteError::NotListed {
                manifest: args.manifest.clone().unwrap_or_default(),
                line: row.line,
                suite: file.path.clone(),
                id: row.id.clone(),
            })?;
            Ok((spec, row))
        };
        let rows = manifest.map(|it| it.rows.into_iter().map(listed).collect()).transpose()?;
        Ok(Self { file, rows, args })
    }

    /// How many scenarios there have to be, of those that are run.
    pub(super) fn expected(&self) -> usize {
        match &self.args.only {
            Some(_) => self.chosen().len(),
            None => self.file.expect.unwrap_or(self.file.scenarios.len()),
        }
    }

    /// Whether every scenario of the suite has to have a row in the manifest, and not only their number
    /// has to be right.
    pub(super) fn expects_each(&self) -> bool {
        self.file.expect.is_none()
    }

    /// The scenarios of the suite that the manifest has no row of.
    pub(super) fn without_row(&self) -> Vec<String> {
        let Some(rows) = &self.rows else { return Vec::new() };
        let is_chosen = |id: &str| self.args.only.as_ref().is_none_or(|only| only.matches(id));
        let listed = self.file.scenarios.iter().map(|scenario| &scenario.id);
        let missing = listed.filter(|id| !rows.iter().any(|(_, row)| row.id == **id));
        missing.filter(|id| is_chosen(id)).cloned().collect()
    }

    /// How many scenarios are read at once.
    pub(super) fn jobs(&self) -> usize {
        self.args.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
    }

    /// Whether a command may print beside the progress.
    pub(super) fn has_commands(&self) -> bool {
        self.rows.is_none() && self.file.scenarios.iter().any(|it| !it.command.is_empty())
    }

    fn all(&self) -> Vec<Planned<'a>> {
        let planned = |order, spec: &'a ScenarioSpec, row: Option<&ManifestRow>| Planned {
            order,
            id: row.map_or_else(|| spec.id.clone(), |row| row.id.clone()),
            name: row.map_or_else(|| spec.name.clone(), |row| row.name.clone()),
            spec,
            row: row.cloned(),
            only_reads: false,
            kept_at: None,
        };
        match &self.rows {
            Some(rows) => {
                rows.iter().map(|(spec, row)| planned(row.order, spec, Some(row))).collect()
            }
            None => self
                .file
                .scenarios
                .iter()
                .zip(1..)
                .map(|(spec, it)| planned(it, spec, None))
                .collect(),
        }
    }

    fn chosen(&self) -> Vec<Planned<'a>> {
        let is_chosen =
            |it: &Planned<'_>| self.args.only.as_ref().is_none_or(|only| only.matches(&it.id));
        self.all().into_iter().filter(is_chosen).collect()
    }

    /// The scenarios that are to be audited. Every one can be, as far as that is known before. `None`
    /// where a signal came meanwhile.
    ///
    /// # Errors
    /// Everything that is wrong with their configurations.
    pub(super) fn planned(&self, cli: &Cli) -> anyhow::Result<Option<Vec<Planned<'a>>>> {
        let mut planned = self.chosen();
        if let (true, Some(only)) = (planned.is_empty(), &self.args.only) {
            let ids = self.all().into_iter().map(|it| it.id).collect();
            return Err(SuiteError::NoneChosen { pattern: only.to_string(), ids }.into());
        }
        let mut problems: Vec<Problem> = Vec::new();
        let mut written: HashMap<PathBuf, String> = HashMap::new();
        name_files(&mut planned, self.args.run_dir.as_deref());
        for scenario in &mut planned {
            problems.extend(self.problem_of(scenario));
            match self.prepare(scenario, super::super::now()?, Environment::of_process()) {
                Ok(None) => return Ok(None),
                Ok(Some((own, plan))) => {
                    let logs = scenario.logs().into_iter().map(|(_, path)| path);
                    let files: Vec<_> = plan.spec.files.iter().cloned().chain(logs).collect();
                    paths::check_scenario(cli, &own, &files)?;
                    let kept_at = scenario.kept_at.as_deref();
                    let clash = paths::check_written_by_scenario(cli, &own, (&files, kept_at));
                    let wrong = clash.err().map(|it| it.to_string());
                    let wrong = wrong.or_else(|| shared(&own, &scenario.id, &mut written));
                    let wrong = wrong.or(kept(&own).err().map(|it| it.to_string()));
                    let wrong = wrong.or(earlier(&plan).err().map(|it| it.to_string()));
                    let wrong = wrong.or(check_repeats(&own, &plan).err().map(|it| it.to_string()));
                    problems.extend(wrong.map(|why| scenario.spec.problem(None, &why)));
                    scenario.only_reads = plan.only_reads();
                }
                Err(ConfigError::Invalid(found)) => {
                    let new = found.into_iter().filter(|it| !problems.contains(it));
                    problems.extend(new.collect::<Vec<_>>());
                }
                Err(other) => {
                    problems.push(scenario.spec.problem(None, &other.to_string()));
                }
            }
        }
        if problems.is_empty() {
            return Ok(Some(planned));
        }
        let left_out = problems.len().saturating_sub(MOST_PROBLEMS);
        problems.truncate(MOST_PROBLEMS);
        if left_out > 0 {
            problems.push(Problem { place: None, message: format!("and {left_out} more") });
        }
        Err(ConfigError::Invalid(problems).into())
    }

    /// What is wrong with a scenario beside its options.
    fn problem_of(&self, scenario: &Planned<'_>) -> Option<Problem> {
        let spec = scenario.spec;
        let repeated = spec.options.iter().find(|it| OF_REPEATS.contains(&it.key));
        if let (Some(option), Some(_)) = (repeated, &scenario.row) {
            let message = "a manifest has one run of each scenario, and a breaker knows nothing of its \
                           exit codes; leave it out, or --manifest";
            return Some(spec.problem(Some(option), message));
        }
        let logs = scenario.logs();
        let is_unknown = |it: &&LineOfLog| !logs.iter().any(|(name, _)| *name == it.file);
        let unknown = spec.metrics.iter().find(is_unknown)?;
        let (name, file) = (&unknown.name, &unknown.file);
        let message = format!("`metrics` {name}: it has no log `{file}`; add it to its `logs`");
        // Those of a manifest are not there yet.
        let is_of_manifest = file.ends_with("_log") && self.rows.is_none();
        let hint = if is_of_manifest { ", or give --manifest if that has it" } else { "" };
        Some(spec.problem(None, &(message + hint)))
    }

    /// The plan of a scenario's audit, and the command line that would ask for it. `None` where a signal
    /// came meanwhile.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn prepare(
        &self,
        planned: &Planned<'_>,
        now: Timestamp,
        environment: Environment,
    ) -> Result<Option<(Cli, Plan)>, ConfigError> {
        let mut spec = planned.spec.clone();
        if self.args.no_baseline {
            spec.options.retain(|option| !OF_BASELINE.contains(&option.key));
        }
        if planned.row.is_some() {
            spec.command.clear();
            spec.options.retain(|option| !OF_RUNNING.contains(&option.key));
        }
        let place = Place { file: &self.file.path, logs: planned.logs() };
        scenario::prepare(&spec, self.args.profile.as_deref(), place, now, environment)
    }
}
