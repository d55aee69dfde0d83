//! What is concluded from earlier audits, and since when something lasts.

use serde_json::json;

use super::*;
use crate::engine::Verdict;
use crate::model::level::Status;

#[test]
fn what_lasts_began_with_the_first_audit_that_showed_it() {
    let starved = &example::reports()[1];
    let fails = |entry: &mut Entry| {
        entry.verdict = Verdict::Fail;
        entry.modes = listed("EVENT_LOOP_STARVATION");
    };
    let sees_nothing = |entry: &mut Entry| entry.verdict = Verdict::Inconclusive;
    for (history, since) in [
        ("pppppf", 0),
        ("pppfff", 2),
        ("ffpfff", 2),
        ("ffffff", 5),
        // What was not seen neither ends it nor begins it.
        ("ppf?ff", 3),
        ("pp??ff", 1),
        ("f???ff", 5),
        ("????ff", 1),
    ] {
        let entries = audits(6, |number, entry| match history.as_bytes()[number] {
            b'f' => fails(entry),
            b'?' => sees_nothing(entry),
            _ => {}
        });
        let alerts = raised(starved, &entries);
        for id in ["failing:api", "mode:api:EVENT_LOOP_STARVATION"] {
            assert_eq!(found(&alerts, id).detected_at, ago(since), "{history} {id}");
        }
    }
}

#[test]
fn without_traffic_a_service_is_dormant_and_soon_that_is_a_warning() {
    let idle = |entry: &mut Entry| {
        entry.requests = Some(0.0);
        entry.verdict = Verdict::Inconclusive;
    };
    for (idle_audits, severity) in
        [(1, Severity::Info), (2, Severity::Info), (3, Severity::Warning), (9, Severity::Warning)]
    {
        let first = 12 - idle_audits;
        let entries = audits(12, |number, entry| {
            if number >= first {
                idle(entry)
            }
        });
        let alerts = raised_by(&entries);
        let alert = found(&alerts, "dormant:api");
        assert_eq!((alert.severity, &alert.detected_at), (severity, &ago(idle_audits as i64 - 1)));
        assert_eq!(alert.finding, json!({"requests": 0.0, "audits": idle_audits}));
        assert!(!ids(&alerts).contains(&"throughput:api"), "that there is none says it all");
    }
}

#[test]
fn what_is_dormant_follows_from_the_requests_and_the_rule_about_them() {
    for (requests, error_ratio, is_short, is_dormant) in [
        (Some(0.0), None, false, true),
        (Some(30.0), Some(0.0), true, true), // Those for the page of metrics.
        (None, None, true, true),
        (Some(120.0), Some(0.0), false, false),
        (None, Some(0.0), false, false),
        (Some(50.0), Some(1.0), true, false), // There were some, and all failed.
    ] {
        let entries = audits(1, |_, entry| {
            (entry.requests, entry.error_ratio) = (requests, error_ratio);
            if is_short {
                entry.broken = listed("min_requests");
            }
        });
        let alerts = raised_by(&entries);
        assert_eq!(
            ids(&alerts).contains(&"dormant:api"),
            is_dormant,
            "{requests:?} {error_ratio:?}"
        );
    }
    let mut worker = example::report();
    worker["evidence"]["rules"] = json!([{"rule": "min_requests", "to": "0", "default": "1"}]);
    let entries = audits(1, |_, entry| entry.requests = Some(0.0));
    assert_eq!(raised(&worker, &entries), [], "a worker serves no requests");
}

/// The newest of some audits, after earlier ones that are all alike.
fn after(earlier: usize, usual: impl Fn(&mut Entry), newest: impl Fn(&mut Entry)) -> Vec<Entry> {
    audits(earlier + 1, |number, entry| if number < earlier { usual(entry) } else { newest(entry) })
}

