//! Talks with an inspector: HTTP to find it, then a WebSocket with one question at a time.

use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message, WebSocket};

/// The most bytes of an answer: the profile of an hour.
const LARGEST: usize = 1 << 30;
/// The most bytes of the list of targets.
const LARGEST_LIST: u64 = 1 << 20;

/// A connection to an inspector.
pub(super) struct Session {
    socket: WebSocket<TcpStream>,
    last_id: u64,
}

/// A target of an inspector: the process' main thread, as a rule.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    web_socket_debugger_url: String,
}

impl Session {
    /// Connects to a target.
    pub(super) fn connect(address: SocketAddr, url: &str, most: Duration) -> Result<Self, String> {
        let failed =
            |error: &dyn std::fmt::Display| format!("Node's inspector at {address}: {error}");
        let stream = connect(address, most).map_err(|error| failed(&error))?;
        let sizes = WebSocketConfig::default()
            .max_message_size(Some(LARGEST))
            .max_frame_size(Some(LARGEST));
        let opened = tungstenite::client::client_with_config(url, stream, Some(sizes));
        let (socket, _) = opened.map_err(|error| failed(&error))?;
        Ok(Self { socket, last_id: 0 })
    }

    /// Calls a method and returns its result. Fails if it is not there in time, and the connection
    /// is of no use then.
    pub(super) fn call(
        &mut self,
        method: &str,
        params: &Value,
        most: Duration,
    ) -> Result<Value, String> {
        let until = Instant::now() + most;
        let failed = |error: &dyn std::fmt::Display| format!("Node's inspector: {method}: {error}");
        self.last_id += 1;
        let question = json!({ "id": self.last_id, "method": method, "params": params });
        self.socket.send(Message::text(question.to_string())).map_err(|error| failed(&error))?;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(failed(&format!("no answer within {} s", most.as_secs())));
            }
            self.socket.get_ref().set_read_timeout(Some(left)).map_err(|error| failed(&error))?;
            let message = match self.socket.read() {
                Ok(message) => message,
                Err(Error::Io(error)) if is_late(&error) => continue,
                Err(error) => return Err(failed(&error)),
            };
            let Message::Text(text) = message else { continue };
            let mut answer: Value =
                serde_json::from_str(text.as_str()).map_err(|error| failed(&error))?;
            if answer["id"] != json!(self.last_id) {
                continue;
            }
            return match answer["error"]["message"].as_str() {
                Some(error) => Err(failed(&error)),
                None => Ok(answer["result"].take()),
            };
        }
    }
}

/// The URL of the first target of the inspector that listens there; `None` if none does.
pub(super) fn target(address: SocketAddr, most: Duration) -> Option<String> {
    let mut stream = connect(address, most).ok()?;
    let request =
        format!("GET /json/list HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let body = body(&mut BufReader::new(stream.take(LARGEST_LIST)))?;
    let targets: Vec<Target> = serde_json::from_slice(&body).ok()?;
    Some(targets.into_iter().next()?.web_socket_debugger_url)
}

/// The body of an answer. Its length counts: the connection is kept open, whatever was asked for.
fn body(answer: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut length = None;
    loop {
        let mut line = String::new();
        answer.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            if line.starts_with("HTTP/1.") {
                continue;
            }
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok();
        }
    }
    let mut body = Vec::new();
    answer.take(length?).read_to_end(&mut body).ok()?;
    Some(body)
}

/// A connection whose reads and writes take so long at most.
fn connect(address: SocketAddr, most: Duration) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, most)?;
    stream.set_read_timeout(Some(most))?;
    stream.set_write_timeout(Some(most))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn is_late(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}
