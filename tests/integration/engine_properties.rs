//! What must hold of the engine for any readings at all.

use auditor::engine::{Assessment, Circumstances, Verdict, assess};
use auditor::model::check::{Check, Criteria, Limit, Observed, Severity};
use auditor::model::interval::Interval;
use auditor::model::level::{Gate, Level, Levels, Status};
use auditor::model::reading::{CheckReading, ReadAs, Reading, Readings, Sample, State};
use auditor::model::signal::{SIGNALS, Signal};
use proptest::prelude::*;

/// Signals of which more is worse: all but the finished tasks.
const WORSE_WHEN_HIGHER: [Signal; 9] = [
    Signal::P99_LATENCY,
    Signal::EVENT_LOOP_LAG,
    Signal::BLOCKING_EVENTS_TOTAL,
    Signal::BLOCKING_DURATION_AVG,
    Signal::PEAK_ACTIVE_REQUESTS,
    Signal::THREADPOOL_QUEUE_WAIT,
    Signal::THREADPOOL_TASKS_STARTED,
    Signal::THREADPOOL_BACKLOG,
    Signal::PROCESS_CPU_CORES,
];

fn judge(readings: &Readings, gate: Option<Level>) -> Assessment {
    judge_amid(readings, Circumstances { gate: at(gate), ..Circumstances::default() })
}

fn at(level: Option<Level>) -> Gate {
    level.map(Gate::at).unwrap_or_default()
}

fn judge_amid(readings: &Readings, circumstances: Circumstances<'_>) -> Assessment {
    assess(readings, &Criteria::default(), circumstances)
}

fn exact(value: f64) -> Reading {
    Reading { value: Interval::exactly(value), measured: true, ..Reading::unknown(State::Ok) }
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-4.0..4.0_f64).prop_map(|exponent| 10.0_f64.powf(exponent)),
        2 => 0.0..4.0_f64,
        1 => Just(0.0),
        1 => 0.0..f64::MAX,
        1 => Just(f64::MAX),
    ]
}

fn known() -> impl Strategy<Value = Reading> {
    value().prop_map(exact)
}

fn unknown() -> impl Strategy<Value = Reading> {
    prop_oneof![
        Just(Reading::unknown(State::NoData)),
        Just(Reading::unknown(State::Failed("no answer".into()))),
        value().prop_map(|value| Reading {
            value: Interval::at_least(value),
            measured: true,
            ..Reading::unknown(State::NotANumber)
        }),
    ]
}

fn readings(of: impl Strategy<Value = Reading>) -> impl Strategy<Value = Readings> {
    let all = proptest::collection::vec(of, SIGNALS.len());
    (all, any::<bool>()).prop_map(|(all, own_backlog)| {
        Readings::new(|signal| {
            let configured = signal != Signal::THREADPOOL_BACKLOG || own_backlog;
            configured.then(|| all[signal.index()].clone())
        })
    })
}

fn any_readings() -> impl Strategy<Value = Readings> {
    readings(prop_oneof![3 => known().boxed(), 1 => unknown().boxed()])
}

fn gate() -> impl Strategy<Value = Level> {
    prop_oneof![Just(Level::Degraded), Just(Level::Critical), Just(Level::Collapse)]
}

fn signal() -> impl Strategy<Value = Signal> {
    proptest::sample::select(Signal::all().collect::<Vec<_>>())
}

/// The defaults and a check of that severity, which holds or not, or cannot be told.
fn with_check(severity: Severity, holds: Option<bool>) -> (Criteria, Reading) {
    let mut criteria = Criteria::default();
    criteria.checks.push(Check {
        id: "own".into(),
        observes: Observed::Query,
        limit: Limit::Max(1.0),
        severity,
        category: "custom".into(),
        description: String::new(),
        origin: None,
        is_requested: true,
    });
    let reading = match holds {
        Some(true) => exact(1.0),
        Some(false) => exact(1.5),
        None => Reading::unknown(State::NoData),
    };
    (criteria, reading)
}

