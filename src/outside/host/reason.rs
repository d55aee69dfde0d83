//! Why something of a process cannot be read, and what would allow it.

use std::io::ErrorKind;

use super::Reason;

/// What was to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// That it is there at all.
    Process,
    /// Its memory: where its code is.
    Memory,
    /// Its threads.
    Threads,
    /// The network that it is in.
    Network,
}

impl What {
    fn words(self) -> &'static str {
        match self {
            Self::Process => "the process",
            Self::Memory => "its memory",
            Self::Threads => "its threads",
            Self::Network => "its network",
        }
    }
}

/// What decides whether a process may be read by this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Circumstances {
    pub(crate) pid: u32,
    pub(crate) what: What,
    pub(crate) error: ErrorKind,
    /// Whose this process is.
    pub(crate) reader: User,
    /// Whose the other is; `None` where that is not known.
    pub(crate) owner: Option<User>,
    /// Whether this process has CAP_SYS_PTRACE; `None` where that is not known.
    pub(crate) may_trace: Option<bool>,
    /// `kernel.yama.ptrace_scope`; `None` where the kernel has no Yama.
    pub(crate) yama: Option<u8>,
    /// Whether this process, or one that it started, has started the other.
    pub(crate) is_descendant: bool,
}

/// A user, by number and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    /// The number again where no name is known.
    pub(crate) name: String,
}

/// The one line that says what is missing, and what would allow it.
pub(crate) fn explain(seen: &Circumstances) -> Reason {
    let Circumstances { pid, what, reader, .. } = seen;
    let what = what.words();
    if seen.error == ErrorKind::NotFound {
        return Reason::new(format!("there is no process {pid} any more, or /proc hides it"));
    }
    if seen.error != ErrorKind::PermissionDenied {
        let error = seen.error;
        return Reason::new(format!("process {pid}: {what} cannot be read: {error}"));
    }
    if let Some(owner) = seen.owner.as_ref().filter(|owner| owner.uid != reader.uid)
        && reader.uid != 0
    {
        let (owner, whom, reader) = (&owner.name, whom(owner), &reader.name);
        return Reason::new(format!(
            "process {pid} is of user {owner}, and auditor runs as {reader}: {what} cannot be \
             read; run auditor as {whom}, or let it start the service: --start CMD"
        ));
    }
    if seen.what == What::Network {
        return Reason::new(format!(
            "process {pid} is in a network of its own that auditor may not enter: it takes \
             CAP_SYS_ADMIN; run auditor as root of the machine, or in that container"
        ));
    }
    let is_memory = seen.what == What::Memory && seen.may_trace != Some(true);
    match seen.yama.filter(|_| is_memory) {
        Some(1) if !seen.is_descendant => return yama_wants_a_parent(pid, reader),
        Some(2) => return yama_wants_a_privilege(pid, reader),
        Some(3) => {
            return Reason::new(format!(
                "process {pid}: the machine forbids reading any memory \
                 (kernel.yama.ptrace_scope=3) until it starts anew with a lower value"
            ));
        }
        _ => {}
    }
    let is_root = reader.uid == 0;
    Reason::new(match seen.may_trace {
        Some(false) | None if is_root => format!(
            "process {pid}: {what} cannot be read: auditor is root without CAP_SYS_PTRACE; let it \
             start the service (--start CMD), or add it: docker run --cap-add SYS_PTRACE, in \
             Kubernetes securityContext.capabilities.add: [SYS_PTRACE]"
        ),
        Some(true) => format!(
            "process {pid}: the kernel refuses {what} in spite of CAP_SYS_PTRACE: a sandbox \
             (seccomp, SELinux, AppArmor) or another user namespace forbids it; run auditor \
             outside of it"
        ),
        _ => format!(
            "process {pid}: {what} cannot be read though it is of the same user: it has \
             privileges of its own, or a sandbox (seccomp, AppArmor) forbids it; run auditor as \
             root: sudo auditor …"
        ),
    })
}

fn yama_wants_a_parent(pid: &u32, reader: &User) -> Reason {
    let otherwise = privilege(reader);
    Reason::new(format!(
        "process {pid}: only who started it may read its memory (kernel.yama.ptrace_scope=1); let \
         auditor start the service: --start CMD, or {otherwise}"
    ))
}

fn yama_wants_a_privilege(pid: &u32, reader: &User) -> Reason {
    let privilege = privilege(reader);
    Reason::new(format!(
        "process {pid}: only with CAP_SYS_PTRACE may its memory be read \
         (kernel.yama.ptrace_scope=2); {privilege}"
    ))
}

