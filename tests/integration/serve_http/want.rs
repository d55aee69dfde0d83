//! A server that has no file left for one more connection.

use std::env;
use std::net::TcpStream;
use std::process::Command;

use auditor::serve::Settings;

use super::client::{Client, get};
use super::gate::Gate;
use super::{NEVER, wait_until};

/// Set in a process that may have few files.
const IS_SHORT: &str = "AUDITOR_TEST_IS_SHORT_OF_FILES";
const NAME: &str = "serve_http::want::a_want_of_files_is_got_over";

/// The limit is one of a process, and so there is one of its own.
#[test]
fn a_want_of_files_is_got_over() {
    if env::var_os(IS_SHORT).is_some() {
        return run_short();
    }
    let test = env::current_exe().unwrap();
    let mut short = Command::new("sh");
    short
        .args(["-c", "ulimit -n 40 && exec \"$0\" --exact \"$1\" --nocapture"])
        .arg(test)
        .arg(NAME);
    let output = short.env(IS_SHORT, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stdout));
    assert!(said.contains("cannot accept connections") && said.contains("ulimit -n"), "{said}");
    assert_eq!(said.matches("cannot accept connections").count(), 1, "{said}");
}

/// Takes all files by connections that are answered, and gives them back.
fn run_short() {
    let (server, gate) = Gate::before(Settings { patience: NEVER, ..Settings::default() });
    let mut clients = Vec::new();
    while let Ok(stream) = TcpStream::connect(server.address) {
        let mut client = Client::over(stream);
        client.send("GET /slow HTTP/1.1\r\nhost: h\r\n\r\n");
        clients.push(client);
    }
    // Each that was let in takes two files of this process, and the others one.
    wait_until("some are under way", || gate.came() >= 5);
    assert!(gate.came() < clients.len(), "all {} were let in", clients.len());
    drop(clients.pop());
    gate.open();
    for client in &mut clients {
        assert_eq!(client.reply().text(), "done");
        client.close();
    }
    assert_eq!(get(server.address, "/").text(), "done");
}
