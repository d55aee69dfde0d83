//! Stacks of a Python process, read from its memory by `py-spy`.

use super::queues::{length, queues};
use super::quiet::quietly;
use super::{Frame, Stack, Unreadable};
use crate::outside::host::reason;
use py_spy::config::LockingStrategy;
use py_spy::{Config, PythonSpy, StackTrace};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::thread;
use std::time::Duration;

/// How often a process is tried before it counts as unreadable: one that has just started has no
/// interpreter yet, and one that works may move what is being read.
const ATTEMPTS: u32 = 5;
/// How long to wait between two of them.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(40);

/// A Python process whose stacks can be read.
pub(crate) struct Python {
    pid: u32,
    spy: PythonSpy,
    threads: Threads,
}

impl Python {
    /// Finds the interpreter in the memory of a process and reads its stacks once. Takes some
    /// milliseconds, and [`ATTEMPTS`] times [`BETWEEN_ATTEMPTS`] at most where it fails.
    pub(crate) fn attach(pid: u32) -> Result<Self, Unreadable> {
        check_program(pid)?;
        let mut left = ATTEMPTS;
        loop {
            left -= 1;
            let error = match quietly(|| open(pid)) {
                Ok(Ok(spy)) => return Ok(Self { pid, spy, threads: Threads::of(pid) }),
                Ok(Err(error)) => why_not(pid, &error),
                Err(panic) => Unreadable::Failed(unread(&panic)),
            };
            match error {
                Unreadable::Failed(_) if left > 0 => thread::sleep(BETWEEN_ATTEMPTS),
                error => return Err(error),
            }
        }
    }

    /// The stacks of all threads that run Python, about a millisecond after the call. A read fails
    /// now and then, because the process goes on meanwhile: it is tried twice.
    pub(crate) fn stacks(&mut self) -> Result<Vec<Stack>, String> {
        let mut read = || match quietly(|| self.spy.get_stack_traces()) {
            Ok(Ok(traces)) => Ok(traces),
            Ok(Err(error)) => Err(why_not(self.pid, &error).to_string()),
            Err(panic) => Err(unread(&panic)),
        };
        let traces = read().or_else(|_| read())?;
        Ok(traces.into_iter().map(|trace| self.stack(trace)).collect())
    }

    /// How many pieces of work wait for a thread in the executor of which most wait; `None` where no
    /// executor has a thread. Takes some milliseconds more than the stacks.
    ///
    /// # Errors
    /// They cannot be read, or it is not known how this version of Python keeps them.
    pub(crate) fn queued(&mut self) -> Result<Option<u64>, String> {
        self.spy.config.dump_locals = 1;
        let traces = quietly(|| self.spy.get_stack_traces());
        self.spy.config.dump_locals = 0;
        let traces = match traces {
            Ok(Ok(traces)) => traces,
            Ok(Err(error)) => return Err(why_not(self.pid, &error).to_string()),
            Err(panic) => return Err(unread(&panic)),
        };
        let found = queues(traces.iter().flat_map(|trace| &trace.frames));
        let minor = self.spy.version.minor;
        let length = |queue: &usize| length(&self.spy.process, minor, *queue);
        let lengths: Option<Vec<u64>> = found.iter().map(length).collect();
        let lengths =
            lengths.ok_or_else(|| format!("the queues of Python 3.{minor} cannot be read"))?;
        Ok(lengths.into_iter().max())
    }

    /// As the rest of this crate has it. Before Python 3.11 the kernel's number of a thread is not
    /// in the memory that is read; the main thread's is the process'.
    fn stack(&mut self, trace: StackTrace) -> Stack {
        let has_lock = trace.owns_gil;
        let thread_name = trace.thread_name.unwrap_or_default();
        let is_main = thread_name == "MainThread";
        let tid = trace.os_thread_id.and_then(|tid| u32::try_from(tid).ok());
        let tid =
            if is_main { Some(self.pid) } else { tid.and_then(|tid| self.threads.number(tid)) };
        let frame = |frame: py_spy::Frame| Frame {
            function: frame.name,
            file: frame.filename,
            line: u32::try_from(frame.line).unwrap_or(0),
        };
        Stack { tid, thread_name, has_lock, frames: trace.frames.into_iter().map(frame).collect() }
    }
}