/// Who may read what is of that user.
fn whom(owner: &User) -> String {
    match owner.uid {
        0 => "root".to_owned(),
        _ => format!("{} or as root", owner.name),
    }
}

/// How CAP_SYS_PTRACE is had.
fn privilege(reader: &User) -> &'static str {
    match reader.uid {
        0 => "add CAP_SYS_PTRACE: docker run --cap-add SYS_PTRACE",
        _ => "run auditor as root: sudo auditor …",
    }
}

pub(crate) use here::memory;
pub(super) use here::{user, why_not};

/// What `/proc` says of this process and of the other.
mod here {
    use std::fs::{self, File};
    use std::io::ErrorKind;
    use std::os::unix::fs::MetadataExt;

    use super::super::processes;
    use super::{Circumstances, Reason, User, What, explain};

    /// Bit of CAP_SYS_PTRACE in `linux/capability.h`.
    const SYS_PTRACE: u32 = 19;
    /// Processes are not deeper below one another than that.
    const DEEPEST: usize = 64;

    /// Whether the memory of that process may be read; if not, why, and what would allow it.
    pub(crate) fn memory(pid: u32) -> Result<(), Reason> {
        let opened = File::open(format!("/proc/{pid}/mem"));
        opened.map(drop).map_err(|error| why_not(pid, What::Memory, error.kind()))
    }

    /// Why reading that of the process came to this error.
    pub(crate) fn why_not(pid: u32, what: What, error: ErrorKind) -> Reason {
        let reader = rustix::process::geteuid().as_raw();
        let owner = fs::metadata(format!("/proc/{pid}/task")).ok().map(|of| of.uid());
        explain(&Circumstances {
            pid,
            what,
            error,
            reader: user(reader),
            owner: owner_of(pid).or(owner).map(user),
            may_trace: may_trace(),
            yama: fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope")
                .ok()
                .and_then(|scope| scope.trim().parse().ok()),
            is_descendant: is_descendant(pid),
        })
    }

    /// Whose a process is. What has privileges of its own belongs to root in `/proc`, so its status
    /// is asked first.
    fn owner_of(pid: u32) -> Option<u32> {
        Some(processes::open(pid).ok()?.status().ok()?.euid)
    }

    /// The user with that number, by `/etc/passwd`.
    pub(in super::super) fn user(uid: u32) -> User {
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        User { uid, name: name_in(&users, uid).unwrap_or_else(|| uid.to_string()) }
    }

    fn name_in(users: &str, uid: u32) -> Option<String> {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let (name, number) = (fields.next()?, fields.nth(1)?);
            (number.parse() == Ok(uid)).then(|| name.to_owned())
        })
    }

    fn may_trace() -> Option<bool> {
        let status = procfs::process::Process::myself().ok()?.status().ok()?;
        Some(status.capeff & (1 << SYS_PTRACE) != 0)
    }

    fn is_descendant(pid: u32) -> bool {
        let this = std::process::id();
        let parent = |pid: &u32| {
            let stat = processes::open(*pid).ok()?.stat().ok()?;
            u32::try_from(stat.ppid).ok()
        };
        std::iter::successors(Some(pid), parent).take(DEEPEST).skip(1).any(|pid| pid == this)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_user_is_named_by_the_number() {
            let users = "root:x:0:0:root:/root:/bin/sh\nbroken\nweb:x:33:33::/:/bin/false\n";
            assert_eq!(name_in(users, 33).as_deref(), Some("web"));
            assert_eq!(name_in(users, 34), None);
        }

        #[test]
        fn the_memory_of_a_child_is_readable_and_that_of_nobody_is_not() {
            let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
            let readable = memory(child.id());
            let descends = is_descendant(child.id());
            child.kill().unwrap();
            child.wait().unwrap();
            assert_eq!(readable, Ok(()));
            assert!(descends);
            assert!(!is_descendant(1));
            let gone = memory(child.id()).unwrap_err().to_string();
            assert!(gone.contains("no process"), "{gone}");
        }
    }
}

/// Why the process behind a connection stays unknown though its socket is of this machine.
pub(super) fn hidden(uid: u32) -> Reason {
    let reader = rustix::process::geteuid().as_raw();
    hidden_of(&user(uid), &user(reader))
}

