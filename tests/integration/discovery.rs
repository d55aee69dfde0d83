//! `--init` with a URL: what is there is named, and the file that is written fits.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::support::fake::{Fake, Request, Response};
use crate::support::{Run, auditor, empty_directory};
use auditor::presets::Preset;

/// A page that no preset is for.
const UNKNOWN: &str = "# TYPE my_lag gauge\nmy_lag 0.1\nmy_requests_total 3\n";

fn metrics(page: &str) -> Response {
    Response::with_headers(200, &[("Content-Type", &"text/plain; version=0.0.4")], page)
}

/// A service with a page of metrics at that path, and `body` everywhere else.
fn service(path: &'static str, status: u16, body: &'static str) -> Fake {
    Fake::start(
        move |request| {
            if request.path == path { metrics(UNKNOWN) } else { Response::new(status, body) }
        },
    )
}

/// Runs it in a directory of its own. What it said, and what it wrote.
fn init(args: &[&str]) -> (Run, Option<String>) {
    let directory = empty_directory();
    let run = auditor(directory.path(), &[&["--init"], args].concat());
    let file = fs::read_to_string(directory.path().join("metrics.yaml")).ok();
    let files = fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(files, usize::from(file.is_some()), "nothing else is written");
    (run, file)
}

/// That the next step is understood, and its configuration too.
fn next_step_holds(run: &Run, file: &str) {
    let next = run.stdout.lines().find(|line| line.starts_with("  auditor ")).unwrap();
    let next =
        next.replace("COMMAND", "true").replace("auditor doctor", "auditor").replace("--init", "");
    let directory = empty_directory();
    fs::write(directory.path().join("metrics.yaml"), file).unwrap();
    let args: Vec<_> = next.split_whitespace().skip(1).collect();
    let run = auditor(directory.path(), &[&["--no-report"], args.as_slice()].concat());
    assert_ne!(run.code, 2, "{next}: {}", run.stderr);
}

#[test]
fn a_page_is_found_under_the_usual_paths_and_by_links() {
    for (path, status, body) in [
        ("/metrics", 404, "no"),
        ("/actuator/prometheus", 404, "no"),
        ("/q/metrics", 200, "<html><body>an app of one page</body></html>"),
        ("/deep/down/metrics", 200, "<html><a href=\"deep/down/metrics\">metrics</a></html>"),
        ("/other/prometheus", 404, "not here; see /other/prometheus"),
    ] {
        let service = service(path, status, body);
        let (run, file) = init(&["--scrape", &service.url()]);
        assert_eq!(run.code, 0, "{path}: {}", run.stderr);
        let page = format!("Page of metrics: {}{path} ", service.url());
        assert!(run.stdout.contains(&page), "{}", run.stdout);
        let file = file.unwrap();
        assert!(
            file.contains(&format!("# Written by auditor --init from {}{path} on ", service.url()))
        );
        assert!(file.contains("  # event_loop_lag: 'max_over_time(my_lag{"), "{file}");
        next_step_holds(&run, &file);
    }
}

#[test]
fn beside_a_probe_a_page_is_looked_for_and_its_absence_is_said() {
    let with_page = service("/metrics", 200, "hello");
    let (run, _) = init(&["--probe", &with_page.url()]);
    assert!(run.stdout.contains("/metrics (2 metrics, 2 series)"), "{}{}", run.stdout, run.stderr);
    let Some(without) = alone("beside_a_probe", "200", "hello") else { return };
    let without = &without.server.url;
    let (run, file) = init(&["--probe", without]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("Page of metrics: none found"), "{}", run.stdout);
    assert!(
        run.stdout.contains(&format!("auditor doctor --probe {without}/ -- ")),
        "{}",
        run.stdout
    );
    next_step_holds(&run, &file.unwrap());
}

