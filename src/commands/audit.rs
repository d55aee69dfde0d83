//! `auditor`: the audit that the command line asks for.

use std::time::Instant;

use super::deliver::deliver;
use super::github::GitHub;
use super::paths;
use super::perform::{Setting, perform};
use crate::cli::{Cli, Format};
use crate::config::{self, Environment};
use crate::exit::Exit;
use crate::interrupt;

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
    let setting = Setting {
        record: cli.record_path(),
        has_charts: cli.reports().iter().any(|it| it.format.has_charts()),
        ..setting(cli)
    };
    setting.warn(&plan.warnings());
    if let Some(path) = passed_over {
        let (path, usual) = (path.display(), config::FILE_NAME);
        setting
            .warn(&[format!("{path} is not read: rename it to {usual}, or give --config {path}")]);
    }
    // What comes of a load has to be kept.
    let unwritable = cli.takes_time().then(|| paths::check_writable(cli).err()).flatten();
    let (report, exit) = perform(plan, started, setting, unwritable)?;
    let delivery = cli.delivery();
    let github = GitHub::of_process(&delivery);
    Ok(deliver(report, exit, &delivery, github.as_ref()))
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
