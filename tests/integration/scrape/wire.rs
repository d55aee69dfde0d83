//! What is on the wire: a connection for each scrape, and pages that are whole, or cut in every way.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::{CONFIG, findings, scraped_in};
use crate::faults::transport::gzip;
use crate::support::fake::{Fake, Response};
use crate::support::{Run, auditor, directory_with};

/// A page, and the same as OpenMetrics without its end.
const PAGE: &str = "latency_seconds 0.1\nactive 3\nlag_seconds 0.012\n";
const EOF: &str = "# EOF\n";

const TEXT: &str = "Content-Type: text/plain; version=0.0.4\r\n";
const OPENMETRICS: &str = "Content-Type: application/openmetrics-text; version=1.0.0\r\n";

/// An answer with these headers, whose end is the end of the connection.
fn bare(headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let head = format!("HTTP/1.0 200 OK\r\n{headers}\r\n");
    [head.as_bytes(), body.as_ref()].concat()
}

/// An answer that says its length.
fn sized(headers: &str, length: usize, body: impl AsRef<[u8]>) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), body.as_ref()].concat()
}

/// An answer in one chunk, with or without the last one, which is empty.
fn chunked(headers: &str, body: &str, last: &str) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\n{headers}Transfer-Encoding: chunked\r\n\r\n");
    format!("{head}{:x}\r\n{body}\r\n{last}", body.len()).into_bytes()
}

/// Audits a service whose fourth scrape is answered by these bytes, the others by `usual`; live,
/// and from its recording. Nothing is fetched again.
fn audited(usual: &[u8], fourth: &[u8]) -> (Run, Run) {
    let count = AtomicUsize::new(0);
    let (usual, fourth) = (usual.to_vec(), fourth.to_vec());
    let service = Fake::start(move |_| {
        // It was looked at once before the first scrape.
        let is_fourth = count.fetch_add(1, Ordering::Relaxed) == 4;
        Response::Bytes(if is_fourth { fourth.clone() } else { usual.clone() })
    });
    let directory = directory_with(CONFIG);
    let gate = ["--fail-on-critical", "--record", "rec.om"];
    let live = scraped_in(directory.path(), &service, &gate);
    let tried = live.json()["scrapes"][0]["tried"].as_u64().unwrap();
    // It is looked at once after the last scrape, too.
    assert_eq!(service.requests().len() as u64, tried + 2, "{}", live.stdout);
    let args = ["--recording", "rec.om", "--fail-on-critical", "--output-format", "json"];
    (live, auditor(directory.path(), &args))
}

#[test]
fn whole_pages_pass_however_they_come() {
    let openmetrics = PAGE.to_owned() + EOF;
    let packed = gzip(PAGE.as_bytes());
    let gzip_length = format!("{TEXT}Content-Encoding: gzip\r\n");
    for (name, bytes) in [
        ("until the connection ends", bare(TEXT, PAGE)),
        ("of a length", sized(TEXT, PAGE.len(), PAGE)),
        ("in chunks", chunked(TEXT, PAGE, "0\r\n\r\n")),
        ("without a type", bare("", PAGE)),
        ("units are comments", bare(TEXT, format!("# UNIT lag_seconds seconds\n{PAGE}"))),
        ("OpenMetrics", bare(OPENMETRICS, &openmetrics)),
        ("OpenMetrics without its last newline", bare(OPENMETRICS, openmetrics.trim_end())),
        ("OpenMetrics under another type", bare(TEXT, &openmetrics)),
        ("OpenMetrics in chunks", chunked(OPENMETRICS, &openmetrics, "0\r\n\r\n")),
        ("gzip until the connection ends", bare(&gzip_length, &packed)),
        ("gzip of a length", sized(&gzip_length, packed.len(), &packed)),
    ] {
        let (live, replayed) = audited(&bytes, &bytes);
        assert_eq!((live.code, replayed.code), (0, 0), "{name}: {}{}", live.stdout, live.stderr);
        assert_eq!(live.json()["scrapes"][0]["failed"], 0, "{name}");
    }
}

