//! What kind of server is there, if it is none that can be asked.

use super::matrix::{SECRET, check, fault};
use crate::support::fake::{Fake, Response};
use crate::support::{auditor, directory_with};

#[test]
fn every_kind_of_refusal_has_its_own_words() {
    let nobody: [(&str, &str); 0] = [];
    let all = |name: &str, status: u16, body: &'static str| {
        fault(name).everything(move |_| Response::new(status, body)).within(15)
    };
    check(vec![
        all("no credentials", 401, "Unauthorized\n")
            .environment(nobody)
            .says("the server wants credentials (HTTP 401: Unauthorized), and none were sent")
            .says("AUDITOR_BEARER_TOKEN"),
        all("a token that is refused", 401, "")
            .says("the server refuses the token in AUDITOR_BEARER_TOKEN (HTTP 401)"),
        all("a token that may not", 403, r#"{"message":"no access to this stack"}"#)
            .says("refuses the token in AUDITOR_BEARER_TOKEN (HTTP 403: no access to this stack)"),
        all("a password that is refused", 401, "")
            .environment([("AUDITOR_BASIC_AUTH", format!("me:{SECRET}"))])
            .says("refuses the user and password in AUDITOR_BASIC_AUTH (HTTP 401)"),
        all("a password of the file that is refused", 401, "")
            .environment(nobody)
            .config(&format!("http: {{basic_auth: {{username: me, password: {SECRET}}}}}\n"))
            .says("refuses `basic_auth` in metrics.yaml (HTTP 401)"),
        all("a password of the URL that is refused", 401, "")
            .environment(nobody)
            .args(&["--target", "http://me:s3cret-of-the-matrix@{address}"])
            .says("http://me:***@127.0.0.1")
            .says("refuses the user and password in the target's URL (HTTP 401)"),
        all("a header that is refused", 401, "")
            .args(&["--header", "Authorization: Bearer s3cret-of-the-matrix"])
            .says("refuses --header Authorization (HTTP 401)"),
        all("a server that repeats the secret", 401, "bad token s3cret-of-the-matrix!")
            .says("HTTP 401: bad token ***!"),
        all(
            "Google's words",
            403,
            r#"{"error":{"code":403,"message":"Permission denied","status":"PERMISSION_DENIED"}}"#,
        )
        .says("HTTP 403: Permission denied"),
        all("Amazon's words", 403, r#"{"message":"Missing Authentication Token"}"#)
            .says("HTTP 403: Missing Authentication Token"),
        all("a proxy that wants credentials", 407, "")
            .says("the proxy wants credentials (HTTP 407); give them in proxy_url"),
        all("no tenant", 401, "no org id\n")
            .says("--header 'X-Scope-OrgID: TENANT'")
            .says("(HTTP 401: no org id)"),
        all("a wrong prefix", 404, "404 page not found\n")
            .says("no Prometheus API below this URL (HTTP 404: 404 page not found)")
            .says("/prometheus")
            .says("/api/prom"),
        all("not ready", 503, "Service Unavailable")
            .says("the server is not ready yet (HTTP 503: Service Unavailable (tried 6 times))"),
        all("a gateway", 502, "<html><head><title>502 Bad Gateway</title></head></html>")
            .says("a gateway gets no answer from the server behind it (HTTP 502: 502 Bad Gateway"),
        all("asked too often", 429, "slow down")
            .says("limits how often it is asked (HTTP 429: slow down"),
        all("Go's TLS server", 400, "Client sent an HTTP request to an HTTPS server.\n")
            .says("the server speaks TLS there")
            .says("write https://"),
        all(
            "nginx' TLS server",
            400,
            "<html><title>400 The plain HTTP request was sent to HTTPS port</title>",
        )
        .says("write https://"),
        fault("up, but its API asks for credentials")
            .environment(nobody)
            .page("/api/v1/query", |_| Response::new(401, ""))
            .says("the server wants credentials"),
        fault("up, but not ready")
            .page("/api/v1/query", |_| Response::new(503, "Service Unavailable"))
            .says("not ready yet")
            .within(15),
        fault("it says that it is not healthy")
            .page("/-/healthy", |_| Response::new(500, ""))
            .says("not healthy (HTTP 500 from /-/healthy)"),
        fault("every query is refused")
            .page("/api/v1/query", |_| {
                Response::new(
                    400,
                    r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#,
                )
            })
            .says("4 of 4 queries failed, `p99_latency` (metrics.yaml:3) first: parse error (bad_data, HTTP 400)"),
        fault("every query is a range")
            .page("/api/v1/query", |_| {
                let data = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
                Response::new(200, data)
            })
            .says("4 of 4 queries failed, `p99_latency` (metrics.yaml:3) first: the query returns a range"),
        fault("every query is too slow for the server")
            .page("/api/v1/query", |_| {
                Response::new(
                    503,
                    r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#,
                )
            })
            .says("4 of 4 queries failed, `p99_latency` first: query timed out (timeout, HTTP 503)")
            .within(15),
    ]);
}

/// What one query was answered says more than that another was not.
#[test]
fn an_answer_outweighs_a_lost_connection() {
    let fake = Fake::start(|request| match request.parameters.get("query").map(String::as_str) {
        Some("a") => Response::Reset,
        _ => Response::new(401, ""),
    });
    let directory = directory_with(
        "queries: {p99_latency: a, event_loop_lag: b, blocking_duration_avg: c, peak_active_requests: d}",
    );
    let run = auditor(directory.path(), &["--fail-on-critical", "--target", &fake.url()]);
    assert_eq!(run.code, 3);
    assert!(run.says("the server wants credentials"), "{}", run.stderr);
}
