//! What is answered to requests of every kind.

use auditor::serve::{Answer, Settings};

use super::client::{Client, ask, get};
use super::{Server, text, wait_until};

fn echo() -> Server {
    Server::echo(Settings::default())
}

#[test]
fn every_answer_has_what_keeps_it_out_of_caches_and_guesses() {
    let server = echo();
    let (good, missing) = (get(server.address, "/"), ask(server.address, "PUT / HTTP/1.1\r\n\r\n"));
    assert_eq!((good.status, missing.status), (200, 405));
    assert_eq!(good.header("content-type"), Some("text/plain"));
    assert_eq!(missing.header("content-type"), Some("application/json"));
    for reply in [good, missing] {
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("server"), None);
    }
}

#[test]
fn headers_of_an_answer_are_sent_with_it() {
    let server = Server::start(Settings::default(), |request| {
        let value = if request.path == "/" { "a" } else { "a\nb" };
        let headers = vec![("x-one", value.into()), ("x-one", "b".into())];
        Answer { headers, ..text("") }
    });
    let reply = get(server.address, "/");
    assert_eq!(reply.headers("x-one").collect::<Vec<_>>(), ["a", "b"]);
    let broken = get(server.address, "/broken");
    assert_eq!((broken.status, broken.header("x-one")), (500, None));
    assert!(broken.error().contains("cannot be sent"));
}

#[test]
fn what_is_asked_arrives_as_it_was_sent() {
    let server = echo();
    let reply = get(server.address, "/api/a%20b?service=a+b&service=%C3%A9");
    assert_eq!(reply.text(), r#"/api/a%20b [("service", "a b"), ("service", "é")]"#);
}

#[test]
fn the_answer_to_head_is_the_same_without_its_body() {
    let server = echo();
    let mut client = Client::connect(server.address);
    client.send("HEAD /x HTTP/1.1\r\nhost: h\r\n\r\nGET /x HTTP/1.1\r\nhost: h\r\n\r\n");
    let head = client.head();
    let full = client.reply();
    assert_eq!((head.status, full.status), (200, 200));
    assert_eq!(full.text(), "/x []");
    assert_eq!(head.header("content-length"), full.header("content-length"));
}

#[test]
fn an_old_client_without_a_host_is_answered_and_let_go() {
    let server = echo();
    let mut client = Client::connect(server.address);
    client.send("GET /old HTTP/1.0\r\n\r\n");
    assert_eq!(client.reply().text(), "/old []");
    assert!(client.is_at_end());
}

#[test]
fn what_would_change_something_is_not_to_be_had() {
    let server = echo();
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "FOO"] {
        let reply = ask(server.address, &format!("{method} / HTTP/1.1\r\nhost: h\r\n\r\n"));
        assert_eq!((reply.status, reply.header("allow")), (405, Some("get, head")), "{method}");
        assert!(reply.error().contains("GET and HEAD"));
    }
    assert_eq!(ask(server.address, "CONNECT h:80 HTTP/1.1\r\nhost: h\r\n\r\n").status, 405);
}

#[test]
fn targets_of_every_form_are_answered_or_refused() {
    let server = echo();
    for (target, status) in [
        ("http://elsewhere:1/path?a=b", 200),
        ("http://elsewhere", 200),
        ("/%zz%ff?%zz=%ff&&=", 200),
        ("//", 200),
        ("/../..//etc", 200),
        ("*", 400),
        ("path", 400),
        ("h:80", 400),
        ("?a=b", 400),
        ("/a b", 400),
        ("/\u{7f}", 400),
    ] {
        let reply = ask(server.address, &format!("GET {target} HTTP/1.1\r\nhost: h\r\n\r\n"));
        assert_eq!(reply.status, status, "{target}");
    }
}

#[test]
fn what_is_no_request_ends_its_connection_alone() {
    let server = echo();
    let hello = "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}";
    let huge = format!("GET / HTTP/1.1\r\ncontent-length: {}9\r\n\r\n", u64::MAX);
    for garbage in [hello, "GET / HTTP/9.9\r\n\r\n", "\0\0\r\n\r\n", &huge] {
        let mut client = Client::connect(server.address);
        client.send(garbage);
        assert_eq!(client.reply().status, 400, "{garbage:?}");
        assert!(client.is_at_end(), "{garbage:?}");
    }
    let mut newer = Client::connect(server.address);
    newer.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert!(newer.is_at_end());
    assert_eq!(get(server.address, "/").status, 200);
    wait_until("they are counted", || server.counters.requests()[2] == ("4xx", 5));
}

#[test]
fn a_body_is_not_read_and_the_answer_comes_whole_all_the_same() {
    let server = Server::start(Settings::default(), |_| text(&"x".repeat(300_000)));
    let body = "b".repeat(100_000);
    for request in [
        format!("GET / HTTP/1.1\r\nhost: h\r\ncontent-length: 100000\r\n\r\n{body}"),
        "GET / HTTP/1.1\r\nhost: h\r\ncontent-length: 1000000000\r\n\r\nb".to_owned(),
        "GET / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n1\r\nb\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\nbody".to_owned(),
    ] {
        let mut client = Client::connect(server.address);
        client.send(&request);
        let (reply, start) = (client.reply(), &request[..40]);
        let status = if request.starts_with("POST") { 405 } else { 200 };
        assert_eq!((reply.status, reply.header("connection")), (status, Some("close")), "{start}");
        assert_eq!(reply.body.len() == 300_000, status == 200, "{start}");
        assert!(client.is_at_end(), "{start}");
    }
}

#[test]
fn requests_that_come_together_are_answered_one_after_the_other() {
    let server = echo();
    let mut client = Client::connect(server.address);
    let all: String = (0..100).map(|it| format!("GET /{it} HTTP/1.1\r\nhost: h\r\n\r\n")).collect();
    client.send(&all);
    for number in 0..100 {
        assert_eq!(client.reply().text(), format!("/{number} []"));
    }
}

#[test]
fn a_crash_of_what_answers_is_told_and_harms_nothing_else() {
    let server = Server::start(Settings::default(), |request| {
        assert_ne!(request.path, "/crash");
        text("well")
    });
    let mut client = Client::connect(server.address);
    client.send("GET /crash HTTP/1.1\r\nhost: h\r\n\r\nGET / HTTP/1.1\r\nhost: h\r\n\r\n");
    let crashed = client.reply();
    assert_eq!(crashed.status, 500);
    assert!(crashed.error().contains("crash"));
    assert_eq!(client.reply().text(), "well");
    assert_eq!(server.counters.requests()[3], ("5xx", 1));
}