/// A service that has no metrics yet is one, and one that never has any is not calm.
#[test]
fn a_page_of_nothing_is_blank() {
    for (name, nothing) in [
        ("of a length", sized(TEXT, 0, "")),
        ("in chunks", chunked(TEXT, "", "")),
        ("without a type", sized("", 0, "")),
    ] {
        for (blank, code) in [(0..2, 0), (0..99, 3)] {
            let (nothing, count) = (nothing.clone(), AtomicUsize::new(0));
            let service = Fake::start(move |_| {
                let is_blank = blank.contains(&count.fetch_add(1, Ordering::Relaxed));
                Response::Bytes(if is_blank { nothing.clone() } else { bare(TEXT, PAGE) })
            });
            let directory = directory_with(CONFIG);
            let gate = ["--fail-on-critical", "--record", "rec.om"];
            let live = scraped_in(directory.path(), &service, &gate);
            let report = live.json();
            assert_eq!(live.code, code, "{name}: {report:#}");
            assert_eq!(report["scrapes"][0]["failed"], 0, "{name}: {report:#}");
            let args = ["--recording", "rec.om", "--fail-on-critical", "--no-report"];
            assert_eq!(auditor(directory.path(), &args).code, code, "{name}");
        }
    }
}

/// A cache shows an old page of a service that may be held up now.
#[test]
fn a_page_from_a_cache_may_be_no_older_than_a_scrape() {
    for (age, code, failed) in
        [("Age: 0\r\n", 0, false), ("Age: 1\r\n", 3, true), ("Age: x\r\n", 0, false)]
    {
        let page = bare(&format!("{TEXT}{age}"), PAGE);
        let asked = AtomicUsize::new(0);
        let service = Fake::start(move |_| {
            // The first one counts before the load.
            let is_first = asked.fetch_add(1, Ordering::Relaxed) == 0;
            Response::Bytes(if is_first { bare(TEXT, PAGE) } else { page.clone() })
        });
        let directory = directory_with(CONFIG);
        let live = scraped_in(directory.path(), &service, &["--fail-on-critical"]);
        let report = live.json();
        assert_eq!(live.code, code, "{age}: {report:#}");
        assert_eq!(report["scrapes"][0]["failed"] != 0, failed, "{age}: {report:#}");
        assert_eq!(live.stderr.contains("comes from a cache"), failed, "{}", live.stderr);
    }
}

