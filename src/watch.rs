//! Audits that are repeated: what is kept of each, and what they say together.
//!
//! `auditor serve` audits services again and again. Here is what it knows of them: the [`history`]
//! of their reports, the [`alerts`] that the newest of them raise, and what failed over a time
//! ([`failures`]); what may be asked of these ([`query`]), and how it is answered ([`answers`]). Nothing
//! here audits, and nothing here speaks HTTP.

pub mod alerts;
pub mod answers;
mod entry;
#[cfg(test)]
mod example;
pub mod failures;
pub mod history;
pub mod query;
pub mod raw;
mod view;

pub use alerts::{Alert, Category};
pub use entry::Entry;
pub use query::{BadQuery, Filter};
pub use view::{ServiceView, Standing, View};
