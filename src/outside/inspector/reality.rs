//! A real Node process, whose profile is taken and judged.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "shown with --nocapture")]

use super::Inspector;
use crate::outside::place::{Judge, Roots};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

const APP: &str = "\
const http = require('http');
const helpers = require('./helpers');
function serve(request, response) {
  const path = request.url.slice(1);
  if (helpers[path]) helpers[path](400);
  response.end('ok');
}
const server = http.createServer(serve);
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('ready'));
";

const HELPERS: &str = "\
const { execSync } = require('child_process');
const crypto = require('crypto');
function sleepSync(ms) {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(cell, 0, 0, ms);
}
function count(ms) {
  const end = Date.now() + ms;
  let found = 0;
  while (Date.now() < end) for (let n = 0; n < 1e5; n += 1) found += n % 7;
  return found;
}
function runChild(ms) {
  const command = `sleep ${ms / 1000}`;
  return execSync(command);
}
function hash(ms) {
  for (const end = Date.now() + ms; Date.now() < end; )
    crypto.pbkdf2Sync('a', 'b', 50000, 64, 'sha512');
}
module.exports = { sleepSync, count, runChild, hash };
";

/// A process that is ended with the test.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn get(port: u16, path: &str) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
}

#[test]
#[ignore = "needs node, and port 9229"]
fn calls_that_hold_node_are_named_and_waiting_is_not() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("app.js"), APP).unwrap();
    std::fs::write(directory.path().join("helpers.js"), HELPERS).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new("node");
    command.args(["app.js", &port.to_string()]).current_dir(directory.path());
    let mut service = Service(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(service.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let inspector = Inspector::start(service.0.id()).unwrap();
    let mut seen = Vec::new();
    for path in ["sleepSync", "count", "runChild", "hash", "calm"] {
        let from = Instant::now();
        get(port, path);
        if path == "calm" {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        seen.push((path, from, Instant::now()));
    }
    let profile = inspector.stop().unwrap();
    let mut judge = Judge::new(Roots::of(service.0.id()));
    let mut named = Vec::new();
    for (path, from, to) in seen {
        let stacks = profile.stacks(from, to);
        println!("{path}: {} stacks in {:?}", stacks.len(), to - from);
        let place = judge.culprit(&stacks);
        named.push(place.map(|place| {
            format!("{}:{} {}: {}", place.file, place.line, place.function, place.source)
        }));
    }
    let expected = [
        Some("helpers.js:5 sleepSync: Atomics.wait(cell, 0, 0, ms);"),
        Some(
            "helpers.js:10 count: while (Date.now() < end) for (let n = 0; n < 1e5; n += 1) found += n % 7;",
        ),
        Some("helpers.js:15 runChild: return execSync(command);"),
        Some("helpers.js:19 hash: crypto.pbkdf2Sync('a', 'b', 50000, 64, 'sha512');"),
        None,
    ];
    assert_eq!(named.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
    // The service goes on, and can be asked again: the inspector was closed.
    get(port, "calm");
    std::thread::sleep(std::time::Duration::from_millis(200));
    TcpListener::bind("127.0.0.1:9229").expect("the inspector is closed");
    Inspector::start(service.0.id()).unwrap().stop().unwrap();
}