#[test]
fn cut_pages_are_scrapes_that_failed() {
    let text = bare(TEXT, PAGE);
    let openmetrics = PAGE.to_owned() + EOF;
    let (om, mislabelled) = (bare(OPENMETRICS, &openmetrics), bare(TEXT, &openmetrics));
    let packed = gzip(PAGE.as_bytes());
    let gzip_type = format!("{TEXT}Content-Encoding: gzip\r\n");
    let half = &packed[..packed.len() / 2];
    // The cut leaves a number that is one, and smaller.
    let number = &PAGE[..PAGE.len() - 2];
    let line = "latency_seconds 0.1\n";
    let (unread, end) = ("cannot be read to its end", "cut off: no newline ends the last line");
    let openmetrics_end = "cut off: it does not end with # EOF";
    let rows: Vec<(&str, &Vec<u8>, Vec<u8>, &str)> = vec![
        ("in a number", &text, bare(TEXT, number), end),
        ("in a name", &text, bare(TEXT, "latency_seconds 0.1\nlag_sec"), "and no newline ends"),
        ("before the last newline", &text, bare(TEXT, PAGE.trim_end()), end),
        ("before the first byte", &text, bare(TEXT, ""), "the page is empty"),
        ("in the headers", &text, b"HTTP/1.0 200 OK\r\nContent-Ty".to_vec(), "connection failed"),
        ("before an answer", &text, Vec::new(), "the connection failed"),
        ("in a number, before a gateway", &text, sized(TEXT, number.len(), number), end),
        ("in a number, within a whole chunk", &text, chunked(TEXT, number, "0\r\n\r\n"), end),
        ("short of its length, at a line", &text, sized(TEXT, PAGE.len(), line), unread),
        ("short of its length by a byte", &text, sized(TEXT, PAGE.len() + 1, PAGE), unread),
        ("without the last chunk", &text, chunked(TEXT, PAGE, ""), unread),
        (
            "in a chunk",
            &text,
            {
                let mut bytes = chunked(TEXT, PAGE, "");
                bytes.truncate(bytes.len() - 20);
                bytes
            },
            unread,
        ),
        ("OpenMetrics at a line", &om, sized(OPENMETRICS, line.len(), line), openmetrics_end),
        ("OpenMetrics before its end", &om, bare(OPENMETRICS, PAGE), openmetrics_end),
        ("OpenMetrics in its end", &om, bare(OPENMETRICS, format!("{PAGE}# EO")), openmetrics_end),
        (
            "OpenMetrics under another type, at a line",
            &mislabelled,
            bare(TEXT, line),
            openmetrics_end,
        ),
        (
            "OpenMetrics under another type, in chunks",
            &mislabelled,
            chunked(TEXT, PAGE, "0\r\n\r\n"),
            openmetrics_end,
        ),
        ("OpenMetrics under another type, in a number", &mislabelled, bare(TEXT, number), end),
        ("half of a gzip", &text, bare(&gzip_type, half), unread),
        ("half of a gzip, of that length", &text, sized(&gzip_type, half.len(), half), unread),
    ];
    thread::scope(|scope| {
        for (name, usual, cut, words) in &rows {
            scope.spawn(move || {
                let (control, _) = audited(usual, usual);
                assert_eq!(control.code, 0, "{name}: {}{}", control.stdout, control.stderr);
                let (live, replayed) = audited(usual, cut);
                let report = live.json();
                assert_eq!((live.code, replayed.code), (3, 3), "{name}: {report:#}");
                assert_eq!(report["scrapes"][0]["failed"], 1, "{name}: {report:#}");
                assert!(live.stderr.contains(words), "{name}: {}", live.stderr);
                assert!(findings(&report).contains("1 of "), "{name}: {report:#}");
                assert_eq!(report["findings"], replayed.json()["findings"], "{name}");
            });
        }
    });
}

/// A page that breaks at once is not there, and asked for no more often than one that is.
#[test]
fn a_first_page_that_breaks_is_not_fetched_again() {
    let service = Fake::start(|_| Response::Bytes(sized(TEXT, PAGE.len() + 1, PAGE)));
    let directory = directory_with(CONFIG);
    let run = scraped_in(directory.path(), &service, &["--", "touch", "loaded"]);
    assert!(run.code == 3 && !directory.path().join("loaded").exists(), "{}", run.stdout);
    assert_eq!(service.requests().len(), 1);
}

/// A server that keeps connections open, and tells nobody when it closes one of them: before the
/// answer to a request after so many.
struct Keeping {
    url: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Keeping {
    fn start(answers: usize, respond: fn(&str) -> Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (connections, requests) = (Arc::<AtomicUsize>::default(), Arc::default());
        let closed = Arc::<AtomicBool>::default();
        let counts: (_, Arc<AtomicUsize>) = (connections.clone(), Arc::clone(&requests));
        thread::spawn(move || {
            for stream in listener.incoming() {
                counts.0.fetch_add(1, Ordering::Relaxed);
                let (mut stream, requests) = (stream.unwrap(), counts.1.clone());
                let closed = closed.clone();
                thread::spawn(move || -> io::Result<()> {
                    for answered in 0.. {
                        let head = head(&mut stream)?;
                        requests.fetch_add(1, Ordering::Relaxed);
                        if answered == answers && !closed.swap(true, Ordering::Relaxed) {
                            break;
                        }
                        stream.write_all(&respond(&head))?;
                    }
                    Ok(())
                });
            }
        });
        Self { url, connections, requests }
    }

    /// How many connections and requests there were.
    fn counts(&self) -> (usize, usize) {
        let count = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        (count(&self.connections), count(&self.requests))
    }
}

fn head(stream: &mut TcpStream) -> io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).to_lowercase())
}

