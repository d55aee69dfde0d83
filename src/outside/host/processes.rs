//! What `/proc` says of processes.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;

use procfs::process as proc;
use procfs::{ProcError, boot_time_secs, ticks_per_second};

use super::reason::{self, What};
use super::{Process, Reason};

/// The process with that number, as long as it runs.
pub(crate) fn process(pid: u32) -> Result<Process, Reason> {
    let read = || {
        let stat = running(pid)?;
        let started = boot_time_secs()? as f64 + stat.starttime as f64 / ticks_per_second() as f64;
        Ok(Process { pid, name: stat.comm, started_s: started })
    };
    read().map_err(|error| why_not(pid, What::Process, &error))
}

/// When that process was started, in ticks since the machine was; `None` once it has ended.
///
/// # Errors
/// Why it cannot be told.
pub(crate) fn running_since(pid: u32) -> Result<Option<u64>, Reason> {
    match running(pid) {
        Ok(stat) => Ok(Some(stat.starttime)),
        Err(ProcError::NotFound(_)) => Ok(None),
        Err(ProcError::Io(error, _)) if error.raw_os_error() == Some(ESRCH) => Ok(None),
        Err(error) => Err(why_not(pid, What::Process, &error)),
    }
}

/// When the process was started, in the same ticks, that was started last of all that can be seen.
pub(crate) fn newest_start() -> u64 {
    let started = all().into_iter().filter_map(|pid| running_since(pid).ok()?);
    started.max().unwrap_or_default()
}

/// The state of a process that runs: one of which its parent has not asked yet how it ended is no
/// longer there.
fn running(pid: u32) -> Result<proc::Stat, ProcError> {
    let stat = open(pid)?.stat()?;
    // The main thread may end before the others.
    let is_over = matches!(stat.state, 'Z' | 'X') && stat.num_threads <= 1;
    if is_over { Err(ProcError::NotFound(None)) } else { Ok(stat) }
}

/// The process as `procfs` reads it. Its error is that of the kernel.
pub(super) fn open(pid: u32) -> Result<proc::Process, ProcError> {
    // A number beyond those that the kernel hands out is nobody's.
    proc::Process::new(i32::try_from(pid).unwrap_or(i32::MAX))
}

/// All processes that can be seen.
pub(super) fn all() -> Vec<u32> {
    let Ok(all) = proc::all_processes() else { return Vec::new() };
    all.flatten().filter_map(|process| u32::try_from(process.pid).ok()).collect()
}

/// What of the files of a process is asked for here.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Files {
    /// The numbers of its sockets.
    pub(super) sockets: HashSet<u64>,
    /// What event loops wait by: the numbers of the files.
    pub(super) event_queues: Vec<String>,
}

/// The files that a process has open; an error where they must not be read, or it has ended.
pub(super) fn files(pid: u32) -> io::Result<Files> {
    let mut files = Files::default();
    for file in fs::read_dir(format!("/proc/{pid}/fd"))?.flatten() {
        // One that was closed meanwhile is none any more.
        let Ok(target) = fs::read_link(file.path()) else { continue };
        let Some(target) = target.to_str() else { continue };
        if let Some(inode) = numbered(target, "socket:[") {
            files.sockets.insert(inode);
        }
        if ["anon_inode:[eventpoll]", "anon_inode:[io_uring]"].contains(&target) {
            files.event_queues.extend(file.file_name().into_string());
        }
    }
    Ok(files)
}

/// The sockets that the event loops of a process wait for.
pub(super) fn awaited(pid: u32, files: &Files) -> HashSet<u64> {
    let info = |queue: &String| fs::read_to_string(format!("/proc/{pid}/fdinfo/{queue}")).ok();
    files.event_queues.iter().filter_map(info).flat_map(|info| inodes_of(&info)).collect()
}

/// The files in a line each of what the kernel says of an event queue: `tfd: 5 … ino:3c1a sdev:8`.
fn inodes_of(info: &str) -> Vec<u64> {
    let lines = info.lines().filter(|line| line.starts_with("tfd:"));
    let inode = |line: &str| {
        let field = line.split_ascii_whitespace().find_map(|field| field.strip_prefix("ino:"))?;
        u64::from_str_radix(field, 16).ok()
    };
    lines.filter_map(inode).collect()
}

