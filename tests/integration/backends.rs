//! Audits of real servers: Prometheus and VictoriaMetrics, filled with the same services.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::certificates::{Identity, authority};
use crate::support::fake::{Fake, Request, Response};
use crate::support::real::{self, Server};
use crate::support::telemetry::{CALM, FLEET, Instance};
use crate::support::{Run, auditor, command, directory_with, empty_directory};

/// 2026-01-31T12:00:00Z, and an hour before.
const END: i64 = 1_769_860_800;
const START: i64 = END - 3600;

/// A directory with the configuration that `--init` writes.
fn initialised() -> tempfile::TempDir {
    let directory = empty_directory();
    assert_eq!(auditor(directory.path(), &["--init"]).code, 0);
    directory
}

fn gate(directory: &Path, server: &Server, job: &str, more: &[&str]) -> Run {
    let selector = format!("selector=job=\"{job}\"");
    let args = ["--target", &server.url, "--var", &selector, "--fail-on-critical"];
    auditor(directory, &[&args[..], more].concat())
}

#[test]
fn four_services_end_in_0_1_1_and_3_on_both_servers() {
    if !real::available("the audit of four services on real servers") {
        return;
    }
    let prometheus = real::prometheus(&FLEET, START, END, "/prometheus");
    let victoria = real::victoria_metrics(&FLEET, START, END);
    let directory = initialised();
    let at = END.to_string();
    for (job, code, status, mode) in [
        ("calm", 0, "HEALTHY", None),
        ("half-sick", 1, "COLLAPSE_RISK", Some("EVENT_LOOP_STARVATION")),
        ("pool", 1, "CRITICAL", Some("THREADPOOL_SATURATION")),
        ("silent", 3, "INCONCLUSIVE", None),
    ] {
        let mut seen = Vec::new();
        for (server, product) in [(&prometheus, "Prometheus"), (&victoria, "VictoriaMetrics")] {
            let run =
                gate(directory.path(), server, job, &["--at", &at, "--output-format", "json"]);
            let report = run.json();
            assert_eq!(run.code, code, "{job} on {product}: {report:#}");
            assert_eq!(report["status"], status, "{job} on {product}");
            assert_eq!(report["backend"]["product"], product);
            seen.push(KEYS.map(|key| report[key].clone()));
            let modes: Vec<_> = report["failure_modes"].as_array().unwrap().iter().collect();
            assert_eq!(modes.first().and_then(|m| m["type"].as_str()), mode, "{job} on {product}");
            assert_eq!(modes.len(), usize::from(mode.is_some()));
            if job == "half-sick" {
                assert_eq!(modes[0]["evidence"][0]["series"]["instance"], "sick:8000");
                let text = gate(directory.path(), server, job, &["--at", &at]).stdout;
                assert!(text.contains(r#"series of {instance="sick:8000""#), "{text}");
            }
        }
        assert_eq!(seen[0], seen[1], "{job}: {KEYS:?} of both servers");
    }
}

/// The figures of the original's report.
const KEYS: [&str; 8] = [
    "runtime_health_score",
    "p99_latency_ms",
    "max_event_loop_lag_ms",
    "blocking_events",
    "avg_blocking_duration_s",
    "peak_active_requests",
    "threadpool_queue_wait_s",
    "threadpool_backlog",
];

#[test]
fn both_servers_see_the_last_seconds() {
    if !real::available("the audit of the last seconds on real servers") {
        return;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    // Calm for an hour, and sick in the last sample, which is some seconds old.
    let sick = [Instance { lag: 2.0, ..CALM }];
    let directory = directory_with(
        "queries:\n  p99_latency: vector(0)\n  blocking_duration_avg: vector(0)\n  \
         peak_active_requests: 'active_requests{$selector}'\n  \
         event_loop_lag: 'asyncio_event_loop_lag_seconds{$selector}'\n",
    );
    for server in [
        real::prometheus(&sick, now - 16, now - 1, ""),
        real::victoria_metrics(&sick, now - 16, now - 1),
    ] {
        let at = now.to_string();
        let run =
            gate(directory.path(), &server, "calm", &["--at", &at, "--output-format", "json"]);
        assert_eq!(run.json()["max_event_loop_lag_ms"], 2000.0, "{}", server.url);
        assert_eq!(run.code, 1);
    }
}

/// Something to divide by, which `CALM` has not.
const STALLS: Instance = Instance { blocking: 0.1, ..CALM };

/// A lag that is a ratio.
const RATIO: &str = "queries:\n  p99_latency: vector(0)\n  blocking_duration_avg: vector(0)\n  \
    peak_active_requests: 'active_requests{$selector}'\n  \
    event_loop_lag: 'blocking_duration_seconds_sum{$selector} / blocking_duration_seconds_count{$selector}'\n";

/// One instance has nothing to divide by: its lag is not known, and the other's is calm.
#[test]
fn a_nan_beside_a_value_is_no_pass_on_either_server() {
    if !real::available("the audit of a NaN on real servers") {
        return;
    }
    let instances = [STALLS, Instance { instance: "calm-b:8000", ..CALM }];
    let directory = directory_with(RATIO);
    let at = END.to_string();
    for server in [
        real::prometheus(&instances, START, END, ""),
        real::victoria_metrics(&instances, START, END),
    ] {
        let run =
            gate(directory.path(), &server, "calm", &["--at", &at, "--output-format", "json"]);
        let report = run.json();
        assert_eq!(run.code, 3, "{report:#}");
        let lag = &report["signals"]["event_loop_lag"];
        assert_eq!(lag["state"], "not_a_number");
        assert_eq!(lag["series"], 2);
        assert_eq!(lag["is_lower_bound"], true);
        assert_eq!(lag["labels"]["instance"], "calm-a:8000");
        // What has no NaN is read as before.
        assert_eq!(report["signals"]["peak_active_requests"]["state"], "ok");
    }
}

/// A gateway before a server, which may change a request, or answer it itself.
fn gateway(
    address: &str,
    change: impl Fn(&mut Request) -> Option<Response> + Send + Sync + 'static,
) -> Fake {
    let address = address.to_owned();
    Fake::start(move |request| {
        let mut request = request.clone();
        if let Some(response) = change(&mut request) {
            return response;
        }
        let base = format!("http://{address}{}", request.path);
        let url = reqwest::Url::parse_with_params(&base, &request.parameters).unwrap();
        let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
        Response::Bytes(real::exchange(&address, "GET", &path, "").unwrap().into_bytes())
    })
}

/// A gateway that lets only the API through hides that it is VictoriaMetrics.
#[test]
fn a_nan_behind_a_gateway_is_no_pass_either() {
    if !real::available("the audit of a NaN behind a gateway") {
        return;
    }
    let instances = [STALLS, Instance { instance: "calm-b:8000", ..CALM }];
    let directory = directory_with(RATIO);
    let servers = [
        (real::prometheus(&instances, START, END, ""), 3),
        (real::victoria_metrics(&instances, START, END), 3),
        (real::prometheus(&[STALLS], START, END, ""), 0),
        (real::victoria_metrics(&[STALLS], START, END), 0),
    ];
    let no_health_page = || Response::new(404, "no route");
    let one_of_its_own = || Response::new(200, "OK");
    let healths: [fn() -> Response; 2] = [no_health_page, one_of_its_own];
    for ((server, code), health) in
        servers.iter().flat_map(|server| healths.map(|health| (server, health)))
    {
        let gateway =
            gateway(server.address(), move |request| (request.path == "/-/healthy").then(health));
        let at = END.to_string();
        let args = ["--target", &gateway.url(), "--at", &at, "--fail-on-critical"];
        let args = [&args[..], &["--var", "selector=job=\"calm\"", "--output-format", "json"]];
        let run = auditor(directory.path(), &args.concat());
        assert_eq!(run.code, *code, "{}: {}", server.url, run.stdout);
    }
}

/// `NaN` is 0 where nothing was there to average, in the words of both servers, and nowhere else.
#[test]
fn on_nan_zero_is_zero_by_zero_on_either_server() {
    if !real::available("the audit of 0/0 on real servers") {
        return;
    }
    let idle = Instance { instance: "calm-b:8000", ..CALM };
    let torn = Instance { instance: "calm-c:8000", active: f64::NAN, ..CALM };
    let servers = [
        real::prometheus(&[STALLS, idle, torn], START, END, ""),
        real::victoria_metrics(&[STALLS, idle, torn], START, END),
    ];
    let ratio = |matchers: &str| {
        let rate = |end| format!("rate(blocking_duration_seconds_{end}{{{matchers}}}[15m])");
        format!("{} / {}", rate("sum"), rate("count"))
    };
    let (all, of_idle) = (ratio(""), ratio("instance=\"calm-b:8000\""));
    let torn = "active_requests{instance=\"calm-c:8000\"}";
    for (blocking, code, value) in [
        (all.clone(), 0, Some(0.1)),
        (of_idle.clone(), 0, Some(0.0)),
        (format!("{of_idle} * 1000"), 0, Some(0.0)),
        (format!("max({of_idle})"), 0, Some(0.0)),
        (format!("max by (instance) ({all})"), 0, Some(0.1)),
        (format!("sum({})", of_idle.replace(" / ", ") / sum(")), 0, Some(0.0)),
        (format!("max_over_time(({of_idle})[5m:30s])"), 0, Some(0.0)),
        (format!("topk(3, {of_idle})"), 0, Some(0.0)),
        // Not of both sides it is known that they are 0, or are there at all.
        (format!("{torn} / {torn}"), 3, None),
        (format!("sum({torn}) / sum({torn} * 0)"), 3, None),
        (format!("{torn} / blocking_duration_seconds_count"), 3, None),
    ] {
        let config = format!(
            "queries:\n  p99_latency: vector(0)\n  event_loop_lag: vector(0)\n  \
             peak_active_requests: vector(0)\n  blocking_duration_avg: '{blocking}'\n"
        );
        let directory = directory_with(&config);
        for server in &servers {
            let at = END.to_string();
            let args = ["--target", &server.url, "--at", &at, "--fail-on-critical"];
            let run =
                auditor(directory.path(), &[&args[..], &["--output-format", "json"]].concat());
            assert_eq!(run.code, code, "{blocking} of {}: {}", server.url, run.stdout);
            let read = run.json()["signals"]["blocking_duration_avg"]["value"].as_f64();
            let rounded = read.map(|value| (value * 1e6).round() / 1e6);
            assert_eq!(rounded, value, "{blocking} of {}: {}", server.url, run.stdout);
        }
    }
}

/// An average hides what its other series are behind one that is 0/0. Prometheus says `NaN` then,
/// VictoriaMetrics averages the others.
#[test]
fn an_average_of_which_a_part_is_zero_by_zero_is_not_zero() {
    if !real::available("the audit of an average of 0/0") {
        return;
    }
    let sick = Instance { blocking: 1.2, ..STALLS };
    let instances = [sick, Instance { instance: "calm-b:8000", ..CALM }];
    let directory = directory_with(
        "queries:\n  p99_latency: vector(0)\n  event_loop_lag: vector(0)\n  \
         peak_active_requests: vector(0)\n  blocking_duration_avg: 'avg(blocking_duration_seconds_sum / \
         blocking_duration_seconds_count)'\n",
    );
    let at = END.to_string();
    for (server, state, value) in [
        (real::prometheus(&instances, START, END, ""), "not_a_number", None),
        (real::victoria_metrics(&instances, START, END), "ok", Some(1.2)),
    ] {
        let args = ["--target", &server.url, "--at", &at, "--output-format", "json"];
        let report = auditor(directory.path(), &args).json();
        let blocking = &report["signals"]["blocking_duration_avg"];
        assert_eq!((&blocking["state"], blocking["value"].as_f64()), (&state.into(), value));
    }
}

/// Without `nocache` VictoriaMetrics answers for half a minute earlier, under the time that was
/// asked for.
#[test]
fn a_gateway_that_keeps_our_parameters_from_the_server_is_found_out() {
    if !real::available("the audit of the last seconds behind a gateway") {
        return;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let directory = initialised();
    let instances = [CALM];
    for (server, has_offset) in [
        (real::prometheus(&instances, now - 900, now - 1, ""), false),
        (real::victoria_metrics(&instances, now - 900, now - 1), true),
    ] {
        let forgets = gateway(server.address(), |request| {
            request.parameters.remove("nocache");
            None
        });
        let refuses = gateway(server.address(), |request| {
            let refused = Response::new(400, "unknown parameter `partial_response`");
            request.parameters.contains_key("partial_response").then_some(refused)
        });
        let at = now.to_string();
        for (gateway, is_whole) in [(forgets, !has_offset), (refuses, true)] {
            let args = ["--target", &gateway.url(), "--at", &at, "--fail-on-critical"];
            let run = auditor(directory.path(), &args);
            assert_eq!(run.code, if is_whole { 0 } else { 3 }, "{}: {}", server.url, run.stdout);
            let words = "was asked for: VictoriaMetrics moves recent instants back";
            assert_eq!(run.says(words), !is_whole, "{}", run.stderr);
        }
    }
}

#[test]
fn a_real_server_gives_the_same_bytes_and_its_own_words() {
    if !real::available("the repeated audit on a real server") {
        return;
    }
    let server = real::prometheus(&FLEET, START, END, "");
    let directory = initialised();
    let at = END.to_string();
    // All services at once: several series for every signal, in whatever order they come.
    let args = ["--target", &server.url, "--at", &at, "--output-format", "json"];
    let first = auditor(directory.path(), &args);
    assert!(first.json()["backend"]["version"].is_string());
    for _ in 0..10 {
        assert_eq!(auditor(directory.path(), &args).stdout, first.stdout);
    }
    let broken = directory_with(
        "queries: {p99_latency: 'sum(', event_loop_lag: b, blocking_duration_avg: c, peak_active_requests: 'd[5m]'}",
    );
    let run = auditor(broken.path(), &args);
    assert_eq!(run.code, 3);
    let report = run.json();
    let reason = |signal: &str| report["signals"][signal]["reason"].as_str().unwrap().to_owned();
    assert!(
        reason("p99_latency").contains("unclosed left parenthesis"),
        "{}",
        reason("p99_latency")
    );
    assert!(reason("peak_active_requests").contains("returns a range"));
    assert_eq!(report["signals"]["event_loop_lag"]["state"], "no_data");
}

/// `me` with the password `s3cret`, as bcrypt has it.
const USERS: &str =
    "basic_auth_users: {me: $2b$04$FhW3Ye1t/6t0OLFTKUeIuOHduqP9Ner9ATfgiyV/ik/W4zDFI9IWS}";

/// Prometheus' own TLS, client certificates and passwords; nothing less than all of it passes.
#[test]
fn a_real_server_behind_tls_and_a_password() {
    if !real::available("the audit of a real server behind TLS") {
        return;
    }
    let directory = initialised();
    let ours = authority("ours");
    let (server, client) =
        (Identity::new(&ours, "127.0.0.1", 2090), Identity::new(&ours, "auditor", 2090));
    let tls = "tls_server_config: {cert_file: server.pem, key_file: server-key.pem, \
               client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert}";
    for (name, content) in [
        ("web.yaml", format!("{tls}\n{USERS}\n")),
        ("ca.pem", ours.pem()),
        ("server.pem", server.cert.pem()),
        ("server-key.pem", server.key.serialize_pem()),
        ("client.pem", client.cert.pem()),
        ("client-key.pem", client.key.serialize_pem()),
        ("password", "s3cret\n".to_owned()),
        ("ca.yaml", "tls_config: {ca_file: ca.pem}\n".to_owned()),
        (
            "tls.yaml",
            "tls_config: {ca_file: ca.pem, cert_file: client.pem, key_file: client-key.pem}\n"
                .to_owned(),
        ),
        (
            "all.yaml",
            "basic_auth: {username: me, password_file: password}\n\
             tls_config: {ca_file: ca.pem, cert_file: client.pem, key_file: client-key.pem}\n"
                .to_owned(),
        ),
    ] {
        fs::write(directory.path().join(name), content).unwrap();
    }
    let web_config = directory.path().join("web.yaml");
    let server = real::prometheus_behind(Some(&web_config), &FLEET, START, END, "/prometheus");
    let plain = server.url.replace("https", "http");
    let at = END.to_string();
    let audit = |target: &str, http: &str, job: &str, password: Option<&str>| -> Run {
        let selector = format!("selector=job=\"{job}\"");
        let args = ["--target", target, "--at", &at, "--var", &selector, "--fail-on-critical"];
        let args = [&args[..], &["--http-config", http, "--verbose"]].concat();
        let mut command = command(directory.path(), &args);
        command.envs(password.map(|password| ("AUDITOR_BASIC_AUTH", password)));
        command.output().unwrap().into()
    };
    for (target, http, password, words) in [
        (&server.url, "ca.yaml", None, "does it ask for a client certificate?"),
        (&server.url, "tls.yaml", None, "wants credentials (HTTP 401: Unauthorized), and none"),
        (&server.url, "tls.yaml", Some("me:wrong"), "refuses the user and password in AUDITOR_B"),
        (&plain, "all.yaml", None, "the server speaks TLS there"),
    ] {
        let run = audit(target, http, "calm", password);
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert!(run.says(words), "{words}: {}", run.stderr);
    }
    for (http, password) in [("all.yaml", None), ("tls.yaml", Some("me:s3cret"))] {
        for (job, code) in [("calm", 0), ("half-sick", 1), ("silent", 3)] {
            let run = audit(&server.url, http, job, password);
            assert_eq!(run.code, code, "{job} by {http}: {}", run.stderr);
            assert!(!run.says("s3cret"), "{}", run.stderr);
        }
    }
}

/// The recording that the project ships, and what a service recorded by a test left behind.
#[test]
fn a_recording_has_the_same_verdict_in_prometheus() {
    if !real::available("the replay of a recording") {
        return;
    }
    let directory = initialised();
    let text = fs::read_to_string("examples/starved.om").unwrap();
    fs::write(directory.path().join("starved.om"), &text).unwrap();
    let gate = ["--fail-on-critical", "--output-format", "json"];
    let recorded = ["--recording", "starved.om"];
    let ours = auditor(directory.path(), &[&recorded[..], &gate].concat()).json();
    let server = real::prometheus_of(&text, None, "");
    let query = ours["signals"]["event_loop_lag"]["query"].as_str().unwrap();
    let window = query.split(['[', ']']).nth(1).unwrap();
    let window = format!("window={window}");
    let at = ours["evaluated_at"].as_str().unwrap();
    let asked = ["--target", &server.url, "--at", at, "--var", &window];
    let theirs = auditor(directory.path(), &[&asked[..], &gate].concat()).json();
    assert_eq!(ours["status"], "CRITICAL");
    // What is not rounded may differ in its last digit.
    for key in [
        "status",
        "runtime_health_score",
        "p99_latency_ms",
        "max_event_loop_lag_ms",
        "blocking_events",
        "avg_blocking_duration_s",
        "peak_active_requests",
        "threadpool_queue_wait_s",
        "threadpool_backlog",
        "verdict",
        "exit_code",
    ] {
        assert_eq!(ours[key], theirs[key], "{key}");
    }
    assert_eq!(ours["failure_modes"][0]["type"], theirs["failure_modes"][0]["type"]);
    for (signal, reading) in ours["signals"].as_object().unwrap() {
        for key in ["state", "series", "labels", "query"] {
            assert_eq!(reading[key], theirs["signals"][signal][key], "{signal}");
        }
    }
    // How the service let itself be scraped is no question to a server.
    let [theirs, ours] = [theirs, ours].map(|report| report["findings"].as_array().unwrap().len());
    assert_eq!(ours, theirs + 1);
}
