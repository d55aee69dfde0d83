//! Many clients at once.

use std::thread;
use std::time::Duration;

use auditor::serve::Settings;

use super::client::{Client, get};
use super::gate::Gate;
use super::{Server, text, wait_until};

/// What each client is to get.
const LENGTH: usize = 200_000;

#[test]
fn two_hundred_clients_get_whole_answers_with_slow_ones_among_them() {
    let server = Server::start(Settings::default(), |request| {
        text(&request.path.repeat(LENGTH / request.path.len()))
    });
    thread::scope(|scope| {
        for number in 0..200 {
            let address = server.address;
            scope.spawn(move || {
                let mut client = Client::connect(address);
                let (path, is_slow) = (format!("/{number:03}"), number % 4 == 0);
                for part in [&format!("GET {path} HT"), "TP/1.1\r\nhost: h", "\r\n\r\n"] {
                    client.send(part);
                    thread::sleep(Duration::from_millis(if is_slow { 100 } else { 0 }));
                }
                let reply = if is_slow { client.reply_slowly() } else { client.reply() };
                assert_eq!(reply.status, 200);
                assert_eq!(reply.text(), path.repeat(LENGTH / path.len()));
            });
        }
    });
    assert_eq!(server.counters.requests()[0], ("2xx", 200));
    assert_eq!(server.counters.connections_refused_total(), 0);
    assert_eq!(server.counters.slow_connections_closed_total(), 0);
}

#[test]
fn two_hundred_who_wait_keep_nobody_waiting_who_need_not() {
    let (server, gate) = Gate::before(Settings::default());
    let mut clients: Vec<_> = (0..200).map(|_| Client::connect(server.address)).collect();
    for client in &mut clients {
        client.send("GET /slow HTTP/1.1\r\nhost: h\r\n\r\n");
    }
    wait_until("all are under way", || gate.came() == 200);
    for _ in 0..20 {
        assert_eq!(get(server.address, "/quick").text(), "done");
    }
    assert_eq!(gate.left(), 0);
    gate.open();
    for client in &mut clients {
        assert_eq!(client.reply().text(), "done");
    }
}
