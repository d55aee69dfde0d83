//! What clients get at most, and what becomes of those who want more.

use std::io::Write as _;
use std::iter;
use std::thread;
use std::time::Duration;

use auditor::serve::{Answer, Settings};

use super::client::{Client, ask, get};
use super::gate::Gate;
use super::{NEVER, Server, text, wait_until};

/// Settings of a server that soon loses its patience.
fn impatient() -> Settings {
    Settings { patience: Duration::from_millis(300), ..Settings::default() }
}

/// Settings of a server that has as good as no end to its patience.
fn patient() -> Settings {
    Settings { patience: NEVER, reading: NEVER, ..Settings::default() }
}

/// A client that waits for what takes long.
fn slow(server: &Server) -> Client {
    let mut client = Client::connect(server.address);
    client.send("GET /slow HTTP/1.1\r\nhost: h\r\n\r\n");
    client
}

/// An answer that no system keeps for its client.
fn huge() -> Answer {
    text(&"x".repeat(16 << 20))
}

#[test]
fn one_connection_too_many_is_told_so() {
    let (server, gate) = Gate::before(Settings { connections: 2, ..Settings::default() });
    let mut clients = [slow(&server), slow(&server)];
    wait_until("both are under way", || gate.came() == 2);
    let mut refused = Client::connect(server.address);
    let reply = refused.reply();
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
    assert!(reply.error().contains("too many connections"));
    assert!(refused.is_at_end());
    assert_eq!(server.counters.connections_refused_total(), 1);
    assert_eq!(server.counters.connections_open(), 2);
    gate.open();
    for client in &mut clients {
        assert_eq!(client.reply().text(), "done");
    }
}

#[test]
fn connections_that_carry_nothing_make_room() {
    let settings = Settings { connections: 3, patience: Duration::from_secs(2), ..patient() };
    let (server, gate) = Gate::before(settings);
    let mut busy = slow(&server);
    wait_until("one is under way", || gate.came() == 1);
    let (mut silent, mut half) = (Client::connect(server.address), Client::connect(server.address));
    half.send("GET / HT");
    wait_until("all are in", || server.counters.connections_open() == 3);
    thread::sleep(Duration::from_millis(250));
    assert_eq!(get(server.address, "/").text(), "done");
    assert!(silent.is_at_end(), "it has waited for the longest");
    assert_eq!(get(server.address, "/").text(), "done");
    gate.open();
    assert_eq!(busy.reply().text(), "done");
    assert_eq!(server.counters.connections_refused_total(), 0);
    drop(half);
}

#[test]
fn a_request_that_is_too_large_is_refused() {
    let server = Server::echo(Settings { head_bytes: 16 * 1024, ..Settings::default() });
    let of = |length: usize| format!("GET /{} HTTP/1.1\r\nhost: h\r\n\r\n", "a".repeat(length));
    let header = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(1 << 20));
    assert_eq!(ask(server.address, &of(15 * 1024)).status, 200);
    assert_eq!(ask(server.address, &of(17 * 1024)).status, 431);
    let mut client = Client::connect(server.address);
    // It may not take all of it.
    let _ = client.stream.write_all(header.as_bytes());
    assert_eq!(client.reply().status, 431);
    wait_until("they are counted", || server.counters.requests()[2] == ("4xx", 2));
}

#[test]
fn a_request_that_comes_drop_by_drop_is_not_waited_for() {
    let server = Server::echo(impatient());
    let mut client = Client::connect(server.address);
    let mut drops = "GET / HTTP/1.1\r\n".chars().chain(iter::repeat('x'));
    wait_until("it is closed", || {
        let drop = drops.next().unwrap().to_string();
        thread::sleep(Duration::from_millis(20));
        client.stream.write_all(drop.as_bytes()).is_err()
    });
    assert_eq!(server.counters.slow_connections_closed_total(), 1);
}

#[test]
fn a_connection_that_carries_no_more_requests_is_closed() {
    let server = Server::echo(impatient());
    let mut client = Client::connect(server.address);
    for _ in 0..3 {
        client.send("GET / HTTP/1.1\r\nhost: h\r\n\r\n");
        assert_eq!(client.reply().status, 200);
    }
    assert!(client.is_at_end());
    wait_until("it is closed", || server.counters.connections_open() == 0);
    assert_eq!(server.counters.slow_connections_closed_total(), 0, "it was not slow");
}

#[test]
fn an_answer_that_takes_long_costs_no_patience() {
    let (server, gate) =
        Gate::before(Settings { patience: Duration::from_millis(50), ..patient() });
    let mut client = slow(&server);
    wait_until("it is under way", || gate.came() == 1);
    thread::sleep(Duration::from_millis(200));
    gate.open();
    assert_eq!(client.reply().text(), "done");
}

#[test]
fn a_client_that_reads_nothing_is_not_waited_for() {
    let server = Server::start(impatient(), |_| huge());
    let mut client = Client::connect(server.address);
    client.send("GET / HTTP/1.1\r\nhost: h\r\n\r\n");
    wait_until("it is closed", || server.counters.slow_connections_closed_total() == 1);
    wait_until("it has gone", || server.counters.connections_open() == 0);
}

#[test]
fn a_client_that_reads_drop_by_drop_is_not_waited_for_for_ever() {
    let settings = Settings { reading: Duration::from_millis(500), ..patient() };
    let server = Server::start(settings, |_| huge());
    let mut client = Client::connect(server.address);
    client.send("GET / HTTP/1.1\r\nhost: h\r\n\r\n");
    wait_until("it is closed", || {
        thread::sleep(Duration::from_millis(5));
        client.take_a_little();
        server.counters.slow_connections_closed_total() == 1
    });
}

#[test]
fn those_who_wait_for_one_path_leave_room_for_others() {
    let (server, gate) = Gate::before(Settings { answers_of_a_path: 2, ..Settings::default() });
    let mut clients = [slow(&server), slow(&server)];
    wait_until("both are under way", || gate.came() == 2);
    let reply = slow(&server).reply();
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
    assert_eq!(get(server.address, "/quick").text(), "done");
    gate.open();
    for client in &mut clients {
        assert_eq!(client.reply().text(), "done");
    }
}

#[test]
fn a_client_that_goes_away_leaves_its_place_and_its_answer_goes_on() {
    let (server, gate) = Gate::before(Settings::default());
    let client = slow(&server);
    wait_until("it is under way", || gate.came() == 1);
    drop(client);
    wait_until("its place is free", || server.counters.connections_open() == 0);
    assert_eq!(gate.left(), 0);
    gate.open();
    wait_until("it has come to its end", || gate.left() == 1);
    assert_eq!(get(server.address, "/").text(), "done");
}
