//! The threads of a process: three small files each, below a directory that is kept open.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::fs::{Dir, Mode, OFlags, open, openat};
use rustix::io::Errno;

use super::reason::{self, What};
use super::{Doing, Reason, Thread};

/// The directories of the threads, by process. One that was opened never shows another process
/// that has got the same number since.
#[derive(Debug, Default)]
pub(super) struct Threads {
    directories: HashMap<u32, OwnedFd>,
}

impl Threads {
    /// The threads of that process; the reason why they cannot be read, or that it has ended.
    pub(super) fn of(&mut self, pid: u32) -> Result<Vec<Thread>, Reason> {
        self.read(pid).map_err(|errno| {
            let error = match errno {
                Errno::SRCH => io::ErrorKind::NotFound,
                other => io::Error::from(other).kind(),
            };
            reason::why_not(pid, What::Threads, error)
        })
    }

    fn read(&mut self, pid: u32) -> Result<Vec<Thread>, Errno> {
        let directory = match self.directories.entry(pid) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(new) => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                new.insert(open(format!("/proc/{pid}/task"), flags, Mode::empty())?)
            }
        };
        let mut threads = Vec::new();
        for entry in Dir::read_from(&*directory)? {
            let entry = entry?;
            let Ok(Ok(tid)) = entry.file_name().to_str().map(str::parse) else { continue };
            // One that has ended since the directory was read is none any more.
            threads.extend(thread(directory, tid));
        }
        // A process that has ended may leave an empty directory, or its main thread as a zombie.
        let is_over = threads.iter().all(|thread: &Thread| matches!(thread.state, 'Z' | 'X'));
        if is_over { Err(Errno::SRCH) } else { Ok(threads) }
    }
}

/// What a thread does now; `None` where it has ended.
pub(crate) fn doing(pid: u32, tid: u32) -> Option<Doing> {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/task/{tid}/{file}"));
    let waits_in = function(&read("wchan").ok()?);
    let schedstat = read("schedstat").ok()?;
    let (on_cpu, _) = times(&schedstat).unzip();
    let runs = schedstat.split_ascii_whitespace().nth(2).and_then(|runs| runs.parse().ok());
    Some(Doing { waits_in, on_cpu, runs: runs.filter(|_| on_cpu.is_some()) })
}

/// The thread with that number; `None` where it has ended.
fn thread(directory: &OwnedFd, tid: u32) -> Option<Thread> {
    let mut buffer = [0; 1024];
    let (name, state) = name_and_state(text(directory, tid, "stat", &mut buffer)?)?;
    let waits_in = text(directory, tid, "wchan", &mut buffer).and_then(function);
    let times = text(directory, tid, "schedstat", &mut buffer).and_then(times).unzip();
    Some(Thread { tid, name, state, waits_in, on_cpu: times.0, run_queue: times.1 })
}

fn text<'a>(directory: &OwnedFd, tid: u32, file: &str, buffer: &'a mut [u8]) -> Option<&'a str> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(directory, format!("{tid}/{file}"), flags, Mode::empty()).ok()?;
    let length = rustix::io::read(&file, &mut *buffer).ok()?;
    std::str::from_utf8(buffer.get(..length)?).ok()
}

/// Out of `stat`: the name stands in brackets and may contain any.
fn name_and_state(stat: &str) -> Option<(String, char)> {
    let (before, after) = stat.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    Some((name.to_owned(), after.trim_start().chars().next()?))
}

/// Out of `wchan`: `0` stands for a thread that runs, and for what is hidden.
fn function(wchan: &str) -> Option<String> {
    let wchan = wchan.trim();
    (!matches!(wchan, "" | "0")).then(|| wchan.to_owned())
}

/// Out of `schedstat`: nanoseconds on a CPU and waiting for one, and how often it ran. A thread
/// that has never run cannot be seen: three zeros say that the kernel does not count.
fn times(schedstat: &str) -> Option<(Duration, Duration)> {
    let mut fields = schedstat.split_ascii_whitespace().map(str::parse::<u64>);
    let (on_cpu, waited, times) =
        (fields.next()?.ok()?, fields.next()?.ok()?, fields.next()?.ok()?);
    let counts = on_cpu > 0 || waited > 0 || times > 0;
    counts.then(|| (Duration::from_nanos(on_cpu), Duration::from_nanos(waited)))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn recorded_texts_are_read() {
        let stat = "4242 (a) b (c) S 1 4242 4242 0 -1 4194304 120 0 0 0 1 2 0 0 20 0 1 0 99\n";
        assert_eq!(name_and_state(stat), Some(("a) b (c".to_owned(), 'S')));
        assert_eq!(name_and_state("4242 (cut"), None);
        assert_eq!(function("futex_wait_queue"), Some("futex_wait_queue".to_owned()));
        assert_eq!(function("0"), None);
        let counted = (Duration::from_nanos(1_500), Duration::from_nanos(20));
        assert_eq!(times("1500 20 3\n"), Some(counted));
        assert_eq!(times("0 0 0\n"), None);
        assert_eq!(times("15"), None);
    }

    #[test]
    fn a_sleeping_child_sleeps_and_an_ended_one_is_gone() {
        let mut child = Command::new("sleep").arg("30").spawn().unwrap();
        let mut threads = Threads::default();
        let asleep = (0..500).find_map(|_| {
            std::thread::sleep(Duration::from_millis(10));
            let seen = threads.of(child.id()).unwrap();
            (seen[0].name == "sleep" && seen[0].state == 'S').then_some(seen)
        });
        child.kill().unwrap();
        child.wait().unwrap();
        let asleep = asleep.unwrap();
        assert_eq!(asleep.len(), 1);
        assert_eq!(asleep[0].tid, child.id());
        let gone = threads.of(child.id()).unwrap_err().to_string();
        assert!(gone.contains("no process"), "{gone}");
    }

    #[test]
    fn a_thread_that_computes_is_on_a_cpu() {
        let begun = std::time::Instant::now();
        let mut threads = Threads::default();
        let own = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
        let mut on_cpu = || {
            let all = threads.of(std::process::id()).unwrap();
            all.into_iter().find(|thread| thread.tid == own).unwrap().on_cpu
        };
        let before = on_cpu();
        while begun.elapsed() < Duration::from_millis(200) {
            std::hint::spin_loop();
        }
        let Some(after) = on_cpu() else { return };
        let most = begun.elapsed();
        let spent = after.saturating_sub(before.unwrap_or_default());
        assert!(spent > Duration::ZERO && spent <= most, "{spent:?} of {most:?}");
    }
}
