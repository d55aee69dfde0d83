//! The service that is started for the time of the audit, and ended with it.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::command::{self, Running};
use super::error::{Error, Failure};
use crate::config::{Endpoint, HttpConfig, Start, printable_text};
use crate::interrupt::{self, Interruption};
use crate::one_line::one_line;
use crate::prometheus::http::{Connections, Http, Log, RetryPolicy, TransportError, Wanted};

/// So many lines of what it prints are kept, each up to so many bytes.
const LINES: usize = 20;
const LONGEST_LINE: u64 = 2000;
/// From here on a status says that the service fails.
const ERRORS: u16 = 500;
/// How often it is asked until it answers.
const PAUSE: Duration = Duration::from_millis(50);
/// How long its last lines are waited for, and how often it is looked whether they have come.
const LAST_WORDS: Duration = Duration::from_millis(500);
const GLANCE: Duration = Duration::from_millis(5);
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
    /// Keeps what it prints, until nobody can print any more.
    reader: JoinHandle<()>,
    printed: Arc<Mutex<Printed>>,
    /// How it is asked: it may repeat that.
    asked_by: Vec<HttpConfig>,
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
    /// Starts it by a shell; it is to answer at these URLs. Nothing may answer for it yet.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(super) fn start(start: &Start, endpoints: &[&Endpoint]) -> Result<Self, Error> {
        let line = one_line(&printable_text(&start.command));
        let failed = |source| Error::Command { line: line.clone(), source };
        // One pipe for both keeps the order in which it prints.
        let (output, theirs) = io::pipe().map_err(failed)?;
        let mut command = shell(&start.command);
        if let Some(directory) = &start.directory {
            command.current_dir(directory);
        }
        command.stdin(Stdio::null()).stdout(theirs.try_clone().map_err(failed)?).stderr(theirs);
        let running = command::spawn(line.clone(), command)?;
        let printed = Arc::default();
        let keep = {
            let printed = Arc::clone(&printed);
            move || keep(output, &printed)
        };
        // Without a thread it would stop as soon as the pipe is full.
        let reader = Builder::new().spawn(keep).map_err(failed)?;
        let asked_by = endpoints.iter().map(|it| it.http.clone()).collect();
        Ok(Self { line, running, reader, printed, asked_by, has_ended: false })
    }

    /// The process that was started: the service, or the shell that runs it.
    pub(super) fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Waits until each of the URLs is answered, with a status below 500: a service that is on its way up
    /// may fail until it is there.
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
        self.running.end_group();
        // Its last lines may still be on their way.
        let began = Instant::now();
        while !self.reader.is_finished() && began.elapsed() < LAST_WORDS {
            thread::sleep(GLANCE);
        }
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
        let lines = printed.last.iter().map(|line| format!("\n  | {}", self.harmless(line)));
        let lines: Vec<_> = lines.collect();
        (!lines.is_empty()).then(|| format!("the service's last lines:{}", lines.concat()))
    }

    /// Tells what it has printed since.
    pub(super) fn tell(&self, log: Log<'_>) {
        let untold = std::mem::take(&mut lock(&self.printed).untold);
        untold.iter().for_each(|line| log(&format!("service: {}", self.harmless(line))));
    }

    /// The last line that it printed, as a clause.
    fn said_last(&self) -> String {
        let printed = lock(&self.printed);
        let last = printed.last.iter().rev().find(|line| !line.trim().is_empty());
        last.map(|line| format!("; its last line: {}", self.harmless(line))).unwrap_or_default()
    }

    /// What it said, without secrets: those of its own URLs, and what it was asked with.
    fn harmless(&self, line: &str) -> String {
        self.asked_by.iter().fold(printable_text(line), |line, http| http.redact(&line))
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

/// What is there though nothing was started, in words, if anything is.
pub(super) fn taken_by(endpoint: &Endpoint, log: Log<'_>) -> Option<String> {
    let error = match ask(endpoint, PATIENCE, log) {
        Ok(_) => return Some("is answered already".to_owned()),
        Err(error) => error,
    };
    // What has the port, and does not let itself be asked, has it all the same.
    let is_taken = match error {
        TransportError::Tls(_) | TransportError::Broken(_) => true,
        TransportError::Late(_) => accepts(endpoint),
        _ => false,
    };
    is_taken.then(|| format!("is taken already by something that cannot be asked ({error})"))
}

/// Whether somebody accepts connections there.
fn accepts(endpoint: &Endpoint) -> bool {
    let addresses = endpoint.target.page("").socket_addrs(|| None).unwrap_or_default();
    addresses.iter().any(|address| TcpStream::connect_timeout(address, PAUSE).is_ok())
}

/// Whether it answers, and does not fail.
fn answers(endpoint: &Endpoint, within: Duration, log: Log<'_>) -> bool {
    ask(endpoint, within, log).is_ok_and(|status| status.is_none_or(|status| status < ERRORS))
}

/// Asks once; the status, where there is a whole answer. A redirect is an answer, wherever it leads.
fn ask(endpoint: &Endpoint, within: Duration, log: Log<'_>) -> Result<Option<u16>, TransportError> {
    let mut endpoint = endpoint.clone();
    endpoint.http.follow_redirects = false;
    let http = Http::new(&endpoint, WANTED, Instant::now(), Duration::MAX, log).interruptible();
    match http.get("", &[], RetryPolicy::Once(within)) {
        Err(failed) if !is_answer(&failed.error) => Err(failed.error),
        Ok(page) => Ok(Some(page.status)),
        Err(_) => Ok(None),
    }
}

fn is_answer(error: &TransportError) -> bool {
    error.is_redirect() || matches!(error, TransportError::Cut(_) | TransportError::TooLarge(_))
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

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    /// The processes of a group that still run, in the words of the kernel.
    fn running(group: u32) -> Vec<String> {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let stats = all.filter_map(|it| std::fs::read_to_string(it.path().join("stat")).ok());
        let is_of = |stat: &String| {
            let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
            fields[0] != "Z" && fields[2] == group.to_string()
        };
        stats.filter(is_of).collect()
    }

    #[test]
    fn it_does_not_outlive_a_panic() {
        let command = "sleep 100 & sleep 100 & wait".to_owned();
        let start = Start { command, directory: None, timeout: Duration::from_secs(1) };
        let service = Service::start(&start, &[]).unwrap();
        let group = service.pid();
        assert!(!running(group).is_empty());
        let panicked = std::thread::spawn(move || {
            let _service = service;
            panic!("as a bug of ours would");
        });
        assert!(panicked.join().is_err());
        assert_eq!(running(group), [""; 0]);
    }
}