#[test]
fn what_cannot_be_looked_at_is_an_error_and_nothing_is_written() {
    let not_there = crate::support::real::free_address();
    let denied = Fake::start(|_| Response::new(401, "who are you"));
    let broken = Fake::start(|_| metrics("# TYPE a counter\na{ 1\n"));
    let twice = Fake::start(|_| metrics("a 1\na 2\n"));
    let ill = Fake::start(|_| Response::new(500, "ouch"));
    let html = Fake::start(|_| Response::new(200, "<html>login</html>"));
    let silent = Fake::start(|_| Response::silence(Duration::from_secs(5)));
    for (option, url, words) in [
        ("--scrape", format!("http://{not_there}/metrics"), "cannot connect"),
        ("--probe", format!("http://{not_there}/"), "cannot connect"),
        ("--target", format!("http://{not_there}"), "cannot connect"),
        ("--scrape", denied.url(), "HTTP 401"),
        ("--target", denied.url(), "wants credentials"),
        ("--scrape", broken.url(), "the page:2:4"),
        ("--scrape", twice.url(), "twice"),
        ("--scrape", ill.url(), "HTTP 500"),
        ("--target", html.url(), "no Prometheus API"),
        ("--scrape", silent.url(), "no answer within"),
        ("--scrape", html.url().replace("http:", "https:"), "TLS"),
    ] {
        let (run, file) = init(&[option, &url, "--timeout", "2s"]);
        assert_eq!((run.code, file), (3, None), "{option} {url}: {}", run.stdout);
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
        assert_eq!(run.stdout, "");
    }
}

/// A service that answers everything with the same, in a process of its own: what is of this process
/// has the pages of other tests on its other ports.
fn alone(test: &str, status: &str, body: &str) -> Option<crate::support::real::Workers> {
    if !crate::support::real::python_with(test, &["http.server"]) {
        return None;
    }
    let address = crate::support::real::free_address();
    let mut command = std::process::Command::new("python3");
    command.args(["-c", SAME, &address, status, body]);
    Some(crate::support::real::group(command, address))
}

const SAME: &str = r#"
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        # The first request is that of the test, which waits for the service.
        self.send_response(200 if Handler.asked == 0 else int(sys.argv[2]))
        Handler.asked += 1
        self.end_headers()
        self.wfile.write(sys.argv[3].encode())
    def log_message(self, *args): pass
host, port = sys.argv[1].split(":")
http.server.ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
"#;

#[test]
fn a_service_without_a_page_is_an_error_that_leads_to_the_probe() {
    for (status, body, words) in [
        ("404", "no", "/metrics: HTTP 404"),
        ("200", "<html>login</html>", "/metrics: an HTML page"),
    ] {
        let Some(service) = alone("a_service_without_a_page", status, body) else { return };
        let url = &service.server.url;
        let (run, file) = init(&["--scrape", url]);
        assert_eq!((run.code, file), (3, None), "{}", run.stdout);
        for words in [words, "no page of metrics at", &format!("auditor --init --probe {url}")] {
            assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
        }
    }
}

#[test]
fn a_file_that_is_there_is_kept_and_nobody_is_asked() {
    let service = service("/metrics", 404, "no");
    let directory = empty_directory();
    fs::write(directory.path().join("metrics.yaml"), "mine").unwrap();
    let run = auditor(directory.path(), &["--init", "--scrape", &service.url()]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("already exists"), "{}", run.stderr);
    assert_eq!(fs::read_to_string(directory.path().join("metrics.yaml")).unwrap(), "mine");
    assert!(service.requests().is_empty());
}

#[test]
fn options_that_are_not_heeded_are_refused() {
    let url = "http://127.0.0.1:9";
    for args in [
        &["--scrape", url, "--fail-on-critical"][..],
        &["--scrape", url, "--", "true"],
        &["--scrape", url, "--every", "1s"],
        &["--scrape", url, "--scrape", "http://127.0.0.1:10"],
        &["--scrape", url, "--config", "x"],
        &["--scrape", url, "--report", "x"],
        &["--scrape", url, "--output-format", "json"],
        &["--scrape", url, "--target", url],
        &["--probe", url, "--blame", "off"],
        &["--target", url, "--profile", "x"],
        &["--target", url, "--at", "5"],
        &["--job", "x"],
        &["--header", "A: b"],
        &["--scrape", "not a url"],
        &["--scrape", url, "--preset", "nothing"],
    ] {
        let (run, file) = init(args);
        assert_eq!((run.code, file), (2, None), "{args:?}: {}", run.stdout);
    }
    // Without --init as before.
    let directory = empty_directory();
    for args in [&["--job", "x"][..], &["--job", "x", "--target", url]] {
        let run = auditor(directory.path(), args);
        assert_eq!(run.code, 2);
        assert!(run.stderr.contains("--job"), "{}", run.stderr);
    }
}

