//! What failed is counted, and what was not seen is not calm.

use super::*;
use crate::watch::example;

fn now() -> Timestamp {
    "2026-11-27T15:00:00Z".parse().unwrap()
}

/// Audits of which each ended an hour after the one before; the last just now.
fn hourly(history: &str) -> Vec<Entry> {
    let entry = |(number, letter): (usize, char)| {
        let ago = SignedDuration::from_hours((history.len() - 1 - number) as i64);
        let mut entry = example::entry(now() - ago);
        entry.verdict = match letter {
            'p' => Verdict::Pass,
            'f' => Verdict::Fail,
            'c' => Verdict::CommandFailed,
            'n' => Verdict::NotGated,
            _ => Verdict::Inconclusive,
        };
        if letter == 'f' {
            entry.modes = [Arc::from("EVENT_LOOP_STARVATION")].into();
            entry.broken = [Arc::from("late_scrape"), Arc::from("event_loop_lag")].into();
            entry.culprits = [Arc::from("app/db.py:42 fetch_user")].into();
        }
        if letter == '?' {
            entry.broken = [Arc::from("max_age"), Arc::from("late_scrape")].into();
        }
        entry
    };
    history.chars().enumerate().map(entry).collect()
}

#[test]
fn a_time_comes_to_what_its_audits_come_to() {
    for (history, hours, status) in [
        ("pppp", 24, Outcome::NoRejections),
        ("?p??", 24, Outcome::NoRejections),
        ("pfpp", 24, Outcome::Failing),
        ("ppcp", 24, Outcome::Failing),
        ("????", 24, Outcome::NoVerdict),
        ("nn??", 24, Outcome::NoVerdict),
        ("f???", 2, Outcome::NoVerdict),
        ("f?pp", 2, Outcome::NoRejections),
        ("", 24, Outcome::NoAudits),
    ] {
        let report = report("api", &hourly(history), hours, now());
        assert_eq!(report.status, status, "{history}");
        assert_eq!(report.period_hours, hours);
    }
}

#[test]
fn what_failed_is_counted_and_the_most_frequent_comes_first() {
    let report = report("api", &hourly("pf?f?ppc"), 24, now());
    assert_eq!((report.failing_audits, report.audits.total, report.audits.pass), (3, 8, 3));
    assert_eq!((report.audits.command_failed, report.audits.inconclusive), (1, 2));
    assert_eq!(report.first_seen.as_deref(), Some("2026-11-27T09:00:00Z"));
    assert_eq!(report.last_seen.as_deref(), Some("2026-11-27T15:00:00Z"));
    assert_eq!(report.current.unwrap().verdict, Verdict::CommandFailed);
    let words = |all: &[Frequency]| {
        let words = all.iter().map(|it| format!("{} {} {}", it.name, it.count, it.share));
        words.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(words(&report.modes), "EVENT_LOOP_STARVATION 2 0.25");
    assert_eq!(words(&report.checks), "late_scrape 4 0.5, event_loop_lag 2 0.25");
    assert_eq!(words(&report.shortfalls), "max_age 2 0.25");
    assert_eq!(words(&report.culprits), "app/db.py:42 fetch_user 2 0.25");
}

#[test]
fn the_trend_is_the_slope_of_the_line_nearest_to_the_scores() {
    for (scores, expected) in [
        (&[Some(10.0), Some(20.0), Some(30.0)][..], Some(10.0)),
        (&[Some(30.0), None, Some(10.0), Some(0.0)], Some(-10.0)),
        (&[Some(5.0), Some(5.0), Some(5.0)], Some(0.0)),
        (&[Some(0.0), Some(9.0), Some(0.0), Some(9.0)], Some(1.8)),
        (&[Some(10.0), Some(20.0)], None),
        (&[Some(10.0), None, Some(30.0)], None),
    ] {
        let mut entries = hourly(&"p".repeat(scores.len()));
        entries.iter_mut().zip(scores).for_each(|(entry, score)| entry.score = *score);
        let trend = report("api", &entries, 24, now()).trend;
        assert_eq!(trend.map(|it| it.score_per_hour), expected, "{scores:?}");
        entries.iter_mut().for_each(|entry| entry.score_is_lower_bound = true);
        assert_eq!(report("api", &entries, 24, now()).trend, None);
    }
    let mut entries = hourly("ppp");
    entries.iter_mut().for_each(|entry| entry.at = now());
    assert_eq!(report("api", &entries, 24, now()).trend, None, "there is no line");
}

/// What readers of the original look at is there under the same names.
#[test]
fn the_keys_are_those_of_the_original_and_more() {
    let report = report("api", &hourly("ppp"), 48, now());
    let json = serde_json::to_string(&report).unwrap();
    let begin =
        r#"{"service":"api","status":"no_rejections","period_hours":48,"audits":{"total":3,"#;
    assert!(json.starts_with(begin), "{json}");
    assert!(json.contains(r#""first_seen":null"#), "{json}");
}