#[test]
fn a_score_far_over_the_usual_is_a_regression() {
    let score = |score: f64| move |entry: &mut Entry| entry.score = Some(score);
    for (earlier, usual, newest, is_worse) in [
        (5, 200.0, 300.0, false),
        (5, 200.0, 300.1, true),
        (4, 200.0, 900.0, false),
        (5, 10.0, 150.0, false), // The usual counts as at least 100.
        (5, 10.0, 150.1, true),
    ] {
        let entries = after(earlier, score(usual), score(newest));
        let alerts = raised_by(&entries);
        assert_eq!(ids(&alerts) == ["regression:api"], is_worse, "{usual} {newest}");
        assert_eq!(alerts.is_empty(), !is_worse);
    }
}

#[test]
fn one_worse_score_of_a_healthy_service_is_told_and_several_warn() {
    let risen = |entry: &mut Entry| entry.score = Some(300.0);
    for (worse, status, severity) in [
        (1, Status::Healthy, Severity::Info),
        (2, Status::Healthy, Severity::Info),
        (3, Status::Healthy, Severity::Warning),
        (1, Status::Degraded, Severity::Warning),
    ] {
        let entries = audits(20, |number, entry| {
            if number >= 20 - worse {
                risen(entry);
                entry.status = status;
            }
        });
        let alerts = raised_by(&entries);
        let alert = found(&alerts, "regression:api");
        assert_eq!((alert.severity, &alert.detected_at), (severity, &ago(worse as i64 - 1)));
        assert!(alert.detail.starts_with("The score is 300, over 150, where 35.5 is usual"));
    }
}

#[test]
fn what_is_not_known_whole_and_what_is_long_ago_is_not_compared() {
    let week = SignedDuration::from_hours(7 * 24);
    let risen = |entry: &mut Entry| entry.score = Some(300.0);
    let changes: [&dyn Fn(&mut Entry); 4] = [
        &|entry| entry.score_is_lower_bound = true,
        &|entry| entry.at -= week,
        &|entry| entry.verdict = Verdict::Interrupted,
        &|entry| entry.score = None,
    ];
    for (number, change) in changes.iter().enumerate() {
        let alerts = raised_by(&after(8, change, risen));
        assert!(!ids(&alerts).contains(&"regression:api"), "{number}: {alerts:?}");
    }
    let open = |entry: &mut Entry| {
        risen(entry);
        entry.score_is_lower_bound = true;
    };
    assert_eq!(raised_by(&after(8, |_| {}, open)), []);
}

#[test]
fn a_broken_comparison_is_a_regression_too() {
    let mut report = example::report();
    report["finding_details"] = json!([example::finding("baseline.score", "critical", None)]);
    let entries = audits(4, |number, entry| {
        if number > 1 {
            entry.broken = listed("baseline.score");
        }
    });
    let alerts = raised(&report, &entries);
    let alert = found(&alerts, "regression:api");
    assert_eq!((alert.severity, &alert.detected_at), (Severity::Critical, &ago(1)));
    assert_eq!(alert.finding["compared"][0]["check"], "baseline.score");
}

#[test]
fn far_less_traffic_is_told_and_a_warning_once_it_lasts() {
    let requests = |requests: f64| move |entry: &mut Entry| entry.requests = Some(requests);
    for (usual, newest, expected) in [
        (100.0, 50.0, None),
        (100.0, 49.0, Some((Severity::Info, "49 requests were seen, where 100 are usual (49%)"))),
        (100.0, 200.0, None),
        (
            100.0,
            201.0,
            Some((Severity::Info, "201 requests were seen, where 100 are usual (201%)")),
        ),
        (20.0, 5.0, Some((Severity::Info, "5 requests were seen"))),
        (19.0, 5.0, None),
    ] {
        let alerts = raised_by(&after(5, requests(usual), requests(newest)));
        match expected {
            Some((severity, words)) => {
                let alert = found(&alerts, "throughput:api");
                assert_eq!((alert.severity, alert.category), (severity, Category::Throughput));
                assert!(alert.detail.starts_with(words), "{}", alert.detail);
            }
            None => assert_eq!(alerts, [], "{usual} {newest}"),
        }
    }
    assert_eq!(
        raised_by(&after(4, requests(100.0), requests(1.0))),
        [],
        "of four nothing is usual"
    );
    for (low, expected) in [(2, Severity::Info), (3, Severity::Warning)] {
        let last = |number| if number < 6 { 100.0 } else { 10.0 };
        let lasting = audits(6 + low, |number, entry| entry.requests = Some(last(number)));
        let alerts = raised_by(&lasting);
        assert_eq!(found(&alerts, "throughput:api").severity, expected, "{low}");
    }
}

