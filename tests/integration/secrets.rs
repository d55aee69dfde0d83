//! A secret in every place where one can be given, and nowhere where it could be read.

use std::fs;
use std::path::Path;

use crate::support::fake::{Fake, Request, Response};
use crate::support::page::{CALM, CONFIG};
use crate::support::real::free_address;
use crate::support::{Run, auditor, command, directory_with, each};

const SECRET: &str = "s3cret-of-the-table";
/// As it may stand in a URL.
const ENCODED: &str = "s3cret%2Dof%2Dthe%2Dtable";
/// `me:` and the secret, and the secret and `:`, in Base64.
const BASE64: [&str; 2] = ["bWU6czNjcmV0LW9mLXRoZS10YWJsZ", "czNjcmV0LW9mLXRoZS10YWJsZ"];

/// What a service or a server does with a request.
type Answer = fn(&Request) -> Response;

/// Every way in which a page is answered; some repeat what they were sent, and more.
const ANSWERS: [(&str, Answer); 9] = [
    ("calm", |_| Response::new(200, CALM)),
    ("echo in labels", |_| {
        let lag = format!("lag_seconds{{token=\"{SECRET}\",url=\"/?a={ENCODED}\"}}");
        Response::new(200, CALM.replace("lag_seconds", &lag))
    }),
    ("echo in a broken line", |_| Response::new(200, format!("{CALM}x {SECRET}\n"))),
    ("echo in a status", |_| Response::new(500, format!("bad token {SECRET}"))),
    ("unauthorized", |_| Response::new(401, SECRET)),
    ("forbidden", |_| Response::new(403, ENCODED)),
    ("reset", |_| Response::Reset),
    ("no HTTP", |_| Response::Bytes(SECRET.as_bytes().to_vec())),
    ("a redirect to a page with one", |request| match request.path.as_str() {
        "/moved" => Response::new(200, CALM),
        _ => {
            let place = format!("http://me:{SECRET}@localhost:1/moved?token={SECRET}");
            Response::with_headers(307, &[("Location", &place)], "")
        }
    }),
];

/// Fails if the secret is in what a run printed, or in a file that it wrote.
fn holds_no_secret(run: &Run, directory: &Path, case: &str) {
    let mut texts = vec![run.stdout.clone(), run.stderr.clone()];
    for name in ["report.json", "rec.om", "audit_results.json"] {
        texts.extend(fs::read_to_string(directory.join(name)));
    }
    for text in texts {
        for secret in [SECRET, ENCODED].iter().chain(&BASE64) {
            assert!(!text.contains(secret), "{case}\n{text}");
        }
    }
}

/// A directory with `http` in the configuration, and the same as a file of its own.
fn directory(http: &str) -> tempfile::TempDir {
    let directory = directory_with(&format!("http: {http}\n{CONFIG}"));
    fs::write(directory.path().join("http.yaml"), http).unwrap();
    fs::write(directory.path().join("token"), SECRET).unwrap();
    directory
}

/// The ways to give a secret in a file of `http_config`.
fn in_files() -> Vec<String> {
    vec![
        format!("{{authorization: {{credentials: {SECRET}}}}}"),
        "{authorization: {credentials_file: token}}".to_owned(),
        format!("{{basic_auth: {{username: me, password: {SECRET}}}}}"),
        format!("{{basic_auth: {{username: {SECRET}}}}}"),
        format!("{{http_headers: {{X-Key: {SECRET}}}}}"),
        "{http_headers: {X-Key: {files: [token]}}}".to_owned(),
        format!("{{proxy_url: 'http://me:{SECRET}@127.0.0.1:1/'}}"),
        format!("{{proxy_url: 'http://{SECRET}@127.0.0.1:1/'}}"),
        format!("{{proxy_url: 'http://127.0.0.1:1/?token={SECRET}'}}"),
    ]
}

/// The ways to give a secret in a URL, beside its host or behind its path.
const IN_URLS: [[&str; 2]; 7] = [
    ["me:s3cret-of-the-table@", ""],
    ["me:s3cret%2Dof%2Dthe%2Dtable@", ""],
    ["s3cret-of-the-table@", ""],
    ["", "?token=s3cret-of-the-table&format=prometheus"],
    ["", "?format=prometheus&token=s3cret%2Dof%2Dthe%2Dtable"],
    ["", "?s3cret-of-the-table"],
    ["", "?target=redis://:s3cret-of-the-table@db:6379"],
];

