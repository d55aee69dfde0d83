//! Connections that are refused, cut, slowed down, flooded or led astray.

use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use super::matrix::{Fault, SECRET, check, fault};
use crate::support::fake::Response;
use crate::support::real::free_address;

const GOOD: &str = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"0"]}}"#;

/// A connection failure is tried again for 3.1 s before it is told.
fn tried(name: &str) -> Fault {
    fault(name).says("(tried 6 times)").within(15)
}

/// A name that no DNS server has to be asked for: its first label is too long.
const NOWHERE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid";

/// A fault that only the deadline ends.
fn until_deadline(name: &str) -> Fault {
    fault(name).args(&["--timeout", "1s"]).says("no answer within 1s (--timeout)")
}

fn bytes(text: impl Into<Vec<u8>>) -> Response {
    Response::Bytes(text.into())
}

/// Writes `chunk` again and again with a pause, after `head`.
fn endless(head: &'static str, chunk: &'static [u8], pause: Duration) -> Response {
    Response::writes(move |out| {
        out.write_all(head.as_bytes())?;
        loop {
            out.write_all(chunk)?;
            out.flush()?;
            thread::sleep(pause);
        }
    })
}

const OK: &str = "HTTP/1.1 200 OK\r\n";
const DRIP: Duration = Duration::from_millis(20);

#[test]
fn nobody_there() {
    let free = free_address();
    // Connections are made, and nobody takes them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = silent.local_addr().unwrap();
    let to = |row: Fault, url: &str| row.args(&["--target", url]);
    check(vec![
        to(tried("refused"), &format!("http://{free}")).says("Connection refused"),
        to(tried("refused over TLS"), &format!("https://{free}")).says("Connection refused"),
        to(tried("no such host"), &format!("http://{NOWHERE}"))
            .says(&format!("cannot resolve {NOWHERE}")),
        to(tried("a host name that is none for TLS"), &format!("https://{NOWHERE}"))
            .says("invalid dns name"),
        to(until_deadline("nobody accepts"), &format!("http://{nobody}")),
        to(until_deadline("nobody answers TLS"), &format!("https://{nobody}")),
        tried("refused by the proxy")
            .config(&format!("http: {{proxy_url: \"http://{free}\"}}\n"))
            .says(&format!("through the proxy http://{free}")),
        tried("no such proxy")
            .config(&format!("http: {{proxy_url: \"http://me:{SECRET}@{NOWHERE}:3128\"}}\n"))
            .says(&format!("through the proxy http://me:***@{NOWHERE}:3128")),
    ]);
}

#[test]
fn cut_off() {
    check(vec![
        tried("reset before an answer")
            .everything(|_| Response::Reset)
            .says("the connection failed"),
        tried("closed before an answer").everything(|_| bytes("")).says("the connection failed"),
        tried("closed within the status line").everything(|_| bytes("HTTP/1.")),
        tried("closed within the headers").everything(|_| bytes(format!("{OK}Content-Le"))),
        tried("half a body").everything(|_| {
            bytes(format!("{OK}Content-Length: {}\r\n\r\n{}", GOOD.len() * 2, GOOD))
        }),
        tried("half a body, that of the decisive query")
            .lag(|_| bytes(format!("{OK}Content-Length: {}\r\n\r\n{GOOD}", GOOD.len() + 1))),
        tried("half a chunk")
            .everything(|_| bytes(format!("{OK}Transfer-Encoding: chunked\r\n\r\nff\r\n{GOOD}"))),
        tried("no last chunk").lag(|_| {
            let length = GOOD.len();
            bytes(format!("{OK}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{GOOD}\r\n"))
        }),
        tried("the health page is cut off").page("/-/healthy", |_| Response::Reset),
    ]);
}

