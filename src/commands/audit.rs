//! `auditor`: the audit, from the configuration to the report.

use std::time::{Duration, Instant};

use super::deliver::deliver;
use crate::audit::audit_at_worst_instant;
use crate::cli::{Cli, Format};
use crate::collect::{self, Failure, Lag, Telemetry};
use crate::config::{self, Environment, Query};
use crate::exit::Exit;
use crate::model::check::Criteria;
use crate::model::signal::Signal;
use crate::report::Report;
use crate::{exposition, output};

/// Every error that it returns came before anything was audited.
pub(super) fn run(cli: &Cli, started: Instant) -> anyhow::Result<Exit> {
    let plan = config::load(&cli.request(super::now()?, Environment::of_process()))?;
    let log = super::log(cli.common());
    let questions = plan.questions(None);
    let exprs: Vec<_> = questions.iter().map(|question| question.expr.clone()).collect();
    let is_lag = |query: &Query| query.signal() == Some(Signal::EVENT_LOOP_LAG);
    let read_by = plan.queries.iter().position(is_lag).map(|index| &exprs[index]);
    let lag = Lag { read_by, limit: lag_limit(&plan.criteria) };
    let stdout_is_taken = cli.common().output_format == Format::Json;
    let mut telemetry = super::observed(&log, cli.has_command(), stdout_is_taken, |observer| {
        collect::collect(&plan.spec, started, &exprs, lag, observer)
    })?;
    super::warn(&telemetry.warnings);
    record(cli, &mut telemetry);
    let audit = audit_at_worst_instant(&plan, &telemetry, &log);
    let exit = Exit::of(audit.assessment.verdict, plan.gate);
    let report = Report::new(&plan, &audit, exit);
    Ok(deliver(report, exit, cli))
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
        telemetry.failure.get_or_insert(Failure::Record { path: path.to_owned(), source });
    }
}