/// The same, of the socket's user and this process's.
fn hidden_of(owner_user: &User, reader: &User) -> Reason {
    let owner = &owner_user.name;
    let reader_name = &reader.name;
    Reason::new(if reader.uid == 0 {
        format!(
            "the process is of user {owner}, and auditor is root without CAP_SYS_PTRACE: its files \
             cannot be read; let auditor start the service (--start CMD), or add it: docker run \
             --cap-add SYS_PTRACE; --pid PID shows its threads at least"
        )
    } else if reader == owner_user {
        "the process is of the same user, and its files cannot be read all the same: it has \
         privileges of its own, or it has just ended; run auditor as root: sudo auditor …"
            .to_owned()
    } else {
        let whom = whom(owner_user);
        format!(
            "the process is of user {owner}, and auditor runs as {reader_name}: its files cannot \
             be read; run auditor as {whom}, or let it start the service: --start CMD; --pid PID \
             shows its threads at least"
        )
    })
}

/// Why no process is found for a connection to that address; whether there are networks that this
/// process may not look into.
pub(super) fn not_here(service: std::net::SocketAddr, some_are_hidden: bool) -> Reason {
    let container = match some_are_hidden {
        true => ", or in a container that only root may look into: sudo auditor …",
        false => "",
    };
    Reason::new(format!(
        "no process that can be seen has accepted the connection to {service}: it is on another \
         machine, or behind a forwarded port{container}; if it is here, name it: --pid PID"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(uid: u32, name: &str) -> User {
        User { uid, name: name.to_owned() }
    }

    /// Its own memory is refused to an ordinary user.
    fn refused() -> Circumstances {
        Circumstances {
            pid: 7,
            what: What::Memory,
            error: ErrorKind::PermissionDenied,
            reader: user(1000, "ci"),
            owner: Some(user(1000, "ci")),
            may_trace: Some(false),
            yama: None,
            is_descendant: false,
        }
    }

    #[test]
    fn each_reason_names_what_is_missing_and_what_allows_it() {
        let root = || user(0, "root");
        let web = || Some(user(33, "web"));
        let table: [(&str, Circumstances, &[&str]); 11] = [
            ("Yama", Circumstances { yama: Some(1), ..refused() }, &["=1", "--start", "sudo"]),
            (
                "Yama, started by auditor",
                Circumstances { yama: Some(1), is_descendant: true, ..refused() },
                &["same user", "sandbox"],
            ),
            ("Yama 2", Circumstances { yama: Some(2), ..refused() }, &["=2", "sudo auditor"]),
            ("Yama 3", Circumstances { yama: Some(3), ..refused() }, &["=3"]),
            (
                "another user",
                Circumstances { owner: web(), yama: Some(1), ..refused() },
                &["of user web", "runs as ci", "as web or as root", "--start CMD"],
            ),
            (
                "root's",
                Circumstances { owner: Some(root()), ..refused() },
                &["run auditor as root,"],
            ),
            (
                "root without the privilege",
                Circumstances { reader: root(), owner: web(), ..refused() },
                &["root without CAP_SYS_PTRACE", "--cap-add SYS_PTRACE", "--start CMD"],
            ),
            (
                "root without it, and Yama",
                Circumstances { reader: root(), owner: web(), yama: Some(1), ..refused() },
                &["=1", "--start CMD", "--cap-add SYS_PTRACE"],
            ),
            (
                "root with it",
                Circumstances { reader: root(), may_trace: Some(true), yama: Some(1), ..refused() },
                &["in spite of CAP_SYS_PTRACE", "seccomp"],
            ),
            (
                "a network of its own",
                Circumstances { what: What::Network, ..refused() },
                &["CAP_SYS_ADMIN", "in that container"],
            ),
            (
                "it has ended",
                Circumstances { error: ErrorKind::NotFound, ..refused() },
                &["no process 7 any more"],
            ),
        ];
        for (name, seen, words) in table {
            let reason = explain(&seen).to_string();
            assert!(words.iter().all(|word| reason.contains(word)), "{name}: {reason}");
            assert!(!reason.contains('\n') && !reason.contains("  "), "{name}: {reason}");
        }
    }

    #[test]
    fn who_hides_behind_a_socket_is_named() {
        let [ci, web, root] = [user(1000, "ci"), user(33, "web"), user(0, "root")];
        let of = |owner: &User, reader: &User| hidden_of(owner, reader).to_string();
        assert!(of(&web, &ci).contains("of user web, and auditor runs as ci"));
        assert!(of(&web, &ci).contains("run auditor as web or as root"));
        assert!(of(&root, &root).contains("root without CAP_SYS_PTRACE"));
        assert!(of(&ci, &ci).contains("of the same user"));
    }
}
