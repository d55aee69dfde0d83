//! `auditor` answers one question in a pipeline: may this async service ship?
//!
//! Data flows one way:
//!
//! ```text
//! cli ──▶ config ──▶ source ──▶ readings ──▶ engine ──▶ report ──▶ render ──▶ exit
//! flags   metrics.   telemetry   a signal    pure:       frozen     text,      0 1 2 3
//!         yaml, one  in, one     is known,   score,      schema     json
//!         Plan       instant     or why not  modes
//! ```
//!
//! - [`config`] turns `metrics.yaml` and the command line into a validated [`config::Plan`],
//!   with every problem at its place in the file.
//! - [`collect`] scrapes a service or reads a recording, [`evaluate`] computes expressions on that or asks a Prometheus-compatible server, and
//!   returns [`readings`]; [`progress`] tells how long that takes.
//! - [`moment`] picks the instant at which a service that was watched is judged.
//! - [`engine`] judges readings; it does no I/O and knows no clock.
//! - [`report`] is the schema that others read, apart from the internal types.
//! - [`render`] turns a report into text or JSON, and [`output`] lets it out.
//! - [`exit`] alone knows the exit codes.
//! - [`signal`], [`judgement`], [`target_health`] and [`quantity`] hold the words that the others share.
//!
//! Three rooms know nothing of audits: [`storage`] holds samples over time, [`exposition`] reads
//! and writes them as text, and [`promql`] evaluates queries on them.
//!
//! Nothing that goes wrong becomes a pass: what cannot be read is a state of a reading,
//! never a number, and only numbers can pass.

pub mod cli;
pub mod collect;
pub mod config;
pub mod engine;
pub mod evaluate;
pub mod exit;
pub mod exposition;
pub mod judgement;
pub mod moment;
pub mod observe;
mod one_line;
pub mod output;
pub mod progress;
pub mod prometheus;
pub mod promql;
pub mod quantity;
pub mod readings;
pub mod render;
pub mod report;
pub mod signal;
pub mod storage;
pub mod target_health;

use std::ffi::OsString;
use std::time::Instant;

use anyhow::Context as _;
use clap::Parser as _;
use jiff::{Timestamp, Unit};

use cli::{Cli, Common, Format, Task};
use collect::{Observer, ProgressUpdate, Telemetry};
use config::Environment;
use exit::Exit;
use progress::Progress;
use report::Report;
use signal::Signal;

/// Runs `auditor` with the arguments of a command line, its own name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let started = Instant::now();
    match Cli::try_parse_from(args) {
        Ok(cli) if cli.init => finish(init()),
        Ok(cli) => finish(match &cli.task {
            Some(Task::Query { expr, common }) => query(expr, common, started),
            None => audit(&cli, started),
        }),
        Err(refusal) => {
            // Help and version come this way too, and are no failure.
            let _ = refusal.print();
            if refusal.use_stderr() { Exit::Usage } else { Exit::Success }
        }
    }
}

fn finish(result: anyhow::Result<Exit>) -> Exit {
    result.unwrap_or_else(|error| {
        output::message(&format!("error: {error:#}"));
        Exit::Usage
    })
}

fn init() -> anyhow::Result<Exit> {
    config::write_template()?;
    let next = "set the target and the queries, then run: auditor";
    output::print(&format!("wrote {}; {next}\n", config::FILE_NAME))?;
    Ok(Exit::Success)
}

/// The flow of an audit. Every error that it returns came before anything was audited.
fn audit(cli: &Cli, started: Instant) -> anyhow::Result<Exit> {
    let plan = config::load(&cli.request(now()?, Environment::of_process()))?;
    let log = log(cli.common());
    let progress = Progress::on_terminal(cli.has_command());
    let tell = progress.as_ref().map(|progress| |update: &ProgressUpdate| progress.tell(update));
    let observer = Observer {
        log: &log,
        progress: tell.as_ref().map(|tell| tell as &dyn Fn(&ProgressUpdate)),
        stdout_is_taken: cli.common().output_format == Format::Json,
    };
    let exprs: Vec<_> = plan.queries.iter().map(|query| query.expr.as_str()).collect();
    let lag = plan.query(Signal::EventLoopLag).map(|query| query.expr.as_str());
    let mut telemetry = collect::collect(&plan.spec, started, &exprs, lag, observer)?;
    drop(progress);
    warn(&telemetry.warnings);
    record(cli, &mut telemetry);
    let judged = moment::audit_at_worst_instant(&plan, &telemetry, &log);
    let exit = Exit::of(judged.assessment.verdict, plan.gate);
    let report = Report::new(&judged.plan, &judged.seen, &judged.assessment, exit);
    announce(&report, exit, cli.common().output_format);
    Ok(deliver(report, exit, cli))
}