#[test]
fn no_end() {
    check(vec![
        until_deadline("never answers").everything(|_| Response::silence(Duration::from_secs(9))),
        until_deadline("never answers the decisive query")
            .lag(|_| Response::silence(Duration::from_secs(9)))
            .says("the query `event_loop_lag` failed"),
        fault("never answers a query")
            .args(&["--timeout", "1s"])
            .page("/api/v1/query", |_| Response::silence(Duration::from_secs(9)))
            .says("the server is up, but answers no query within 1s (--timeout)"),
        until_deadline("never answers for its health")
            .page("/-/healthy", |_| Response::silence(Duration::from_secs(9))),
        until_deadline("drips its headers").everything(|_| endless(OK, b"x", DRIP)),
        until_deadline("drips its body")
            .lag(|_| endless("HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n{", b" ", DRIP)),
        until_deadline("drips chunks").lag(|_| {
            endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", DRIP)
        }),
        until_deadline("goes on and on with 100 Continue")
            .everything(|_| endless("", b"HTTP/1.1 100 Continue\r\n\r\n", DRIP)),
        tried("endless headers")
            .everything(|_| endless(OK, b"X-A: aaaaaaaaaaaaaaaaaaaaaaaa\r\n", Duration::ZERO)),
        tried("an endless header")
            .everything(|_| endless("HTTP/1.1 200 OK\r\nX-A: ", &[b'a'; 4096], Duration::ZERO)),
        fault("an endless body")
            .lag(|_| endless("HTTP/1.1 200 OK\r\n\r\n", &[b' '; 65536], Duration::ZERO))
            .says("larger than 4 MiB; aggregate the query"),
        fault("an endless body in chunks")
            .lag(|_| {
                let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
                Response::writes(move |out| {
                    out.write_all(head.as_bytes())?;
                    loop {
                        write!(out, "2000\r\n{}\r\n", " ".repeat(0x2000))?;
                    }
                })
            })
            .says("larger than 4 MiB"),
        fault("endless redirects")
            .everything(|n| Response::with_headers(302, &[("Location", &format!("/x{n}"))], ""))
            .says("more than 10 redirects"),
        fault("a redirect to itself")
            .lag(|_| Response::with_headers(307, &[("Location", &"?query=lag")], ""))
            .says("more than 10 redirects"),
    ]);
}

#[test]
fn no_http() {
    let astray = |name: &str, place: &'static str| {
        fault(name).everything(move |_| Response::with_headers(302, &[("Location", &place)], ""))
    };
    check(vec![
        tried("another protocol").everything(|_| bytes("SSH-2.0-OpenSSH_9.2\r\n")),
        tried("HTTP/0.9").everything(|_| bytes(GOOD)),
        tried("a status that is none").everything(|_| bytes("HTTP/1.1 abc OK\r\n\r\n")),
        tried("a header that is none").everything(|_| bytes(format!("{OK}nonsense\r\n\r\n{GOOD}"))),
        tried("a length that is none")
            .everything(|_| bytes(format!("{OK}Content-Length: many\r\n\r\n{GOOD}"))),
        tried("two lengths").everything(|_| {
            bytes(format!("{OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"))
        }),
        tried("a chunk without a length")
            .everything(|_| bytes(format!("{OK}Transfer-Encoding: chunked\r\n\r\nzz\r\n{GOOD}"))),
        fault("a length shorter than the body")
            .lag(|_| bytes(format!("{OK}Content-Length: 20\r\n\r\n{GOOD}")))
            .says("EOF while parsing"),
        fault("no header at all").lag(|_| bytes("HTTP/1.1 200 OK\r\n\r\n")).says("it is empty"),
        tried("gzip that is none")
            .lag(|_| Response::with_headers(200, &[("Content-Encoding", &"gzip")], GOOD)),
        tried("half of a gzip").lag(|_| {
            let packed = gzip(GOOD.as_bytes());
            let half = &packed[..packed.len() / 2];
            Response::with_headers(200, &[("Content-Encoding", &"gzip")], half)
        }),
        fault("a compression that nobody asked for")
            .lag(|_| {
                Response::with_headers(200, &[("Content-Encoding", &"br")], b"\x8b\x02\x80{}\x03")
            })
            .says("not UTF-8"),
        astray("a redirect to another scheme", "ftp://example.invalid/").says("HTTP 302"),
        astray("a redirect to nowhere", "").says("more than 10 redirects"),
        tried("a redirect to a host that is none")
            .everything(|_| {
                let place = format!("http://{NOWHERE}/login?token={SECRET}");
                Response::with_headers(302, &[("Location", &place)], "")
            })
            .says(&format!("cannot resolve {NOWHERE}"))
            .says(&format!("(redirected to http://{NOWHERE}/login)")),
        fault("a redirect without a place").everything(|_| Response::new(302, "")).says("HTTP 302"),
        astray("a redirect that is not to be followed", "http://127.0.0.1:1/login?x=y")
            .config("http: {follow_redirects: false}\n")
            .says("redirects to http://127.0.0.1:1/login, and follow_redirects is false"),
        fault("TLS asked of a server that has none")
            .args(&["--target", "https://{address}"])
            .says("TLS failed")
            .says("write http://"),
    ]);
}

pub(crate) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(plain).unwrap();
    packer.finish().unwrap()
}
