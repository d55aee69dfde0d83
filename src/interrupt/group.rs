//! The group of processes that a command leads: all that it starts belongs to it, unless it leaves.

use std::process::{Child, Command};

#[cfg(unix)]
pub(crate) use unix::Group;
#[cfg(unix)]
pub(super) use unix::lead;

#[cfg(not(unix))]
pub(crate) use elsewhere::Group;
#[cfg(not(unix))]
pub(super) use elsewhere::lead;

#[cfg(unix)]
mod unix {
    use std::os::unix::process::CommandExt as _;

    use rustix::io::Errno;
    use rustix::process::{
        Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process_group,
        test_kill_process_group, waitid, waitpgid,
    };

    use super::{Child, Command};

    /// A group of processes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Group(Pid);

    /// Gives the command that will be started a group of its own.
    pub(in crate::interrupt) fn lead(command: &mut Command) {
        command.process_group(0);
    }

    impl Group {
        /// The group that a child leads.
        pub(in crate::interrupt) fn of(child: &Child) -> Self {
            Self(Pid::from_child(child))
        }

        /// Sends a signal to each of them. It also reaches those that are stopped.
        pub(crate) fn signal(self, number: i32) {
            if let Some(signal) = Signal::from_named_raw(number) {
                // Those that are gone need none.
                let _ = kill_process_group(self.0, signal);
                let _ = kill_process_group(self.0, Signal::CONT);
            }
        }

        /// Ends each of them.
        pub(crate) fn kill(self) {
            let _ = kill_process_group(self.0, Signal::KILL);
        }

        /// Whether one of them is left. Only to be asked once the child itself was waited for.
        pub(crate) fn is_left(self) -> bool {
            // Where nobody else is there to wait for orphans, as in a container, it is up to us.
            while let Ok(Some(_)) = waitpgid(self.0, WaitOptions::NOHANG) {}
            test_kill_process_group(self.0) != Err(Errno::SRCH)
        }

        /// Whether the child was stopped because it wants the terminal, which is not its.
        pub(crate) fn wants_terminal(self) -> bool {
            let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
            let stopped = waitid(WaitId::Pid(self.0), options).ok().flatten();
            let signal = stopped.and_then(|status| status.stopping_signal());
            [Signal::TTIN, Signal::TTOU]
                .map(Signal::as_raw)
                .into_iter()
                .any(|it| Some(it) == signal)
        }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use super::{Child, Command};

    /// Nothing: there are no groups of processes that could be told to end.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Group;

    pub(in crate::interrupt) fn lead(_: &mut Command) {}

    impl Group {
        pub(in crate::interrupt) fn of(_: &Child) -> Self {
            Self
        }

        pub(crate) fn signal(self, _: i32) {}

        pub(crate) fn kill(self) {}

        pub(crate) fn is_left(self) -> bool {
            false
        }

        pub(crate) fn wants_terminal(self) -> bool {
            false
        }
    }
}