/// Evaluates one expression.
fn query(expr: &str, common: &Common, started: Instant) -> anyhow::Result<Exit> {
    let spec = config::load_source(&common.request(now()?, Environment::of_process()))?;
    let log = log(common);
    let progress = Progress::on_terminal(false);
    let tell = progress.as_ref().map(|progress| |update: &ProgressUpdate| progress.tell(update));
    let observer = Observer {
        log: &log,
        progress: tell.as_ref().map(|tell| tell as &dyn Fn(&ProgressUpdate)),
        stdout_is_taken: true,
    };
    let telemetry = collect::collect(&spec, started, &[expr], None, observer)?;
    drop(progress);
    warn(&telemetry.warnings);
    let spec = spec.after(&telemetry.observed);
    let answer = evaluate::query(&spec, &telemetry, expr, &log);
    if let Ok(reply) = &answer {
        warn(&reply.warnings);
    }
    let exit = if answer.is_ok() { Exit::Success } else { Exit::NoVerdict };
    let text = match (common.output_format, &answer) {
        (Format::Json, answer) => render::api_json(answer.as_ref(), spec.instant())?,
        (Format::Text, Ok(reply)) => render::value(&reply.value),
        (Format::Text, Err(refusal)) => {
            output::message(&format!("error: {}", refusal.error));
            String::new()
        }
    };
    if let Err(error) = output::print(&text) {
        output::message(&format!("error: cannot print the answer: {error}"));
        return Ok(exit.unreported());
    }
    Ok(exit)
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
fn log(common: &Common) -> impl Fn(&str) + Sync {
    let verbose = common.verbose;
    move |line| {
        if verbose {
            output::message(line);
        }
    }
}

/// Keeps what was scraped. A recording that is missing is no success.
fn record(cli: &Cli, telemetry: &mut Telemetry) {
    let Some((path, storage)) = cli.record_path().zip(telemetry.storage()) else { return };
    let written = output::write_file(path, |out| exposition::write(storage, out));
    if let Err(error) = written {
        let message = format!("cannot write the recording {}: {error}", path.display());
        telemetry.failure.get_or_insert(message);
    }
}

/// Says on standard error what the text on standard output would have said.
fn announce(report: &Report, exit: Exit, format: Format) {
    if let Some(error) = &report.error {
        output::message(&format!("error: {error}"));
    }
    if exit == Exit::Failed && format == Format::Json {
        output::message(&format!("fail: {}", report.verdict_reason));
    }
}

/// Writes and prints the report. What cannot be told is no success.
fn deliver(mut report: Report, mut exit: Exit, cli: &Cli) -> Exit {
    if let Some(path) = cli.report_path() {
        let written = render::json(&report)
            .map_err(std::io::Error::from)
            .and_then(|json| output::write_text(&path, &json));
        if let Err(error) = written {
            let message = format!("cannot write the report {}: {error}", path.display());
            output::message(&format!("error: {message}"));
            exit = exit.unreported();
            report.not_delivered(&message, exit);
        }
    }
    let printed = match cli.common().output_format {
        Format::Text => output::print(&render::text(&report)),
        Format::Json => render::json(&report)
            .map_err(std::io::Error::from)
            .and_then(|json| output::print(&json)),
    };
    if let Err(error) = printed {
        let message = format!("cannot print the report: {error}");
        output::message(&format!("error: {message}"));
        if exit != exit.unreported() {
            exit = exit.unreported();
            // What was written before has to say the same as the exit code.
            report.not_delivered(&message, exit);
            if let Some((path, json)) = cli.report_path().zip(render::json(&report).ok()) {
                let _ = output::write_text(&path, &json);
            }
        }
    }
    exit
}
