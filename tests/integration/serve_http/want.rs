//! A server that has no file left for one more connection.

use std::env;
use std::fs::File;
use std::iter;
use std::process::Command;
use std::thread;
use std::time::Duration;

use auditor::serve::Settings;

use super::client::Client;
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

/// Leaves no file for one connection, and gives them back.
fn run_short() {
    let (server, gate) = Gate::before(Settings { patience: NEVER, ..Settings::default() });
    let slow = || {
        let mut client = Client::connect(server.address);
        client.send("GET /slow HTTP/1.1\r\nhost: h\r\n\r\n");
        client
    };
    let mut early = [slow(), slow(), slow()];
    wait_until("they are under way", || gate.came() == 3);
    let mut files: Vec<_> = iter::from_fn(|| File::open("/dev/null").ok()).collect();
    // The client takes the last one, and leaves none for the other end of its connection.
    drop(files.pop().expect("a file was to be had"));
    let mut late = slow();
    thread::sleep(Duration::from_millis(300));
    gate.open();
    for client in &mut early {
        assert_eq!(client.reply().text(), "done");
    }
    assert_eq!(gate.came(), 3, "the late one is not in");
    drop(files);
    assert_eq!(late.reply().text(), "done");
}
