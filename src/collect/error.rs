//! Why telemetry is not collected, or not all of it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::snapshot::EXAMPLES;
use crate::exposition;
use crate::exposition::json;
use crate::model::quantity::{number, number_beside};
use crate::one_line::one_line;
use crate::prometheus::{Failed, Journey, ServerProblem, TransportError};
use crate::storage::Contradiction;

/// Why nothing was begun.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No command is given where its end is to be the end of the collection.
    #[error("there is no command to run")]
    NoCommand,
    /// The command cannot be started.
    #[error("cannot run the command `{line}`")]
    Command {
        /// The command as it was given.
        line: String,
        /// Why not.
        source: io::Error,
    },
}

/// What went wrong once the collection had begun, or why it was not begun.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What is to be written at the end cannot be written.
    #[error("cannot write the {what} {}: {source}", path.display())]
    Unwritable {
        /// The report or the recording.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What was started before cannot be started another time; why not.
    #[error("{0}")]
    NotAgain(String),
    /// The server is not fit to be asked. No secret is in it.
    #[error("{target}: {problem}")]
    Server {
        /// Its URL.
        target: String,
        /// What is wrong with it.
        problem: ServerProblem,
    },
    /// The service that was to be started has ended.
    #[error("the service `{line}` {status} before it answered{said}")]
    NotStarted {
        /// Its command.
        line: String,
        /// How it ended.
        status: String,
        /// What it said last, as a clause.
        said: String,
    },
    /// The service that was started does not answer.
    #[error(
        "the service `{line}` was started, and did not answer at {urls} with a status below 500 within {within:?} (--start-timeout)"
    )]
    NoAnswer {
        /// Its command.
        line: String,
        /// What was asked.
        urls: String,
        /// How long it was waited.
        within: Duration,
    },
    /// Something answers in place of the service that is to be started.
    #[error(
        "{url} {how}, before --start has started the service; stop what runs there, or leave \
         --start out to audit that"
    )]
    Taken {
        /// The URL.
        url: String,
        /// What is there.
        how: String,
    },
    /// A process that the command line names cannot be looked at.
    #[error(
        "--pid {pid}: {why}; name a process that runs, or leave --pid out to find it by the port"
    )]
    Pid {
        /// Its number.
        pid: u32,
        /// Why not.
        why: String,
    },
    /// A URL cannot be probed.
    #[error("{url}: {why}")]
    Probe {
        /// The URL.
        url: String,
        /// Why not.
        why: String,
    },
    /// It cannot be found out whether the command has ended.
    #[error("cannot wait for the command `{line}`: {source}")]
    Wait {
        /// The command as it was given.
        line: String,
        /// Why not.
        source: io::Error,
    },
    /// The command was stopped, and would never go on.
    #[error(
        "the command `{0}` was stopped, because it wants the terminal; give it what it asks for \
         by its options, or by files"
    )]
    Terminal(String),
    /// There is no thread to scrape in.
    #[error("cannot go on scraping: {0}")]
    Thread(#[source] io::Error),
    /// A page cannot be scraped, or is broken.
    #[error(transparent)]
    Scrape(#[from] Arc<ScrapeError>),
    /// The recording cannot be read.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// What was scraped cannot be used.
    #[error(transparent)]
    Samples(#[from] SamplesError),
}

/// Why a page cannot be scraped. No secret is in it.
#[derive(Debug, thiserror::Error)]
#[error("{target}: {problem}{}", hint(problem, meant.as_deref()))]
pub struct ScrapeError {
    /// The page's URL.
    pub target: String,
    /// What is wrong.
    pub problem: PageProblem,
    /// Another page that was probably meant, if this is none.
    pub meant: Option<String>,
}

/// What to look at where there is no page, or one that is not of metrics from its first line on.
fn hint(problem: &PageProblem, meant: Option<&str>) -> String {
    let is_missing = matches!(problem, PageProblem::Status(404, _));
    let syntax = match problem {
        PageProblem::Syntax(exposition::Error::Syntax { line: 1, shown, .. }) => Some(shown),
        _ => None,
    };
    // A name in quotes may begin a line of a page so, too, but no colon is behind it.
    let is_json = |it: &String| it.trim() == "{" || it.starts_with('{') && it.contains("\":");
    if syntax.is_some_and(is_json) {
        return "; a JSON document is read by --scrape-json".to_owned();
    }
    let is_other = syntax.is_some();
    match meant {
        Some(meant) if is_missing || is_other => format!("; did you mean {meant}?"),
        None if is_missing => "; does the service show its metrics at another path?".to_owned(),
        _ => String::new(),
    }
}

/// What is wrong with a page of metrics.
#[derive(Debug, thiserror::Error)]
pub enum PageProblem {
    /// It does not come.
    #[error("{}", transport(.0))]
    Transport(#[from] Failed<TransportError>),
    /// It comes with another status than 200.
    #[error("HTTP {0}{1}")]
    Status(u16, Journey),
    /// The service wants credentials, or others than were sent; which those were.
    #[error("{}", unauthorized(*.0, .1, .2.as_deref()))]
    Unauthorized(u16, Journey, Option<String>),
    /// It is no page of metrics.
    #[error("{}", located("the page", .0))]
    Syntax(#[from] exposition::Error),
    /// Series stand there twice with other values; how many.
    #[error("{0} series stand there twice with other values")]
    Duplicates(usize),
    /// It is an old one, from a cache; how old.
    #[error(
        "the page is {}s old (`Age`): it comes from a cache between here and the service, and shows \
         nothing of the time since; ask the service itself",
        .0.as_secs()
    )]
    Cached(Duration),
    /// It is no JSON document, or none whose numbers can be told.
    #[error("the document{}", one_line(&.0.to_string()))]
    Document(#[from] json::Error),
    /// It is a document that was made before.
    #[error(
        "the document is {} s old, over {} s (`generated_at`: {}): it comes from a cache, or nobody \
         writes it any more, and shows nothing of the time since; ask the program itself, or less \
         often (--every) where it is made so seldom",
        number_beside(age.as_secs_f64(), most.as_secs_f64()).0, number(most.as_secs_f64()), one_line(made)
    )]
    Standing {
        /// When that was, in its own words.
        made: String,
        /// How long ago, at least.
        age: Duration,
        /// How long it may be.
        most: Duration,
    },
    /// The scrape itself failed.
    #[error(transparent)]
    Scraper(TransportError),
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// A file cannot be read.
    #[error("cannot read the recording {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What comes through a pipe is too long.
    #[error(
        "cannot read the recording {}: more than {} MiB come through this pipe or device; write \
         them into a file first",
        path.display(),
        limit >> 20
    )]
    Endless {
        /// The pipe.
        path: PathBuf,
        /// How many bytes may come.
        limit: u64,
    },
    /// There are recordings among snapshots.
    #[error(
        "{}: there are recordings and snapshots of a page in this directory; audit each kind by \
         itself",
        .0.display()
    )]
    Mixed(PathBuf),
    /// It does not come to an end.
    #[error(
        "cannot read the recording {}: it takes longer than {timeout:?} (--timeout)",
        path.display()
    )]
    Slow {
        /// The file.
        path: PathBuf,
        /// How long it was waited.
        timeout: Duration,
    },
    /// A bug of ours.
    #[error("cannot read the recording {}: {}", .0.display(), TransportError::Panicked)]
    Panicked(PathBuf),
    /// It is a directory within the recording.
    #[error("{}: this is a directory; a recording is one directory of files", .0.display())]
    Nested(PathBuf),
    /// A file is empty, and its name does not say when there was no page.
    #[error("{}: the file is empty", .0.display())]
    EmptyFile(PathBuf),
    /// A file is broken.
    #[error("{}", located(&path.display().to_string(), source))]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong, and in which line.
        source: exposition::Error,
    },
    /// A file is broken that may be a snapshot without an instant in its name.
    #[error("{0} (the name of a snapshot has to say when it was taken: {EXAMPLES})")]
    Undated(#[source] Box<RecordingError>),
    /// Two snapshots contradict each other.
    #[error("{}: the series `up` of the snapshots: {source}", path.display())]
    Snapshots {
        /// The file.
        path: PathBuf,
        /// The contradiction.
        source: Contradiction,
    },
    /// Its samples cannot be used.
    #[error("{}: {source}", path.display())]
    Samples {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: SamplesError,
    },
}

