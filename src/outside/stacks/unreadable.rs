//! Why the stacks of a process cannot be read, and what would allow it.

/// Why the stacks of a process cannot be read.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "there, it always fails"))]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// Its program is not Python.
    #[error("the process is no Python (its program is {0})")]
    NotPython(String),
    /// A build without the global lock, which `py-spy` cannot read.
    #[error(
        "{0} is a free-threaded build of Python, whose stacks cannot be read yet: use the usual build"
    )]
    FreeThreaded(String),
    /// A version that `py-spy` does not know, or another Python than CPython.
    #[error("the stacks of {0} cannot be read yet: use CPython 3.6 to 3.15")]
    Unsupported(String),
    /// The kernel refuses it; what is missing, and the command that would allow it.
    #[error("{0}")]
    Forbidden(String),
    /// It has ended.
    #[error("the process has ended")]
    Gone,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}
