//! A client that sends what it is told to, and reads one answer after the other.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use super::NEVER;

/// A connection.
pub(super) struct Client {
    pub(super) stream: TcpStream,
    /// What came after the last answer.
    rest: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    head: String,
    pub(super) body: Vec<u8>,
}

impl Client {
    pub(super) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(NEVER)).unwrap();
        stream.set_write_timeout(Some(NEVER)).unwrap();
        Self { stream, rest: Vec::new() }
    }

    pub(super) fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    /// The next answer, with its body.
    pub(super) fn reply(&mut self) -> Reply {
        let mut reply = self.head();
        let length = reply.header("content-length").expect("its length").parse().unwrap();
        while self.rest.len() < length {
            assert!(self.more(), "only {} of {length} bytes came", self.rest.len());
        }
        reply.body = self.rest.drain(..length).collect();
        reply
    }

    /// The next answer, of which it takes a little, waits, and takes some more.
    pub(super) fn reply_slowly(&mut self) -> Reply {
        for _ in 0..10 {
            self.take_a_little();
            thread::sleep(Duration::from_millis(50));
        }
        self.reply()
    }

    /// Takes a little of what came; nothing where the connection is closed.
    pub(super) fn take_a_little(&mut self) {
        let mut bytes = [0; 1024];
        if let Ok(count) = self.stream.read(&mut bytes) {
            self.rest.extend_from_slice(&bytes[..count]);
        }
    }

    /// The next answer up to its body.
    pub(super) fn head(&mut self) -> Reply {
        let end = loop {
            match self.rest.windows(4).position(|it| it == b"\r\n\r\n") {
                Some(end) => break end,
                None => assert!(self.more(), "no answer, but {:?}", self.rest),
            }
        };
        let head: Vec<_> = self.rest.drain(..end + 4).collect();
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head, body: Vec::new() }
    }

    /// Whether nothing comes any more.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.rest.is_empty() && !self.more()
    }

    fn more(&mut self) -> bool {
        let mut bytes = [0; 64 * 1024];
        match self.stream.read(&mut bytes) {
            Ok(count) => {
                self.rest.extend_from_slice(&bytes[..count]);
                count > 0
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
                false
            }
        }
    }
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    pub(super) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        let pairs = self.head.lines().filter_map(|line| line.split_once(": "));
        pairs.filter(move |(it, _)| *it == name).map(|(_, value)| value)
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// What it says is wrong.
    pub(super) fn error(&self) -> String {
        let document: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        document["error"].as_str().unwrap().to_owned()
    }
}

/// Asks for a path over a connection of its own.
pub(super) fn get(address: SocketAddr, path: &str) -> Reply {
    ask(address, &format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n"))
}

/// Sends a request over a connection of its own.
pub(super) fn ask(address: SocketAddr, request: &str) -> Reply {
    let mut client = Client::connect(address);
    client.send(request);
    client.reply()
}
