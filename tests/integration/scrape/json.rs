//! JSON documents in place of pages of metrics: what an audit of one sees, and what is none.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::findings;
use crate::support::fake::{Fake, Response};
use crate::support::{Run, auditor, directory_with, each, empty_directory};

const CONFIG: &str = "
queries:
  requests_total: max(max_over_time(queue_done[$window])) - min(min_over_time(queue_done[$window]))
  peak_active_requests: max_over_time(agents_length[$window])
checks:
  ticks: {query: 'max(max_over_time(agents_cpu_ticks[$window])) or vector(0)', max: 1000}
evidence: {event_loop: allow}
";

/// A program whose n-th document, 0 first, is this one; the first is the one it is looked at with.
fn program(document: impl Fn(usize) -> Value + Send + Sync + 'static) -> Fake {
    answers(move |n| Response::new(200, document(n).to_string()))
}

fn answers(respond: impl Fn(usize) -> Response + Send + Sync + 'static) -> Fake {
    let count = AtomicUsize::new(0);
    Fake::start(move |_| respond(count.fetch_add(1, Ordering::Relaxed)))
}

/// A document as programs of that kind show it, in which so much is done.
fn document(done: usize, agents: Value) -> Value {
    json!({"schema_version": 1, "queue": {"done": 3 * done, "note": "3"}, "agents": agents})
}

fn agent(id: u32) -> Value {
    json!({"agent": "coder", "run_id": id, "cpu_ticks": 5})
}

/// The same once nothing is to be seen of its process.
fn ended(id: u32) -> Value {
    json!({"agent": "coder", "run_id": id, "cpu_ticks": null})
}

/// Audits it for half a second, ten times a second, and then its recording.
fn audited(program: &Fake, args: &[&str]) -> (Run, Run) {
    let directory = directory_with(CONFIG);
    let url = format!("{}/state", program.url());
    let live = ["--scrape-json", &url, "--every", "100ms", "--for", "600ms", "--record", "rec.om"];
    let common = ["--fail-on-critical", "--output-format", "json"];
    let live = auditor(directory.path(), &[&live, &common[..], args].concat());
    (live, auditor(directory.path(), &[&["--recording", "rec.om"], &common[..]].concat()))
}

#[test]
fn a_calm_program_passes_and_so_does_its_recording() {
    let program = program(|n| document(n, json!([agent(1), agent(2)])));
    let (live, recorded) = audited(&program, &[]);
    for run in [&live, &recorded] {
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        let report = run.json();
        assert_eq!(report["signals"]["peak_active_requests"]["value"], 2.0, "{report:#}");
        assert_eq!(report["findings"], json!([]));
        assert_eq!(report["checks"].as_array().unwrap().last().unwrap()["actual"], 5.0);
    }
    assert_eq!(live.json()["source"], "scrape");
    let request = &program.requests()[0];
    assert_eq!(
        (request.path.as_str(), &*request.headers["accept"]),
        ("/state", "application/json,*/*;q=0.1")
    );
}

/// Workers come and go while others are at work: that they have gone is seen.
#[test]
fn elements_that_end_leave_no_hole() {
    for agents in [
        |n| if n < 4 { json!([agent(1), agent(2)]) } else { json!([agent(2)]) },
        |n| if n < 4 { json!([agent(1)]) } else { json!([]) },
        |n| json!([agent(n as u32)]),
        // Its process has ended, and it is listed for a moment more.
        |n| match n {
            0..3 => json!([agent(1), agent(2)]),
            3..5 => json!([ended(1), agent(2)]),
            _ => json!([agent(2)]),
        },
        |n| if n < 5 { json!([agent(1)]) } else { json!([ended(1)]) },
    ] {
        let (live, recorded) = audited(&program(move |n| document(n, agents(n))), &[]);
        for run in [live, recorded] {
            assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        }
    }
}

#[test]
fn an_array_or_a_number_that_is_null_is_a_hole() {
    for (agents, words) in [
        (
            (|n| if n < 4 { json!([agent(1)]) } else { Value::Null }) as fn(usize) -> Value,
            r#"agents_cpu_ticks{run_id="1"} is missing"#,
        ),
        (
            |n| if n == 4 { json!([ended(1)]) } else { json!([agent(1)]) },
            r#"agents_cpu_ticks{run_id="1"} is missing in 1 of"#,
        ),
    ] {
        let (live, recorded) = audited(&program(move |n| document(n, agents(n))), &[]);
        for run in [live, recorded] {
            assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
            assert!(findings(&run.json()).contains(words), "{:#}", run.json());
        }
    }
}

/// What it says of itself makes no other worker of one that hangs, or whose process is gone.
#[test]
fn a_worker_that_says_what_it_does_is_the_same_one_all_the_time() {
    let ticks = [(json!(640), "stuck"), (Value::Null, "lost")];
    each(&ticks, ticks.len(), |(ticks, check)| {
        let ticks = ticks.clone();
        let program = program(move |n| {
            json!({
                "clk_tck": 100,
                "queue": {"counts": {"queued": 1, "done": 4 * n, "failed": 0}},
                "agents": [{"run_id": 1, "runtime_s": n, "cpu_ticks": ticks, "step": format!("s{n}")}],
                "cost": {"aggregate": {"cost_usd": 0}},
            })
        });
        let url = format!("{}/state", program.url());
        let args = ["--preset", "json-workers", "--scrape-json", &url, "--fail-on-critical"];
        let shorter =
            ["--every", "200ms", "--for", "3s", "--var", "patience=1s", "--var", "half=1s"];
        let run = auditor(empty_directory().path(), &[&args[..], &shorter].concat());
        assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
        assert!(run.says(&format!("the check `{check}` (critical) is broken")), "{}", run.stdout);
    });
}

