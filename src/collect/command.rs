//! The command that puts the service under load while it is watched.

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::error::{Error, Failure};
use crate::config::printable_word;
use crate::one_line::one_line;

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
}

impl CommandOutcome {
    /// That it failed, if it did.
    pub fn failure(&self) -> Option<String> {
        (!self.is_success).then(|| format!("the command `{}` {}", self.line, self.status))
    }
}

/// A command that runs. It does not outlive this.
pub(super) struct Running {
    line: String,
    child: Child,
    started: Instant,
}

/// Starts `command`, its own name first. What it prints goes through; to standard error, where
/// standard output is for the report alone.
///
/// # Errors
/// If it cannot be run.
pub(super) fn start(command: &[OsString], stdout_is_taken: bool) -> Result<Running, Error> {
    let line = line(command);
    let (program, arguments) = command.split_first().ok_or(Error::NoCommand)?;
    let stdout = if stdout_is_taken { Stdio::from(io::stderr()) } else { Stdio::inherit() };
    let mut child = Command::new(program);
    child.args(arguments).stdout(stdout);
    // The server's credentials are no business of a load.
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(name)) {
        child.env_remove(name);
    }
    match child.spawn() {
        Ok(child) => Ok(Running { line, child, started: Instant::now() }),
        Err(source) => Err(Error::Command { line, source }),
    }
}

/// Whether a variable of the environment is meant for this program alone.
fn is_ours(variable: &OsStr) -> bool {
    variable.as_encoded_bytes().starts_with(b"AUDITOR_")
}

/// The command as one line, without the secrets of URLs.
fn line(command: &[OsString]) -> String {
    let word = |word: &OsString| quoted(&printable_word(&word.to_string_lossy()));
    let words: Vec<_> = command.iter().map(word).collect();
    one_line(&words.join(" "))
}

/// A word as a shell would have it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

impl Running {
    /// How it ended, once it has.
    ///
    /// # Errors
    /// If that cannot be found out.
    pub(super) fn ended(&mut self) -> Result<Option<CommandOutcome>, Failure> {
        let wait = |source| Failure::Wait { line: self.line.clone(), source };
        let status = self.child.try_wait().map_err(wait)?;
        Ok(status.map(|status| CommandOutcome {
            line: self.line.clone(),
            code: status.code(),
            is_success: status.success(),
            status: status_text(status),
            took: self.started.elapsed(),
        }))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail once it has ended, as it should.
        let _ = self.child.kill();
        let _ = self.child.wait();
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
    fn only_a_command_that_cannot_be_started_is_an_error_of_the_start() {
        for (command, expected) in [
            (&["/no/such/program"][..], "cannot run the command `/no/such/program`"),
            (&[], "no command"),
        ] {
            let command: Vec<_> = command.iter().map(OsString::from).collect();
            let error = start(&command, true).map(drop).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let mut running = start(&["true".into()], true).unwrap();
        // Somebody else takes the exit status.
        wait4::Wait4::wait4(&mut running.child).unwrap();
        let failure = running.ended().unwrap_err().to_string();
        assert!(failure.starts_with("cannot wait for the command `true`: "), "{failure}");
    }
}
