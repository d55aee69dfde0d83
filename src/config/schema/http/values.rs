//! What stands under the keys of the section: text, secrets, files.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::file;
use crate::config::problems::{Problems, suggest};
use crate::config::schema::{Key, entries};
use crate::config::yaml::{Node, Value};

/// A file with a secret or a certificate is not longer, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// The section, as far as its values need it.
pub(super) struct Section<'a> {
    /// The file in which it stands; paths are relative to its directory.
    pub(super) file: &'a Path,
    /// Whether anything is reached by it; if not, its files are left alone.
    pub(super) is_used: bool,
    /// How long to wait for what is no file on disk.
    pub(super) patience: Duration,
    /// The files that were named in it.
    pub(super) files: RefCell<Vec<PathBuf>>,
}

impl<'a> Section<'a> {
    /// The section of a file.
    pub(super) fn new(file: &'a Path, is_used: bool, patience: Duration) -> Self {
        Self { file, is_used, patience, files: RefCell::default() }
    }
}

pub(super) type Entry<'a> = (Key<'a>, &'a Node);

/// The entries of a mapping whose keys are known.
pub(super) fn fields<'a>(
    node: &'a Node,
    what: &str,
    keys: &[&str],
    problems: &mut Problems,
) -> Vec<Entry<'a>> {
    let (known, others): (Vec<_>, Vec<_>) =
        entries(node, what, problems).into_iter().partition(|((name, _), _)| keys.contains(name));
    for ((name, key), _) in others {
        // Not repeated: with a colon missing, it holds a secret.
        let hint = suggest(name, keys.iter().copied());
        problems.at(key, format!("unknown key; {hint}"));
    }
    known
}

pub(super) fn find<'a>(fields: &[Entry<'a>], name: &str) -> Option<Entry<'a>> {
    fields.iter().find(|((key, _), _)| *key == name).copied()
}

pub(in crate::config::schema) fn boolean(
    name: &str,
    node: &Node,
    problems: &mut Problems,
) -> Option<bool> {
    if let Value::Bool(value) = node.value {
        return Some(value);
    }
    let found = node.value.noun();
    problems.at(node, format!("`{name}` must be true or false, found {found}"));
    None
}

/// Text that is not empty. It is not repeated in problems: it may be a secret.
pub(super) fn text<'a>(name: &str, node: &'a Node, problems: &mut Problems) -> Option<&'a str> {
    match &node.value {
        Value::Text(text) if text.trim().is_empty() => {
            problems.at(node, format!("`{name}` is empty"));
            None
        }
        Value::Text(text) => Some(text),
        other => {
            let hint = if matches!(other, Value::Int(_) | Value::Float(_) | Value::Bool(_)) {
                "; put it in quotes"
            } else {
                ""
            };
            problems.at(node, format!("`{name}` must be text, found {}{hint}", other.noun()));
            None
        }
    }
}

/// A path, relative to the file in which it stands.
fn path(
    name: &str,
    node: &Node,
    section: &Section<'_>,
    problems: &mut Problems,
) -> Option<PathBuf> {
    let text = text(name, node, problems)?;
    Some(section.file.parent().unwrap_or(Path::new("")).join(text))
}

/// The content of the file that `node` names; `None` without a problem where it is not needed.
pub(super) fn content(
    name: &str,
    node: &Node,
    section: &Section<'_>,
    problems: &mut Problems,
) -> Option<Vec<u8>> {
    let path = path(name, node, section, problems)?;
    section.files.borrow_mut().push(path.clone());
    if !section.is_used {
        return None;
    }
    file::read(&path, MAX_BYTES, section.patience)
        .map_err(|reason| {
            problems.at(node, format!("`{name}`: cannot read {}: {reason}", path.display()));
        })
        .ok()
}

/// A secret in a file, without the line feed at its end.
pub(super) fn secret_file(
    name: &str,
    node: &Node,
    section: &Section<'_>,
    problems: &mut Problems,
) -> Option<String> {
    let text = file::text(content(name, node, section, problems)?)
        .map_err(|reason| problems.at(node, format!("`{name}`: {reason}")))
        .ok()?;
    let secret = text.trim();
    if secret.is_empty() {
        problems.at(node, format!("`{name}`: the file is empty"));
        return None;
    }
    Some(secret.to_owned())
}
