//! What is sent as whom, and to whom not.

use std::fs;
use std::path::Path;

use super::matrix::{SECRET, healthy};
use crate::support::fake::{Fake, Request, Response};
use crate::support::{Run, command, directory_with};

const QUERIES: &str = "queries: {p99_latency: a, event_loop_lag: b, blocking_duration_avg: c, peak_active_requests: d}\n";
/// `me:` and the secret in Base64.
const BASIC: &str = "Basic bWU6czNjcmV0LW9mLXRoZS1tYXRyaXg=";
const BEARER: &str = "Bearer s3cret-of-the-matrix";

fn calm() -> Fake {
    Fake::start(|request| healthy(request, true))
}

fn audit(directory: &Path, target: &str, args: &[&str], environment: &[(&str, &str)]) -> Run {
    let gate = ["--fail-on-critical", "--verbose", "--target", target];
    let mut command = command(directory, &[&gate, args].concat());
    let run: Run = command.envs(environment.iter().copied()).output().unwrap().into();
    for text in [&run.stdout, &run.stderr] {
        assert!(!text.contains(SECRET) && !text.contains(&BASIC[6..]), "{text}");
    }
    run
}

/// The header as every request carried it.
fn header(requests: &[Request], name: &str) -> Option<String> {
    let mut values: Vec<_> = requests.iter().map(|r| r.headers.get(name).cloned()).collect();
    values.dedup();
    assert_eq!(values.len(), 1, "it differs between requests: {values:?}");
    values.remove(0)
}

#[test]
fn every_way_to_say_who_we_are() {
    let from_file = |section: &str| format!("http: {section}\n{QUERIES}");
    let basic_file = from_file("{basic_auth: {username: me, password_file: token}}");
    let token_file = from_file("{authorization: {credentials_file: token}}");
    let typed = from_file(&format!("{{authorization: {{type: Token, credentials: {SECRET}}}}}"));
    let bearer_env = [("AUDITOR_BEARER_TOKEN", SECRET)];
    let basic_env = [("AUDITOR_BASIC_AUTH", "me:s3cret-of-the-matrix")];
    let by_header = ["--header", "authorization: Own s3cret-of-the-matrix"];
    for (config, args, environment, in_url, expected) in [
        (QUERIES, &[][..], &[][..], "", None),
        (QUERIES, &[], &[], "me:s3cret-of-the-matrix@", Some(BASIC)),
        (QUERIES, &[], &bearer_env, "", Some(BEARER)),
        (QUERIES, &[], &basic_env, "", Some(BASIC)),
        (&token_file, &[], &[], "", Some(BEARER)),
        (&basic_file, &[], &[], "", Some(BASIC)),
        (&typed, &[], &[], "", Some("Token s3cret-of-the-matrix")),
        // The file prevails over the URL, the environment over the file, a header over all.
        (&token_file, &[], &[], "you:other@", Some(BEARER)),
        (&typed, &[], &bearer_env, "", Some(BEARER)),
        (&typed, &by_header, &bearer_env, "you:other@", Some("Own s3cret-of-the-matrix")),
        // The file of --http-config stands in for the section.
        (&typed, &["--http-config", "http.yaml"], &[], "", Some(BASIC)),
    ] {
        let fake = calm();
        let directory = directory_with(config);
        fs::write(directory.path().join("token"), format!("{SECRET}\n")).unwrap();
        let http = "basic_auth: {username: me, password_file: token}\n";
        fs::write(directory.path().join("http.yaml"), http).unwrap();
        let target = fake.url().replace("://", &format!("://{in_url}"));
        let run = audit(directory.path(), &target, args, environment);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(header(&fake.requests(), "authorization").as_deref(), expected, "{config}");
    }
}

