//! Who may ask.

use std::fs;

use auditor::serve::{Settings, Token};

use super::Server;
use super::client::{ask, get};

/// A server that asks for `s3cret`.
fn server() -> Server {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, "s3cret\n").unwrap();
    let token = Some(Token::read(file.path()).unwrap());
    Server::echo(Settings { token, ..Settings::default() })
}

fn with(authorization: &str) -> String {
    format!("GET /x HTTP/1.1\r\nhost: h\r\nauthorization: {authorization}\r\n\r\n")
}

#[test]
fn who_has_the_token_is_answered() {
    let server = server();
    // The password of `anybody`.
    for authorization in ["Bearer s3cret", "Basic YW55Ym9keTpzM2NyZXQ="] {
        let reply = ask(server.address, &with(authorization));
        assert_eq!((reply.status, reply.text()), (200, "/x []"), "{authorization}");
    }
}

#[test]
fn nobody_else_is_answered_whatever_is_asked() {
    let server = server();
    for request in [
        with("Bearer other"),
        with("Basic s3cret"),
        with(""),
        "GET / HTTP/1.1\r\nhost: h\r\n\r\n".to_owned(),
        "GET /nowhere HTTP/1.1\r\nhost: h\r\n\r\n".to_owned(),
        "PUT / HTTP/1.1\r\nhost: h\r\n\r\n".to_owned(),
        "GET /?token=s3cret HTTP/1.1\r\nhost: h\r\n\r\n".to_owned(),
    ] {
        let reply = ask(server.address, &request);
        assert_eq!(reply.status, 401, "{request}");
        assert!(reply.error().contains("token"), "{request}");
        assert!(!reply.text().contains("s3cret"), "{request}");
    }
    assert_eq!(server.counters.requests()[0], ("2xx", 0));
}

#[test]
fn a_browser_is_told_to_ask_for_it() {
    let server = server();
    let reply = get(server.address, "/");
    let ways: Vec<_> = reply.headers("www-authenticate").collect();
    assert_eq!(ways, ["basic realm=\"auditor\"", "bearer realm=\"auditor\""]);
}
