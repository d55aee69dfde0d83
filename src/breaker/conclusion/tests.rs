//! What runs of several audits come to, and why.

use std::num::NonZeroU32;

use super::*;

/// The audits as letters with a score: passed, not gated, failed, command failed, inconclusive,
/// error, interrupted.
fn audits(text: &str) -> Vec<Audited> {
    let verdict = |letter| match letter {
        'P' => Verdict::Pass,
        'N' => Verdict::NotGated,
        'F' => Verdict::Fail,
        'C' => Verdict::CommandFailed,
        '?' => Verdict::Inconclusive,
        'E' => Verdict::Error,
        _ => Verdict::Interrupted,
    };
    let audit = |word: &str| {
        let (letter, score) = word.split_at(1);
        Audited {
            verdict: verdict(letter.chars().next().unwrap()),
            reason: format!("why {word}"),
            score: score.parse().ok(),
        }
    };
    text.split(' ').map(audit).collect()
}

fn settings(failure_threshold: u32, cooldown: u32) -> Settings {
    Settings { failure_threshold: NonZeroU32::new(failure_threshold).unwrap(), cooldown }
}

const GATED: Circumstances<'_> = Circumstances { is_gated: true, interruption: None, kept: None };

#[test]
fn a_run_fails_once_the_breaker_was_open_and_says_why() {
    use Verdict::*;
    for (samples, (threshold, cooldown), kept, verdict, decided_by, reason) in [
        ("P20", (1, 0), (0, 0), Pass, 0, "why P20"),
        ("P20 P30 P10", (1, 0), (0, 0), Pass, 1, "none of 3 samples failed: why P30"),
        ("P2 F9", (1, 0), (0, 0), Fail, 1, "a sample failed, the limit is 1: why F9"),
        (
            "F9 P2 P1",
            (2, 0),
            (0, 0),
            Pass,
            1,
            "1 of 3 samples failed, the limit is 2 in a row: why P2",
        ),
        (
            "F9 F8 P",
            (2, 0),
            (0, 0),
            Fail,
            1,
            "2 consecutive samples failed, the limit is 2: why F8",
        ),
        (
            "C F8 F7",
            (2, 0),
            (0, 0),
            Fail,
            1,
            "2 consecutive samples failed, the limit is 2: why F8",
        ),
        (
            "F9 ? F8",
            (2, 0),
            (0, 0),
            Fail,
            2,
            "2 consecutive samples failed, the limit is 2: why F8",
        ),
        (
            "F9 ? P E",
            (2, 0),
            (0, 0),
            Pass,
            2,
            "1 of 4 samples failed, the limit is 2 in a row, and 2 have no verdict: why P",
        ),
        ("F9", (2, 0), (0, 0), Pass, 0, "1 of 1 sample failed, the limit is 2 in a row: why F9"),
        ("F9", (2, 0), (1, 0), Fail, 0, "2 consecutive samples failed, the limit is 2: why F9"),
        (
            "P1 P2",
            (2, 3),
            (0, 5),
            Fail,
            1,
            "the breaker is open for 3 further audits, because of earlier failures: why P2",
        ),
        (
            "P3 F2 P4",
            (2, 3),
            (0, 4),
            Fail,
            1,
            "the breaker is open for 1 further audit, because of earlier failures: why F2",
        ),
        (
            "P1 ?",
            (2, 3),
            (0, 1),
            Fail,
            0,
            "the breaker was open up to this audit, because of earlier failures: why P1",
        ),
        ("? ?", (1, 0), (0, 3), Inconclusive, 0, "none of 2 samples has a verdict: why ?"),
        ("? E ?", (1, 0), (0, 0), Error, 1, "none of 3 samples has a verdict: why E"),
        ("E", (1, 0), (0, 0), Error, 0, "why E"),
    ] {
        let (failures, remaining) = kept;
        let counters = Counters { consecutive_failures: failures, cooldown_remaining: remaining };
        let found = conclude(&audits(samples), settings(threshold, cooldown), counters, GATED);
        let told = (found.verdict, found.decided_by, found.reason.as_str());
        assert_eq!(told, (verdict, decided_by, reason), "{samples}");
    }
}

