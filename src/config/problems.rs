//! What can be wrong with a configuration, and how it is told.

use std::fmt;
use std::path::{Path, PathBuf};

use super::yaml;

/// The most problems that are told one by one; each costs another pass over the file.
const MOST: usize = 25;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands; `None` for the command line and the environment.
    pub place: Option<Place>,
    /// What is wrong, and the way out.
    pub message: String,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no file to read.
    #[error(
        "no {} in this directory\n  create one:  auditor --init\n  or name one: auditor --config PATH",
        super::FILE_NAME
    )]
    NotFound,
    /// The file cannot be read as text.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file, the command line or the environment is wrong: everything, by place.
    #[error("{}", list(.0))]
    Invalid(Vec<Problem>),
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

/// Collects problems while one file is read.
#[derive(Default)]
pub(super) struct Problems(Vec<(Option<usize>, String)>);

impl Problems {
    /// Notes a problem at a node of the file.
    pub(super) fn at(&mut self, node: &yaml::Node, message: impl fmt::Display) {
        self.0.push((Some(node.id), message.to_string()));
    }

    /// Notes a problem of the command line or the environment.
    pub(super) fn outside(&mut self, message: impl fmt::Display) {
        self.0.push((None, message.to_string()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Finds the places in `text`, the content of `path`; the problems come in its order.
    pub(super) fn locate(mut self, path: &Path, text: &str) -> Vec<Problem> {
        self.0.sort_by_key(|(id, _)| id.unwrap_or(usize::MAX));
        let left_out = self.0.len().saturating_sub(MOST);
        let locate = |(id, message): (Option<usize>, String)| Problem {
            place: id.and_then(|id| yaml::position(text, id)).map(|(line, column)| Place {
                path: path.to_owned(),
                line,
                column,
            }),
            message,
        };
        let mut problems: Vec<_> = self.0.into_iter().take(MOST).map(locate).collect();
        if left_out > 0 {
            problems.push(Problem { place: None, message: format!("and {left_out} more") });
        }
        problems
    }
}

/// Names the valid key nearest to `key`, or all of them where none is near.
pub(super) fn suggest<'a>(key: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    let valid: Vec<&str> = valid.into_iter().collect();
    let similarity = |candidate: &str| strsim::jaro_winkler(key, candidate);
    let nearest = valid.iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    match nearest {
        Some(nearest) if similarity(nearest) > 0.75 => format!("did you mean `{nearest}`?"),
        Some(_) => format!("valid here: {}", valid.join(", ")),
        None => "nothing is valid here".to_owned(),
    }
}
