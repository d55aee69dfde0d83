//! The service that is started for the time of the audit, and ended with it.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use super::command::{self, Running};
use super::error::{Error, Failure};
use crate::config::{Endpoint, Start, printable_word};
use crate::interrupt::{self, Interruption};
use crate::one_line::one_line;
use crate::prometheus::http::{Connections, Http, Log, RetryPolicy, Wanted};

/// So many lines of what it prints are kept, each up to so many bytes.
const LINES: usize = 20;
const LONGEST_LINE: u64 = 2000;
/// How often it is asked until it answers.
const PAUSE: Duration = Duration::from_millis(50);
/// How long one such request may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The signal that asks it to end.
const TERMINATE: i32 = 15;
/// Any answer will do, and what it holds is of no interest.
const WANTED: Wanted =
    Wanted { accept: "*/*", at_most: 64 * 1024 * 1024, connections: Connections::Fresh };

/// A service that runs. Neither it nor what it has started outlives this.
pub(super) struct Service {
    line: String,
    running: Running,
    printed: Arc<Mutex<Printed>>,
    has_ended: bool,
}

/// What it has printed of late.
#[derive(Default)]
struct Printed {
    last: VecDeque<String>,
    /// What was not told yet.
    untold: VecDeque<String>,
}

impl Service {
    /// Starts it by a shell. Nothing may answer for it yet.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(super) fn start(start: &Start) -> Result<Self, Error> {
        let words = start.command.split(' ').map(printable_word);
        let line = one_line(&words.collect::<Vec<_>>().join(" "));
        let mut command = shell(&start.command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = command::spawn(line.clone(), command)?;
        let printed = Arc::default();
        let (stdout, stderr) = running.outputs();
        let outputs = [
            stdout.map(|it| Box::new(it) as Box<dyn Read + Send>),
            stderr.map(|it| Box::new(it) as Box<dyn Read + Send>),
        ];
        for output in outputs.into_iter().flatten() {
            let printed = Arc::clone(&printed);
            let keep = move || keep(output, &printed);
            // Without a thread it would stop as soon as the pipe is full.
            let spawned = Builder::new().spawn(keep);
            spawned.map_err(|source| Error::Command { line: line.clone(), source })?;
        }
        Ok(Self { line, running, printed, has_ended: false })
    }

    /// The process that was started: the service, or the shell that runs it.
    pub(super) fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Waits until one of the URLs is answered, with whatever status.
    ///
    /// # Errors
    /// It ends before, or does not answer in time.
    pub(super) fn await_answer(
        &mut self,
        endpoints: &[&Endpoint],
        within: Duration,
        log: Log<'_>,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        loop {
            self.tell(log);
            if let Some(status) = self.ended()? {
                let said = self.said_last();
                return Err(Failure::NotStarted { line: self.line.clone(), status, said });
            }
            let left = within.saturating_sub(began.elapsed());
            if left.is_zero() {
                let urls: Vec<_> = endpoints.iter().map(|it| printed_url(it)).collect();
                let urls = urls.join(", ");
                return Err(Failure::NoAnswer { line: self.line.clone(), urls, within });
            }
            let answers = |endpoint: &&Endpoint| answers(endpoint, left.min(PATIENCE), log);
            if endpoints.iter().all(answers) || interrupt::sleep(PAUSE).is_err() {
                return Ok(());
            }
        }
    }

    /// How it ended, in words, if it has.
    ///
    /// # Errors
    /// If that cannot be found out.
    pub(super) fn ended(&mut self) -> Result<Option<String>, Failure> {
        if self.has_ended {
            return Ok(None);
        }
        let Some(outcome) = self.running.ended()? else { return Ok(None) };
        self.has_ended = true;
        // Its last lines may still be on their way.
        std::thread::sleep(PAUSE);
        self.running.end_group();
        Ok(Some(outcome.status))
    }

    /// That it ended though the audit was not over, in words.
    pub(super) fn early_end(&self, status: &str) -> String {
        let said = self.said_last();
        format!("the service `{}` {status} before the audit was over{said}", self.line)
    }

    /// The last lines that it printed, as a warning.
    pub(super) fn last_lines(&self) -> Option<String> {
        let printed = lock(&self.printed);
        let lines: Vec<_> = printed.last.iter().map(|line| format!("\n  | {line}")).collect();
        (!lines.is_empty()).then(|| format!("the service's last lines:{}", lines.concat()))
    }

    /// Tells what it has printed since.
    pub(super) fn tell(&self, log: Log<'_>) {
        let untold = std::mem::take(&mut lock(&self.printed).untold);
        untold.iter().for_each(|line| log(&format!("service: {line}")));
    }

    /// The last line that it printed, as a clause.
    fn said_last(&self) -> String {
        let printed = lock(&self.printed);
        let last = printed.last.iter().rev().find(|line| !line.trim().is_empty());
        last.map(|line| format!("; its last line: {line}")).unwrap_or_default()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if !self.has_ended {
            let by = Interruption { signal: TERMINATE, name: "SIGTERM", at: Instant::now() };
            // What it says of its end is of no interest any more.
            let _ = self.running.interrupt(by);
        }
        self.running.end_group();
    }
}

/// Whether something answers there though nothing was started.
pub(super) fn is_taken(endpoint: &Endpoint, log: Log<'_>) -> bool {
    answers(endpoint, PATIENCE, log)
}

/// Whether it answers, with whatever status.
fn answers(endpoint: &Endpoint, within: Duration, log: Log<'_>) -> bool {
    let http = Http::new(endpoint, WANTED, Instant::now(), Duration::MAX, log).interruptible();
    http.get("", &[], RetryPolicy::Once(within)).is_ok()
}

/// The URL, without what is secret in it.
pub(super) fn printed_url(endpoint: &Endpoint) -> String {
    endpoint.http.redact(&endpoint.target.to_string())
}

#[cfg(unix)]
fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    command
}

#[cfg(not(unix))]
fn shell(line: &str) -> Command {
    let mut command = Command::new("cmd");
    command.args(["/C", line]);
    command
}

/// Keeps the last lines of what comes.
fn keep(output: impl Read, printed: &Mutex<Printed>) {
    let mut reader = BufReader::new(output);
    loop {
        let mut line = Vec::new();
        match reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = one_line(String::from_utf8_lossy(&line).trim_end());
        let mut printed = lock(printed);
        printed.last.push_back(line.clone());
        let excess = printed.last.len().saturating_sub(LINES);
        printed.last.drain(..excess);
        printed.untold.push_back(line);
        let excess = printed.untold.len().saturating_sub(1000);
        printed.untold.drain(..excess);
    }
}

/// A panic of another thread leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