/// A way to give a secret: the URL, the section `http`, further arguments, the environment.
#[derive(Clone)]
struct Case {
    url: String,
    http: String,
    args: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

/// Every way to give a secret for what listens at an address: those in URLs come first.
fn cases(name: &str, address: &str, path: &str) -> Vec<Case> {
    let url = format!("http://{address}{path}");
    let plain = Case {
        url: url.clone(),
        http: "{follow_redirects: true}".to_owned(),
        args: Vec::new(),
        environment: Vec::new(),
    };
    let mut cases = Vec::new();
    for [user, query] in IN_URLS {
        let url = format!("http://{user}{address}{path}{query}");
        cases.push(Case { url, ..plain.clone() });
    }
    // Nobody listens where the proxies are: one answer is as good as another.
    for http in in_files().into_iter().filter(|it| name == "calm" || !it.contains("proxy")) {
        cases.push(Case { http, ..plain.clone() });
    }
    for header in ["X-Key: ", "Authorization: Bearer "] {
        let args = vec!["--header".to_owned(), format!("{header}{SECRET}")];
        cases.push(Case { args, ..plain.clone() });
    }
    if matches!(name, "reset" | "no HTTP") {
        // These are tried again and again, and say little.
        cases.truncate(4);
    }
    cases
}

/// Runs the check on every answer, all at the same time: some are waited for.
fn with_every_answer(check: impl Fn(&str, &Fake) + Sync) {
    std::thread::scope(|scope| {
        for (name, answer) in ANSWERS {
            let check = &check;
            scope.spawn(move || check(name, &Fake::start(answer)));
        }
    });
}

#[test]
fn no_secret_of_a_scrape_is_told() {
    with_every_answer(|name, service| {
        let cases = cases(name, &service.address().to_string(), "/metrics");
        // Nobody listens where the redirect leads, and that is tried again and again.
        let at_a_time = if name.starts_with("a redirect") { cases.len() } else { 3 };
        each(&cases, at_a_time, |Case { url, http, args, .. }| {
            let directory = directory(http);
            let case = format!("{name}: {url} {http} {args:?}");
            let mut given: Vec<_> = args.iter().map(String::as_str).collect();
            given.extend(["--scrape", url, "--for", "100ms", "--every", "50ms", "--verbose"]);
            if !http.contains("follow_redirects") {
                given.extend(["--http-config", "http.yaml"]);
            }
            let format = if name == "calm" { "json" } else { "text" };
            let audit = ["--record", "rec.om", "--report", "report.json", "--fail-on-critical"];
            let audit = [&given[..], &audit, &["--output-format", format]].concat();
            let run = auditor(directory.path(), &audit);
            let works = name == "calm" && !http.contains("proxy");
            assert_eq!(run.code, if works { 0 } else { run.code }, "{case}: {}", run.stderr);
            holds_no_secret(&run, directory.path(), &case);
            if !matches!(name, "reset" | "no HTTP") {
                let run =
                    auditor(directory.path(), &[&["query", "lag_seconds"], &given[..]].concat());
                holds_no_secret(&run, directory.path(), &case);
            }
        });
    });
}

#[test]
fn no_secret_of_a_server_is_told() {
    with_every_answer(|name, server| {
        let mut cases = cases(name, &server.address().to_string(), "/");
        for variable in ["AUDITOR_BEARER_TOKEN", "AUDITOR_BASIC_AUTH", "AUDITOR_TARGET"] {
            let value = match variable {
                "AUDITOR_BEARER_TOKEN" => SECRET.to_owned(),
                "AUDITOR_BASIC_AUTH" => format!("me:{SECRET}"),
                _ => format!("http://me:{SECRET}@{}/?token={SECRET}", server.address()),
            };
            let case = Case { environment: vec![(variable, value)], ..cases[0].clone() };
            cases.push(Case { url: server.url(), ..case });
        }
        for Case { url, http, args, environment } in cases {
            let directory = directory(&http);
            let case = format!("{name}: {url} {http} {args:?} {environment:?}");
            let mut given: Vec<_> = args.iter().map(String::as_str).collect();
            given.extend(["--fail-on-critical", "--verbose", "--timeout", "500ms"]);
            if environment.iter().all(|(name, _)| *name != "AUDITOR_TARGET") {
                given.extend(["--target", &url]);
            }
            let run: Run =
                command(directory.path(), &given).envs(environment).output().unwrap().into();
            holds_no_secret(&run, directory.path(), &case);
        }
    });
}

#[test]
fn where_nobody_listens_no_secret_is_told() {
    std::thread::scope(|scope| {
        for [user, query] in IN_URLS {
            scope.spawn(move || {
                let directory = directory("{follow_redirects: true}");
                for host in [free_address(), "no.such.host.invalid".to_owned()] {
                    let url = format!("http://{user}{host}/metrics{query}");
                    let args = ["--scrape", &url, "--verbose", "--for", "1s"];
                    let run = auditor(directory.path(), &args);
                    assert_eq!(run.code, 3, "{}", run.stdout);
                    holds_no_secret(&run, directory.path(), &url);
                }
            });
        }
    });
}

#[test]
fn twins_that_differ_by_a_secret_are_told_apart() {
    let service = Fake::start(|_| Response::new(200, CALM));
    let page = |query: &str| format!("{}/metrics{query}", service.url());
    let pages = [
        page("?token=s3cret-of-the-table"),
        page("?token=s3cret-of-the-table2"),
        page("?token=s3cret-of-the-table3"),
        page("?format=prometheus"),
        page("?token="),
    ];
    let directory = directory_with(CONFIG);
    let mut args = vec!["--for", "100ms", "--every", "50ms", "--output-format", "json"];
    pages.iter().for_each(|page| args.extend(["--scrape", page]));
    args.extend(["--record", "rec.om"]);
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 0, "{}", run.stderr);
    holds_no_secret(&run, directory.path(), "twins");
    let report = run.json();
    let scrapes = report["scrapes"].as_array().unwrap();
    let mut instances: Vec<_> =
        scrapes.iter().map(|it| it["target"]["instance"].as_str().unwrap()).collect();
    instances.sort_unstable();
    let address = service.address();
    let expected = [
        String::new(),
        "/metrics?format=prometheus".to_owned(),
        "/metrics?token=".to_owned(),
        "/metrics?token=***".to_owned(),
        "/metrics?token=*** (2)".to_owned(),
    ];
    assert_eq!(instances, expected.map(|path| format!("{address}{path}")));
    // The same page twice is refused, and its secret not repeated.
    let args = ["--scrape", &pages[0], "--scrape", &pages[0]];
    let run = auditor(directory.path(), &args);
    assert!(run.stderr.contains("?token=*** is given twice"), "{}", run.stderr);
}

