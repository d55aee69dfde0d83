//! What `auditor` can be asked to do, a file each. How it exits, and how its report leaves the
//! process, is decided here alone.

mod audit;
mod completions;
mod deliver;
mod doctor;
mod explain;
mod github;
mod init;
mod man;
mod paths;
mod perform;
mod presets;
mod query;
mod repeat;
mod repository;
mod scenario;
mod schedule;
mod schema;
mod serve;
mod suite;

use std::ffi::OsString;
use std::time::Instant;

use anyhow::Context as _;
use jiff::{Timestamp, Unit};

use crate::cli::{Cli, Task};
use crate::collect::{Observer, ProgressUpdate};
use crate::exit::Exit;
use crate::output;
use crate::progress::Progress;

/// Runs `auditor` with the arguments of a command line, its own name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let started = Instant::now();
    let args: Vec<_> = args.into_iter().collect();
    let cli = match Cli::parse_from_args(args.clone()) {
        Ok(cli) => cli,
        Err(refusal) => return refused(&refusal, args),
    };
    let result = match &cli.task {
        _ if cli.list_presets => Ok(presets::run()),
        _ if cli.init => init::run(&cli, started),
        Some(Task::Query { expr, common }) => query::run(expr, common, started),
        Some(Task::Schema { document }) => schema::run(*document),
        Some(Task::Explain { topic }) => explain::run(topic.as_deref()),
        Some(Task::Completions { shell }) => Ok(completions::run(*shell)),
        Some(Task::Man) => man::run(),
        Some(Task::Doctor { .. }) => doctor::run(&cli, started),
        Some(Task::Suite(args)) => suite::run(&cli, args),
        Some(Task::Serve(args)) => serve::run(args),
        None => audit::run(&cli, started),
    };
    // Every error that a command returns came before anything was started.
    result.unwrap_or_else(|error| {
        output::message(&format!("error: {error:#}"));
        github::annotate(&cli, &error);
        Exit::Usage
    })
}

/// Says why the command line cannot be understood. Help and version come this way too, and are no
/// failure.
fn refused(refusal: &clap::Error, args: Vec<OsString>) -> Exit {
    if refusal.use_stderr() && github::is_around() {
        output::message(&refusal.render().to_string());
    } else {
        let _ = refusal.print();
    }
    if !refusal.use_stderr() {
        return Exit::Success;
    }
    let read = Cli::baselines_of_refused(args.clone());
    paths::clear_all(Cli::reports_of_refused(args), &read);
    Exit::Usage
}

fn now() -> anyhow::Result<Timestamp> {
    Timestamp::now().round(Unit::Millisecond).context("the system clock is off")
}

fn warn(warnings: &[String]) {
    for warning in warnings {
        output::message(&format!("warning: {warning}"));
    }
}

/// Where the lines of `--verbose` go.
fn log(verbose: bool) -> impl Fn(&str) + Copy + Send + Sync + use<> {
    move |line| {
        if verbose {
            output::message(line);
        }
    }
}

/// Does `work` with progress told on the terminal, if somebody looks on.
fn observed<T>(
    log: &(dyn Fn(&str) + Sync),
    progress: Option<Progress>,
    stdout_is_taken: bool,
    work: impl FnOnce(Observer<'_>) -> T,
) -> T {
    let tell = progress.as_ref().map(|progress| |update: &ProgressUpdate| progress.tell(update));
    let progress = tell.as_ref().map(|tell| tell as &dyn Fn(&ProgressUpdate));
    work(Observer { log, progress, stdout_is_taken })
}

/// Prints what the caller asked for; what cannot be printed is no success.
fn print(text: &str, exit: Exit) -> Exit {
    let is_json = text.starts_with(['{', '[']);
    let harmless = github::is_around().then(|| github::without_commands(text, is_json));
    match output::print(harmless.as_deref().unwrap_or(text)) {
        Ok(()) => exit,
        Err(error) => {
            output::message(&format!("error: cannot print the answer: {error}"));
            exit.unreported()
        }
    }
}