/// The numbers of a process' threads, by the numbers that the process itself knows them by: they
/// differ where it has a namespace of its own.
struct Threads {
    pid: u32,
    are_other: bool,
    known: HashMap<u32, u32>,
}

impl Threads {
    fn of(pid: u32) -> Self {
        let numbers = status(&pid.to_string(), "NSpid:").unwrap_or_default();
        Self { pid, are_other: numbers.split_whitespace().count() > 1, known: HashMap::new() }
    }

    /// Our number of a thread; `None` where it cannot be found.
    fn number(&mut self, its_own: u32) -> Option<u32> {
        if !self.are_other {
            return Some(its_own);
        }
        if !self.known.contains_key(&its_own) {
            let tasks = fs::read_dir(format!("/proc/{}/task", self.pid)).ok()?;
            let numbers = tasks.filter_map(|task| {
                let number = task.ok()?.file_name().to_str()?.to_owned();
                let own = status(&format!("{}/task/{number}", self.pid), "NSpid:")?;
                Some((own.split_whitespace().next_back()?.parse().ok()?, number.parse().ok()?))
            });
            self.known = numbers.collect();
        }
        self.known.get(&its_own).copied()
    }
}

fn open(pid: u32) -> anyhow::Result<PythonSpy> {
    let config = Config {
        blocking: LockingStrategy::NonBlocking,
        full_filenames: true,
        ..Config::default()
    };
    let mut spy = PythonSpy::new(i32::try_from(pid)?, &config)?;
    spy.get_stack_traces()?;
    Ok(spy)
}

/// Whether the program of a process is a Python that can be read, by its name and the libraries
/// that it has loaded: `py-spy` searches any other program for long.
fn check_program(pid: u32) -> Result<(), Unreadable> {
    let program = fs::read_link(format!("/proc/{pid}/exe")).map_err(|error| denied(pid, &error))?;
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = name.trim_end_matches(" (deleted)").to_owned();
    let maps = fs::read(format!("/proc/{pid}/maps")).map_err(|error| denied(pid, &error))?;
    check_names(&name, &String::from_utf8_lossy(&maps))
}

/// The same, by the name of the program and the text of `/proc/PID/maps`.
fn check_names(name: &str, maps: &str) -> Result<(), Unreadable> {
    let mut files = maps.lines().filter_map(|line| line.split_once('/')).map(|(_, path)| path);
    if name.starts_with("pypy") || maps.contains("/libpypy") {
        return Err(Unreadable::Unsupported("PyPy".to_owned()));
    }
    let of_python = |path: &str| path.contains("/libpython") || path.contains(".cpython-");
    if !name.starts_with("python") && !files.clone().any(of_python) {
        return Err(Unreadable::NotPython(name.to_owned()));
    }
    if is_free_threaded(name) || files.any(is_free_threaded) {
        return Err(Unreadable::FreeThreaded(name.to_owned()));
    }
    Ok(())
}

/// Whether a name is that of a build without the global lock: `python3.13t`, `libpython3.13t.so`,
/// `x.cpython-313t-x86_64-linux-gnu.so`.
fn is_free_threaded(name: &str) -> bool {
    let follows = |before: &str| {
        name.match_indices(before).any(|(start, _)| {
            let rest = name.get(start + before.len()..).unwrap_or_default();
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let rest = rest.get(digits..).unwrap_or_default();
            let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
            digits > 0 && rest.strip_prefix('t').is_some_and(ends)
        })
    };
    follows("python3.") || follows("cpython-")
}

/// Why `py-spy` failed.
fn why_not(pid: u32, error: &anyhow::Error) -> Unreadable {
    let io_error = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().map(io::Error::kind)
    };
    let is_denied =
        error.chain().any(|cause| io_error(cause) == Some(io::ErrorKind::PermissionDenied));
    let text = format!("{error:#}");
    // Some causes are only told in words.
    if is_denied || text.contains("Operation not permitted") || text.contains("Permission denied") {
        return forbidden(pid);
    }
    if !fs::exists(format!("/proc/{pid}/exe")).unwrap_or(true) {
        return Unreadable::Gone;
    }
    match text.split_once("Unsupported version of Python: ") {
        Some((_, version)) => Unreadable::Unsupported(format!("Python {version}")),
        None => Unreadable::Failed(unread(&text)),
    }
}

