//! Where the threads of a process are, read without stopping it.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
mod event_loop;
#[cfg(target_os = "linux")]
mod python;
#[cfg(target_os = "linux")]
mod queues;
#[cfg(target_os = "linux")]
mod quiet;
mod unreadable;

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::Python;
pub(crate) use event_loop::{inside_the_loop, is_idle, last_name, loop_thread};
#[cfg(target_os = "linux")]
pub(crate) use python::Python;
pub(crate) use unreadable::Unreadable;

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
    /// Whether it has the lock of the interpreter, without which no other thread runs Python.
    pub(crate) has_lock: bool,
    /// The innermost call first.
    pub(crate) frames: Vec<Frame>,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A stack of `file:line:function`, the innermost call first.
    pub(crate) fn stack(calls: &[&str]) -> Stack {
        let frame = |call: &&str| {
            let mut parts = call.splitn(3, ':');
            let file = parts.next().unwrap().to_owned();
            let line = parts.next().unwrap().parse().unwrap();
            Frame { function: parts.next().unwrap().to_owned(), file, line }
        };
        Stack {
            tid: Some(1),
            thread_name: String::new(),
            has_lock: false,
            frames: calls.iter().map(frame).collect(),
        }
    }
}
