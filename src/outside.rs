//! What can be seen of a service from outside, without a line of code in it. It knows nothing of
//! audits: here are the means, and [`crate::collect`] makes samples of what they show.
//!
//! - `probe` asks the service again and again, and says how long each answer took.
//! - `host` finds the processes behind a port, and looks at their threads and sockets (Linux).
//! - `stacks` reads where a thread is, and `place` says which line of the application that is.
//! - `inspector` has a Node process take a profile of itself, as stacks.
//! - `stalls` puts these together: since when the service stood, until when, and why.

pub(crate) mod host;
pub(crate) mod inspector;
pub(crate) mod place;
pub(crate) mod probe;
pub(crate) mod stacks;
pub(crate) mod stalls;
