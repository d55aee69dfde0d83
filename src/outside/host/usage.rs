//! What processes use of the machine, in the numbers of the kernel.

use std::net::SocketAddr;

use procfs::process::Stat;
use procfs::{page_size, ticks_per_second as per_second};

use super::find::listener;
use super::processes::{open, running_since};
use super::{Owner, Process, workers};

/// The processes that serve at an address of this machine; none where they cannot be seen.
pub(crate) fn serving_at(address: SocketAddr) -> Vec<Process> {
    match listener(address) {
        Some(Owner::Process { process, is_proxy: false }) => {
            workers(&[process.pid], address.port())
        }
        _ => Vec::new(),
    }
}

/// So many ticks of a CPU are a second.
pub(crate) fn ticks_per_second() -> Option<u64> {
    Some(per_second())
}

/// The CPU time of a process, in ticks; `None` where it cannot be read, or another process has its
/// number by now. `since` is when it was started, as [`running_since`] says it.
pub(crate) fn cpu_ticks(pid: u32, since: u64) -> Option<u64> {
    running_since(pid).ok()?.filter(|it| *it == since)?;
    let stat = stat(pid)?;
    (stat.starttime == since).then(|| stat.utime + stat.stime)
}

/// CPU seconds and bytes of memory of this process.
pub(crate) fn own() -> Option<(f64, u64)> {
    let stat = stat(std::process::id())?;
    let seconds = (stat.utime + stat.stime) as f64 / per_second() as f64;
    Some((seconds, stat.rss * page_size()))
}

fn stat(pid: u32) -> Option<Stat> {
    open(pid).ok()?.stat().ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn who_serves_at_an_address_is_found_and_its_ticks_grow() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let found = serving_at(listener.local_addr().unwrap());
        let pid = std::process::id();
        assert_eq!(found.iter().map(|it| it.pid).collect::<Vec<_>>(), [pid]);
        let since = running_since(pid).unwrap().unwrap();
        let before = cpu_ticks(pid, since).unwrap();
        let began = std::time::Instant::now();
        while cpu_ticks(pid, since).unwrap() == before {
            assert!(began.elapsed().as_secs() < 60, "a busy process uses its CPU");
        }
        assert_eq!(cpu_ticks(pid, since + 1), None);
    }

    #[test]
    fn of_what_is_not_there_nothing_is_known() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(serving_at(free), []);
        assert_eq!(cpu_ticks(u32::MAX, 0), None);
        let (seconds, bytes) = own().unwrap();
        assert!(seconds >= 0.0 && bytes > 100_000, "{seconds} {bytes}");
    }
}