#[test]
fn headers_are_sent_with_every_request() {
    let config = format!(
        "http: {{http_headers: {{X-Scope-OrgID: team-a, X-One: {{values: [a]}}, X-Two: {{secrets: [{SECRET}]}}, X-Three: {{files: [key]}}}}}}\n{QUERIES}"
    );
    let fake = calm();
    let directory = directory_with(&config);
    fs::write(directory.path().join("key"), format!(" {SECRET} \n")).unwrap();
    let args = ["--header", "X-Scope-OrgID: team-b", "--header", "X-Four:4"];
    let run = audit(directory.path(), &fake.url(), &args, &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for (name, value) in [
        ("x-scope-orgid", "team-b"),
        ("x-one", "a"),
        ("x-two", SECRET),
        ("x-three", SECRET),
        ("x-four", "4"),
    ] {
        assert_eq!(header(&fake.requests(), name).as_deref(), Some(value), "{name}");
    }
}

#[test]
fn the_target_may_come_from_the_environment() {
    let (asked, other) = (calm(), calm());
    let directory = directory_with(&format!("target: {}\n{QUERIES}", other.url()));
    let mut command = command(directory.path(), &["--fail-on-critical"]);
    let run: Run = command.env("AUDITOR_TARGET", asked.url()).output().unwrap().into();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!((asked.requests().len(), other.requests().len()), (7, 0));
    audit(directory.path(), &other.url(), &[], &[("AUDITOR_TARGET", &asked.url())]);
    assert_eq!((asked.requests().len(), other.requests().len()), (7, 7));
}

/// Sends every request on to the same path of another origin.
fn redirecting_to(origin: String) -> Fake {
    Fake::start(move |request| {
        let pairs = request.parameters.iter();
        let url = reqwest::Url::parse_with_params(&format!("{origin}{}", request.path), pairs);
        Response::with_headers(307, &[("Location", &url.unwrap())], "")
    })
}

const HEADERS: [&str; 2] = ["--header", "X-Api-Key: s3cret-of-the-matrix"];

#[test]
fn secrets_do_not_follow_a_redirect_to_another_origin() {
    let stranger = calm();
    let target = redirecting_to(stranger.url());
    let environment = [("AUDITOR_BEARER_TOKEN", SECRET)];
    let directory = directory_with(QUERIES);
    let run = audit(directory.path(), &target.url(), &HEADERS, &environment);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(header(&target.requests(), "authorization").as_deref(), Some(BEARER));
    assert_eq!(header(&target.requests(), "x-api-key").as_deref(), Some(SECRET));
    assert_eq!(header(&stranger.requests(), "authorization"), None);
    assert_eq!(header(&stranger.requests(), "x-api-key"), None);
    assert_eq!(header(&stranger.requests(), "referer"), None);
}

#[test]
fn a_stranger_who_wants_them_is_told_from_the_target() {
    let stranger = Fake::start(|_| Response::new(401, ""));
    let target = redirecting_to(stranger.url());
    let environment = [("AUDITOR_BEARER_TOKEN", SECRET)];
    let run = audit(directory_with(QUERIES).path(), &target.url(), &[], &environment);
    assert_eq!(run.code, 3);
    let words = "the token in AUDITOR_BEARER_TOKEN stayed with the target, which redirects";
    assert!(run.says(words), "{}", run.stderr);
}

#[test]
fn secrets_follow_a_redirect_within_the_origin() {
    let target = Fake::start(|request| match request.path.strip_prefix("/moved") {
        Some(path) => healthy(&Request { path: path.to_owned(), ..request.clone() }, true),
        None => {
            let query: Vec<_> =
                request.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let place = format!("/moved{}?{}", request.path, query.join("&"));
            Response::with_headers(301, &[("Location", &place)], "")
        }
    });
    let environment = [("AUDITOR_BEARER_TOKEN", SECRET)];
    let run = audit(directory_with(QUERIES).path(), &target.url(), &HEADERS, &environment);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(header(&target.requests(), "authorization").as_deref(), Some(BEARER));
    assert_eq!(header(&target.requests(), "x-api-key").as_deref(), Some(SECRET));
}

/// `no_proxy` names hosts that are reached directly.
#[test]
fn a_proxy_stands_between_unless_it_is_not_to() {
    let (proxy, direct) = (calm(), calm());
    let address = direct.address();
    for (no_proxy, through_proxy) in [("", true), (", no_proxy: \"127.0.0.0/8\"", false)] {
        let http = format!("http: {{proxy_url: \"{}\"{no_proxy}}}\n{QUERIES}", proxy.url());
        let directory = directory_with(&http);
        let before = proxy.requests().len();
        let run = audit(directory.path(), &format!("http://{address}"), &[], &[]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(proxy.requests().len() > before, through_proxy);
    }
    assert_eq!(direct.requests().len(), 7);
}

/// A proxy set for the internet is of no use on the way to this machine.
#[test]
fn the_environments_proxy_is_not_for_loopback_addresses() {
    let fake = calm();
    let directory = directory_with(QUERIES);
    let environment = [("http_proxy", "http://127.0.0.1:1"), ("HTTP_PROXY", "http://127.0.0.1:1")];
    let run = audit(directory.path(), &fake.url(), &[], &environment);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let run = audit(directory.path(), "http://prometheus.invalid", &[], &environment);
    assert_eq!(run.code, 3);
    assert!(run.says("(a proxy is set in http_proxy)"), "{}", run.stderr);
}

#[test]
fn verbose_tells_of_every_request() {
    let fake = calm();
    let environment = [("AUDITOR_BEARER_TOKEN", SECRET)];
    let run = audit(directory_with(QUERIES).path(), &fake.url(), &HEADERS, &environment);
    let told = |words: &str| run.stderr.lines().filter(|line| line.contains(words)).count();
    assert_eq!(told("GET "), 7, "{}", run.stderr);
    assert_eq!(told("/api/v1/query \"b\": HTTP 200, "), 1, "{}", run.stderr);
    assert_eq!(told("HTTP 200, "), 6, "{}", run.stderr);
    assert_eq!(told("credentials: the token in AUDITOR_BEARER_TOKEN"), 1);
    assert_eq!(told("header: x-api-key"), 1);
}
