//! Evaluation of expressions: by a server, or on samples at hand.

mod failures;
mod query;
pub(crate) mod samples;
pub(crate) mod server;

pub use query::{Refusal, query};
