//! Answers of another time than was asked for, and servers that leave out what is `NaN`.

use std::collections::BTreeMap;

use super::matrix::{Fault, check, fault, healthy};
use crate::support::fake::{Fake, Request, Response};
use crate::support::{Run, auditor, beside, directory_with};

/// The instant that every row asks for.
const AT: &str = "2026-01-31T12:00:00Z";

fn at_noon(name: &str) -> Fault {
    fault(name).args(&["--at", AT])
}

/// The decisive query has a calm answer of that time.
fn of(name: &str, time: &str) -> Fault {
    let vector = format!(
        r#"{{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{}},"value":[{time},"0"]}}]}}}}"#
    );
    at_noon(name).lag(move |_| Response::new(200, &vector))
}

/// What is asked beside the queries: `vector(0) / 0`, and `vector(time())`.
fn probed(name: &str, nan: Option<&'static str>, time: &'static str) -> Fault {
    let series = |number: &str, value: &str| {
        let labels = BTreeMap::from([("auditor_evidence".to_owned(), number.to_owned())]);
        (labels, value.to_owned())
    };
    at_noon(name).beside(move |_| {
        let nan = nan.map(|value| series("0", value));
        Response::Plain(nan.into_iter().chain([series("1", time)]).collect())
    })
}

/// What is wrong then: such a server says of no sample that it is there.
const NOTHING_ELSE: &str = "has a value though there was nothing that its query selects";

