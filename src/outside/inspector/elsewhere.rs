//! Node's inspector where processes cannot be looked at.

use crate::outside::stacks::Stack;
use std::convert::Infallible;
use std::time::Instant;

/// A Node process, which cannot be profiled here.
#[derive(Debug)]
pub(crate) struct Inspector(Infallible);

/// A profile that cannot be taken here.
#[derive(Debug)]
pub(crate) struct Profile(Infallible);

impl Inspector {
    /// Always fails: which program a process runs is looked at only on Linux.
    pub(crate) fn start(_pid: u32) -> Result<Self, String> {
        Err("the stacks of a service can be read only on Linux".to_owned())
    }

    /// Is never called: there is none.
    pub(crate) fn stop(self) -> Result<Profile, String> {
        match self.0 {}
    }
}

impl Profile {
    /// Is never called: there is none.
    pub(crate) fn stacks(&self, _from: Instant, _to: Instant) -> Vec<Stack> {
        match self.0 {}
    }
}
