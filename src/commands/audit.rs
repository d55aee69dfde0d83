//! `auditor`: the audit that the command line asks for.

use std::time::Instant;

use super::deliver::deliver;
use super::github::GitHub;
use super::paths;
use super::perform::{Charts, Setting, perform};
use super::repeat::{Kept, repeat};
use crate::audit::Prover;
use crate::baseline::{self, Earlier};
use crate::breaker::state::{StateError, StateFile};
use crate::cli::{Cli, Format};
use crate::collect::Failure;
use crate::config::{self, BaselineRequest, Environment, Plan, Source};
use crate::exit::Exit;
use crate::interrupt;
use crate::report::Report;

/// What is said where no query can show a breach before the end.
const NOTHING_PROVES: &str = "--abort-on-breach has no effect: no query is max_over_time(...[$window]), \
                              whose value later samples cannot lower";

/// Every error that it returns came before anything was audited.
pub(super) fn run(cli: &Cli, started: Instant) -> anyhow::Result<Exit> {
    paths::clear_reports(cli);
    paths::check(cli)?;
    paths::clear_recording(cli);
    let request = cli.request(super::now()?, Environment::of_process());
    let passed_over = config::passed_over(&request);
    let Ok(plan) = interrupt::race(move || config::load(&request)) else {
        // There is nothing yet that a report could be about.
        return Ok(Exit::NoVerdict);
    };
    let plan = plan?;
    paths::check_files(cli, &plan.spec.files)?;
    let draws = cli.reports().iter().any(|it| it.format.has_charts());
    let charts = if draws { Charts::Always } else { Charts::Never };
    let setting = Setting {
        record: cli.record_path(),
        charts,
        aborts_on_breach: cli.aborts_on_breach(),
        ..setting(cli)
    };
    setting.warn(&plan.warnings());
    if setting.aborts_on_breach && Prover::new(&plan).is_none() {
        setting.warn(&[NOTHING_PROVES.to_owned()]);
    }
    if let Some(path) = passed_over {
        let (path, usual) = (path.display(), config::FILE_NAME);
        setting
            .warn(&[format!("{path} is not read: rename it to {usual}, or give --config {path}")]);
    }
    // What comes of a load has to be kept.
    let is_long = cli.takes_time() || cli.repeats().is_some();
    let unwritable = is_long.then(|| paths::check_writable(cli).err()).flatten();
    let (report, exit) = carry_out(cli, plan, started, setting, unwritable)?;
    let delivery = cli.delivery();
    let github = GitHub::of_process(&delivery);
    Ok(deliver(report, exit, &delivery, github.as_ref()))
}

/// Carries out the audit, once or as often as the command line says. What `known` says went wrong
/// before it, so that nothing is watched.
///
/// # Errors
/// What is wrong before anything was audited.
pub(super) fn carry_out(
    cli: &Cli,
    plan: Plan,
    started: Instant,
    setting: Setting<'_>,
    known: Option<Failure>,
) -> anyhow::Result<(Report, Exit)> {
    check_repeats(cli, &plan)?;
    let earlier = earlier(&plan)?;
    match cli.repeats() {
        None => Ok(perform(plan, started, setting, (earlier, known))?),
        Some(repeats) => {
            let kept = kept(cli)?;
            Ok(repeat(&plan, started, setting, (earlier, known), (repeats, kept))?)
        }
    }
}

/// Refuses to look several times at what cannot have changed.
///
/// # Errors
/// If that is asked for.
pub(super) fn check_repeats(cli: &Cli, plan: &Plan) -> Result<(), SameAgain> {
    let is_of_logs = matches!(plan.spec.source, Source::Logs);
    let is_still = is_of_logs && plan.spec.command.is_empty();
    let is_repeated = cli.repeats().is_some_and(|repeats| repeats.samples.get() > 1);
    if is_still && is_repeated { Err(SameAgain) } else { Ok(()) }
}

/// Logs that nothing writes are the same each time.
#[derive(Debug, thiserror::Error)]
#[error(
    "--samples would read the same logs again: no command runs that writes them; give one, or leave \
     --samples out"
)]
pub(super) struct SameAgain;

/// The report that the audit is compared with, if one is named.
///
/// # Errors
/// If it cannot be read.
pub(super) fn earlier(plan: &Plan) -> Result<Option<Earlier>, baseline::Error> {
    match &plan.baseline {
        Some(BaselineRequest::Report(path)) => Earlier::read(path, plan.spec.timeout).map(Some),
        Some(BaselineRequest::Before(_)) | None => Ok(None),
    }
}

/// What the breaker has kept of earlier runs, where it keeps anything.
///
/// # Errors
/// If it is not to be relied on.
pub(super) fn kept(cli: &Cli) -> Result<Option<Kept>, StateError> {
    cli.state_path().map(|path| Kept::read(StateFile::new(path))).transpose()
}

/// What the command line says on how an audit is carried out.
pub(super) fn setting(cli: &Cli) -> Setting<'_> {
    Setting {
        is_quiet: cli.is_quiet(),
        is_verbose: cli.common().verbose,
        stdout_is_taken: cli.common().output_format == Format::Json,
        ..Setting::default()
    }
}
