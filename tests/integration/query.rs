//! `auditor query`: one expression, asked of any source, answered as Prometheus' API answers.

use std::fs;
use std::path::Path;

use crate::support::fake::{Fake, Request, Response};
use crate::support::real::free_address;
use crate::support::{Run, auditor, directory_with, empty_directory};
use serde_json::{Value, json};

const RECORDING: &str = "\
up{job=\"a\"} 1 1700000000.000
up{job=\"a\"} 0 1700000001.500
up{job=\"b\"} 1 1700000001.500
# EOF
";

fn recorded(args: &[&str]) -> Run {
    let directory = empty_directory();
    fs::write(directory.path().join("r.om"), RECORDING).unwrap();
    auditor(directory.path(), &[&["query", "--recording", "r.om"], args].concat())
}

fn as_json(expr: &str) -> (i32, Value) {
    let run = recorded(&[expr, "--output-format", "json"]);
    (run.code, run.json())
}

#[test]
fn the_json_is_that_of_the_api() {
    let vector = json!({"resultType": "vector", "result": [
        {"metric": {"__name__": "up", "job": "a"}, "value": [1_700_000_001.5, "0"]},
        {"metric": {"__name__": "up", "job": "b"}, "value": [1_700_000_001.5, "1"]},
    ]});
    let matrix = json!({"resultType": "matrix", "result": [
        {"metric": {"__name__": "up", "job": "a"},
         "values": [[1_700_000_000, "1"], [1_700_000_001.5, "0"]]},
    ]});
    for (expr, data) in [
        ("up", vector),
        ("up{job=\"a\"}[10s]", matrix),
        ("-1/0", json!({"resultType": "scalar", "result": [1_700_000_001.5, "-Inf"]})),
        ("\"text\"", json!({"resultType": "string", "result": [1_700_000_001.5, "text"]})),
        ("absent_metric", json!({"resultType": "vector", "result": []})),
    ] {
        let (code, answer) = as_json(expr);
        assert_eq!((code, &answer["status"], &answer["data"]), (0, &"success".into(), &data));
    }
}

#[test]
fn errors_are_those_of_the_api_and_end_in_3() {
    for (expr, error_type) in [
        ("sum(", "bad_data"),
        ("up +", "bad_data"),
        ("no_such_function(up)", "bad_data"),
        ("mad_over_time(up[1m])", "bad_data"),
        ("up * on() up", "execution"),
    ] {
        let (code, answer) = as_json(expr);
        let found = (code, &answer["status"], &answer["errorType"]);
        assert_eq!(found, (3, &"error".into(), &error_type.into()), "{expr}: {answer}");
        assert!(!answer["error"].as_str().unwrap().is_empty());
        let text = recorded(&[expr]);
        assert_eq!((text.code, text.stdout.as_str()), (3, ""));
        assert!(text.stderr.starts_with("error: "), "{}", text.stderr);
    }
}

#[test]
fn the_text_is_a_line_a_series() {
    let print = |args: &[&str]| recorded(args).stdout;
    assert_eq!(print(&["up"]), "up{job=\"a\"} 0\nup{job=\"b\"} 1\n");
    assert_eq!(print(&["up", "--at", "1700000000"]), "up{job=\"a\"} 1\n");
    assert_eq!(print(&["2 ^ 100"]), "1267650600228229400000000000000\n");
    assert_eq!(print(&["up > 7"]), "no series\n");
    let range = "up{job=\"a\"}\n  2023-11-14T22:13:20Z 1\n  2023-11-14T22:13:21.5Z 0\n";
    assert_eq!(print(&["up{job=\"a\"}[10s]"]), range);
}

#[test]
fn a_server_is_asked_as_it_is() {
    let fake = Fake::start(|request: &Request| match request.parameters["query"].as_str() {
        "up" => Response::value("1"),
        "range" => Response::new(
            200,
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1.5,"NaN"]]}]}}"#,
        ),
        "text" => Response::new(
            200,
            r#"{"status":"success","data":{"resultType":"string","result":[7.500,"x"]}}"#,
        ),
        "late" => Response::new(
            200,
            r#"{"status":"success","data":{"resultType":"scalar","result":[7.4,"0"]}}"#,
        ),
        "part" => Response::new(
            200,
            r#"{"status":"success","isPartial":true,"data":{"resultType":"vector","result":[]}}"#,
        ),
        _ => Response::new(400, r#"{"status":"error","errorType":"bad_data","error":"no"}"#),
    });
    let ask = |directory: &Path, expr: &str| {
        auditor(directory, &["query", expr, "--at", "7.5", "--output-format", "json"])
    };
    // The target and its credentials come from the configuration; of the rest it needs nothing.
    let config = format!("target: {}\nhttp: {{authorization: {{credentials: abc}}}}", fake.url());
    let directory = directory_with(&config);
    let run = ask(directory.path(), "up");
    let expected = json!({"resultType": "vector", "result": [{"metric": {}, "value": [7.5, "1"]}]});
    assert_eq!((run.code, &run.json()["data"]), (0, &expected));
    let request = fake.requests().pop().unwrap();
    assert_eq!(request.parameters["time"], "7.500");
    assert_eq!(request.headers["authorization"], "Bearer abc");
    let range = ask(directory.path(), "range").json();
    assert_eq!(range["data"]["result"][0]["values"], json!([[1.5, "NaN"]]));
    assert_eq!(ask(directory.path(), "text").json()["data"]["result"][1], "x");
    let late = ask(directory.path(), "late");
    let words = "the answer is of 1970-01-01T00:00:07.4Z, and 1970-01-01T00:00:07.5Z was asked for";
    assert!(late.json()["error"].as_str().unwrap().contains(words), "{}", late.stdout);
    assert_eq!(late.code, 3);
    let part = ask(directory.path(), "part");
    assert!(part.json()["warnings"][0].as_str().unwrap().contains("partial"));
    assert!(part.stderr.starts_with("warning: "), "{}", part.stderr);
    let refused = ask(directory.path(), "nonsense");
    assert_eq!((refused.code, &refused.json()["errorType"]), (3, &"bad_data".into()));
}

