//! Answers that are no answer: statuses, pages that are no JSON, JSON that is no number.

use super::matrix::{Fault, check, fault, healthy};
use crate::support::fake::{Request, Response};

/// The decisive query is answered by this body, with 200. It is of the first second of 1970, which
/// is asked for.
fn body(name: &str, body: impl AsRef<[u8]>) -> Fault {
    let body = body.as_ref().to_vec();
    fault(name).args(&AT).lag(move |_| Response::new(200, &body))
}

const AT: [&str; 2] = ["--at", "1970-01-01T00:00:01Z"];

/// The decisive query is answered by this `data`.
fn data(name: &str, data: &str) -> Fault {
    body(name, format!(r#"{{"status":"success","data":{data}}}"#))
}

/// The decisive query is answered by this vector.
fn vector(name: &str, series: &str) -> Fault {
    data(name, &format!(r#"{{"resultType":"vector","result":[{series}]}}"#))
}

/// The decisive query is answered by one series of this value.
fn value(name: &str, value: &str) -> Fault {
    vector(name, &format!(r#"{{"metric":{{}},"value":{value}}}"#))
}

/// A whole answer with a remark on it.
fn remarked(name: &str, remark: &str) -> Fault {
    let whole = r#""status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"0"]}]}"#;
    body(name, format!("{{{whole},{remark}}}"))
}

#[test]
fn statuses() {
    let statuses = [
        203, 204, 206, 300, 304, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412,
        413, 414, 415, 418, 421, 422, 425, 426, 429, 431, 451, 500, 501, 502, 503, 504, 505, 507,
        511, 520, 599,
    ];
    let good = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"0"]}]}}"#;
    let rows = statuses.into_iter().flat_map(|status| {
        let repeated = matches!(status, 429 | 502 | 503 | 504);
        let tries = if repeated { "(tried 6 times)" } else { "" };
        let says = format!("HTTP {status}");
        let within = if repeated { 15 } else { 8 };
        [
            fault(format!("{status} for everything"))
                .everything(move |_| Response::new(status, ""))
                .says(&says)
                .says(tries)
                .within(within),
            // Whatever the body claims.
            fault(format!("{status} for the decisive query"))
                .lag(move |_| {
                    Response::new(status, if status == 204 || status == 304 { "" } else { good })
                })
                .says(&says)
                .says(tries)
                .within(within),
        ]
    });
    check(rows.collect());
}

#[test]
fn no_json() {
    check(vec![
        body("nothing", "").says("it is empty"),
        body("blanks", "  \n ").says("EOF"),
        body("text", "OK").says("expected value"),
        body("a login page", "<!DOCTYPE html><html><title>Sign in</title>").says("HTML page"),
        body("a login page after blanks", "\n\n  <HTML>").says("HTML page"),
        body("XML", "<?xml version=\"1.0\"?><AccessDenied/>").says("HTML page"),
        body("bytes that are no UTF-8", b"{\"status\":\"success\xff\"}").says("not UTF-8"),
        fault("bytes that are no UTF-8, where nobody looks")
            .lag(|_| {
                let good = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"0"]},"infos":["#;
                Response::new(200, [good.as_bytes(), b"\"\xff\"]}"].concat())
            })
            .says("not UTF-8"),
        body("UTF-16", b"\xff\xfe{\0}\0").says("not UTF-8"),
        body("a byte order mark", "\u{feff}{\"status\":\"success\"}").says("expected value"),
        body("half of it", r#"{"status":"success","data":{"resultType":"vec"#).says("EOF"),
        body("two of it", r#"{"status":"success"}{"status":"success"}"#).says("trailing"),
        body("a list", "[]").says("not the Prometheus API's"),
        body("null", "null").says("not the Prometheus API's"),
        body("text in JSON", "\"success\"").says("not the Prometheus API's"),
        body("brackets without end", "[".repeat(100_000)).says("not the Prometheus API's"),
        body("braces without end", r#"{"a":"#.repeat(100_000)).says("EOF"),
        body("JSONP", r#"callback({"status":"success"})"#).says("expected value"),
        body("a NaN that JSON does not know", r#"{"status":NaN}"#).says("expected"),
        body("more than 4 MiB", " ".repeat(4 * 1024 * 1024 + 1)).says("larger than 4 MiB"),
        fault("a login page everywhere")
            .everything(|_| Response::new(200, "<html><title>Sign in</title></html>"))
            .says("this is no Prometheus API: it is an HTML page, perhaps a login, titled \"Sign in\""),
        fault("a web server that says OK to everything")
            .everything(|_| Response::new(200, "OK"))
            .says("this is no Prometheus API"),
    ]);
}

#[test]
fn no_answer_in_the_json() {
    let error = |rest: &str| format!(r#"{{"status":"error",{rest}}}"#);
    check(vec![
        body("an empty object", "{}").says("`status` is \"nothing\""),
        body("another status", r#"{"status":"ok"}"#).says("`status` is \"ok\""),
        body("a status that is a number", r#"{"status":200}"#).says("invalid type"),
        body("an error with 200", error(r#""errorType":"execution","error":"too many samples""#))
            .says("too many samples (execution, HTTP 200)"),
        body("an error without a reason", error(r#""errorType":"internal""#))
            .says("gave no reason"),
        body("an error that is an object", error(r#""error":{"code":3}"#)).says("invalid type"),
        body("an error and a success", r#"{"status":"success","error":"half of it","data":{"resultType":"scalar","result":[1,"0"]}}"#)
            .says("half of it"),
        body("only a status", r#"{"status":"success"}"#).says("`data` is missing"),
        data("data that is null", "null").says("`data` is missing"),
        data("data that is a list", "[1,2]").says("not the Prometheus API's"),
        data("data that is text", "\"none\"").says("invalid type"),
        data("data that is empty", "{}").says("`result` is missing"),
        data("a result without a type", r#"{"result":[]}"#).says("`resultType`"),
        data("a type without a result", r#"{"resultType":"vector"}"#).says("`result` is missing"),
        data("a result that is null", r#"{"resultType":"vector","result":null}"#),
        data("a result that is an object", r#"{"resultType":"vector","result":{}}"#)
            .says("invalid type"),
        data("a matrix", r#"{"resultType":"matrix","result":[{"metric":{},"values":[[1,"0"]]}]}"#)
            .says("the query returns a range; wrap it"),
        data("an empty matrix", r#"{"resultType":"matrix","result":[]}"#).says("returns a range"),
        data("text", r#"{"resultType":"string","result":[1,"0"]}"#).says("returns text"),
        data("log lines", r#"{"resultType":"streams","result":[]}"#).says("`resultType`"),
        data("a type that is a number", r#"{"resultType":1,"result":[]}"#).says("invalid type"),
        data("two types", r#"{"resultType":"vector","resultType":"vector","result":[]}"#)
            .says("duplicate field"),
        body("two statuses", r#"{"status":"error","status":"success"}"#).says("duplicate field"),
    ]);
}

#[test]
fn no_number() {
    let histogram = r#"{"metric":{},"histogram":[1,{"count":"1","sum":"0"}]}"#;
    check(vec![
        vector("an empty vector", "").says("event_loop_lag is not known").says("no series"),
        value("NaN", r#"[1,"NaN"]"#).says("a series is NaN"),
        value("infinity", r#"[1,"+Inf"]"#).says("a series is infinite"),
        value("infinity below 0", r#"[1,"-Inf"]"#).says("a series is infinite"),
        value("more than a number holds", r#"[1,"1e999"]"#).says("a series is infinite"),
        value("a JSON number", "[1,0]").says("invalid type"),
        value("null", r#"[1,null]"#).says("invalid type"),
        value("no pair", "null").says("native histograms"),
        value("half a pair", "[1]").says("invalid length"),
        value("three of a pair", r#"[1,"0","0"]"#).says("trailing characters"),
        value("an object", r#"{"value":"0"}"#).says("invalid type"),
        value("empty text", r#"[1,""]"#).says("\"\" is no number"),
        value("a word", r#"[1,"none"]"#).says("\"none\" is no number"),
        value("a comma", r#"[1,"0,5"]"#).says("is no number"),
        value("hexadecimal", r#"[1,"0x0"]"#).says("is no number"),
        value("a unit", r#"[1,"0s"]"#).says("is no number"),
        value("blanks around it", r#"[1," 0 "]"#).says("is no number"),
        value("two numbers", r#"[1,"0 0"]"#).says("is no number"),
        vector("a series that is null", "null").says("invalid type"),
        vector("a series that is a list", "[]"),
        vector("no labels", r#"{"value":[1,"0"]}"#).says("missing field"),
        vector("labels that are null", r#"{"metric":null,"value":[1,"0"]}"#).says("invalid type"),
        vector("a label that is a number", r#"{"metric":{"a":1},"value":[1,"0"]}"#)
            .says("invalid type"),
        vector("a native histogram", histogram).says("native histograms; wrap it"),
        vector(
            "a native histogram beside a value",
            &format!(r#"{{"metric":{{}},"value":[1,"0"]}},{histogram}"#),
        )
        .says("native histograms"),
        vector(
            "NaN beside a value",
            r#"{"metric":{"i":"a"},"value":[1,"0"]},{"metric":{"i":"b"},"value":[1,"NaN"]}"#,
        )
        .says("a series is NaN"),
        vector(
            "infinity beside a value",
            r#"{"metric":{"i":"a"},"value":[1,"0"]},{"metric":{"i":"b"},"value":[1,"Inf"]}"#,
        )
        .says("a series is infinite"),
        vector(
            "a native histogram with a value",
            r#"{"metric":{},"value":[1,"0"],"histogram":[1,{}]}"#,
        )
        .says("native histograms"),
        data("a scalar that is NaN", r#"{"resultType":"scalar","result":[1,"NaN"]}"#)
            .says("a series is NaN"),
        data("a scalar that is null", r#"{"resultType":"scalar","result":null}"#),
        data("a scalar that is a word", r#"{"resultType":"scalar","result":[1,"x"]}"#)
            .says("is no number"),
    ]);
}

#[test]
fn not_the_whole() {
    check(vec![
        remarked("marked as partial", r#""isPartial":true"#).says("isPartial"),
        remarked("a store is missing", r#""warnings":["store 10.0.0.7 is down"]"#)
            .says("store 10.0.0.7 is down"),
        remarked("a store beside a remark", r#""warnings":["PromQL info: x","no store"]"#)
            .says("no store"),
        remarked("a PromQL warning", r#""warnings":["PromQL warning: bucket label is missing"]"#)
            .says("bucket label is missing"),
        remarked("a mark that is no truth", r#""isPartial":"yes""#).says("invalid type"),
        remarked("warnings that are text", r#""warnings":"no store""#).says("invalid type"),
        remarked("warnings that are objects", r#""warnings":[{"store":"a"}]"#).says("invalid type"),
        remarked("accepted, but not by us", r#""isPartial":true"#)
            .config("accept_partial: false\n")
            .says("isPartial"),
        vector("accepted, but there is nothing", "")
            .config("accept_partial: true\n")
            .says("no series"),
        // Not faults: remarks on the query, and what the configuration accepts.
        remarked("a remark", r#""warnings":["PromQL info: metric might not be a counter"]"#)
            .code(0),
        remarked("a remark of Prometheus 3", r#""infos":["PromQL info: x"]"#).code(0),
        remarked("the mark of a whole", r#""isPartial":false,"warnings":null"#).code(0),
        remarked("accepted", r#""warnings":["no store"]"#)
            .config("accept_partial: true\n")
            .code(0)
            .says("an incomplete answer was taken for whole (accept_partial): no store"),
    ]);
}

/// What a server says cannot forge the lines of a log or a terminal.
#[test]
fn words_of_the_server_stay_on_their_line() {
    let forged = r#"{"status":"error","errorType":"x","error":"a\n::error::b\u001b[31mc\r"}"#;
    check(vec![
        fault("a forged line").lag(move |_| Response::new(422, forged)).says("a ::error::b [31mc"),
        fault("a version that is none")
            .page("/api/v1/status/buildinfo", |_| {
                let data = r#"{"status":"success","data":{"version":"1\u001b[2J\n::error::x"}}"#;
                Response::new(200, data)
            })
            .code(0),
        fault("a novel")
            .lag(|_| {
                Response::new(
                    422,
                    format!(r#"{{"status":"error","error":"{}"}}"#, "x".repeat(9999)),
                )
            })
            .says("xxx…"),
    ]);
}

/// A fault that cannot change the verdict does not hide a proven breach.
#[test]
fn a_proven_breach_outlasts_every_fault() {
    use crate::support::fake::Fake;
    use crate::support::{auditor, directory_with};
    const CONFIG: &str = "queries: {p99_latency: p99, event_loop_lag: lag, blocking_duration_avg: blocking, peak_active_requests: active}";
    let faults: [fn() -> Response; 6] = [
        || Response::new(400, "bad"),
        || Response::new(200, "<html>"),
        || Response::new(200, ""),
        || Response::vector(&[]),
        || Response::value("NaN"),
        || Response::new(503, "busy"),
    ];
    for fault in faults {
        let fake = Fake::start(move |request: &Request| {
            let query = request.parameters.get("query").map(String::as_str);
            if query == Some("blocking") { fault() } else { healthy(request, false) }
        });
        let directory = directory_with(CONFIG);
        let run = auditor(directory.path(), &["--fail-on-critical", "--target", &fake.url()]);
        assert_eq!(run.code, 1, "{}", run.stdout);
    }
}

/// An incomplete answer is better refused by the server than told to us; and it need not work
/// longer than we wait.
#[test]
fn every_server_is_asked_for_the_whole_or_nothing() {
    use crate::support::fake::Fake;
    use crate::support::{auditor, directory_with};
    const QUERIES: &str = "queries: {p99_latency: a, event_loop_lag: b, blocking_duration_avg: c, peak_active_requests: d}";
    for (switch, thanos, victoria_metrics) in
        [("", "false", Some("1")), ("accept_partial: true\n", "true", None)]
    {
        let fake = Fake::start(|request| healthy(request, true));
        let directory = directory_with(&format!("{switch}{QUERIES}"));
        auditor(directory.path(), &["--timeout", "7s", "--target", &fake.url()]);
        let requests = fake.requests();
        let queries: Vec<_> = requests.iter().filter(|r| r.path == "/api/v1/query").collect();
        assert_eq!(queries.len(), 5, "four questions, and what is asked beside them");
        for query in queries {
            let sent = |name: &str| query.parameters.get(name).map(String::as_str);
            assert_eq!(sent("partial_response"), Some(thanos));
            assert_eq!(sent("deny_partial_response"), victoria_metrics);
            assert_eq!(sent("nocache"), Some("1"));
            let timeout: u64 =
                sent("timeout").and_then(|t| t.strip_suffix("ms")).unwrap().parse().unwrap();
            assert!((1..=7000).contains(&timeout), "{timeout}");
        }
    }
}
