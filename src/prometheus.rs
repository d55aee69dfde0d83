//! The HTTP API of Prometheus, as servers speak it, and what is peculiar to some of them.

mod api;
pub(crate) mod http;
mod nan;
mod preflight;
pub(crate) mod probe;
mod reach;
pub(crate) mod samples;
mod wave;
mod wire;

pub(crate) use api::{Answered, Server};
pub use http::{Failed, Journey, Log, TransportError};
pub(crate) use nan::{add_zero_by_zero, hide as hide_nan, restore as restore_nan};
pub use preflight::{Backend, ServerProblem};
pub(crate) use preflight::{BuildInfo, judge};
pub(crate) use probe::{ask_all, escaped_length};
pub(crate) use reach::reach;
pub(crate) use wave::{Wave, join};
pub use wire::reply::Reply;
pub(crate) use wire::reply::decode as decode_reply;
pub use wire::{Answer, QueryError, decode, decode_matrix};
pub(crate) use wire::{RETURNS_RANGE, RETURNS_TEXT, instant, is_html, milliseconds};

use crate::config::Endpoint;

/// Tells the log how the server is reached.
pub(crate) fn describe(endpoint: &Endpoint, log: Log<'_>) {
    let http = &endpoint.http;
    let log = |line: &str| log(&http.redact(line));
    log(&format!("target: {}", endpoint.target));
    if let Some(credential) = &http.credential {
        log(&format!("credentials: {}", credential.origin));
    }
    for name in http.headers.keys() {
        log(&format!("header: {name}"));
    }
    if let Some(proxy) = &http.proxy {
        log(&format!("proxy: {proxy}"));
    }
    if http.tls.insecure_skip_verify {
        log("TLS: the server's certificate is not verified (insecure_skip_verify)");
    }
    if let Some(name) = &http.tls.server_name {
        log(&format!(
            "TLS: the server's name has to be {name}; no proxy of the environment is used"
        ));
    }
}