fn is_pass(verdict: Verdict) -> bool {
    verdict == Verdict::Pass || verdict == Verdict::NotGated
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn raising_a_signal_never_improves_the_status(
        before in readings(known()),
        signal in proptest::sample::select(WORSE_WHEN_HIGHER.to_vec()),
        raised in value(),
    ) {
        let mut after = before.clone();
        let old = before.get(signal).value.least;
        prop_assume!(before.get(signal).state != State::NotConfigured);
        after.set(signal, exact(old.max(raised)));
        prop_assert!(judge(&after, None).status >= judge(&before, None).status);
    }

    #[test]
    fn losing_a_reading_never_turns_a_failure_into_a_pass(
        before in any_readings(), signal in signal(), lost in unknown(), gate in gate(),
    ) {
        // What is left of the reading is at most what it was.
        let mut lost = lost;
        let was = before.get(signal);
        prop_assume!(was.state != State::NotConfigured);
        lost.value = Interval::at_least(lost.value.least.min(was.value.least));
        let mut after = before.clone();
        after.set(signal, lost);
        if judge(&before, Some(gate)).verdict != Verdict::Pass {
            prop_assert!(!is_pass(judge(&after, Some(gate)).verdict));
        }
    }

    #[test]
    fn no_value_of_an_unknown_turns_a_proven_failure_into_a_pass(
        before in any_readings(), filled in proptest::collection::vec(value(), SIGNALS.len()), gate in gate(),
    ) {
        let mut after = before.clone();
        for (signal, reading) in before.iter() {
            if reading.value.exact().is_none() {
                after.set(signal, exact(reading.value.least.max(filled[signal.index()])));
            }
        }
        let (before, after) = (judge(&before, Some(gate)), judge(&after, Some(gate)));
        if before.verdict == Verdict::Fail {
            prop_assert_eq!(after.verdict, Verdict::Fail);
        }
        if before.status != Status::Inconclusive {
            prop_assert!(after.status >= before.status);
        }
        // What was proven with less stays proven, and nothing stays open.
        let names = |a: &Assessment| a.failure_modes.iter().map(|m| m.mode.name).collect::<Vec<_>>();
        let after_names = names(&after);
        prop_assert!(names(&before).iter().all(|name| after_names.contains(name)));
        prop_assert!(after.not_assessable.is_empty());
    }

    #[test]
    fn a_pass_has_every_term_known_and_below_the_gate(readings in any_readings(), gate in gate()) {
        let judged = judge(&readings, Some(gate));
        if is_pass(judged.verdict) {
            prop_assert!(judged.score.terms.iter().all(|term| term.points.exact().is_some()));
            prop_assert!(judged.score.total.least < Levels::default().start_of(gate));
            prop_assert_ne!(judged.status, Status::Inconclusive);
        }
    }

    #[test]
    fn a_failure_on_the_way_is_never_a_pass(
        readings in any_readings(), gate in proptest::option::of(gate()),
    ) {
        let failure = Some("a query failed");
        let judged = judge_amid(&readings, Circumstances { gate: at(gate), failure, ..Default::default() });
        prop_assert!(matches!(judged.verdict, Verdict::Fail | Verdict::Error));
    }

    #[test]
    fn a_command_that_failed_is_never_a_pass(
        readings in any_readings(), gate in proptest::option::of(gate()), failed in any::<bool>(),
    ) {
        let command_failure = Some("the command `k6` exited with code 99");
        let failure = failed.then_some("a query failed");
        let circumstances =
            Circumstances { gate: at(gate), failure, command_failure, ..Default::default() };
        let judged = judge_amid(&readings, circumstances);
        prop_assert!(matches!(judged.verdict, Verdict::Fail | Verdict::CommandFailed));
        // A breach that is proven is told before it.
        let breach = judge(&readings, gate).verdict == Verdict::Fail;
        prop_assert_eq!(judged.verdict == Verdict::Fail, breach);
    }

    #[test]
    fn what_was_interrupted_is_never_a_pass_and_loses_no_breach(
        readings in any_readings(), gate in proptest::option::of(gate()),
        (failed, command_failed) in any::<(bool, bool)>(),
    ) {
        let interruption = Some("the audit was interrupted (SIGTERM)");
        let failure = failed.then_some("a query failed");
        let command_failure = command_failed.then_some("the command `k6` exited with code 99");
        let circumstances = Circumstances {
            gate: at(gate), failure, command_failure, interruption, ..Default::default()
        };
        let judged = judge_amid(&readings, circumstances);
        let breach = judge(&readings, gate).verdict == Verdict::Fail;
        let expected = match (breach, command_failed) {
            (true, _) => Verdict::Fail,
            (false, true) => Verdict::CommandFailed,
            (false, false) => Verdict::Interrupted,
        };
        prop_assert_eq!(judged.verdict, expected);
        prop_assert!(Verdict::Inconclusive < Verdict::Interrupted);
        prop_assert!(Verdict::Interrupted < Verdict::Error);
    }

    #[test]
    fn latency_and_event_count_never_make_a_verdict_inconclusive(
        before in readings(known()), lost in unknown(), gate in gate(),
    ) {
        let mut after = before.clone();
        after.set(Signal::P99_LATENCY, lost.clone());
        after.set(Signal::BLOCKING_EVENTS_TOTAL, lost);
        prop_assert_eq!(judge(&before, Some(gate)).verdict, judge(&after, Some(gate)).verdict);
    }

    #[test]
    fn finite_in_finite_out(readings in any_readings()) {
        let judged = judge(&readings, None);
        prop_assert!(judged.score.total.least.is_finite());
        for term in &judged.score.terms {
            prop_assert!(term.points.least.is_finite() && term.points.least >= 0.0);
        }
        for evidence in judged.failure_modes.iter().flat_map(|mode| &mode.evidence) {
            prop_assert!(evidence.observed.least.is_finite() && evidence.observed.least > evidence.limit);
        }
    }

    /// Whatever the score says: a check of the user's own is a part of the verdict.
    #[test]
    fn a_check_is_a_part_of_every_gate_that_its_severity_reaches(
        before in any_readings(), level in proptest::option::of(gate()), failure_mode in any::<bool>(),
        severity in proptest::sample::select(Severity::ALL.map(|(_, it)| it).to_vec()),
        known in proptest::option::of(any::<bool>()),
    ) {
        let gate = Gate { level, failure_mode };
        let without = judge_amid(&before, Circumstances { gate, ..Default::default() });
        let mut readings = before;
        let (criteria, reading) = with_check(severity, known);
        readings.set_check("own", CheckReading::Value(reading));
        let judged = assess(&readings, &criteria, Circumstances { gate, ..Default::default() });
        let weighs = severity == Severity::Critical
            || severity == Severity::Warning && level == Some(Level::Degraded);
        let expected = match (known, without.verdict) {
            _ if !gate.is_set() || !weighs => None,
            (Some(true), _) => None,
            (Some(false), _) => Some(Verdict::Fail),
            (None, Verdict::Pass) => Some(Verdict::Inconclusive),
            (None, _) => None,
        };
        if gate.is_set() {
            prop_assert_eq!(judged.verdict, expected.unwrap_or(without.verdict));
        }
        if judged.verdict == Verdict::Pass {
            prop_assert!(known == Some(true) || !weighs || !gate.is_set());
            prop_assert!(!failure_mode || judged.failure_modes.is_empty());
            prop_assert!(!failure_mode || judged.not_assessable.is_empty());
        }
        prop_assert_eq!(judged.status, without.status);
    }

    #[test]
    fn whatever_a_backend_sends_becomes_a_finite_reading(
        values in proptest::collection::vec(any::<f64>(), 0..6), signal in signal(),
    ) {
        let samples: Vec<_> = values.iter().map(|value| Sample { labels: Default::default(), value: *value }).collect();
        let reading = Reading::new(samples, &[], None, ReadAs::default_for(signal));
        prop_assert!(reading.value.least.is_finite() && reading.value.least >= 0.0);
        let readable = !values.is_empty() && values.iter().all(|value| value.is_finite());
        if readable {
            prop_assert!(reading.value.exact().is_some());
        }
        if values.is_empty() || values.iter().any(|value| value.is_infinite()) {
            prop_assert!(reading.value.exact().is_none());
        }
    }
}
