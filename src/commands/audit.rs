//! `auditor`: the audit, from the configuration to the report.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::deliver::deliver;
use super::github::GitHub;
use super::{paths, repository};
use crate::audit::{self, audit_at_worst_instant};
use crate::cli::{Cli, Format};
use crate::collect::{self, Failure, Lag, Telemetry, Watched};
use crate::config::{self, Environment, Plan, Query};
use crate::exit::Exit;
use crate::model::check::Criteria;
use crate::model::signal::Signal;
use crate::progress::Progress;
use crate::report::{Report, SignalEntry, StateName, TimelineReport};
use crate::{exposition, interrupt, output};

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
    warn(cli, &plan.warnings());
    if let Some(path) = passed_over {
        let (path, usual) = (path.display(), config::FILE_NAME);
        warn(cli, &[format!("{path} is not read: rename it to {usual}, or give --config {path}")]);
    }
    let log = super::log(cli.common());
    let mut telemetry = collect(cli, &plan, started, &log)?;
    warn(cli, &telemetry.warnings);
    record(cli, &mut telemetry);
    let (plan, telemetry) = (Arc::new(plan), Arc::new(telemetry));
    let audited = {
        let (plan, telemetry) = (Arc::clone(&plan), Arc::clone(&telemetry));
        interrupt::race(move || audit_at_worst_instant(&plan, &telemetry, &log))
    };
    let audit = audited.unwrap_or_else(|_| audit::unread(&plan, &telemetry));
    warn(cli, &audit.warnings);
    let exit = Exit::of(audit.assessment.verdict, plan.gate);
    let mut report = Report::new(&plan, &audit, exit);
    report.config_in_repository = repository::path_in(&plan.config);
    report.repository = repository::root();
    if cli.reports().iter().any(|it| it.format.has_charts()) && is_answered(&report) {
        report.timeline = timeline(cli, &plan, &telemetry);
    }
    Ok(deliver(report, exit, cli, GitHub::of_process(cli).as_ref()))
}

/// Whether any query has an answer; else there is no use in asking again.
fn is_answered(report: &Report) -> bool {
    let is_none =
        |it: &SignalEntry| matches!(it.state, StateName::Failed | StateName::NotConfigured);
    report.signals.iter().any(|(_, entry)| !is_none(entry))
}

/// The signals over time. The verdict stands already.
fn timeline(cli: &Cli, plan: &Arc<Plan>, telemetry: &Arc<Telemetry>) -> Option<TimelineReport> {
    let log = super::log(cli.common());
    let (plan, telemetry) = (Arc::clone(plan), Arc::clone(telemetry));
    let drawn = interrupt::race(move || audit::timeline(&plan, &telemetry, &log));
    drawn.ok().flatten().as_ref().map(Into::into)
}

/// What decides is in the verdict: who wants that alone is told no more.
fn warn(cli: &Cli, warnings: &[String]) {
    if !cli.is_quiet() {
        super::warn(warnings);
    }
}

/// Collects what the queries of the plan are asked of.
pub(super) fn collect(
    cli: &Cli,
    plan: &Plan,
    started: Instant,
    log: &(dyn Fn(&str) + Sync),
) -> Result<Telemetry, collect::Error> {
    if cli.takes_time()
        && let Err(failure) = paths::check_writable(cli)
    {
        // What comes of a load could not be kept.
        return Ok(Telemetry::failed(&plan.spec, failure));
    }
    let questions = plan.questions(None);
    let exprs: Vec<_> = questions.iter().map(|question| question.expr.clone()).collect();
    let is_lag = |query: &Query| query.signal() == Some(Signal::EVENT_LOOP_LAG);
    let read_by = plan.queries.iter().position(is_lag).map(|index| &exprs[index]);
    let lag = Lag { read_by, limit: lag_limit(&plan.criteria) };
    let is_required = |query: &Query| query.signal().is_some_and(|it| it.def().has_to_be_there);
    let asked = plan.queries.iter().zip(&questions);
    // A server is not waited for to have what the probe shows.
    let required = asked.filter(|(query, it)| is_required(query) && it.is_of_server);
    let required: Vec<_> = required.map(|(_, it)| it.expr.clone()).collect();
    let accept_partial = plan.accept_partial;
    let max_clock_skew = plan.criteria.evidence.max_clock_skew;
    let (expressions, required) = (exprs.as_slice(), required.as_slice());
    let watched = Watched { expressions, lag, required, accept_partial, max_clock_skew };
    let stdout_is_taken = cli.common().output_format == Format::Json;
    let progress = Progress::on_terminal(cli.has_command()).filter(|_| !cli.is_quiet());
    super::observed(log, progress, stdout_is_taken, |observer| {
        collect::collect(&plan.spec, started, watched, observer)
    })
}

/// The limit of the event loop's lag. Where there is none, a page may take its time.
fn lag_limit(criteria: &Criteria) -> Duration {
    let limit = criteria.limit(Signal::EVENT_LOOP_LAG.key()).unwrap_or(f64::INFINITY);
    Duration::try_from_secs_f64(limit).unwrap_or(Duration::MAX)
}

/// Keeps what was scraped. A recording that is missing is no success.
fn record(cli: &Cli, telemetry: &mut Telemetry) {
    let Some((path, storage)) = cli.record_path().zip(telemetry.storage()) else { return };
    let written = output::write_file(path, |out| exposition::write(storage, out));
    if let Err(source) = written {
        let failure = Failure::Unwritable { what: "recording", path: path.to_owned(), source };
        telemetry.failure.get_or_insert(failure);
    }
}