fn unread(text: &str) -> String {
    format!("py-spy cannot read it: {}", crate::one_line::one_line(text))
}

/// Why a file of `/proc/PID` cannot be read.
fn denied(pid: u32, error: &io::Error) -> Unreadable {
    match error.kind() {
        io::ErrorKind::PermissionDenied => forbidden(pid),
        // A thread of the kernel has no program.
        io::ErrorKind::NotFound if fs::exists(format!("/proc/{pid}")).unwrap_or(false) => {
            Unreadable::NotPython("none".to_owned())
        }
        io::ErrorKind::NotFound => Unreadable::Gone,
        // That is how a process ends between two looks at it (ESRCH).
        _ if error.raw_os_error() == Some(3) => Unreadable::Gone,
        _ => Unreadable::Failed(format!("/proc/{pid} cannot be read: {error}")),
    }
}

fn forbidden(pid: u32) -> Unreadable {
    Unreadable::Forbidden(match reason::memory(pid) {
        Err(why) => why.to_string(),
        Ok(()) => format!(
            "process {pid}: the kernel refuses its memory to a reader beside it: a sandbox (seccomp) \
             forbids it; run auditor outside of it"
        ),
    })
}

/// A line of `/proc/PID/status`, without its name; `None` where it cannot be read.
fn status(process: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A real executor, whose queue is as long as it says itself.
    #[test]
    fn the_queue_of_an_executor_is_as_long_as_it_is() {
        let script = "import time, sys, asyncio\n\
            from concurrent.futures import ThreadPoolExecutor\n\
            pool = ThreadPoolExecutor(3)\n\
            [pool.submit(time.sleep, 30) for _ in range(20)]\n\
            time.sleep(0.2); print(pool._work_queue.qsize(), flush=True)\n\
            time.sleep(30)";
        let child = std::process::Command::new("python3")
            .args(["-c", script])
            .stdout(std::process::Stdio::piped())
            .spawn();
        // Whoever runs the tests without Python is told so by the others.
        let Ok(mut child) = child else { return };
        let mut told = String::new();
        let out = child.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut told).unwrap();
        let queued = Python::attach(child.id()).map(|mut python| python.queued());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((told.trim(), queued), ("17", Ok(Ok(Some(17)))));
    }

    #[test]
    fn stacks_can_be_read_in_a_thread_of_their_own() {
        const fn is_send<T: Send>() {}
        is_send::<Python>();
        is_send::<crate::outside::place::Judge>();
        is_send::<crate::outside::inspector::Inspector>();
    }

    #[test]
    fn a_program_is_known_by_its_name_and_its_libraries() {
        assert_eq!(check_names("python3.11", ""), Ok(()));
        let embedded = "7f00-7f01 r-xp 00000000 08:01 1   /usr/lib/libpython3.11.so.1.0";
        assert_eq!(check_names("uwsgi", embedded), Ok(()));
        assert_eq!(check_names("node", "7f00-7f01 r-xp 0 08:01 1 /usr/bin/node"), {
            Err(Unreadable::NotPython("node".to_owned()))
        });
        assert_eq!(check_names("pypy3.10", ""), Err(Unreadable::Unsupported("PyPy".to_owned())));
        let free = Err(Unreadable::FreeThreaded("python3.13t".to_owned()));
        assert_eq!(check_names("python3.13t", ""), free);
        let module = "7f00-7f01 r-xp 0 08:01 1 /v/_socket.cpython-313t-x86_64-linux-gnu.so";
        let free = Err(Unreadable::FreeThreaded("python".to_owned()));
        assert_eq!(check_names("python", module), free);
        let usual = "7f00-7f01 r-xp 0 08:01 1 /v/_socket.cpython-313-x86_64-linux-gnu.so";
        assert_eq!(check_names("python", usual), Ok(()));
    }

    #[test]
    fn a_process_that_is_no_python_or_is_gone_says_so() {
        let Err(error) = Python::attach(std::process::id()) else { panic!("this is no Python") };
        assert!(matches!(error, Unreadable::NotPython(_)), "{error}");
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let Err(error) = Python::attach(child.id()) else { panic!("it has ended") };
        assert_eq!(error, Unreadable::Gone);
    }
}
