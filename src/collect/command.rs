//! The command that puts the service under load while it is watched.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::error::{Error, Failure};
use crate::config::printable_word;
use crate::interrupt::{self, Group, Interruption};
use crate::one_line::{one_line, shell_word};

/// The signal that asks it to end.
const TERMINATE: i32 = 15;
/// How long a command that was told to end has to come to an end by itself.
const GRACE: Duration = Duration::from_secs(5);
/// How long it is waited for what was killed: the system itself may hold on to it.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often it is looked whether it has ended.
const GLANCE: Duration = Duration::from_millis(10);

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOutcome {
    /// The command as it was given.
    pub line: String,
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Whether it did what it was to do.
    pub is_success: bool,
    /// In words: `exit status: 99`.
    pub status: String,
    /// How long it ran.
    pub took: Duration,
    /// Whether it was told to end before it had.
    pub is_interrupted: bool,
    /// The breach that was proven, and for which it was told to end, in words.
    pub breach: Option<String>,
}

impl CommandOutcome {
    /// That it failed, if it did so by itself.
    pub fn failure(&self) -> Option<String> {
        let failed = !self.is_success && !self.is_interrupted;
        failed.then(|| format!("the command `{}` {}", self.line, self.status))
    }
}

/// Why a command was told to end before it had.
enum ToldToEnd {
    Interruption,
    /// In words.
    Breach(String),
}

/// A command that runs. Neither it nor what it has started outlives this, unless it has ended
/// before.
pub(super) struct Running {
    line: String,
    child: Child,
    group: Group,
    started: Instant,
    /// How long it may take.
    limit: Option<Duration>,
    has_ended: bool,
}

/// How a command is run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Manner<'a> {
    /// Where; `None` for the current directory.
    pub(super) directory: Option<&'a Path>,
    /// How long it may take.
    pub(super) limit: Option<Duration>,
    /// Standard output is for the report alone.
    pub(super) stdout_is_taken: bool,
}

/// Starts `command`, its own name first. What it prints goes through; to standard error, where standard
/// output is for the report alone.
///
/// It leads a group of processes of its own, so that all of them can be ended together. Such a
/// group may not read from the terminal, which would stop it: in place of a terminal it reads
/// nothing.
///
/// # Errors
/// If it cannot be run.
pub(super) fn start(command: &[OsString], how: Manner<'_>) -> Result<Running, Error> {
    let line = line(command);
    let (program, arguments) = command.split_first().ok_or(Error::NoCommand)?;
    let stdout = if how.stdout_is_taken { Stdio::from(io::stderr()) } else { Stdio::inherit() };
    let mut command = Command::new(program);
    command.args(arguments).stdout(stdout);
    if let Some(directory) = how.directory {
        command.current_dir(directory);
    }
    if io::stdin().is_terminal() {
        command.stdin(Stdio::null());
    }
    let mut running = spawn(line, command)?;
    running.limit = how.limit;
    Ok(running)
}

/// Starts what was made ready, in a group of processes of its own.
///
/// # Errors
/// If it cannot be run.
pub(super) fn spawn(line: String, mut command: Command) -> Result<Running, Error> {
    // The server's credentials are no business of a load.
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(name)) {
        command.env_remove(name);
    }
    match interrupt::start(&mut command) {
        Ok((child, group)) => {
            let started = Instant::now();
            Ok(Running { line, child, group, started, limit: None, has_ended: false })
        }
        Err(source) => Err(Error::Command { line, source }),
    }
}

/// Whether a variable of the environment is meant for this program alone.
fn is_ours(variable: &OsStr) -> bool {
    variable.as_encoded_bytes().starts_with(b"AUDITOR_")
}

/// The command as one line, without the secrets of URLs.
fn line(command: &[OsString]) -> String {
    let word = |word: &OsString| shell_word(&printable_word(&word.to_string_lossy()));
    let words: Vec<_> = command.iter().map(word).collect();
    one_line(&words.join(" "))
}

impl Running {
    /// The number of the process that leads the group.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends all of its group that is left, once it has ended itself.
    pub(super) fn end_group(&self) {
        if self.group.is_left() {
            self.group.kill();
        }
    }

    /// How it ended, once it has; beyond its time limit it is ended, which is a failure of its own.
    ///
    /// # Errors
    /// If that cannot be found out, or if it waits for a terminal for ever.
    pub(super) fn ended(&mut self) -> Result<Option<CommandOutcome>, Failure> {
        let status = self.status()?;
        if status.is_none() && self.group.wants_terminal() {
            return Err(Failure::Terminal(self.line.clone()));
        }
        let is_over = |limit: &Duration| status.is_none() && self.started.elapsed() >= *limit;
        if let Some(limit) = self.limit.filter(is_over) {
            return self.end_late(limit).map(Some);
        }
        Ok(status.map(|status| self.outcome(Some(status), None)))
    }

    /// Ends it, and all that it has started, because its time is over.
    ///
    /// # Errors
    /// If it cannot be found out how it ended.
    fn end_late(&mut self, limit: Duration) -> Result<CommandOutcome, Failure> {
        let status = self.end_by(TERMINATE)?;
        let mut outcome = self.outcome(status, None);
        outcome.is_success = false;
        outcome.status = format!("did not end within {limit:?} and was ended (--time-limit)");
        Ok(outcome)
    }

