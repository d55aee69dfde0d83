//! Servers and gateways that do not say how old their samples are, or only in part.

use std::collections::BTreeMap;

use crate::support::beside;
use crate::support::fake::{Fake, Request, Response};
use crate::support::{Run, auditor, directory_with};

const AT: i64 = 1_769_860_800;

const CONFIG: &str = "queries:
  p99_latency: p99
  event_loop_lag: lag
  blocking_duration_avg: blocking
  peak_active_requests: active
";

type Series = Vec<(BTreeMap<String, String>, String)>;

fn one(labels: &[(&str, &str)], value: impl ToString) -> Series {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    vec![(labels.collect(), value.to_string())]
}

/// Audits a server that answers the queries calmly, and what is asked beside them by `respond`;
/// what it leaves out as one whose samples are all of that instant.
fn gate(
    config: &str,
    respond: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static,
) -> (Run, Vec<Request>) {
    let fake = Fake::start(move |request| match request.path.as_str() {
        "/-/healthy" => Response::new(200, "Prometheus Server is Healthy.\n"),
        "/api/v1/query" => respond(request).unwrap_or_else(|| Response::value("0")),
        _ => Response::new(404, ""),
    });
    let (directory, at) = (directory_with(config), AT.to_string());
    let args = ["--target", &fake.url(), "--at", &at, "--fail-on-critical"];
    let run = auditor(directory.path(), &[&args[..], &["--output-format", "json"]].concat());
    (run, fake.requests())
}

/// The same where it answers single expressions in its own way.
fn answering(config: &str, known: impl Fn(&str) -> Option<Series> + Send + Sync + 'static) -> Run {
    let respond = move |request: &Request| {
        beside::is_asked_by(request).then(|| beside::answer(request, &known))
    };
    gate(config, respond).0
}

/// Refuses whatever has these words in it.
fn refusing(config: &str, words: &'static str) -> Run {
    let refused = r#"{"status":"error","errorType":"bad_data","error":"no such function here"}"#;
    let respond = move |request: &Request| {
        let query = request.parameters.get("query")?;
        if query.contains(words) {
            return Some(Response::new(400, refused));
        }
        let alone = match query.as_str() {
            "vector(0) / 0" => "NaN".to_owned(),
            "vector(time())" => AT.to_string(),
            query if query.starts_with("max(timestamp(") => AT.to_string(),
            query if query.contains("auditor_fault") => return Some(Response::vector(&[])),
            _ => return None,
        };
        Some(Response::value(&alone))
    };
    gate(config, respond).0
}

/// What is too long together is asked one by one: a URL, or an answer.
#[test]
fn what_is_too_long_is_split() {
    let refusals = [
        Response::new(413, ""),
        Response::new(414, "URI Too Long"),
        Response::new(431, "Request Header Fields Too Large"),
        Response::new(200, " ".repeat(5 * 1024 * 1024)),
    ];
    for (number, refusal) in refusals.into_iter().enumerate() {
        let respond = move |request: &Request| {
            let query = request.parameters.get("query")?;
            match () {
                () if beside::expressions(query).count() > 1 => Some(refusal.clone()),
                () if beside::is_asked_by(request) => Some(beside::answer(request, |_| None)),
                () if query == "vector(0) / 0" => Some(Response::value("NaN")),
                () if query == "vector(time())" => Some(Response::value(&AT.to_string())),
                () if query.starts_with("max(timestamp(") => Some(Response::value(&AT.to_string())),
                () if query.contains("auditor_fault") => Some(Response::vector(&[])),
                () => None,
            }
        };
        let (run, requests) = gate(CONFIG, respond);
        check(&format!("refusal {number}"), &run, 0, "", "");
        assert!(requests.iter().any(beside::is_asked_by));
    }
}

fn shortfalls(run: &Run) -> Vec<(String, String)> {
    let report = run.json();
    let all = report["evidence"]["shortfalls"].as_array().unwrap().iter();
    let text = |it: &serde_json::Value| it.as_str().unwrap().to_owned();
    all.map(|it| (text(&it["rule"]), text(&it["detail"]))).collect()
}

fn check(name: &str, run: &Run, code: i32, rule: &str, says: &str) {
    let found = shortfalls(run);
    assert_eq!(run.code, code, "{name}: {found:?}");
    let is_told = found.iter().any(|(key, detail)| key == rule && detail.contains(says));
    let is_expected = if rule.is_empty() { found.is_empty() } else { is_told };
    assert!(is_expected, "{name}: {found:?}");
}

