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
//! - [`source`] asks a Prometheus-compatible server and returns [`readings`].
//! - [`engine`] judges readings; it does no I/O and knows no clock.
//! - [`report`] is the schema that others read, apart from the internal types.
//! - [`render`] turns a report into text or JSON, and [`output`] lets it out.
//! - [`exit`] alone knows the exit codes.
//! - [`signal`], [`judgement`] and [`quantity`] hold the words that the others share.
//!
//! Nothing that goes wrong becomes a pass: what cannot be read is a state of a reading,
//! never a number, and only numbers can pass.

pub mod cli;
pub mod config;
pub mod engine;
pub mod exit;
pub mod exposition;
pub mod judgement;
pub mod output;
pub mod promql;
pub mod quantity;
pub mod readings;
pub mod render;
pub mod report;
pub mod signal;
pub mod source;
pub mod storage;

use std::ffi::OsString;
use std::time::Instant;

use anyhow::Context as _;
use clap::Parser as _;
use jiff::{Timestamp, Unit};

use cli::{Cli, Format};
use config::Environment;
use exit::Exit;
use report::Report;

/// Runs `auditor` with the arguments of a command line, its own name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let started = Instant::now();
    match Cli::try_parse_from(args) {
        Ok(cli) if cli.init => finish(init()),
        Ok(cli) => finish(audit(&cli, started)),
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

/// The flow of an audit. Every error that it returns came before anything was sent.
fn audit(cli: &Cli, started: Instant) -> anyhow::Result<Exit> {
    let now = Timestamp::now().round(Unit::Millisecond).context("the system clock is off")?;
    let plan = config::load(&cli.request(now, Environment::of_process()))?;
    let log = |line: &str| {
        if cli.verbose {
            output::message(line);
        }
    };
    let seen = source::observe(&plan, started, &log);
    let failure = seen.failure.as_deref();
    let assessment =
        engine::assess(&seen.readings, &plan.thresholds, &plan.weights, plan.gate, failure);
    let exit = Exit::of(assessment.verdict, plan.gate);
    let report = Report::new(&plan, &seen, &assessment, exit);
    announce(&report, exit, cli.output_format);
    Ok(deliver(report, exit, cli))
}

/// Says on standard error what the text on standard output would have said.
fn announce(report: &Report, exit: Exit, format: Format) {
    if let Some(error) = &report.error {
        output::message(&format!("error: {error}"));
    }
    if exit == Exit::GateFailed && format == Format::Json {
        output::message(&format!("fail: {}", report.verdict_reason));
    }
}

/// Writes and prints the report. What cannot be told is no success.
fn deliver(mut report: Report, mut exit: Exit, cli: &Cli) -> Exit {
    if let Some(path) = cli.report_path() {
        let written = render::json(&report)
            .map_err(std::io::Error::from)
            .and_then(|json| output::write_file(&path, &json));
        if let Err(error) = written {
            let message = format!("cannot write the report {}: {error}", path.display());
            output::message(&format!("error: {message}"));
            exit = exit.unreported();
            report.not_delivered(&message, exit);
        }
    }
    let printed = match cli.output_format {
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
                let _ = output::write_file(&path, &json);
            }
        }
    }
    exit
}