    /// Ends it, and all that it has started: by the signal that came, and by force if need be.
    ///
    /// # Errors
    /// If it cannot be found out how it ended.
    pub(super) fn interrupt(&mut self, by: Interruption) -> Result<CommandOutcome, Failure> {
        self.end(by.signal, ToldToEnd::Interruption)
    }

    /// The same because a breach is proven, which `breach` says in words.
    ///
    /// # Errors
    /// If it cannot be found out how it ended.
    pub(super) fn abort(&mut self, breach: String) -> Result<CommandOutcome, Failure> {
        self.end(TERMINATE, ToldToEnd::Breach(breach))
    }

    fn end(&mut self, signal: i32, why: ToldToEnd) -> Result<CommandOutcome, Failure> {
        let by_itself = self.status()?;
        let status = self.end_by(signal)?;
        Ok(self.outcome(status, by_itself.is_none().then_some(why)))
    }

    /// Sends a signal to all of its group, and ends by force what is then left.
    ///
    /// # Errors
    /// If it cannot be found out how it ended.
    fn end_by(&mut self, signal: i32) -> Result<Option<ExitStatus>, Failure> {
        self.group.signal(signal);
        let status = self.wait(GRACE)?;
        if status.is_some() && !self.group.is_left() {
            return Ok(status);
        }
        self.group.kill();
        self.wait(FAREWELL)
    }

    /// Waits until all of its group has ended; at most so long. Its own exit status.
    fn wait(&mut self, at_most: Duration) -> Result<Option<ExitStatus>, Failure> {
        let began = Instant::now();
        loop {
            let status = self.status()?;
            let is_over = status.is_some() && !self.group.is_left();
            if is_over || began.elapsed() >= at_most {
                return Ok(status);
            }
            thread::sleep(GLANCE);
        }
    }

    fn status(&mut self) -> Result<Option<ExitStatus>, Failure> {
        let wait = |source| Failure::Wait { line: self.line.clone(), source };
        self.child.try_wait().map_err(wait)
    }

    fn outcome(&mut self, status: Option<ExitStatus>, told: Option<ToldToEnd>) -> CommandOutcome {
        self.has_ended = status.is_some();
        if self.has_ended {
            // What it leaves behind by itself may stay.
            interrupt::release(self.group);
        }
        let ended = status.map_or_else(|| "cannot be ended".to_owned(), status_text);
        CommandOutcome {
            line: self.line.clone(),
            code: status.and_then(|status| status.code()),
            is_success: status.is_some_and(|status| status.success()),
            status: match &told {
                None => ended,
                Some(ToldToEnd::Interruption) => format!("was interrupted and {ended}"),
                Some(ToldToEnd::Breach(_)) => {
                    format!("was told to end once a breach was proven, and {ended}")
                }
            },
            took: self.started.elapsed(),
            is_interrupted: told.is_some(),
            breach: match told {
                Some(ToldToEnd::Breach(breach)) => Some(breach),
                _ => None,
            },
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_ended {
            self.group.kill();
            // Both fail once it has ended, as it should.
            let _ = self.child.kill();
            let _ = self.child.wait();
            interrupt::release(self.group);
        }
    }
}

fn status_text(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exited with code {code}"),
        // `signal: 9 (SIGKILL)`, on Unix.
        None => format!("was ended by {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_can_be_given_to_a_shell() {
        let command = ["sh", "-c", "echo it's", ""].map(OsString::from);
        assert_eq!(line(&command), r"sh -c 'echo it'\''s' ''");
    }

    #[test]
    fn a_command_beyond_its_time_limit_is_ended_and_has_failed() {
        let limit = Duration::from_millis(100);
        let command = ["sh", "-c", "sleep 60 & wait"].map(OsString::from);
        let how = Manner { limit: Some(limit), ..Manner::default() };
        let mut running = start(&command, how).unwrap();
        assert_eq!(running.ended().unwrap(), None);
        thread::sleep(limit);
        let ended = running.ended().unwrap().unwrap();
        assert!(!running.group.is_left());
        let failure = "the command `sh -c 'sleep 60 & wait'` did not end within 100ms and was \
                       ended (--time-limit)";
        assert_eq!(ended.failure().as_deref(), Some(failure));
    }

    #[test]
    fn only_a_command_that_cannot_be_started_is_an_error_of_the_start() {
        for (command, expected) in [
            (&["/no/such/program"][..], "cannot run the command `/no/such/program`"),
            (&[], "no command"),
        ] {
            let command: Vec<_> = command.iter().map(OsString::from).collect();
            let error = start(&command, Manner::default()).map(drop).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let mut running = start(&["true".into()], Manner::default()).unwrap();
        // Somebody else takes the exit status.
        wait4::Wait4::wait4(&mut running.child).unwrap();
        let failure = running.ended().unwrap_err().to_string();
        assert!(failure.starts_with("cannot wait for the command `true`: "), "{failure}");
    }
}