#[test]
fn what_cannot_be_asked_is_not_known() {
    check("whole", &answering(CONFIG, |_| None), 0, "", "");
    let run = refusing(CONFIG, "timestamp(lag)");
    let words = "it cannot be told how old the newest sample of lag is: no such function here";
    check("no age", &run, 3, "max_age", words);
    let run = refusing(CONFIG, "group_left");
    let words = "it cannot be told whether targets are gone or restarted: no such function here";
    check("no targets", &run, 3, "gone_targets", words);
    let allowed = |rules: &str| format!("{CONFIG}evidence: {{{rules}}}\n");
    let run = refusing(&allowed("gone_targets: allow"), "group_left");
    check("one rule of several relaxed", &run, 3, "failed_scrapes", words);
    let all =
        "gone_targets: allow, failed_scrapes: allow, restarts: allow, workers: allow, max_gap: 1h";
    let run = refusing(&allowed(all), "group_left");
    check("all relaxed", &run, 0, "gone_targets", words);
    for (status, body) in [(403, "forbidden"), (414, "URI Too Long"), (200, "<html>Log in")] {
        let respond = move |request: &Request| {
            let query = request.parameters.get("query")?;
            let is_refused = query.contains("timestamp");
            let alone = (query == "vector(time())").then(|| Response::value(&AT.to_string()));
            if is_refused { Some(Response::new(status, body)) } else { alone }
        };
        let (run, _) = gate(CONFIG, respond);
        assert_eq!(run.code, 3, "{}", run.stdout);
        assert!(shortfalls(&run).iter().any(|(rule, _)| rule == "max_age"), "{}", run.stdout);
    }
    let partial = r#"{"status":"success","warnings":["store b is down"],"data":{"resultType":"vector","result":[]}}"#;
    let respond =
        move |request: &Request| beside::is_asked_by(request).then(|| Response::new(200, partial));
    let (run, _) = gate(CONFIG, respond);
    check("a part", &run, 3, "max_age", "store b is down");
}

#[test]
fn old_samples_bound_only_what_uses_them() {
    let old = |expr: &str| match expr {
        it if it.starts_with("max(timestamp(lag))") => Some(one(&[], AT - 90)),
        // There are older ones.
        it if it.starts_with("max(timestamp(other))") => Some(one(&[], 0)),
        it if it.starts_with("max(max_over_time(timestamp(other)") => Some(one(&[], AT - 400)),
        _ => None,
    };
    check("lag", &answering(CONFIG, old), 3, "max_age", "lag is 90 s old, where 60 s may pass");
    let check_of = |severity: &str| {
        format!(
            "{}checks: {{other: {{query: other, max: 5, severity: {severity}}}}}\n",
            CONFIG.replace(" lag", " p99")
        )
    };
    let run = answering(&check_of("info"), old);
    check("information", &run, 0, "max_age", "other is 400 s old");
    assert_eq!(run.json()["evidence"]["shortfalls"][0]["concerns"], serde_json::json!(["other"]));
    check("critical", &answering(&check_of("critical"), old), 3, "max_age", "other is 400 s old");
}

/// Where it is, and not where it would be now: `offset`, `@`.
#[test]
fn age_is_relative_to_the_instant_that_is_looked_at() {
    for (lag, answer, code) in [
        ("lag offset 1h", AT - 3600, 0),
        ("lag offset 1h", AT - 3690, 3),
        ("lag @ 1769850000", 1_769_850_000, 0),
        ("lag @ 1769850000", 1_769_849_900, 3),
        ("max_over_time(lag[5m] offset 1h)", AT - 3601, 0),
    ] {
        let config = CONFIG.replace(": lag", &format!(": {lag}"));
        let run = answering(&config, move |expr| {
            expr.starts_with("max(timestamp(lag ").then(|| one(&[], answer))
        });
        assert_eq!(run.code, code, "{lag}: {:?}", shortfalls(&run));
    }
}

/// What is no PromQL shows its metrics by their braces.
#[test]
fn another_language_has_to_show_its_metrics() {
    let config = |lag: &str| CONFIG.replace(": lag", &format!(": 'keep_last_value({lag})'"));
    let run = answering(&config("lag"), |_| None);
    check("without braces", &run, 3, "max_age", "write its metrics with braces, as in x{}");
    let run = answering(&config("lag{} + {a=b}"), |_| None);
    check("in part", &run, 3, "max_age", "it cannot be told how old the samples of");
    let old = |expr: &str| expr.starts_with("max(timestamp(lag{}))").then(|| one(&[], AT - 90));
    check("fresh", &answering(&config("lag{}"), |_| None), 0, "", "");
    check("old", &answering(&config("lag{}"), old), 3, "max_age", "lag{} is 90 s old");
}