/// Why samples cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SamplesError {
    /// There are none.
    #[error("there are no samples in it")]
    Empty,
    /// To prepare them takes too long.
    #[error("to prepare the samples takes longer than {0:?} (--timeout)")]
    Slow(Duration),
    /// A series has two values at one instant.
    #[error(
        "{}",
        one_line(&format!("there are two values of {series} at {at}; which one holds?"))
    )]
    Contradiction {
        /// The series as PromQL writes it.
        series: String,
        /// The instant.
        at: Timestamp,
    },
}

/// What is missing where a service refuses its page, and the ways to give it.
fn unauthorized(status: u16, journey: &Journey, sent: Option<&str>) -> String {
    let refused = match sent {
        Some(sent) if journey.left_origin => {
            format!("{sent} stayed with the service, which redirects; scrape the other one, with")
        }
        Some(sent) => format!("the service refuses {sent}; give other credentials:"),
        None => "the service wants credentials, and none were sent; give them:".to_owned(),
    };
    format!(
        "HTTP {status}{journey}: {refused} USER:PASSWORD@ before the host in --scrape, \
         --header 'Authorization: …', or `authorization` or `basic_auth` in the file of \
         --http-config (`http` of the configuration and AUDITOR_* are for a server alone)"
    )
}

/// The error in words that fit a page of metrics.
fn transport(failed: &Failed<TransportError>) -> String {
    match failed.error {
        TransportError::TooLarge(limit) => format!("the page is larger than {limit} MiB"),
        _ => one_line(&failed.to_string()),
    }
}

/// The error with its place, as `file:line:column`.
fn located(name: &str, error: &exposition::Error) -> String {
    match error {
        exposition::Error::Syntax { line, column, reason, shown } => {
            format!("{name}:{line}:{column}: {}: {}", one_line(reason), one_line(shown))
        }
        other => format!("{name}: {}", one_line(&other.to_string())),
    }
}
