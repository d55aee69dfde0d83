//! What the summary of a suite comes to.

use super::*;

fn facts(id: &str, exits: &[i64]) -> ScenarioFacts {
    ScenarioFacts {
        order: 1,
        id: id.to_owned(),
        name: id.to_owned(),
        duration_ms: 1,
        exits: exits.iter().map(|code| ("sim".to_owned(), *code)).collect(),
        metrics: Vec::new(),
        evidence: Vec::new(),
        unlisted: false,
        origin: None,
    }
}

fn entry(id: &str, status: ScenarioStatus) -> ScenarioEntry {
    ScenarioEntry { status, ..ScenarioEntry::not_audited(facts(id, &[]), format!("why {id}")) }
}

#[test]
fn a_failure_that_is_known_stays_one() {
    for (exits, status, reason) in [
        (&[][..], ScenarioStatus::Inconclusive, "the file has gone"),
        (&[0], ScenarioStatus::Inconclusive, "the file has gone"),
        (&[1], ScenarioStatus::Fail, "process_rc(sim=1); the file has gone"),
    ] {
        let entry = ScenarioEntry::not_audited(facts("a", exits), "the file has gone".to_owned());
        assert_eq!((entry.status, entry.reason.as_str()), (status, reason));
    }
    for (before, after) in [
        (ScenarioStatus::Pass, ScenarioStatus::Inconclusive),
        (ScenarioStatus::Fail, ScenarioStatus::Fail),
        (ScenarioStatus::Inconclusive, ScenarioStatus::Inconclusive),
    ] {
        let kept = entry("a", before).not_kept("no space is left".to_owned());
        let is_told = kept.reason == "no space is left";
        assert_eq!((kept.status, is_told), (after, before == ScenarioStatus::Pass));
    }
}

fn summary(statuses: &str, expected: usize, interruption: Option<&str>) -> Summary {
    let entries = statuses.chars().zip('a'..).map(|(status, id)| {
        let status = match status {
            'P' => ScenarioStatus::Pass,
            'F' => ScenarioStatus::Fail,
            _ => ScenarioStatus::Inconclusive,
        };
        entry(&id.to_string(), status)
    });
    let interruption = interruption.map(str::to_owned);
    let not_finished = interruption.iter().map(|_| "z".to_owned()).collect();
    let run = Run { expected, interruption, not_finished, ..Run::default() };
    Summary::new(run, Ordered(Vec::new()), entries.collect())
}

#[test]
fn only_all_of_the_scenarios_that_have_to_be_there_pass() {
    for (statuses, expected, code, reason) in [
        ("PPP", 3, 0, "all 3 scenarios passed"),
        ("P", 1, 0, "the scenario passed"),
        ("PPP", 4, 1, "4 scenarios were expected, and there are 3"),
        ("PPP", 2, 1, "2 scenarios were expected, and there are 3"),
        ("", 1, 1, "1 scenario was expected, and there are 0"),
        ("PFP", 3, 1, "b failed: why b"),
        ("PFF", 3, 1, "2 of 3 scenarios failed: b, c"),
        ("PIF", 3, 1, "c failed: why c"),
        ("PIP", 3, 3, "b has no verdict: why b"),
        ("IIP", 3, 3, "2 of 3 scenarios have no verdict: a, b"),
        ("FF", 3, 1, "2 of 2 scenarios failed: a, b; 3 scenarios were expected, and there are 2"),
        ("FFFFFFF", 7, 1, "7 of 7 scenarios failed: a, b, c, d, e and 2 more"),
    ] {
        let summary = summary(statuses, expected, None);
        assert_eq!(summary.verdict_reason, reason, "{statuses}");
        assert_eq!((summary.exit_code, summary.recommended_exit_code), (code, code), "{statuses}");
        assert_eq!(summary.all_pass, code == 0);
        assert_eq!(summary.error.is_some(), code == 3, "{statuses}");
    }
}

#[test]
fn a_scenario_without_a_row_is_no_pass_unless_only_a_number_is_expected() {
    for (expects_each, code) in [(true, 1), (false, 0)] {
        let without_row = vec!["b".to_owned()];
        let run = Run { expected: 1, without_row, expects_each, ..Run::default() };
        let entries = vec![entry("a", ScenarioStatus::Pass)];
        let summary = Summary::new(run, Ordered(Vec::new()), entries);
        assert_eq!(summary.exit_code, code, "{}", summary.verdict_reason);
        assert_eq!(summary.verdict_reason.contains("b has no row in the manifest"), expects_each);
        assert_eq!(summary.without_row, ["b"]);
    }
}

#[test]
fn an_interrupted_suite_does_not_pass_and_a_failure_stays_one() {
    let passed = summary("PP", 3, Some("the suite was interrupted (SIGTERM)"));
    assert_eq!((passed.exit_code, passed.all_pass), (3, false));
    let reason = "the suite was interrupted (SIGTERM); 2 of 3 scenarios were finished";
    assert_eq!(passed.verdict_reason, reason);
    let failed = summary("PF", 3, Some("the suite was interrupted (SIGTERM)"));
    let reason = format!("b failed: why b; {reason}");
    assert_eq!((failed.exit_code, failed.verdict_reason), (1, reason));
}

#[test]
fn a_summary_that_is_not_delivered_is_no_success() {
    let mut passed = summary("P", 1, None);
    passed.not_delivered("cannot write", Exit::NoVerdict);
    assert_eq!((passed.verdict, passed.exit_code), (Verdict::Error, 3));
    assert_eq!((passed.all_pass, passed.recommended_exit_code), (false, 3));
    assert_eq!(passed.error.as_deref(), Some("cannot write"));
}

#[test]
fn numbers_are_written_as_they_are_read() {
    for (value, text) in [
        (Plain::of(150_000.0), "150000"),
        (Plain::of(-3.0), "-3"),
        (Plain::of(0.25), "0.25"),
        (Plain::of(9_007_199_254_740_991.0), "9007199254740991"),
        (Plain::decimal(12.0), "12.0"),
    ] {
        assert_eq!(serde_json::to_string(&value).unwrap(), text);
        assert_eq!(serde_json::from_str::<Plain>(text).unwrap(), value);
    }
}

#[test]
fn a_summary_is_recognised_and_read_again() {
    let summary = summary("PFI", 3, None);
    let json = serde_json::to_string(&summary).unwrap();
    assert!(Summary::is_json_of_one(&json));
    assert!(!Summary::is_json_of_one("{}") && !Summary::is_json_of_one("[]"));
    assert_eq!(serde_json::from_str::<Summary>(&json).unwrap(), summary);
}