#[test]
fn a_secret_is_neither_written_nor_printed_nor_sent_elsewhere() {
    let elsewhere = Fake::start(|_| metrics(UNKNOWN));
    let link = format!("see {}/metrics", elsewhere.url());
    let service = Fake::start(move |_| Response::new(404, &link));
    let url = service.url().replace("http://", "http://me:s3cretpw@") + "/metrics?token=t0psecret1";
    let (run, file) = init(&["--scrape", &url, "--header", "X-Key: k3yk3yk3y"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let all = run.stdout + &run.stderr + &file.unwrap();
    for secret in ["s3cretpw", "t0psecret1", "k3yk3yk3y"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
    assert!(service.requests()[0].headers.contains_key("authorization"));
    for request in elsewhere.requests() {
        assert!(
            !request.headers.contains_key("authorization")
                && !request.headers.contains_key("x-key")
        );
    }
}

/// A server of which those jobs have those metrics.
fn server(
    jobs: &'static [(&'static str, &'static [&'static str])],
    hour: &'static [&'static str],
) -> Fake {
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Fake::start(move |request: &Request| match request.path.as_str() {
        "/api/v1/query" => {
            let query = request.parameters["query"].as_str();
            let chosen =
                |job: &str| !query.contains(",job=") || query.contains(&format!(",job=\"{job}\""));
            if query == "vector(1)" {
                return Response::value("1");
            }
            if query.contains("[1h]") {
                let jobs = hour.iter().filter(|job| chosen(job));
                let series = jobs.map(|job| (BTreeMap::from([label("job", job)]), "1".to_owned()));
                return Response::Plain(series.collect());
            }
            let names = jobs
                .iter()
                .filter(|(job, _)| chosen(job))
                .flat_map(|(job, names)| names.iter().map(move |name| (*job, *name)));
            let asked = query.split_once('"').and_then(|(_, it)| it.split_once('"')).unwrap().0;
            let asked = regex::Regex::new(&format!("^(?:{asked})$")).unwrap();
            let series = names.filter(|(_, name)| asked.is_match(name)).map(|(job, name)| {
                (BTreeMap::from([label("__name__", name), label("job", job)]), "1".to_owned())
            });
            Response::Plain(series.collect())
        }
        _ => Response::new(200, "Prometheus Server is Healthy.\n"),
    })
}

