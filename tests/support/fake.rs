//! A backend that answers what a test tells it to.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) parameters: BTreeMap<String, String>,
}

/// An answer: HTTP status and body, after a delay.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) delay: Duration,
}

impl Response {
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), delay: Duration::ZERO }
    }

    /// A vector of series: labels and value.
    pub(crate) fn vector(series: &[(BTreeMap<String, String>, String)]) -> Self {
        let series = series.iter().map(|(metric, value)| {
            serde_json::json!({"metric": metric, "value": [1_700_000_000, value]})
        });
        let result: Vec<_> = series.collect();
        let data = serde_json::json!({"resultType": "vector", "result": result});
        Self::new(200, serde_json::json!({"status": "success", "data": data}).to_string())
    }
}

/// A server on a free port of the loopback interface; it stops when dropped.
pub(crate) struct Fake {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    requests: Arc<Mutex<Vec<Request>>>,
    acceptor: Option<JoinHandle<()>>,
}

impl Fake {
    /// Starts a server that answers with `respond`.
    pub(crate) fn start(respond: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let stopping = Arc::new(AtomicBool::new(false));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (stop, log, respond) = (stopping.clone(), requests.clone(), Arc::new(respond));
        let acceptor = thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let (log, respond) = (log.clone(), respond.clone());
                // A client that leaves early is not the server's problem.
                thread::spawn(move || stream.and_then(|stream| serve(stream, &log, &*respond)));
            }
        });
        Self { address, stopping, requests, acceptor: Some(acceptor) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no panic holds it").clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn serve(
    stream: TcpStream,
    log: &Mutex<Vec<Request>>,
    respond: &dyn Fn(&Request) -> Response,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut header = String::new();
    while reader.read_line(&mut header)? > 2 {
        header.clear();
    }
    let request = parse(&line);
    log.lock().expect("no panic holds it").push(request.clone());
    let Response { status, body, delay } = respond(&request);
    thread::sleep(delay);
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status} Any\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn parse(line: &str) -> Request {
    let target = line.split(' ').nth(1).unwrap_or_default();
    let url = reqwest::Url::parse("http://fake").and_then(|base| base.join(target));
    let url = url.expect("a request line");
    Request { path: url.path().to_owned(), parameters: url.query_pairs().into_owned().collect() }
}
