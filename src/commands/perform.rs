//! One audit, from its plan to its report. Who asked for it decides where the report goes.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::repository;
use crate::audit::{self, Prover, audit_at_worst_instant, audit_before};
use crate::baseline::Earlier;
use crate::collect::{self, BreachTest, BreachTests, Failure, Lag, ServerTest, Telemetry, Watched};
use crate::config::{BaselineRequest, Plan, Query};
use crate::engine::Verdict;
use crate::exit::Exit;
use crate::model::check::Criteria;
use crate::model::signal::Signal;
use crate::progress::Progress;
use crate::report::{Report, SignalEntry, StateName, TimelineReport};
use crate::{exposition, interrupt, output};

/// What is told while an audit is under way, and what is kept of it beside the report.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Setting<'a> {
    /// Neither warnings nor progress are told.
    pub(super) is_quiet: bool,
    /// Every request is told.
    pub(super) is_verbose: bool,
    /// Standard output is for a report alone; what a command prints goes to standard error.
    pub(super) stdout_is_taken: bool,
    /// Where what was scraped is kept.
    pub(super) record: Option<&'a Path>,
    /// Whether a report draws the signals over time.
    pub(super) charts: Charts,
    /// The scenario of a suite that it is; the suite tells of its progress.
    pub(super) scenario: Option<&'a str>,
    /// The command is ended once a breach is proven.
    pub(super) aborts_on_breach: bool,
    /// Which audit of how many it is, where it is one of several.
    pub(super) sample: Option<(u32, u32)>,
}

/// Which reports draw the signals over time, for which they are asked for once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Charts {
    /// None.
    #[default]
    Never,
    /// Every one.
    Always,
    /// Those that somebody will look at.
    UnlessPassed,
}

impl Charts {
    fn are_drawn(self, verdict: Verdict) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::UnlessPassed => verdict != Verdict::Pass,
        }
    }
}

impl Setting<'_> {
    /// What decides is in the verdict: who wants that alone is told no more.
    pub(super) fn warn(self, warnings: &[String]) {
        match self.scenario {
            _ if self.is_quiet => {}
            None => super::warn(warnings),
            Some(id) => {
                let named = warnings.iter().map(|warning| format!("{id}: {warning}"));
                super::warn(&named.collect::<Vec<_>>());
            }
        }
    }

    /// Says which audit of several comes next, and when.
    pub(super) fn tell_sample(self, left: Duration) {
        let Some((number, count)) = self.sample else { return };
        let log = self.log();
        log(&format!("sample {number} of {count} begins in {left:.1?}"));
        if let Some(progress) = self.progress(false).filter(|_| !left.is_zero()) {
            progress.tell_pause(left);
        }
    }

    /// Tells how it goes, where somebody looks on.
    fn progress(self, is_beside_a_command: bool) -> Option<Progress> {
        let progress = Progress::on_terminal(is_beside_a_command, self.sample);
        progress.filter(|_| !self.is_quiet && self.scenario.is_none())
    }

    fn log(self) -> impl Fn(&str) + Copy + Send + Sync + 'static {
        super::log(self.is_verbose)
    }
}

/// Carries out an audit, and compares it with an earlier one if there is one. What `known` says went
/// wrong before it, so that nothing is watched.
///
/// # Errors
/// If the command cannot be started.
pub(super) fn perform(
    plan: Plan,
    started: Instant,
    setting: Setting<'_>,
    (earlier, known): (Option<Earlier>, Option<Failure>),
) -> Result<(Report, Exit), collect::Error> {
    let log = setting.log();
    let mut telemetry = match known {
        Some(failure) => Telemetry::failed(&plan.spec, failure),
        None => collect(&plan, started, setting)?,
    };
    setting.warn(&telemetry.warnings);
    if let Some(path) = setting.record {
        record(path, &mut telemetry);
    }
    let plan = plan.of_recording(telemetry.is_of_probe());
    let (plan, telemetry) = (Arc::new(plan), Arc::new(telemetry));
    let audited = {
        let (plan, telemetry) = (Arc::clone(&plan), Arc::clone(&telemetry));
        interrupt::race(move || audit_at_worst_instant(&plan, &telemetry, &log))
    };
    let audit = audited.unwrap_or_else(|_| audit::unread(&plan, &telemetry));
    let earlier = earlier.or_else(|| before(setting, &plan, &telemetry));
    let audit = match &plan.baseline {
        // Where there is none though it is asked for, nothing of it is known.
        Some(_) => {
            let baseline = earlier.as_ref().map(|earlier| earlier.values(&plan));
            audit.compared(&plan, &baseline.unwrap_or_default())
        }
        None => audit,
    };
    setting.warn(&audit.warnings);
    let exit = Exit::of(audit.assessment.verdict, plan.gate);
    let mut report = Report::new(&plan, &audit, exit);
    report.config_in_repository = repository::path_in(&plan.config);
    report.repository = repository::root();
    report.baseline = earlier.as_ref().map(Earlier::entry);
    if setting.charts.are_drawn(report.verdict) && is_answered(&report) {
        report.timeline = timeline(setting, &plan, &telemetry);
    }
    Ok((report, exit))
}