#[test]
fn of_a_server_a_job_is_filled_in_or_has_to_be_chosen() {
    if Preset::named("node-prom-client").is_none() {
        return;
    }
    const NODE: &[&str] = &["nodejs_eventloop_lag_max_seconds", "process_cpu_seconds_total"];
    let one = server(&[("it's \"a\"", NODE), ("other", &["x_total"])], &[]);
    let (run, file) = init(&["--target", &one.url()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let file = file.unwrap();
    assert!(file.contains(&format!("\ntarget: '{}'\n", one.url())), "{file}");
    assert!(file.contains(r#"  selector: 'job="it''s \"a\""'"#), "{file}");
    assert!(
        file.contains("  # not on this server: http_request_duration_seconds_bucket"),
        "{file}"
    );
    assert!(
        run.stdout.contains(&format!("  auditor doctor --target {} --probe ", one.url())),
        "{}",
        run.stdout
    );

    let two = server(&[("a", NODE), ("b", NODE)], &[]);
    let (run, file) = init(&["--target", &two.url()]);
    assert_eq!((run.code, file), (2, None), "{}", run.stdout);
    assert!(run.stderr.contains("--job a ") && run.stderr.contains("--job b "), "{}", run.stderr);
    let (run, file) = init(&["--target", &two.url(), "--job", "b"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(file.unwrap().contains("  selector: 'job=\"b\"'"));
    let (run, file) = init(&["--target", &two.url(), "--job", "c"]);
    assert_eq!((run.code, file), (2, None), "{}", run.stdout);
    assert!(run.stderr.contains("of these jobs there is something: a, b"), "{}", run.stderr);
}

#[test]
fn what_was_there_an_hour_ago_is_told_from_what_never_was() {
    for (hour, words) in
        [(&["api"][..], "of job api: does the service run"), (&[], "nor of the last hour")]
    {
        let server = server(&[], hour);
        let (run, file) = init(&["--target", &server.url()]);
        assert_eq!((run.code, file), (2, None), "{}", run.stdout);
        assert!(
            run.stderr.contains("nothing of the last 5 minutes") && run.stderr.contains(words),
            "{}",
            run.stderr
        );
    }
}

/// Every page of a library that is kept here leads to its preset, and to a next step that holds.
#[test]
fn pages_of_libraries_lead_to_their_presets() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/presets/pages");
    for name in ["node-prom-client", "python-signals", "go"] {
        let Ok(page) = fs::read_to_string(pages.join(format!("{name}.prom"))) else { continue };
        if Preset::named(name).is_none() {
            continue;
        }
        let service = Fake::start(move |_| metrics(&page));
        let (run, file) = init(&["--scrape", &format!("{}/metrics", service.url())]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stdout.contains(&format!("Preset: {name}, ")), "{}", run.stdout);
        next_step_holds(&run, &file.unwrap());
    }
}

/// A port of its own for the metrics, in the same process.
#[cfg(target_os = "linux")]
#[test]
fn a_page_is_found_on_another_port_of_the_process() {
    const TEST: &str = "a_page_is_found_on_another_port_of_the_process";
    if !crate::support::real::python_with(TEST, &["http.server"]) {
        return;
    }
    let [app, page] = [(); 2].map(|()| crate::support::real::free_address());
    let mut command = std::process::Command::new("python3");
    command.args(["-c", TWO_PORTS, &app, &page]);
    let service = crate::support::real::group(command, app);
    let (run, file) = init(&["--scrape", &service.server.url]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stdout.contains(&format!("Page of metrics: http://{page}/metrics ")),
        "{}",
        run.stdout
    );
    assert!(file.unwrap().contains(&page));
}

#[cfg(target_os = "linux")]
const TWO_PORTS: &str = r#"
import http.server, sys, threading
def server(address, pages):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = pages.get(self.path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"no")
        def log_message(self, *args): pass
    host, port = address.split(":")
    return http.server.ThreadingHTTPServer((host, int(port)), Handler)
threading.Thread(target=server(sys.argv[2], {"/metrics": b"my_lag 1\n"}).serve_forever, daemon=True).start()
server(sys.argv[1], {"/": b"hello"}).serve_forever()
"#;

/// The real thing: what a server has scraped of the example is found there.
#[test]
fn real_servers_name_their_jobs() {
    use crate::support::real;
    const TEST: &str = "real_servers_name_their_jobs";
    if !real::available(TEST) || !real::python(TEST) || Preset::named("python-signals").is_none() {
        return;
    }
    let service = real::service();
    for server in [
        real::scraping(&[service.address()]),
        real::victoria_scraping_every(1, &[service.address()]),
    ] {
        let until = std::time::Instant::now() + Duration::from_secs(60);
        let (run, file) = loop {
            let (run, file) = init(&["--target", &server.url]);
            if file.is_some() || std::time::Instant::now() > until {
                break (run, file);
            }
            std::thread::sleep(Duration::from_millis(500));
        };
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stdout.contains("Preset: python-signals, "), "{}", run.stdout);
        assert!(file.unwrap().contains("selector: 'job=\"service\"'"), "{}", run.stdout);
    }
}