#[test]
fn each_scrape_has_a_connection_of_its_own() {
    let service = Keeping::start(99, |head| {
        // Who would keep the connection is sent away.
        let close = head.contains("connection: close\r\n");
        if close { sized(TEXT, PAGE.len(), PAGE) } else { sized(TEXT, 0, "") }
    });
    let directory = directory_with(CONFIG);
    let args = ["--scrape", &service.url, "--every", "50ms", "--for", "500ms"];
    let run = auditor(directory.path(), &[&args[..], &["--output-format", "json"]].concat());
    let report = run.json();
    assert_eq!(report["status"], "HEALTHY", "{report:#}");
    let tried = report["scrapes"][0]["tried"].as_u64().unwrap() as usize;
    // It was looked at once before the first scrape, and once after the last.
    assert_eq!(service.counts(), (tried + 2, tried + 2));
}

/// The API of a server keeps its connections; one that was closed before the answer is no failure.
#[test]
fn a_server_is_asked_on_connections_that_are_kept() {
    let answer = |head: &str| {
        let vector = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"0.01"]}}"#;
        let time = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"auditor_evidence":"1"},"value":[1,"1"]}]}}"#;
        let body = if head.contains("auditor_evidence") { time } else { vector };
        match head.contains("/api/v1/query") {
            true => sized("", body.len(), body),
            // It answers nothing but the time of what is asked beside: so it is asked for what it
            // leaves out, when the rest is over.
            false => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
        }
    };
    for answers in [99, 1] {
        let server = Keeping::start(answers, answer);
        let directory = directory_with(CONFIG);
        let args = ["--target", &server.url, "--fail-on-critical", "--no-report", "--verbose"];
        let at = ["--at", "1970-01-01T00:00:01Z"];
        let run = auditor(directory.path(), &[&args[..], &at].concat());
        // It says of no sample that it is there.
        assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
        let (connections, requests) = server.counts();
        assert!(connections < requests, "{connections} for {requests}");
        // The log tells of the try on one that was closed.
        let closed = run.says("the connection failed");
        assert_eq!(closed, answers == 1, "{}", run.stderr);
    }
}

#[test]
fn ten_seconds_bound_a_scrape_with_its_redirects() {
    let (count, first) = (AtomicUsize::new(0), Duration::from_secs(4));
    let service = Fake::start(move |request| {
        let hop = |place: &str| {
            let headers: [(&str, &dyn std::fmt::Display); 1] = [("Location", &place)];
            Response::with_headers(302, &headers, "").delayed(first)
        };
        match request.path.as_str() {
            "/metrics" if count.fetch_add(1, Ordering::Relaxed) != 3 => {
                Response::Bytes(bare(TEXT, PAGE))
            }
            "/metrics" => hop("/one"),
            "/one" => hop("/two"),
            // Its headers come in time, and its body, byte for byte, does not.
            _ => Response::writes(|out| {
                out.write_all(sized(TEXT, PAGE.len(), "").as_slice())?;
                for byte in PAGE.bytes() {
                    out.write_all(&[byte])?;
                    out.flush()?;
                    thread::sleep(Duration::from_millis(100));
                }
                Ok(())
            }),
        }
    });
    let directory = directory_with(CONFIG);
    let run = scraped_in(directory.path(), &service, &["--fail-on-critical"]);
    let report = run.json();
    assert_eq!(run.code, 3, "{report:#}");
    assert!(run.says("no answer within 10s (redirected to"), "{}", run.stderr);
    let slowest = report["scrapes"][0]["slowest_s"].as_f64().unwrap();
    assert!((9.9..10.9).contains(&slowest), "{slowest}");
}