#[test]
fn the_command_inherits_nothing_that_is_meant_for_us() {
    let service = Fake::start(|request| match request.path.as_str() {
        "/metrics" => Response::new(200, CALM),
        "/api/v1/query" => Response::value("0.1"),
        _ => Response::new(200, "Prometheus Server is Healthy.\n"),
    });
    let url = format!("http://me:{SECRET}@{}/?token={SECRET}", service.address());
    let load = ["sh", "-c", "env > seen; echo $1 > url", "load", &url];
    for source in [["--scrape", &service.url()], ["--target", &service.url()]] {
        let directory = directory_with(CONFIG);
        let args = [&source[..], &["--fail-on-critical", "--verbose", "--"], &load].concat();
        let run: Run = command(directory.path(), &args)
            .env("PATH", "/usr/bin:/bin")
            .env("AUDITOR_BEARER_TOKEN", SECRET)
            .env("AUDITOR_PROFILE_OF_MINE", SECRET)
            .env("OF_THE_LOAD", "stays")
            .output()
            .unwrap()
            .into();
        let seen = fs::read_to_string(directory.path().join("seen")).unwrap();
        assert!(!seen.contains("AUDITOR_") && seen.contains("OF_THE_LOAD=stays"), "{seen}");
        // It is given what stands on the command line, and the report shows it without secrets.
        let given = fs::read_to_string(directory.path().join("url")).unwrap();
        assert_eq!(given.trim(), url);
        holds_no_secret(&run, directory.path(), "the command line");
        assert!(run.stdout.contains("/?token=***"), "{}", run.stdout);
    }
}