#[test]
fn far_more_errors_than_usual_are_a_spike() {
    let errors = |ratio: f64, requests: f64| {
        move |entry: &mut Entry| {
            (entry.error_ratio, entry.requests) = (Some(ratio), Some(requests));
        }
    };
    for (usual, newest, requests, expected) in [
        (0.0, 0.049, 120.0, None),
        (0.0, 0.05, 120.0, Some(Severity::Warning)),
        (0.1, 0.2, 120.0, None),
        (0.1, 0.21, 120.0, Some(Severity::Warning)),
        (0.02, 0.06, 120.0, None),
        (0.0, 0.4, 19.0, Some(Severity::Info)), // A matter of luck.
    ] {
        let alerts = raised_by(&after(5, errors(usual, requests), errors(newest, requests)));
        let told = alerts.iter().find(|it| it.id == "errors:api").map(|it| it.severity);
        assert_eq!(told, expected, "{usual} {newest} {requests}");
    }
}

#[test]
fn what_comes_and_goes_is_a_pattern_and_what_lasts_is_none() {
    for (history, expected) in [
        ("fpfpf", Some(Severity::Warning)),
        ("fpfppppf", Some(Severity::Info)),
        ("ffpf", Some(Severity::Warning)),
        ("fppppppf", None),
        ("ffff", None),
        ("ff?ff", None), // What was not seen is no end of it.
        ("ppfpfpfp", Some(Severity::Info)),
    ] {
        let count = history.len();
        let entries = audits(count, |number, entry| match history.as_bytes()[number] {
            b'f' => entry.modes = listed("LOAD_SATURATION"),
            b'?' => entry.verdict = Verdict::Error,
            _ => {}
        });
        let alerts = raised_by(&entries);
        let told = alerts.iter().find(|it| it.id == "recurring:api:LOAD_SATURATION");
        assert_eq!(told.map(|it| it.severity), expected, "{history}");
        let told = told.map(|it| (it.category, it.domain.as_str()));
        assert!(told.is_none_or(|it| it == (Category::FailurePattern, "load")), "{told:?}");
    }
}

#[test]
fn a_pattern_weighs_no_more_than_its_check_and_ends_with_its_day() {
    let mut report = example::report();
    report["checks"] = json!([
        example::check("own", "max", "warning", "billing"),
        example::check("event_loop_lag", "max", "info", "runtime"),
    ]);
    for (check, expected) in [
        ("own", Some((Severity::Warning, "billing"))),
        ("event_loop_lag", Some((Severity::Info, "event_loop"))),
        ("gone", Some((Severity::Info, "custom"))),
        ("busy_machine", None),
    ] {
        let entries = audits(7, |number, entry| {
            if number % 2 == 0 {
                entry.broken = listed(check);
            }
        });
        let id = format!("recurring:api:{check}");
        let alerts = raised(&report, &entries);
        let told = alerts.iter().find(|it| it.id == id);
        assert_eq!(told.map(|it| (it.severity, it.domain.as_str())), expected, "{check}");
        assert!(told.is_none_or(|it| it.detected_at == ago(2)), "since the third of them");
        let later = now() + SignedDuration::from_hours(24);
        let later = of("api", &example::read(&report), &entries, later);
        assert!(!ids(&later).contains(&id.as_str()), "{check}");
    }
}
