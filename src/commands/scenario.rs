//! A scenario of a suite, or a service that is watched, as the plan of an audit.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cli::Cli;
use crate::config::{self, ConfigError, Environment, Plan, ScenarioSpec};
use crate::interrupt;

/// Where a scenario runs, and what it finds there.
pub(super) struct Place<'a> {
    /// The file that it stands in.
    pub(super) file: &'a Path,
    /// The names of its logs, and where they are.
    pub(super) logs: Vec<(String, PathBuf)>,
}

/// The plan of a scenario's audit, and the command line that would ask for it; `profile` is for one that
/// names none. `None` where a signal came meanwhile.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn prepare(
    spec: &ScenarioSpec,
    profile: Option<&str>,
    place: Place<'_>,
    now: Timestamp,
    environment: Environment,
) -> Result<Option<(Cli, Plan)>, ConfigError> {
    let cli =
        Cli::of_scenario(spec, profile).map_err(|problem| ConfigError::Invalid(vec![problem]))?;
    let mut request = cli.request(now, environment);
    let directory = place.file.parent().filter(|it| *it != Path::new(""));
    request.directory = directory.map(Path::to_owned);
    request.logs = place.logs;
    request.is_of_scenario = true;
    // A configuration that is a pipe need never end.
    let loaded = interrupt::race(move || config::load(&request));
    loaded.ok().map(|plan| Ok((cli, plan?))).transpose()
}