/// Sections that name files which are not there, and one that is wrong by itself.
const MISSING_FILES: [&str; 5] = [
    "{authorization: {credentials_file: missing}}",
    "{basic_auth: {username: me, password_file: missing}}",
    "{basic_auth: {username_file: missing}}",
    "{http_headers: {X-Key: {files: [missing]}}}",
    "{tls_config: {ca_file: missing, cert_file: missing, key_file: missing}}",
];

#[test]
fn credentials_files_are_read_by_the_source_that_uses_them() {
    let service = Fake::start(|request| match request.path.as_str() {
        "/metrics" => Response::new(200, CALM),
        "/api/v1/query" => Response::value("0.1"),
        _ => Response::new(200, "Prometheus Server is Healthy.\n"),
    });
    let url = service.url();
    let scrape = [
        "--scrape",
        &url,
        "--for",
        "100ms",
        "--every",
        "50ms",
        "--record",
        "rec.om",
        "--no-report",
    ];
    let recording = ["--recording", "rec.om", "--no-report"];
    let server = ["--target", &url, "--no-report"];
    let other = ["--target", &url, "--http-config", "own.yaml", "--no-report"];
    for http in MISSING_FILES {
        let directory = directory_with(&format!("http: {http}\n{CONFIG}"));
        fs::write(directory.path().join("own.yaml"), "follow_redirects: true\n").unwrap();
        for (args, code) in [(&scrape[..], 0), (&recording, 0), (&other, 0), (&server, 2)] {
            let run = auditor(directory.path(), args);
            assert_eq!(run.code, code, "{http} {args:?}: {}", run.stderr);
            // The same for one expression; it takes neither of the last options.
            let source = args.iter().position(|arg| arg.starts_with("--no-") || *arg == "--record");
            let args = [&["query", "lag_seconds"], &args[..source.unwrap()]].concat();
            let run = auditor(directory.path(), &args);
            assert_eq!(run.code, code, "{http} {args:?}: {}", run.stderr);
        }
        fs::write(directory.path().join("http.yaml"), http).unwrap();
        let run =
            auditor(directory.path(), &[&scrape[..], &["--http-config", "http.yaml"]].concat());
        assert_eq!(run.code, 2, "{http}: its own file is read");
    }
    // What is wrong in the section is told, whoever uses it.
    for http in
        ["{authorisation: {credentials_file: a}}", "{tls_config: {ca_file: 7}}", "{basic_auth: {}}"]
    {
        let directory = directory_with(&format!("http: {http}\n{CONFIG}"));
        let run = auditor(directory.path(), &scrape);
        assert_eq!(run.code, 2, "{http}: {}", run.stderr);
    }
}

#[test]
fn a_service_that_wants_credentials_is_told_the_ways_to_give_them() {
    let ways = ["USER:PASSWORD@ before the host", "--header 'Authorization: ", "--http-config"];
    for status in [401, 403] {
        let service = Fake::start(move |_| Response::new(status, "no"));
        let directory = directory_with(CONFIG);
        let with_password = service.url().replace("://", "://me:pass@");
        let header = ["--header", "Authorization: Bearer x"];
        for (url, args, words) in [
            (service.url(), &[][..], "the service wants credentials, and none were sent"),
            (with_password, &[], "refuses the user and password in the target's URL"),
            (service.url(), &header, "refuses --header Authorization"),
        ] {
            let args = [&["--scrape", &url, "--fail-on-critical"], args].concat();
            let run: Run = command(directory.path(), &args)
                .env("AUDITOR_BEARER_TOKEN", "of-the-server")
                .output()
                .unwrap()
                .into();
            assert_eq!(run.code, 3, "{}", run.stdout);
            for words in ways.iter().chain([&words, &format!("HTTP {status}").as_str()]) {
                assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
            }
        }
    }
}
