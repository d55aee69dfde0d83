//! Makes a Node process open its inspector, and finds where it listens.

use super::session::target;
use procfs::net::TcpState;
use procfs::process::{FDTarget, Process};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::HashSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

/// How long the inspector may take to open.
const TO_OPEN: Duration = Duration::from_secs(3);
/// How long to wait between two looks for it.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// How long it may take to tell its targets.
const TO_ANSWER: Duration = Duration::from_millis(500);
/// Where inspectors listen that were told nothing else; the workers of a cluster count on from it.
const USUAL_PORTS: std::ops::Range<u16> = 9229..9300;
/// SIGUSR1, as the bits of `/proc/PID/status` count signals.
const SIGUSR1_BIT: u64 = 1 << 9;

/// An inspector that listens.
pub(super) struct Opened {
    pub(super) address: SocketAddr,
    /// Of its WebSocket.
    pub(super) url: String,
    /// Whether it was opened by us.
    pub(super) is_ours: bool,
}

/// Opens the inspector of a process, unless it is open. What other programs do at SIGUSR1 is to
/// end: so it is sent only to Node, and only where Node waits for it.
pub(super) fn open(pid: u32) -> Result<Opened, String> {
    check_program(pid)?;
    let before = listening(pid)?;
    let is_asked = asks_for_inspector(pid);
    let usual = |address: &&SocketAddr| is_asked || USUAL_PORTS.contains(&address.port());
    if let Some(opened) = first_inspector(before.iter().filter(usual), false) {
        return Ok(opened);
    }
    check_handler(pid)?;
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or("that is no process")?;
    kill_process(number, Signal::USR1).map_err(|error| {
        format!("SIGUSR1 cannot be sent to Node ({error}): run auditor as its user")
    })?;
    let until = Instant::now() + TO_OPEN;
    while Instant::now() < until {
        thread::sleep(BETWEEN_LOOKS);
        let now = listening(pid)?;
        if let Some(opened) = first_inspector(now.difference(&before), true) {
            return Ok(opened);
        }
    }
    Err(format!(
        "Node did not open its inspector within {} s of SIGUSR1 (its loop stands, or another process \
         has port {}): start it with --inspect=127.0.0.1:0",
        TO_OPEN.as_secs(),
        USUAL_PORTS.start
    ))
}

/// Whether a process has that number, in the namespace of its own.
pub(super) fn has_number(pid: u32, number: u64) -> bool {
    let numbers = status(pid, "NSpid:").unwrap_or_default();
    u64::from(pid) == number || numbers.split_whitespace().next_back() == Some(&number.to_string())
}

fn first_inspector<'a>(
    addresses: impl Iterator<Item = &'a SocketAddr>,
    is_ours: bool,
) -> Option<Opened> {
    addresses.into_iter().find_map(|address| {
        let url = target(*address, TO_ANSWER)?;
        Some(Opened { address: *address, url, is_ours })
    })
}

/// Whether the process runs Node, and can be reached.
fn check_program(pid: u32) -> Result<(), String> {
    let program = fs::read_link(format!("/proc/{pid}/exe")).map_err(|error| {
        format!("which program it runs cannot be seen ({error}): run auditor as its user")
    })?;
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !matches!(name.trim_end_matches(" (deleted)"), "node" | "nodejs") {
        return Err(format!("the process is no Node (its program is {name})"));
    }
    let network = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).ok();
    if network(&pid.to_string()) != network("self") {
        return Err("Node's inspector listens in another network namespace: run auditor in it \
                    (in the container, or `docker run --network host`)"
            .to_owned());
    }
    Ok(())
}

/// Whether Node waits for SIGUSR1; where it does not, the signal would end it.
fn check_handler(pid: u32) -> Result<(), String> {
    let caught = status(pid, "SigCgt:").and_then(|bits| u64::from_str_radix(&bits, 16).ok());
    if caught.is_some_and(|bits| bits & SIGUSR1_BIT != 0) {
        return Ok(());
    }
    Err("Node does not wait for SIGUSR1 (--disable-sigusr1, or it has just started): start it with \
         --inspect=127.0.0.1:0"
        .to_owned())
}

/// Whether the process was started with an inspector, by its command line or its environment.
fn asks_for_inspector(pid: u32) -> bool {
    ["cmdline", "environ"].iter().any(|file| {
        let text = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        memchr::memmem::find(&text, b"--inspect").is_some()
    })
}

/// Where a process listens.
fn listening(pid: u32) -> Result<HashSet<SocketAddr>, String> {
    let failed = |error: procfs::ProcError| {
        format!("Node's sockets cannot be seen ({error}): run auditor as its user")
    };
    let process = i32::try_from(pid).map_err(|error| error.to_string())?;
    let process = Process::new(process).map_err(failed)?;
    let sockets: HashSet<u64> = process
        .fd()
        .map_err(failed)?
        .filter_map(|file| match file.ok()?.target {
            FDTarget::Socket(inode) => Some(inode),
            _ => None,
        })
        .collect();
    let mut entries = process.tcp().map_err(failed)?;
    // A kernel without IPv6 has no such list.
    entries.extend(process.tcp6().unwrap_or_default());
    let own = entries.into_iter().filter(|entry| sockets.contains(&entry.inode));
    Ok(own
        .filter(|entry| entry.state == TcpState::Listen)
        .map(|entry| reachable(entry.local_address))
        .collect())
}

/// Where to connect to what listens there.
fn reachable(address: SocketAddr) -> SocketAddr {
    let host = match address.ip() {
        IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host => host,
    };
    SocketAddr::new(host, address.port())
}

/// A line of `/proc/PID/status`, without its name; `None` where it cannot be read.
fn status(pid: u32, name: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn no_signal_is_sent_to_what_is_not_node() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let error = open(child.id()).err().unwrap();
        let has_ended = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(error.contains("no Node"), "{error}");
        assert!(!has_ended);
    }
}
