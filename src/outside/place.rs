//! Which line of the application holds the loop.

/// A place in the application.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The path; relative to the repository where it is in it.
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) function: String,
    /// The line itself, without its indentation, where it can be read; else empty.
    pub(crate) source: String,
}