/// A single observation is no matter of a quantile, unless it says that there was none at all.
#[test]
fn births_matter_to_a_quantile_where_nothing_is_said_to_have_happened() {
    let quantile = ": histogram_quantile(0.5, rate(b_bucket[5m]))";
    let config = CONFIG.replace(": blocking", quantile);
    for (name, value, instance, code) in [
        ("0/0", "NaN", "a", 3),
        ("nothing moved", "0", "a", 3),
        ("something moved", "0.01", "a", 0),
        ("it moved elsewhere", "0.01", "b", 3),
    ] {
        let labels = move |instance| [("job", "api"), ("instance", instance)];
        let respond = move |request: &Request| {
            let query = request.parameters.get("query")?;
            if query.starts_with("histogram_quantile(0.5") {
                let mut series = one(&labels(instance), value);
                if instance == "b" {
                    series.extend(one(&labels("a"), 0));
                }
                return Some(Response::vector(&series));
            }
            let known = |expr: &str| {
                let born = [&labels("a")[..], &[("auditor_look", "1")]].concat();
                (expr.contains("sum_over_time(up"))
                    .then(|| one(&born, 1))
                    .or_else(|| expr.contains("== 0) +").then(|| one(&labels("a"), 0)))
            };
            beside::is_asked_by(request).then(|| beside::answer(request, known))
        };
        let (run, _) = gate(&config, respond);
        let found = shortfalls(&run);
        assert_eq!(run.code, code, "{name}: {found:?}");
        let told = found.iter().any(|(rule, it)| rule == "holes" && it.contains("than its target"));
        assert_eq!(told, code == 3, "{name}: {found:?}");
    }
}

/// However much there is to be asked, every request is short enough for gateways.
#[test]
fn no_url_is_too_long() {
    let labels: String = (0..8).map(|n| format!("a_label_{n}=\"some value {n}\",")).collect();
    let mut config = CONFIG.to_owned() + "checks:\n";
    for n in 0..40 {
        config += &format!("  c{n}: {{query: 'rate(metric_{n}{{{labels}}}[5m])', max: 1}}\n");
    }
    let (run, requests) = gate(&config, |request| {
        beside::is_asked_by(request).then(|| beside::answer(request, |_| None))
    });
    assert_eq!(run.code, 0, "{:?}", shortfalls(&run));
    let length = |request: &Request| {
        let url = reqwest::Url::parse_with_params("http://a/api/v1/query", &request.parameters);
        url.unwrap().as_str().len()
    };
    let longest = requests.iter().map(length).max().unwrap();
    assert!((3000..8000).contains(&longest), "{longest}");
    let beside = requests.iter().filter(|request| beside::is_asked_by(request)).count();
    assert!(beside < 50, "{beside} requests beside 44 queries");
}

/// Answers single queries in its own way, and what is asked beside them as a server without faults.
fn with_answers(
    config: &str,
    known: impl Fn(&str) -> Option<Response> + Send + Sync + 'static,
) -> Run {
    let respond = move |request: &Request| {
        if beside::is_asked_by(request) {
            return Some(beside::answer(request, |expr| {
                // Where p99 / n is 0/0.
                expr.contains("== 0) +").then(|| one(&[], 0))
            }));
        }
        known(request.parameters.get("query")?)
    };
    gate(config, respond).0
}

#[test]
fn a_zero_that_was_put_in_is_no_request() {
    let nan = || Some(Response::value("NaN"));
    for (p99, answer, code) in [
        ("{query: p99, on_no_data: zero}", None, 3),
        ("{query: p99, on_no_data: zero}", Some("0"), 0),
        ("{query: (p99) / (n), on_nan: zero}", Some("NaN"), 3),
        ("{query: (p99) / (n), on_nan: zero}", Some("0.1"), 0),
    ] {
        let config = CONFIG.replace(": p99", &format!(": '{p99}'").replace('\'', ""));
        let run = with_answers(&config, move |query| {
            let none = || Response::vector(&[]);
            query.contains("p99").then(|| answer.map_or_else(none, Response::value))
        });
        let rule = if code == 3 { "min_requests" } else { "" };
        check(&format!("{p99} {answer:?}"), &run, code, rule, "no request was seen (p99_latency: ");
    }
    let config = CONFIG.replace("  p99", "  requests_total: n\n  error_ratio: failed\n  p99");
    let answers = move |failed: Option<Response>| {
        let failed = std::sync::Mutex::new(failed);
        with_answers(&config, move |query| match query {
            "n" => Some(Response::value("750")),
            "failed" => failed.lock().unwrap().take(),
            _ => None,
        })
    };
    check("none failed", &answers(None), 0, "", "");
    check("never failed", &answers(Some(Response::vector(&[]))), 0, "", "");
    let words = "it is not known how many of 750 requests failed (error_ratio: ";
    check("NaN", &answers(nan()), 3, "min_requests", &format!("{words}NaN)"));
    let refused = r#"{"status":"error","errorType":"bad_data","error":"no such function here"}"#;
    let run = answers(Some(Response::new(400, refused)));
    check("refused", &run, 3, "min_requests", &format!("{words}the query failed)"));
}