#[test]
fn what_is_no_document_is_told_and_is_no_pass() {
    for (respond, words) in [
        (
            (|| Response::new(200, "<html>log in</html>")) as fn() -> Response,
            "/state: the document:1:1: this is no JSON, but HTML or XML: <html>log in</html>",
        ),
        (|| Response::new(200, ""), "/state: the document: it is empty"),
        (|| Response::new(200, "[1]"), "/state: the document: it is an array"),
        (
            || Response::new(200, json!({"depth": 1, "generated_at": null}).to_string()),
            "/state: the document: its generated_at is null, and a time is needed",
        ),
        (|| Response::new(500, "{\"error\": 1}"), "/state: HTTP 500"),
        (|| Response::new(404, "{\"error\": 1}"), "/state: HTTP 404"),
        (
            || Response::new(200, json!({"schema_version": 1, "enabled": false}).to_string()),
            "the document: it shows no numbers: it says `enabled: false`",
        ),
        (
            || Response::new(200, "a_total 1\n"),
            "looks like a page of metrics, which --scrape reads",
        ),
    ] {
        let (live, _) = audited(&answers(move |_| respond()), &[]);
        assert_eq!(live.code, 3, "{}", live.stdout);
        assert!(live.says(words), "{words}: {}{}", live.stdout, live.stderr);
    }
    // A page of metrics tells of the other option.
    let program = program(|n| document(n, json!([])));
    let url = format!("{}/state", program.url());
    let run = auditor(directory_with(CONFIG).path(), &["--scrape", &url, "--for", "1s"]);
    assert_eq!(run.code, 3);
    assert!(run.says("a JSON document is read by --scrape-json"), "{}", run.stderr);
}

#[test]
fn a_program_that_breaks_off_while_it_is_watched_is_no_pass() {
    let off = || json!({"schema_version": 1, "enabled": false}).to_string();
    let cases = [Response::new(200, off()), Response::new(503, ""), Response::Reset];
    each(&cases, cases.len(), |later| {
        let later = later.clone();
        let program = answers(move |n| match n {
            0..4 => Response::new(200, document(n, json!([])).to_string()),
            _ => later.clone(),
        });
        let (live, recorded) = audited(&program, &[]);
        for run in [live, recorded] {
            assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
            assert!(findings(&run.json()).contains("scrapes failed"), "{:#}", run.json());
        }
    });
}

/// A cache, or a file that nobody writes any more: what it shows is calm, and old.
#[test]
fn a_document_that_stands_still_is_no_pass() {
    let old = |made: &'static str| {
        move |n| {
            let mut document = document(n, json!([]));
            document["generated_at"] = made.into();
            document
        }
    };
    // The server's clock tells how old it is.
    let dated =
        answers(move |n| Response::new(200, old("2020-01-02T03:04:05Z")(n).to_string()).dated(0));
    let (live, _) = audited(&dated, &[]);
    assert_eq!(live.code, 3, "{}", live.stdout);
    assert!(live.says("(`generated_at`: 2020-01-02T03:04:05Z)"), "{}{}", live.stdout, live.stderr);
    // Without one it is told by its standing still.
    let still = program(old("monday"));
    let directory = directory_with(CONFIG);
    let url = format!("{}/state", still.url());
    let args = ["--scrape-json", &url, "--every", "500ms", "--for", "5s", "--fail-on-critical"];
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 3, "{}", run.stdout);
    assert!(run.says("over 3 s (`generated_at`: monday): it comes from a cache"), "{}", run.stderr);
}

#[test]
fn it_stands_beside_pages_and_goes_with_a_command() {
    let program = Fake::start(|request| match request.path.as_str() {
        "/metrics" => Response::new(200, "lag_seconds 0.01\n"),
        _ => Response::new(200, document(1, json!([])).to_string()),
    });
    let config = "
queries: {event_loop_lag: 'max_over_time(lag_seconds[$window])'}
checks: {depth: {query: 'max_over_time(queue_done{job=\"shop\"}[$window])', max: 3}}
evidence: {min_requests: 0}
";
    let (page, state) = (format!("{}/metrics", program.url()), format!("{}/state", program.url()));
    let args = ["--scrape", &page, "--scrape-json", &state, "--job", "shop", "--fail-on-critical"];
    let args =
        [&args[..], &["--every", "100ms", "--header", "X-Team: a", "--output-format", "json"]];
    let run = auditor(
        directory_with(config).path(),
        &[&args.concat()[..], &["--", "sleep", "0.5"]].concat(),
    );
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let instances: Vec<_> = run.json()["scrapes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            it["target"]["instance"].as_str().unwrap().split_once('/').map(|it| it.1.to_owned())
        })
        .collect();
    assert_eq!(instances, [None, Some("state".to_owned())]);
    assert!(program.requests().iter().all(|request| request.headers["x-team"] == "a"));
    // A query, too.
    let args = ["query", "queue_done", "--scrape-json", &state, "--for", "1s"];
    let run = auditor(directory_with(config).path(), &args);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains(r#"job="auditor""#), "{}", run.stdout);
}

#[test]
fn the_command_line_refuses_it_where_there_is_nothing_to_scrape() {
    let directory = directory_with(CONFIG);
    for other in [
        &["--target", "http://localhost:9"][..],
        &["--recording", "x.om"],
        &["--at", "2026-01-01T00:00:00Z"],
        &["--scrape-json", "http://localhost:9/state"],
        &["--init"],
    ] {
        let args = [&["--scrape-json", "http://localhost:9/state"], other].concat();
        let run = auditor(directory.path(), &args);
        assert_eq!(run.code, 2, "{other:?}: {}", run.stderr);
        assert!(run.stderr.contains("--scrape-json"), "{other:?}: {}", run.stderr);
    }
}
