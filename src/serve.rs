//! An HTTP server for what is read: many clients, slow and huge ones among them, one token, a graceful
//! end. It knows nothing of audits, and nothing of TLS: that is for a proxy before it.
//!
//! One thread moves the bytes of all connections, and never waits; what answers may wait, and so has a
//! thread for each answer. Whatever a client can make grow has a bound in [`Settings`].

mod address;
mod answering;
mod connection;
mod counters;
mod error;
mod request;
mod room;
mod token;
mod turn;
mod watched;
mod work;

use std::borrow::Cow;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

pub use address::{bind, check_open, is_loopback};
pub use counters::Counters;
pub use error::ServeError;
pub use request::Request;
pub use token::Token;

/// What answers. It may take its time; a panic of it is a status of 500.
pub type Handler = dyn Fn(&Request) -> Answer + Send + Sync;

/// What is answered. Of its headers, those that every answer has are set by the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// What the body is.
    pub content_type: &'static str,
    /// Further headers.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A JSON document that says what is wrong.
    pub fn error(status: u16, words: &str) -> Self {
        let body = serde_json::json!({ "error": words }).to_string().into_bytes();
        Self { status, content_type: "application/json", headers: Vec::new(), body }
    }
}

/// What clients have to know, and what they get at most.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The token, without which nothing is answered; `None` where everybody may ask.
    pub token: Option<Token>,
    /// Connections at once. One more is let in for another that has carried no request for a moment, and
    /// is turned away where there is none.
    pub connections: usize,
    /// Requests for one path that are answered at once. It is less than the connections, so that those
    /// who wait for what takes long leave room for others.
    pub answers_of_a_path: usize,
    /// The bytes of a request, without its body, which is never read.
    pub head_bytes: usize,
    /// How long a client may take to send a request from the moment on that it may, and to take some
    /// more of an answer.
    pub patience: Duration,
    /// How long a client may take to read an answer to its end.
    pub reading: Duration,
    /// How long answers that are under way are waited for at the end.
    pub grace: Duration,
}

impl Settings {
    /// How long a client may take at least, before others come first: its request may be on its way.
    fn moment(&self) -> Duration {
        self.patience / 10
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token: None,
            connections: 256,
            answers_of_a_path: 224,
            head_bytes: 16 * 1024,
            patience: Duration::from_secs(10),
            reading: Duration::from_secs(120),
            grace: Duration::from_secs(5),
        }
    }
}

/// Serves until `stop` says so, which is asked many times a second. Then nobody is let in any more,
/// connections that carry no request are closed, and answers that are under way get some time to come to
/// their end. What answers may go on after that, in its thread; nobody hears of it.
///
/// # Errors
/// If it cannot begin.
pub fn run(
    listener: TcpListener,
    settings: Settings,
    handler: Arc<Handler>,
    counters: Arc<Counters>,
    stop: impl Fn() -> bool,
) -> io::Result<()> {
    room::run(listener, settings, handler, counters, &stop)
}
