//! The fault matrix: whatever goes wrong, calm telemetry behind a gate is no pass any more.
//!
//! Each row is one fault with the exit code, the words of the message and the time it may
//! take. Every matrix has two controls: without a fault calm telemetry passes, and sick
//! telemetry fails.

mod answers;
mod configuration;
mod credentials;
mod instant;
mod matrix;
pub(crate) mod memory;
mod output;
mod preflight;
mod recovery;
mod secure;
pub(crate) mod transport;