#[test]
fn a_service_is_scraped_for_it() {
    let page = |_: &Request| Response::new(200, "requests_total 7\n");
    let service = Fake::start(page);
    let directory = empty_directory();
    let args = ["query", "sum by (job) (requests_total)", "--job", "api", "--for", "100ms"];
    let scrape = ["--scrape", &service.url()];
    let run = auditor(directory.path(), &[&args[..], &scrape].concat());
    assert_eq!((run.code, run.stdout.as_str()), (0, "{job=\"api\"} 7\n"), "{}", run.stderr);
}

#[test]
fn what_is_missing_is_said() {
    let directory = empty_directory();
    let args = |source: &str| ["query", "up", source].map(str::to_owned);
    let address = free_address();
    for source in [
        "--recording=nowhere",
        &format!("--scrape=http://{address}"),
        &format!("--target=http://{address}"),
    ] {
        let args = args(source);
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let run = auditor(directory.path(), &[&args[..], &["--output-format", "json"]].concat());
        assert_eq!((run.code, &run.json()["status"]), (3, &"error".into()), "{source}");
    }
    fs::write(directory.path().join("r.om"), "up 1 1\nup 0 2\nup 1 3\n# EOF\n").unwrap();
    let run = auditor(directory.path(), &["query", "up", "--recording", "r.om"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "up 1\n"));
    assert_eq!(run.stderr, "warning: 1 of 3 scrapes failed\n");
}

#[test]
fn a_broken_configuration_is_a_usage_error() {
    let directory = directory_with("target: [");
    let run = auditor(directory.path(), &["query", "up"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    let run = auditor(empty_directory().path(), &["query", "up", "--config", "none.yaml"]);
    assert_eq!(run.code, 2);
}