/// The audit of the time before, where that is asked for; `None` also where a signal came meanwhile.
fn before(setting: Setting<'_>, plan: &Arc<Plan>, telemetry: &Arc<Telemetry>) -> Option<Earlier> {
    let Some(BaselineRequest::Before(offset)) = plan.baseline else { return None };
    if let Some(window) = telemetry.observed.window.filter(|window| *window > offset) {
        setting.warn(&[format!(
            "nothing is compared: --baseline-window {offset:?} is shorter than the {window:?} that were \
             watched, so that a part of them would be compared with itself"
        )]);
        return None;
    }
    if telemetry.is_blank() {
        // A server that cannot be asked of now is not asked of then.
        return None;
    }
    let log = setting.log();
    let (plan, telemetry) = (Arc::clone(plan), Arc::clone(telemetry));
    let audited = interrupt::race(move || audit_before(&plan, &telemetry, offset, &log));
    let (plan, audit) = audited.ok()?;
    let exit = Exit::of(audit.assessment.verdict, plan.gate);
    Some(Earlier::before(offset, Report::new(&plan, &audit, exit)))
}

/// Whether any query has an answer; else there is no use in asking again.
fn is_answered(report: &Report) -> bool {
    let is_none =
        |it: &SignalEntry| matches!(it.state, StateName::Failed | StateName::NotConfigured);
    report.signals.iter().any(|(_, entry)| !is_none(entry))
}

/// The signals over time. The verdict stands already.
fn timeline(
    setting: Setting<'_>,
    plan: &Arc<Plan>,
    telemetry: &Arc<Telemetry>,
) -> Option<TimelineReport> {
    let log = setting.log();
    let (plan, telemetry) = (Arc::clone(plan), Arc::clone(telemetry));
    let drawn = interrupt::race(move || audit::timeline(&plan, &telemetry, &log));
    drawn.ok().flatten().as_ref().map(Into::into)
}

/// Collects what the queries of the plan are asked of.
///
/// # Errors
/// If the command cannot be started.
pub(super) fn collect(
    plan: &Plan,
    started: Instant,
    setting: Setting<'_>,
) -> Result<Telemetry, collect::Error> {
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
    let prover = if setting.aborts_on_breach { Prover::new(plan).map(Arc::new) } else { None };
    let test = prover.as_ref();
    let test = test.map(|it| move |storage: &_, observed: &_| it.proven(storage, observed));
    let of_server = prover.as_ref().and_then(|it| server_test(it, setting));
    let of_samples = test.as_ref().map(|test| BreachTest(test));
    let breach = BreachTests { of_samples, of_server: of_server.as_ref() };
    let watched = Watched { expressions, lag, required, accept_partial, max_clock_skew, breach };
    let progress = setting.progress(!plan.spec.command.is_empty());
    super::observed(&setting.log(), progress, setting.stdout_is_taken, |observer| {
        collect::collect(&plan.spec, started, watched, observer)
    })
}

/// What shows whether a server's samples so far prove a breach, where a server is asked.
fn server_test(prover: &Arc<Prover>, setting: Setting<'_>) -> Option<ServerTest> {
    if !prover.asks_server() {
        return None;
    }
    let log = setting.log();
    let (prover, other) = (Arc::clone(prover), Arc::clone(prover));
    Some(ServerTest {
        proven: Arc::new(move |observed| prover.proven_by_server(observed, &log)),
        interval: Arc::new(move |at| other.interval_of_server(at, &log)),
    })
}

/// The limit of the event loop's lag. Where there is none, a page may take its time.
fn lag_limit(criteria: &Criteria) -> Duration {
    let limit = criteria.limit(Signal::EVENT_LOOP_LAG.key()).unwrap_or(f64::INFINITY);
    Duration::try_from_secs_f64(limit).unwrap_or(Duration::MAX)
}

/// Keeps what was scraped. A recording that is missing is no success.
fn record(path: &Path, telemetry: &mut Telemetry) {
    let Some(storage) = telemetry.storage() else { return };
    let written = output::write_file(path, |out| exposition::write(storage, out));
    if let Err(source) = written {
        let failure = Failure::Unwritable { what: "recording", path: path.to_owned(), source };
        telemetry.failure.get_or_insert(failure);
    }
}
