//! Where the threads of a process are, read without stopping it.

/// A call on a stack.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Frame {
    pub(crate) function: String,
    /// The path as the runtime has it.
    pub(crate) file: String,
    pub(crate) line: u32,
}

/// The stack of a thread at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stack {
    /// The thread, as the kernel counts them.
    pub(crate) tid: Option<u32>,
    pub(crate) thread_name: String,
    /// The innermost call first.
    pub(crate) frames: Vec<Frame>,
}