/// The number in brackets after such a beginning.
fn numbered(target: &str, begins: &str) -> Option<u64> {
    target.strip_prefix(begins)?.strip_suffix(']')?.parse().ok()
}

/// Which processes hold each of these sockets, the oldest first: what holds it as well was started
/// by it as a rule, and has only inherited it.
pub(super) fn holders(inodes: &HashSet<u64>) -> HashMap<u64, Vec<u32>> {
    let mut holders: HashMap<u64, Vec<u32>> = HashMap::new();
    for pid in all() {
        let Ok(files) = files(pid) else { continue };
        for inode in files.sockets.intersection(inodes) {
            holders.entry(*inode).or_default().push(pid);
        }
    }
    for pids in holders.values_mut() {
        pids.sort_by_key(|pid| started(*pid));
    }
    holders
}

/// When it was started, in ticks; last of all where it has ended.
fn started(pid: u32) -> (u64, u32) {
    let stat = open(pid).and_then(|process| process.stat());
    (stat.map_or(u64::MAX, |stat| stat.starttime), pid)
}

/// The children of these processes, theirs, and so on; without these themselves.
pub(super) fn descendants(pids: &[u32]) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = all().into_iter().filter_map(with_parent).collect();
    let mut known: HashSet<u32> = pids.iter().copied().collect();
    let mut found = Vec::new();
    loop {
        let next: Vec<u32> = parents
            .iter()
            .filter(|(pid, parent)| known.contains(parent) && !known.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        if next.is_empty() {
            return found;
        }
        known.extend(&next);
        found.extend(next);
    }
}

fn with_parent(pid: u32) -> Option<(u32, u32)> {
    let stat = open(pid).ok()?.stat().ok()?;
    Some((pid, u32::try_from(stat.ppid).ok()?))
}

/// Which network the process is in; `None` where that must not be read.
pub(super) fn network(pid: u32) -> Option<u64> {
    let link = fs::read_link(format!("/proc/{pid}/ns/net")).ok()?;
    numbered(link.to_str()?, "net:[")
}

/// The reason for an error of `/proc`.
pub(super) fn why_not(pid: u32, what: What, error: &ProcError) -> Reason {
    let kind = match error {
        ProcError::PermissionDenied(_) => io::ErrorKind::PermissionDenied,
        ProcError::NotFound(_) => io::ErrorKind::NotFound,
        ProcError::Io(error, _) if error.raw_os_error() == Some(ESRCH) => io::ErrorKind::NotFound,
        ProcError::Io(error, _) => error.kind(),
        _ => io::ErrorKind::Other,
    };
    reason::why_not(pid, what, kind)
}

/// What the kernel says of a process that has just ended.
const ESRCH: i32 = 3;

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::process::Command;
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_child_is_named_with_its_start_and_is_a_descendant() {
        let mut child = Command::new("sleep").arg("30").spawn().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let seen = process(child.id());
        let descends = descendants(&[std::process::id()]).contains(&child.id());
        let since = running_since(child.id()).unwrap();
        assert!(since.is_some_and(|since| since <= newest_start()), "{since:?}");
        child.kill().unwrap();
        // It has ended though nobody has asked yet how.
        let has_ended = || running_since(child.id()).unwrap().is_none();
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !has_ended() && std::time::Instant::now() < until {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert!(has_ended() && process(child.id()).is_err());
        child.wait().unwrap();
        let seen = seen.unwrap();
        assert!((seen.started_s - now).abs() < 20.0, "{} at {now}", seen.started_s);
        assert!(descends);
        let gone = process(child.id()).unwrap_err().to_string();
        assert!(gone.contains("no process"), "{gone}");
    }

    #[test]
    fn what_an_event_queue_waits_for_is_read() {
        let info = "pos:\t0\nflags:\t02000002\nino:\t1057\n\
                    tfd:        6 events:       19 data: 6  pos:0 ino:3c1a sdev:8\n\
                    tfd:        7 events:       19 data: 7\n";
        assert_eq!(inodes_of(info), [0x3c1a]);
    }

    #[test]
    fn who_holds_a_socket_is_found() {
        use std::os::fd::AsRawFd;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let link = format!("/proc/self/fd/{}", listener.as_raw_fd());
        let link = std::fs::read_link(link).unwrap().to_string_lossy().into_owned();
        let inode = link.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
        let holders = holders(&HashSet::from([inode]));
        assert_eq!(holders[&inode].first(), Some(&std::process::id()));
    }
}
