//! Why the stacks of a process cannot be read, and what would allow it.

use std::io;

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
    #[error("its memory cannot be read ({kind}): {advice}")]
    Forbidden { kind: io::ErrorKind, advice: String },
    /// It has ended.
    #[error("the process has ended")]
    Gone,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// What decides who may read the memory of whom.
#[cfg(target_os = "linux")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rights {
    pub(super) our_user: u32,
    /// `None` where it cannot be seen.
    pub(super) its_user: Option<u32>,
    /// Whether auditor has `CAP_SYS_PTRACE`.
    pub(super) may_trace: bool,
    /// `kernel.yama.ptrace_scope`; 0 where the kernel has no Yama.
    pub(super) yama: u8,
}

#[cfg(target_os = "linux")]
impl Rights {
    /// What is missing for auditor to read the memory of a process, and the command to get it.
    pub(super) fn advice(self) -> String {
        let other = self.its_user.filter(|its_user| *its_user != self.our_user);
        match (self.yama, other) {
            (3.., _) => "kernel.yama.ptrace_scope is 3, which forbids it to everyone until the machine \
                         is started again; use a machine where it is 0 or 1"
                .to_owned(),
            _ if self.may_trace => "the kernel refuses it in spite of CAP_SYS_PTRACE (a sandbox, or a user \
                                    namespace that is not ours): run auditor beside the service, outside of it"
                .to_owned(),
            _ if self.our_user == 0 => {
                "root without CAP_SYS_PTRACE: `docker run --cap-add SYS_PTRACE`".to_owned()
            }
            (_, Some(its_user)) => format!(
                "it runs as user {its_user} and auditor as {}: run auditor as that user, or as root \
                 (`sudo`)",
                self.our_user
            ),
            (2, _) => "kernel.yama.ptrace_scope is 2, which takes root: run auditor with `sudo`, or \
                       `sudo sysctl kernel.yama.ptrace_scope=0`"
                .to_owned(),
            (1, _) => "kernel.yama.ptrace_scope is 1: start the service with --start, or \
                       `sudo sysctl kernel.yama.ptrace_scope=0`"
                .to_owned(),
            _ => "the process has more rights than auditor, or forbids it: run auditor with `sudo`".to_owned(),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn each_lack_of_a_right_names_its_own_way_out() {
        let rights = Rights { our_user: 1000, its_user: Some(1000), may_trace: false, yama: 1 };
        let advice = |rights: Rights| rights.advice();
        assert!(advice(rights).contains("--start, or `sudo sysctl kernel.yama.ptrace_scope=0`"));
        assert!(
            advice(Rights { its_user: Some(33), ..rights })
                .contains("as user 33 and auditor as 1000")
        );
        assert!(
            advice(Rights { our_user: 0, ..rights }).contains("docker run --cap-add SYS_PTRACE")
        );
        assert!(advice(Rights { yama: 2, ..rights }).contains("`sudo`"));
        assert!(advice(Rights { yama: 3, ..rights }).contains("everyone"));
        assert!(advice(Rights { yama: 0, ..rights }).contains("more rights"));
        assert!(advice(Rights { may_trace: true, ..rights }).contains("in spite of"));
    }
}