#[test]
fn an_answer_of_another_time_is_no_answer() {
    let asked = "and 2026-01-31T12:00:00Z was asked for; a cache or a gateway on the way";
    check(vec![
        of("the time that was asked for", "1769860800").code(0),
        of("the same with milliseconds", "1769860800.000").code(0),
        of("the same in another spelling", "17698608e2").code(0),
        of("the epoch", "0").says("the answer is of 1970-01-01T00:00:00Z").says(asked),
        of("a cache of an hour ago", "1769857200")
            .says("the answer is of 2026-01-31T11:00:00Z")
            .says(asked),
        of("a step that is rounded", "1769860785").says("of 2026-01-31T11:59:45Z").says(asked),
        of("a millisecond before", "1769860799.999").says("11:59:59.999Z").says(asked),
        of("a millisecond after", "1769860800.001").says("12:00:00.001Z").says(asked),
        of("milliseconds for seconds", "1769860800000").says("the answer is of").says(asked),
        of("a time before the epoch", "-1").says("the answer is of 1969-12-31T23:59:59Z"),
        of("text for a time", "\"1769860800\"").says("invalid type"),
        of("no time", "null").says("invalid type"),
        at_noon("a scalar of another time")
            .lag(|_| {
                let scalar = r#"{"resultType":"scalar","result":[1,"0"]}"#;
                Response::new(200, format!(r#"{{"status":"success","data":{scalar}}}"#))
            })
            .says("the answer is of 1970-01-01T00:00:01Z"),
    ]);
}

#[test]
fn a_server_that_computes_another_time_is_none_to_ask() {
    check(vec![
        probed("the time that was asked for", Some("NaN"), "1769860800").says(NOTHING_ELSE),
        probed("half a minute back", Some("NaN"), "1769860770")
            .says("the server answers for 2026-01-31T11:59:30Z, and 2026-01-31T12:00:00Z was asked")
            .says("`nocache=1`")
            .says("--at"),
        probed("the time of now", Some("NaN"), "1795643099.485").says("the server answers for"),
    ]);
}

#[test]
fn a_server_that_leaves_nan_out_has_to_say_what_it_left_out() {
    check(vec![
        probed("one that speaks MetricsQL", None, "1769860800").says(NOTHING_ELSE),
        probed("one that says 0", Some("0"), "1769860800").says(NOTHING_ELSE),
        at_noon("one that has no time for it")
            .beside(|_| Response::new(503, ""))
            .within(15)
            .says("it cannot be told whether the server leaves out series that are NaN")
            .says("HTTP 503"),
        at_noon("one that answers with a page")
            .beside(|_| Response::new(200, "<html>"))
            .says("it cannot be told whether the server leaves out series that are NaN")
            .says("HTML page"),
    ]);
}

const REFUSED: &str =
    r#"{"status":"error","errorType":"bad_data","error":"unknown function with that name"}"#;

fn gate(respond: impl Fn(&Request) -> Response + Send + Sync + 'static) -> (Run, Vec<String>) {
    let fake = Fake::start(respond);
    let config = "queries: {p99_latency: a, event_loop_lag: b, blocking_duration_avg: c / d, peak_active_requests: e}";
    let directory = directory_with(config);
    let args = ["--at", AT, "--fail-on-critical", "--output-format", "json"];
    let run = auditor(directory.path(), &[&args[..], &["--target", &fake.url()]].concat());
    let asked = fake.requests().into_iter().filter_map(|it| it.parameters.get("query").cloned());
    (run, asked.collect())
}

/// What is refused together is asked one by one.
#[test]
fn what_is_asked_beside_the_queries_may_come_one_by_one() {
    let (run, asked) = gate(|request| match request.parameters.get("query").map(String::as_str) {
        Some("vector(0) / 0") => Response::value("NaN"),
        Some("vector(time())") => Response::value("1769860800"),
        Some("c / d") => Response::value("NaN"),
        Some("(((c) == 0) + ((d) == 0))") => Response::value("0"),
        Some(query) if query.starts_with("max(timestamp(") => Response::value("1769860800"),
        _ if beside::is_asked_by(request) => Response::new(400, REFUSED),
        _ => healthy(request, true),
    });
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert_eq!(asked.len(), 16, "{asked:?}");
    let reason = &run.json()["signals"]["blocking_duration_avg"]["reason"];
    assert_eq!(reason, "NaN was read as 0 (on_nan: zero)");
}

/// What stands beside a value may only be what was asked for.
#[test]
fn a_server_that_does_not_tell_the_time_proves_nothing() {
    let refused = || Response::new(400, REFUSED);
    let nothing = || Response::vector(&[]);
    for time in [refused, nothing] {
        let (run, _) =
            gate(move |request| match request.parameters.get("query").map(String::as_str) {
                Some("vector(0) / 0" | "c / d") => Response::value("NaN"),
                Some("vector(time())") => time(),
                Some("(((c) == 0) + ((d) == 0))") => Response::value("0"),
                Some(query) if query.starts_with("max(timestamp(") => Response::value("1769860800"),
                _ if beside::is_asked_by(request) => refused(),
                _ => healthy(request, true),
            });
        assert_eq!(run.code, 3, "{}", run.stdout);
        assert!(
            run.stdout.contains("it cannot be told of which time the answer is"),
            "{}",
            run.stdout
        );
    }
}

/// Without what is asked beside them, four queries of a calm service pass; they are one request.
#[test]
fn what_is_asked_beside_the_queries_is_one_request() {
    let (run, asked) = gate(|request| healthy(request, true));
    assert_eq!(run.code, 0, "{}", run.stdout);
    let mut beside: Vec<_> = asked.iter().filter(|query| query.contains("auditor")).collect();
    let (Some(only), None) = (beside.pop(), beside.pop()) else { panic!("{asked:?}") };
    let mut expressions: Vec<_> = beside::expressions(only).map(|(expr, _)| expr).collect();
    let absent = expressions.pop().unwrap();
    assert!(absent.contains("a == a unless"), "{absent}");
    let targets = expressions.pop().unwrap();
    assert!(targets.contains("process_start_time_seconds"), "{targets}");
    let covered = expressions.pop().unwrap();
    assert!(covered.contains("avg_over_time(up"), "{covered}");
    let ages = expressions.split_off(3);
    let expected = ["vector(0) / 0", "vector(time())", "(((c) == 0) + ((d) == 0))"];
    assert_eq!(expressions, expected);
    let expected = ["a", "b", "c", "d", "e"]
        .map(|it| format!("max(timestamp({it})) or 0 * max(count_over_time({it}[900s]))"));
    assert_eq!(ages, expected);
    // And nothing is asked after that, though nobody has ever seen one of them.
    let (run, asked) = gate(|request| match beside::is_asked_by(request) {
        true => {
            beside::answer(request, |expr| expr.starts_with("max(timestamp(e))").then(Vec::new))
        }
        false => healthy(request, true),
    });
    // It has a value all the same, which is of nothing.
    assert_eq!(run.code, 3, "{}", run.stdout);
    assert_eq!(asked.iter().filter(|query| query.contains("auditor")).count(), 1, "{asked:?}");
}

/// It leaves `NaN` out and speaks no MetricsQL: nobody knows what is missing.
#[test]
fn a_server_that_cannot_say_what_it_left_out_proves_nothing() {
    let (run, _) = gate(|request| match request.parameters.get("query").map(String::as_str) {
        Some(query) if query.contains("label_set") => Response::new(400, REFUSED),
        Some(_) if beside::is_asked_by(request) => {
            beside::answer(request, |expr| (expr == "vector(0) / 0").then(Vec::new))
        }
        _ => healthy(request, true),
    });
    assert_eq!(run.code, 3, "{}", run.stdout);
    let lag = &run.json()["signals"]["event_loop_lag"];
    assert_eq!((&lag["state"], &lag["is_lower_bound"]), (&"partial".into(), &true.into()));
    let words =
        "the server leaves out series that are NaN, and cannot be asked for them in MetricsQL";
    assert!(lag["reason"].as_str().unwrap().contains(words), "{lag}");
}

/// A `NaN` is 0 only where the server says that both sides of the division are 0.
#[test]
fn nan_is_zero_only_where_both_sides_are() {
    for (zeros, code) in [(Some("0"), 0), (Some("NaN"), 3), (None, 3)] {
        let (run, _) =
            gate(move |request| match request.parameters.get("query").map(String::as_str) {
                Some("c / d") => Response::value("NaN"),
                Some(_) if beside::is_asked_by(request) => beside::answer(request, |expr| {
                    let zeros = zeros.filter(|_| expr.starts_with("(((c)"))?;
                    Some(vec![(BTreeMap::new(), zeros.to_owned())])
                }),
                _ => healthy(request, true),
            });
        assert_eq!(run.code, code, "{zeros:?}: {}", run.stdout);
        let blocking = &run.json()["signals"]["blocking_duration_avg"];
        let state = if code == 0 { "ok" } else { "not_a_number" };
        assert_eq!(blocking["state"], state, "{blocking}");
        assert_eq!(code == 3, blocking["reason"].as_str().unwrap().contains("0/0 alone"));
    }
}

/// An audit of a calm server whose clock is so many seconds ahead.
fn by_clock(ahead_s: i64, config: &str, args: &[&str]) -> Run {
    let fake = Fake::start(move |request| healthy(request, true).dated(ahead_s));
    let queries = "queries: {p99_latency: a, event_loop_lag: b, blocking_duration_avg: c, peak_active_requests: d}\n";
    let directory = directory_with(&format!("{config}{queries}"));
    let target = fake.url();
    let common = ["--fail-on-critical", "--output-format", "json", "--target", &target];
    auditor(directory.path(), &[&common, args].concat())
}

/// What is now here may be long before the load there.
#[test]
fn a_clock_that_is_off_leaves_a_bound() {
    for (ahead_s, config, code) in [
        (0, "", 0),
        (28, "", 0),
        (-28, "", 0),
        (40, "", 3),
        (-40, "", 3),
        (3600, "", 3),
        (40, "evidence: {max_clock_skew: 2m}\n", 0),
        (-180, "evidence: {max_clock_skew: 2m}\n", 3),
    ] {
        let run = by_clock(ahead_s, config, &[]);
        assert_eq!(run.code, code, "{ahead_s} {config}: {}", run.stdout);
        let report = run.json();
        let shortfalls = report["evidence"]["shortfalls"].as_array().unwrap();
        let skews: Vec<_> = shortfalls.iter().filter(|it| it["rule"] == "max_clock_skew").collect();
        assert_eq!(skews.len(), usize::from(code == 3), "{report:#}");
        let way = if ahead_s > 0 { "s ahead of this machine's" } else { "s behind this machine's" };
        assert!(skews.iter().all(|it| it["detail"].as_str().unwrap().contains(way)), "{skews:?}");
    }
    let run = by_clock(600, "", &["--", "true"]);
    assert_eq!(run.code, 3, "{}", run.stdout);
}

/// An instant that is named is no matter of this machine's clock; it is told all the same.
#[test]
fn a_clock_that_is_off_is_told_where_the_instant_is_named() {
    let run = by_clock(600, "", &["--at", AT]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    let words = "s ahead of this machine's, over 30 s";
    assert!(run.stderr.contains("warning: the clock of the server is"), "{}", run.stderr);
    assert!(run.stderr.contains(words), "{}", run.stderr);
    assert_eq!(by_clock(0, "", &["--at", AT]).stderr, "");
}
