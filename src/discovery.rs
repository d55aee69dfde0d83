//! Looks at what is there, names the libraries that it recognises, and writes the configuration
//! that fits. It is `auditor --init` with a URL, and costs an audit nothing.
//!
//! ```text
//! look ──▶ inventory ──▶ fit ──▶ edit ──▶ report
//! asks      metrics       which    the       what was found, and
//! pages,    and their     preset   preset's  the one next step
//! ports,    labels                 text
//! a server
//! ```
//!
//! Nothing is guessed silently: what is not certain is a comment in the file, or a choice that is
//! left to the user.

mod case;
mod edit;
mod fit;
mod html;
mod inventory;
mod look;
mod page;
mod report;
mod server;
#[cfg(test)]
mod tests;
mod text;
mod units;

pub(crate) use look::{Asked, Trouble, look};
