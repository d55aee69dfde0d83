//! A backend that answers what a test tells it to, or misbehaves as it is told to.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::beside;

/// A request as it came; the names of its headers in lower case.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) headers: BTreeMap<String, String>,
}

type Writer = dyn Fn(&mut dyn Write) -> io::Result<()> + Send + Sync;

/// A series: its labels and its value.
pub(crate) type Series = (BTreeMap<String, String>, String);

/// What a backend does with a request.
#[derive(Clone)]
pub(crate) enum Response {
    /// Answers a query with these series, at the instant that is asked for. What an audit asks
    /// beside its questions is answered as a Prometheus does that knows nothing else.
    Vector(Vec<Series>),
    /// The same, whatever it is that is asked.
    Plain(Vec<Series>),
    /// Answers so much later.
    Delayed(Duration, Box<Response>),
    /// Dates the answer by a clock that is so many seconds ahead.
    Dated(i64, Box<Response>),
    /// Answers it, in bytes that need not be HTTP, and closes the connection.
    Bytes(Vec<u8>),
    /// Writes as it likes, until it is done or the client is gone.
    Writes(Arc<Writer>),
    /// Resets the connection.
    Reset,
}

impl Response {
    pub(crate) fn new(status: u16, body: impl AsRef<[u8]>) -> Self {
        Self::with_headers(status, &[], body)
    }

    pub(crate) fn with_headers(
        status: u16,
        headers: &[(&str, &dyn Display)],
        body: impl AsRef<[u8]>,
    ) -> Self {
        let body = body.as_ref();
        let mut head = format!("HTTP/1.1 {status} Any\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        Self::Bytes([head.as_bytes(), b"Connection: close\r\n\r\n", body].concat())
    }

    /// A vector of series: labels and value.
    pub(crate) fn vector(series: &[Series]) -> Self {
        Self::Vector(series.to_vec())
    }

    /// A vector of one series without labels.
    pub(crate) fn value(value: &str) -> Self {
        Self::vector(&[(BTreeMap::new(), value.to_owned())])
    }

    /// Writes what `write` does.
    pub(crate) fn writes(
        write: impl Fn(&mut dyn Write) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::Writes(Arc::new(write))
    }

    /// The same, so much later.
    pub(crate) fn delayed(self, delay: Duration) -> Self {
        Self::Delayed(delay, Box::new(self))
    }

    /// The same, dated by a clock that is so many seconds ahead.
    pub(crate) fn dated(self, ahead_s: i64) -> Self {
        Self::Dated(ahead_s, Box::new(self))
    }

    /// Says nothing for so long, and closes the connection.
    pub(crate) fn silence(duration: Duration) -> Self {
        Self::writes(move |_| {
            thread::sleep(duration);
            Ok(())
        })
    }
}

/// A server on a free port of the loopback interface; it stops when dropped.
pub(crate) struct Fake {
    address: SocketAddr,
    scheme: &'static str,
    stopping: Arc<AtomicBool>,
    requests: Arc<Mutex<Vec<Request>>>,
    acceptor: Option<JoinHandle<()>>,
}

impl Fake {
    /// Starts a server that answers with `respond`.
    pub(crate) fn start(respond: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        Self::listen(None, respond)
    }

    /// The same over TLS.
    pub(crate) fn start_tls(
        tls: Arc<ServerConfig>,
        respond: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(tls), respond)
    }

    fn listen(
        tls: Option<Arc<ServerConfig>>,
        respond: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let stopping = Arc::new(AtomicBool::new(false));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (stop, log, respond) = (stopping.clone(), requests.clone(), Arc::new(respond));
        let acceptor = thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let (log, respond, tls) = (log.clone(), respond.clone(), tls.clone());
                // A client that leaves early is not the server's problem.
                thread::spawn(move || -> io::Result<()> {
                    let stream = stream?;
                    match tls {
                        None => serve(stream, &log, &*respond),
                        Some(tls) => {
                            let server = ServerConnection::new(tls).map_err(io::Error::other)?;
                            let mut stream = StreamOwned::new(server, stream);
                            serve(&mut stream, &log, &*respond)?;
                            stream.conn.send_close_notify();
                            stream.flush()
                        }
                    }
                });
            }
        });
        Self { address, scheme, stopping, requests, acceptor: Some(acceptor) }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
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
    mut stream: impl Read + Write,
    log: &Mutex<Vec<Request>>,
    respond: &dyn Fn(&Request) -> Response,
) -> io::Result<()> {
    let mut head = Vec::new();
    // The last byte of the head stays unread for now.
    while !head.ends_with(b"\r\n\r") {
        head.push(read_byte(&mut stream)?);
        if head == [0x16] {
            // The first byte of TLS; no request line begins with it.
            return stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        }
    }
    let request = parse(&String::from_utf8_lossy(&head));
    log.lock().expect("no panic holds it").push(request.clone());
    let mut response = respond(&request);
    if let Response::Delayed(delay, later) = response {
        thread::sleep(delay);
        response = *later;
    }
    let mut date = None;
    if let Response::Dated(ahead_s, of) = response {
        date = Some(jiff::Timestamp::now() + jiff::SignedDuration::from_secs(ahead_s));
        response = *of;
    }
    if matches!(response, Response::Vector(_)) && beside::is_asked_by(&request) {
        response = beside::answer(&request, |_| None);
    }
    if matches!(response, Response::Reset) {
        // To close a connection with something unread is to reset it.
        return Ok(());
    }
    read_byte(&mut stream)?;
    match response {
        Response::Vector(series) | Response::Plain(series) => {
            stream.write_all(&dated(vector_at(&request, &series), date))?;
        }
        Response::Bytes(bytes) => stream.write_all(&dated(bytes, date))?,
        Response::Writes(write) => write(&mut stream)?,
        Response::Reset | Response::Delayed(..) | Response::Dated(..) => {}
    }
    stream.flush()
}

/// An answer with that date behind its first line.
fn dated(answer: Vec<u8>, date: Option<jiff::Timestamp>) -> Vec<u8> {
    let Some(date) = date else { return answer };
    let first = answer.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let date = format!("Date: {}\r\n", date.strftime("%a, %d %b %Y %H:%M:%S GMT"));
    [&answer[..first], date.as_bytes(), &answer[first..]].concat()
}

/// A vector at the instant that is asked for.
fn vector_at(request: &Request, series: &[Series]) -> Vec<u8> {
    let time = request.parameters.get("time").map_or("0", String::as_str);
    let time: serde_json::Number = serde_json::from_str(time).expect("a time in seconds");
    let result: Vec<_> = series
        .iter()
        .map(|(metric, value)| serde_json::json!({"metric": metric, "value": [time, value]}))
        .collect();
    let data = serde_json::json!({"resultType": "vector", "result": result});
    let body = serde_json::json!({"status": "success", "data": data}).to_string();
    match Response::new(200, body) {
        Response::Bytes(bytes) => bytes,
        _ => unreachable!("a whole answer is bytes"),
    }
}

fn read_byte(stream: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn parse(head: &str) -> Request {
    let mut lines = head.lines();
    let target = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let url = reqwest::Url::parse("http://fake").and_then(|base| base.join(target));
    let url = url.expect("a request line");
    let headers = lines.filter_map(|line| line.split_once(": "));
    Request {
        path: url.path().to_owned(),
        parameters: url.query_pairs().into_owned().collect(),
        headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
    }
}