#[test]
fn without_a_gate_nothing_passes_that_something_stands_against() {
    let ungated = Circumstances { is_gated: false, ..GATED };
    for (samples, threshold, verdict) in [
        ("P P", 1, Verdict::Pass),
        ("P N", 1, Verdict::NotGated),
        ("P C", 2, Verdict::NotGated),
        ("P ?", 1, Verdict::NotGated),
        ("C C", 2, Verdict::Fail),
    ] {
        let counters = Counters::default();
        let found = conclude(&audits(samples), settings(threshold, 0), counters, ungated);
        assert_eq!(found.verdict, verdict, "{samples}");
    }
}

#[test]
fn an_interrupted_run_has_no_verdict_unless_the_breaker_was_open() {
    let interrupted = Circumstances { interruption: Some("it was interrupted"), ..GATED };
    for (samples, threshold, verdict, reason) in [
        (
            "P !",
            1,
            Verdict::Interrupted,
            "it was interrupted; none of 2 samples failed, and 1 has no verdict",
        ),
        (
            "!",
            1,
            Verdict::Interrupted,
            "it was interrupted; none of 1 sample failed, and 1 has no verdict",
        ),
        ("F ! ", 1, Verdict::Fail, "a sample failed, the limit is 1: why F"),
        (
            "F !",
            2,
            Verdict::Interrupted,
            "it was interrupted; 1 of 2 samples failed, the limit is 2 in a row, and 1 has no verdict",
        ),
    ] {
        let counters = Counters::default();
        let audits = audits(samples.trim());
        let found = conclude(&audits, settings(threshold, 0), counters, interrupted);
        assert_eq!((found.verdict, found.reason.as_str()), (verdict, reason), "{samples}");
    }
}

#[test]
fn what_is_counted_is_kept() {
    let found = conclude(&audits("F F ? P F"), settings(2, 3), Counters::default(), GATED);
    let kept = Counters { consecutive_failures: 1, cooldown_remaining: 1 };
    assert_eq!((found.counters, found.tripped), (kept, true));
    assert_eq!((found.conclusive, found.failing), (4, 3));
    let last = found.last.unwrap();
    assert_eq!((last.decision.is_open, last.decision.retry_after), (true, 1));
    assert!(conclude(&audits("? E"), settings(2, 3), kept, GATED).last.is_none());
}

/// Whoever meets an open breaker is told for how long it is so, since when, and how to close it.
#[test]
fn an_open_breaker_names_its_file() {
    let kept = |tripped_at| KeptIn { file: "b.json", tripped_at };
    let tripped_at = Some(Timestamp::UNIX_EPOCH);
    let counters = |cooldown_remaining| Counters { consecutive_failures: 0, cooldown_remaining };
    for (samples, before, kept, reason) in [
        (
            "P1",
            3,
            Some(kept(tripped_at)),
            "the breaker is open for 2 further audits (it tripped at 1970-01-01T00:00:00Z; to reset \
             it, delete b.json), because of earlier failures: why P1",
        ),
        (
            "P1",
            2,
            Some(kept(None)),
            "the breaker is open for 1 further audit (to reset it, delete b.json), because of \
             earlier failures: why P1",
        ),
        (
            "P1",
            1,
            Some(kept(tripped_at)),
            "the breaker was open up to this audit, because of earlier failures: why P1",
        ),
        (
            "F9 P1",
            0,
            Some(kept(None)),
            "a sample failed, the limit is 1, and the breaker is open for 1 further audit (to reset \
             it, delete b.json): why F9",
        ),
        ("F9 P1 P1", 0, Some(kept(None)), "a sample failed, the limit is 1: why F9"),
        ("F9 P1", 0, None, "a sample failed, the limit is 1: why F9"),
    ] {
        let circumstances = Circumstances { kept, ..GATED };
        let run = conclude(&audits(samples), settings(1, 2), counters(before), circumstances);
        assert_eq!((run.verdict, run.reason.as_str()), (Verdict::Fail, reason), "{samples}");
    }
}
