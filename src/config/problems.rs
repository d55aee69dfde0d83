//! What can be wrong with a configuration, and how it is told.

use std::fmt;
use std::path::{Path, PathBuf};

use super::file::FileError;
use super::yaml;
use crate::model::origin::Place;

/// The most problems that are told one by one: as many as a person reads.
const MOST: usize = 25;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands; `None` for the command line and the environment.
    pub place: Option<Place>,
    /// What is wrong, and the way out.
    pub message: String,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no file to read; one that was probably meant to be it.
    #[error(
        "{}no {} in this directory{}",
        first(recording.as_ref()), super::FILE_NAME, ways_out(meant.as_deref(), look)
    )]
    NotFound {
        /// The recording that is not there either, and why it cannot be read.
        recording: Option<(PathBuf, String)>,
        /// One that was probably meant.
        meant: Option<PathBuf>,
        /// The options by which one is made for what is there.
        look: String,
    },
    /// The file cannot be read as text.
    #[error("cannot read {}: {reason}{}", path.display(), there_is(meant.as_deref()))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: FileError,
        /// One that was probably meant.
        meant: Option<PathBuf>,
    },
    /// A file, the command line or the environment is wrong: everything, by place.
    #[error("{}", list(.0))]
    Invalid(Vec<Problem>),
}

/// What to do without a file.
fn ways_out(meant: Option<&Path>, look: &str) -> String {
    match meant {
        Some(meant) => {
            let (meant, usual) = (meant.display(), super::FILE_NAME);
            format!(
                "; there is {meant}, and auditor reads {usual}\n  rename it:   mv {meant} {usual}\n  \
                 or name it:  auditor --config {meant}"
            )
        }
        None => format!(
            "\n  make one for what is there:   auditor --init {look}\n  or name one:                  \
             auditor --config PATH\n  or look on without one:       auditor --probe URL"
        ),
    }
}

fn first(recording: Option<&(PathBuf, String)>) -> String {
    let words = |(path, reason): &(PathBuf, String)| {
        format!("cannot read the recording {}: {reason}\nand there is ", path.display())
    };
    recording.map(words).unwrap_or_default()
}

fn there_is(meant: Option<&Path>) -> String {
    meant.map(|meant| format!("; there is {}", meant.display())).unwrap_or_default()
}

fn list(problems: &[Problem]) -> String {
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        n => format!("{n} problems"),
    };
    let mut text = format!("{count} in the configuration; nothing was audited");
    for Problem { place, message } in problems {
        text.push_str("\n  ");
        match place {
            Some(Place { path, line, column }) => {
                text.push_str(&format!("{}:{line}:{column}: {message}", path.display()));
            }
            None => text.push_str(message),
        }
    }
    text
}

/// Collects problems while a configuration is read.
#[derive(Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    /// Notes a problem at a node.
    pub(super) fn at(&mut self, node: &yaml::Node, message: impl fmt::Display) {
        let message = match &node.origin {
            yaml::Origin::File(_) => message.to_string(),
            yaml::Origin::Environment(name) | yaml::Origin::CommandLine(name) => {
                format!("{name}: {message}")
            }
        };
        self.add(Problem { place: node.place(), message });
    }

    /// Notes a problem at a place of the file, if it is at one.
    pub(super) fn at_place(&mut self, place: Option<Place>, message: String) {
        self.add(Problem { place, message });
    }

    /// Notes a problem of the command line or the environment.
    pub(super) fn outside(&mut self, message: impl fmt::Display) {
        self.add(Problem { place: None, message: message.to_string() });
    }

    /// A value that several layers share may be looked at more than once.
    fn add(&mut self, problem: Problem) {
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    /// Adds what others found in the file.
    pub(super) fn add_of_file(&mut self, others: Self) {
        others.0.into_iter().filter(|it| it.place.is_some()).for_each(|it| self.add(it));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems in the order of the file, those outside of it last.
    pub(super) fn sorted(mut self) -> Vec<Problem> {
        let place = |it: &Problem| it.place.as_ref().map(|place| (place.line, place.column));
        self.0.sort_by_key(|it| place(it).unwrap_or((usize::MAX, usize::MAX)));
        let left_out = self.0.len().saturating_sub(MOST);
        self.0.truncate(MOST);
        if left_out > 0 {
            self.0.push(Problem { place: None, message: format!("and {left_out} more") });
        }
        self.0
    }
}

/// Names the valid key nearest to `key`, or all of them where none is near.
pub(super) fn suggest<'a>(key: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    let valid: Vec<&str> = valid.into_iter().collect();
    match nearest(key, valid.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if valid.is_empty() => "nothing is valid here".to_owned(),
        None => format!("valid here: {}", valid.join(", ")),
    }
}

/// The valid key nearest to `key`, if one is near.
pub(crate) fn nearest<'a>(key: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let similarity = |candidate: &str| strsim::jaro_winkler(key, candidate);
    let nearest = valid.into_iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)))?;
    (similarity(nearest) > 0.75).then_some(nearest)
}
