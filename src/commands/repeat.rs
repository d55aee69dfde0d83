//! An audit that is carried out several times, and what a circuit breaker makes of the outcomes.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::perform::{Setting, perform};
use crate::baseline::Earlier;
use crate::breaker::conclusion::{Audited, Circumstances, Conclusion, KeptIn, conclude};
use crate::breaker::state::{self, StateError, StateFile};
use crate::cli::Repeats;
use crate::collect::{self, Failure};
use crate::config::Plan;
use crate::engine::Verdict;
use crate::exit::Exit;
use crate::interrupt;
use crate::one_line::one_line;
use crate::report::{Report, SamplesReport};

/// The file of the breaker's counters, and what stood in it before the run.
pub(super) struct Kept {
    file: StateFile,
    before: state::Kept,
}

impl Kept {
    /// Reads the file.
    ///
    /// # Errors
    /// If it is there and is not to be relied on.
    pub(super) fn read(file: StateFile) -> Result<Self, StateError> {
        let before = file.read()?;
        Ok(Self { file, before })
    }
}

/// Carries out the audits, and concludes. What `known` says went wrong before them, so that nothing is
/// watched.
///
/// # Errors
/// If the command of the first cannot be started.
pub(super) fn repeat(
    plan: &Plan,
    started: Instant,
    setting: Setting<'_>,
    (earlier, known): (Option<Earlier>, Option<Failure>),
    (repeats, kept): (Repeats, Option<Kept>),
) -> Result<(Report, Exit), collect::Error> {
    let mut audits = carry_out(plan, started, setting, (earlier.as_ref(), known), repeats)?;
    let facts: Vec<_> = audits.iter().map(audited).collect();
    let interruption = interrupt::received().map(collect::in_words);
    let file = kept.as_ref().map(|it| one_line(&it.file.path().display().to_string()));
    let conclude = |before: state::Kept| {
        let circumstances = Circumstances {
            is_gated: plan.gate.is_set(),
            interruption: interruption.as_deref(),
            kept: file.as_deref().map(|file| KeptIn { file, tripped_at: before.tripped_at }),
        };
        conclude(&facts, repeats.breaker, before.counters, circumstances)
    };
    let (conclusion, unkept) = conclude_and_keep(conclude, kept, now(plan, started));
    let exit = exit(conclusion.verdict);
    let every = (repeats.samples.get(), repeats.interval);
    let samples = SamplesReport::new(every, &audits, repeats.breaker, &conclusion);
    // Proof: there is an audit of that number, for there is at least one.
    let decided_by = audits.swap_remove(conclusion.decided_by);
    let mut report = decided_by.of_run(&conclusion, exit, samples);
    let mut exit = exit;
    if let Some(error) = unkept {
        exit = exit.unreported();
        report.not_delivered(&error.to_string(), exit);
    }
    Ok((report, exit))
}

/// How a run ends. Without a gate, too, audits that all lack a verdict are no success: who asks for
/// several wants to know.
const fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Pass | Verdict::NotGated => Exit::Success,
        Verdict::Fail | Verdict::CommandFailed => Exit::Failed,
        Verdict::Inconclusive | Verdict::Interrupted | Verdict::Error => Exit::NoVerdict,
    }
}

fn audited(report: &Report) -> Audited {
    Audited {
        verdict: report.verdict,
        reason: report.verdict_reason.clone(),
        score: report.runtime_health_score,
    }
}

/// Concludes from what the file of the counters says by then, and keeps them; whatever the audits of
/// another run came to meanwhile counts. What has no verdict changes nothing there.
fn conclude_and_keep(
    conclude: impl Fn(state::Kept) -> Conclusion,
    kept: Option<Kept>,
    now: Timestamp,
) -> (Conclusion, Option<StateError>) {
    let Some(Kept { file, before }) = kept else { return (conclude(state::Kept::default()), None) };
    let expected = conclude(before);
    if expected.conclusive == 0 {
        return (expected, None);
    }
    let kept = file.update(now, |before| {
        let conclusion = conclude(before);
        let tripped_at = if conclusion.tripped { Some(now) } else { before.tripped_at };
        let counters = conclusion.counters;
        let tripped_at = tripped_at.filter(|_| counters.cooldown_remaining > 0);
        (state::Kept { counters, tripped_at }, conclusion)
    });
    match kept {
        Ok(conclusion) => (conclusion, None),
        Err(error) => (expected, Some(error)),
    }
}

/// The reports of the audits, at least one: fewer than were asked for after a signal, and where
/// nothing can be written that is to be.
fn carry_out(
    plan: &Plan,
    started: Instant,
    setting: Setting<'_>,
    (earlier, known): (Option<&Earlier>, Option<Failure>),
    repeats: Repeats,
) -> Result<Vec<Report>, collect::Error> {
    let count = repeats.samples.get();
    let is_hopeless = known.is_some();
    let of = |number| Setting { sample: (count > 1).then_some((number, count)), ..setting };
    let (first, _) = perform(plan.clone(), started, of(1), (earlier.cloned(), known))?;
    let mut audits = vec![first];
    let mut begun = started;
    for number in 2..=count {
        if is_hopeless || pause(begun, repeats.interval, of(number)).is_err() {
            break;
        }
        begun = Instant::now();
        let mut plan = plan.clone();
        plan.spec.now = now(&plan, started);
        audits.push(again(&plan, earlier, begun, of(number)));
    }
    Ok(audits)
}

/// Another audit. That its command cannot be started any more is no mistake of who asked for it: it
/// has been before.
fn again(plan: &Plan, earlier: Option<&Earlier>, begun: Instant, setting: Setting<'_>) -> Report {
    let mut failure = None;
    loop {
        match perform(plan.clone(), begun, setting, (earlier.cloned(), failure.take())) {
            Ok((report, _)) => return report,
            // With a failure that is known nothing is started, so that this does not come again.
            Err(error) => {
                failure = Some(Failure::NotAgain(format!("{:#}", anyhow::Error::from(error))))
            }
        }
    }
}

/// The time by the system's clock; where that is off by now, by how long the run has taken.
fn now(plan: &Plan, started: Instant) -> Timestamp {
    let by_its_length = plan.spec.now.checked_add(started.elapsed());
    super::now().ok().or(by_its_length.ok()).unwrap_or(plan.spec.now)
}

/// Waits until so much time has passed since the last one began.
///
/// # Errors
/// The signal that came meanwhile.
fn pause(
    begun: Instant,
    interval: Duration,
    setting: Setting<'_>,
) -> Result<(), interrupt::Interruption> {
    let left = interval.saturating_sub(begun.elapsed());
    setting.tell_sample(left);
    interrupt::sleep(left)
}
