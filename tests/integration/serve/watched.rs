//! A watcher as a process, and what it watches.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::command;
use crate::support::fake::{Fake, Request, Response};

/// A configuration whose signals are metrics of their own names.
pub(crate) const CONFIG: &str = "
queries:
  p99_latency: latency
  event_loop_lag: lag
  blocking_duration_avg: blocking
  peak_active_requests: active
  requests_total: requests
  error_ratio: errors
";

/// A Prometheus whose answers can be changed, by query.
pub(crate) struct Staging {
    pub(crate) server: Fake,
    values: Arc<Mutex<BTreeMap<String, String>>>,
    delay: Arc<Mutex<Duration>>,
}

/// A staging environment in which all is well.
pub(crate) fn staging() -> Staging {
    let calm = [
        ("latency", "0.1"),
        ("lag", "0.01"),
        ("blocking", "0.01"),
        ("active", "3"),
        ("requests", "500"),
        ("errors", "0"),
    ];
    let calm = calm.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let values = Arc::new(Mutex::new(BTreeMap::from(calm)));
    let delay = Arc::new(Mutex::new(Duration::ZERO));
    let (known, wait) = (Arc::clone(&values), Arc::clone(&delay));
    let server = Fake::start(move |request: &Request| {
        let answer = match request.path.as_str() {
            "/api/v1/query" => {
                let query = request.parameters.get("query").map_or("", String::as_str);
                let value = known.lock().unwrap().get(query).cloned();
                Response::value(value.as_deref().unwrap_or("0"))
            }
            _ => Response::new(200, "Prometheus Server is Healthy.\n"),
        };
        let delay = *wait.lock().unwrap();
        if delay.is_zero() { answer } else { answer.delayed(delay) }
    });
    Staging { server, values, delay }
}

impl Staging {
    /// From now on a query has this answer.
    pub(crate) fn set(&self, query: &str, value: &str) {
        self.values.lock().unwrap().insert(query.to_owned(), value.to_owned());
    }

    /// From now on every answer takes so long.
    pub(crate) fn delay(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    /// Writes the configuration of a service that is asked for here.
    pub(crate) fn configure(&self, directory: &Path, name: &str) {
        let config = format!("target: {}\n{CONFIG}", self.server.url());
        std::fs::write(directory.join(name), config).unwrap();
    }

    /// How many audits there were: each begins with one look whether the server is there.
    pub(crate) fn audits(&self) -> usize {
        self.server.requests().iter().filter(|it| it.path == "/-/healthy").count()
    }
}

/// A watcher that runs.
pub(crate) struct Watched {
    child: Child,
    address: String,
    said: Arc<Mutex<String>>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

impl Watched {
    /// Starts one at a free port, with its history in the directory.
    pub(crate) fn start(directory: &Path, args: &[&str]) -> Self {
        let fixed = ["serve", "--listen", "127.0.0.1:0", "--history", "history"];
        let mut command = command(directory, &[&fixed, args].concat());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = Arc::new(Mutex::new(String::new()));
        let address = loop {
            let line = match lines.next() {
                Some(line) => line.unwrap(),
                None => panic!("it has ended: {}", said.lock().unwrap()),
            };
            *said.lock().unwrap() += &format!("{line}\n");
            if let Some((_, address)) = line.split_once(": http://") {
                break address.trim_end_matches('/').to_owned();
            }
        };
        let log = Arc::clone(&said);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *log.lock().unwrap() += &format!("{line}\n");
            }
        });
        Self { child, address, said }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What it has said on standard error so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.get_with(path, "")
    }

    /// Asks with further headers, each with its end of line.
    pub(crate) fn get_with(&self, path: &str, headers: &str) -> Reply {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: test\r\n{headers}Connection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        reply.json()
    }

    /// Waits until that is so.
    pub(crate) fn wait_for<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let give_up = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(Instant::now() < give_up, "{what} never came; it said: {}", self.said());
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Asks it to end; its exit code, and what it has said.
    pub(crate) fn end(self) -> (i32, String) {
        self.send(Signal::TERM);
        self.ended()
    }

    /// Waits for its end; its exit code, and what it has said.
    pub(crate) fn ended(mut self) -> (i32, String) {
        let status = self.child.wait().unwrap();
        (status.code().expect("it ends by itself"), self.said())
    }

    /// Ends it at once, in the middle of whatever it does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
