//! An HTTP server for what is read: many clients, slow and huge ones among them, one token, a graceful
//! end. It knows nothing of audits.

use std::borrow::Cow;

/// A request, as far as it is looked at: its body is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The path, as it was sent, without the query: `/api/alerts`.
    pub path: String,
    /// The query, decoded, in its order; a name may be there twice.
    pub query: Vec<(String, String)>,
}

/// What is answered.
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
