//! Stacks where they cannot be read.

use super::{Stack, Unreadable};

/// A Python process whose stacks cannot be read here.
#[derive(Debug)]
pub(crate) struct Python(std::convert::Infallible);

impl Python {
    /// Always fails: the memory of another process is only read on Linux.
    pub(crate) fn attach(_pid: u32) -> Result<Self, Unreadable> {
        Err(Unreadable::Failed("the stacks of a service can be read only on Linux".to_owned()))
    }

    /// Is never called: there is no such process.
    pub(crate) fn queued(&mut self) -> Result<Option<u64>, String> {
        match self.0 {}
    }

    /// Is never called: there is no such process.
    pub(crate) fn stacks(&mut self) -> Result<Vec<Stack>, String> {
        match self.0 {}
    }
}
