//! The end: what is under way comes to its end, and nothing else is waited for.

use std::net::TcpStream;
use std::time::Duration;

use auditor::serve::Settings;

use super::client::{Client, get};
use super::gate::Gate;
use super::{NEVER, Server, text, wait_until};

/// Settings of a server that has as good as no end to its patience.
fn patient() -> Settings {
    Settings { patience: NEVER, reading: NEVER, grace: NEVER, ..Settings::default() }
}

fn is_refused(server: &Server) -> bool {
    TcpStream::connect(server.address).is_err()
}

#[test]
fn an_answer_that_is_under_way_comes_to_its_end_and_nobody_else_is_let_in() {
    let (server, gate) = Gate::before(patient());
    let mut client = Client::connect(server.address);
    client.send("GET /slow HTTP/1.1\r\nhost: h\r\n\r\n");
    wait_until("it is under way", || gate.came() == 1);
    server.asks_to_end();
    wait_until("nobody is let in", || is_refused(&server));
    assert!(!server.has_ended());
    gate.open();
    let reply = client.reply();
    assert_eq!((reply.text(), reply.header("connection")), ("done", Some("close")));
    assert!(client.is_at_end());
    wait_until("it ends", || server.has_ended());
    assert_eq!(server.counters.connections_open(), 0);
}

#[test]
fn an_answer_that_is_being_read_is_read_to_its_end() {
    let server = Server::start(patient(), |_| text(&"x".repeat(16 << 20)));
    let mut client = Client::connect(server.address);
    client.send("GET / HTTP/1.1\r\nhost: h\r\n\r\n");
    client.take_a_little();
    server.asks_to_end();
    wait_until("nobody is let in", || is_refused(&server));
    assert_eq!(client.reply().body.len(), 16 << 20);
    wait_until("it ends", || server.has_ended());
}

#[test]
fn connections_that_carry_nothing_are_not_waited_for() {
    let server = Server::echo(patient());
    let mut silent = Client::connect(server.address);
    let mut half = Client::connect(server.address);
    half.send("GET / HTTP/1.1\r\nhos");
    let mut kept = Client::connect(server.address);
    kept.send("GET / HTTP/1.1\r\nhost: h\r\n\r\n");
    assert_eq!(kept.reply().status, 200);
    assert_eq!(get(server.address, "/").status, 200);
    server.asks_to_end();
    wait_until("it ends", || server.has_ended());
    assert!(silent.is_at_end() && half.is_at_end() && kept.is_at_end());
}

#[test]
fn what_comes_to_no_end_is_given_up() {
    let (server, gate) = Gate::before(Settings { grace: Duration::from_millis(200), ..patient() });
    let mut client = Client::connect(server.address);
    client.send("GET /slow HTTP/1.1\r\nhost: h\r\n\r\n");
    wait_until("it is under way", || gate.came() == 1);
    server.asks_to_end();
    wait_until("it ends", || server.has_ended());
    assert!(client.is_at_end());
    gate.open();
    wait_until("what answered has come to its end", || gate.left() == 1);
}
