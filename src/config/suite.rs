//! `SUITE.yaml`: many audits, a scenario each, with the options that the command line has for one.

mod keys;
mod manifest;

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keys::OPTIONS;
pub use manifest::{Manifest, ManifestError, ManifestRow};

use super::file;
use super::layers::{self, get};
use super::problems::{ConfigError, Problem, Problems};
use super::schema::{Entry, entries, find, unknown};
use super::yaml::{self, Node, Value};
use crate::model::origin::Place;

/// A suite or a manifest above this size, in bytes, is refused unread.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// So long is waited for one that is no file on disk.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most nodes of its tree: some ten thousand scenarios have them.
const MOST_NODES: usize = 2_000_000;

/// The keys of the file.
const SECTIONS: [&str; 4] = ["defaults", "scenarios", "unlisted", "expect"];
/// What a scenario has beside the options of an audit.
pub(super) const OF_SCENARIO: [&str; 5] = ["id", "name", "command", "logs", "metrics"];
/// The keys that say where telemetry is: a scenario that has one takes none from the defaults.
const SOURCES: [&str; 5] = ["target", "scrape", "scrape_json", "probe", "recording"];

/// A suite as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct SuiteFile {
    /// The file, as it was named.
    pub path: PathBuf,
    /// How many scenarios there have to be, if it says so.
    pub expect: Option<usize>,
    /// The scenarios, in the order of the file.
    pub scenarios: Vec<ScenarioSpec>,
    /// What holds for rows of a manifest that no scenario has the id of.
    pub unlisted: Option<ScenarioSpec>,
}

/// A scenario as it is written: an audit, with the options that the command line has for it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioSpec {
    /// Of no other scenario.
    pub id: String,
    /// For people.
    pub name: String,
    /// Where it stands.
    pub place: Option<Place>,
    /// The options.
    pub options: Vec<GivenOption>,
    /// The command to run meanwhile, and its arguments; empty for none.
    pub command: Vec<OsString>,
    /// The names of log files, and where these are.
    pub logs: Vec<(String, PathBuf)>,
    /// What is shown of the logs' lines.
    pub metrics: Vec<LineOfLog>,
}

/// An option of the command line, given in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenOption {
    /// Its key in the file.
    pub key: &'static str,
    /// Its long name, without dashes.
    pub name: &'static str,
    /// Its value; `None` for a switch.
    pub value: Option<OsString>,
    /// Where it stands.
    pub place: Option<Place>,
}

/// A line of a log of which every pair is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct LineOfLog {
    /// What the summary calls it.
    pub name: String,
    /// The name of the log.
    pub file: String,
    /// What the line holds.
    pub token: String,
}

impl SuiteFile {
    /// Reads and validates a suite. Paths in it are relative to the file.
    ///
    /// # Errors
    /// A file that is missing or cannot be read, or everything that is wrong in it.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = file::read(path, MAX_BYTES, PATIENCE).and_then(file::text);
        let text = text.map_err(|reason| {
            let meant = if path.exists() { None } else { file::neighbour(path) };
            ConfigError::Unreadable { path: path.to_owned(), reason, meant }
        })?;
        Self::parse(path, &text)
    }

    /// Validates `text`, the content of `path`.
    ///
    /// # Errors
    /// Everything that is wrong in it.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let parsed = yaml::parse_up_to(MOST_NODES, path, text);
        let root = parsed.map_err(|problem| ConfigError::Invalid(vec![problem]))?;
        let mut problems = Problems::default();
        let suite = read(path, &root, &mut problems);
        match suite {
            Some(suite) if problems.is_empty() => Ok(suite),
            _ => Err(ConfigError::Invalid(problems.sorted())),
        }
    }

    /// The scenario of that id.
    pub fn scenario(&self, id: &str) -> Option<&ScenarioSpec> {
        self.scenarios.iter().find(|scenario| scenario.id == id)
    }
}

impl ScenarioSpec {
    /// A problem of one of its options, where it stands; of the whole, where there is none.
    pub fn problem(&self, option: Option<&GivenOption>, message: &str) -> Problem {
        match option.and_then(|option| Some((option.place.clone()?, option.key))) {
            Some((place, key)) => {
                Problem { place: Some(place), message: format!("`{key}`: {message}") }
            }
            None => Problem {
                place: self.place.clone(),
                message: format!("the scenario `{}`: {message}", self.id),
            },
        }
    }

    /// Whether an option is given.
    pub fn has(&self, key: &str) -> bool {
        self.options.iter().any(|option| option.key == key)
    }
}

fn read(path: &Path, root: &Node, problems: &mut Problems) -> Option<SuiteFile> {
    if matches!(root.value, Value::Null) {
        problems.at(root, "the file is empty; a suite has `scenarios`");
        return None;
    }
    let sections = entries(root, "the file", problems);
    for ((name, key), _) in &sections {
        if !SECTIONS.contains(name) {
            problems.at(key, unknown("section", name, SECTIONS));
        }
    }
    let section = |name| find(&sections, name).map(|(_, node)| node);
    let base = path.parent().unwrap_or(Path::new(""));
    let defaults = section("defaults");
    if let Some(defaults) = defaults {
        for ((name, key), _) in entries(defaults, "`defaults`", problems) {
            if matches!(name, "id" | "name") {
                problems.at(key, format!("each scenario has its own `{name}`"));
            }
        }
    }
    let expect = section("expect").and_then(|node| read_expect(node, problems));
    let unlisted = section("unlisted").and_then(|node| {
        let node = over_defaults(defaults, node.clone());
        read_scenario(base, &node, Some(UNLISTED), problems)
    });
    let Some(listed) = section("scenarios") else {
        problems.at(root, "the section `scenarios` is missing: a list with an entry for each");
        return None;
    };
    let Value::List(items) = &listed.value else {
        let found = listed.value.noun();
        problems.at(listed, format!("`scenarios` must be a list, found {found}"));
        return None;
    };
    if items.is_empty() {
        problems.at(listed, "there is no scenario; a suite without one would see nothing");
    }
    let mut ids = HashSet::new();
    let mut scenarios = Vec::new();
    for item in items {
        let node = over_defaults(defaults, item.clone());
        let Some(scenario) = read_scenario(base, &node, None, problems) else { continue };
        if ids.insert(scenario.id.clone()) {
            scenarios.push(scenario);
        } else {
            problems.at(item, format!("a scenario before it has the id `{}`", scenario.id));
        }
    }
    Some(SuiteFile { path: path.to_owned(), expect, scenarios, unlisted })
}

/// The id of what holds for rows that are not listed, in messages.
const UNLISTED: &str = "unlisted";

/// A scenario on top of what is said for all. A key without a value takes nothing from there, and a
/// source of its own stands in for theirs.
fn over_defaults(defaults: Option<&Node>, scenario: Node) -> Node {
    let Value::Map(own) = &scenario.value else { return scenario };
    let has_source = SOURCES.iter().any(|key| get(&scenario, key).is_some());
    let is_emptied = |key: &str| get(&scenario, key).is_some_and(is_nothing);
    let is_left = |key: &str| !(is_emptied(key) || has_source && SOURCES.contains(&key));
    let left = |entries: &[(Node, Node)], is_left: &dyn Fn(&str) -> bool| {
        let is_left = |(key, _): &&(Node, Node)| match &key.value {
            Value::Text(key) => is_left(key),
            _ => true,
        };
        Value::Map(entries.iter().filter(is_left).cloned().collect())
    };
    let own = Node {
        origin: scenario.origin.clone(),
        value: left(own, &|key| is_of_scenario(key) || !is_emptied(key)),
    };
    match defaults {
        Some(Node { origin, value: Value::Map(entries) }) => {
            let defaults = Node { origin: origin.clone(), value: left(entries, &is_left) };
            Node { origin: scenario.origin, ..layers::merge_each(defaults, own) }
        }
        _ => own,
    }
}

const fn is_nothing(node: &Node) -> bool {
    matches!(node.value, Value::Null)
}

/// Whether it is no key that may be left without a value.
fn is_of_scenario(key: &str) -> bool {
    matches!(key, "id" | "name") || !is_known(key)
}

fn is_known(key: &str) -> bool {
    OF_SCENARIO.contains(&key) || OPTIONS.iter().any(|option| option.key == key)
}

fn read_expect(node: &Node, problems: &mut Problems) -> Option<usize> {
    let entries = entries(node, "`expect`", problems);
    for ((name, key), _) in entries.iter().filter(|((name, _), _)| *name != "scenarios") {
        problems.at(key, unknown("key", name, ["scenarios"]));
    }
    let (_, count) = find(&entries, "scenarios")?;
    match count.value {
        Value::Int(number) if number > 0 => usize::try_from(number).ok(),
        _ => {
            problems.at(count, format!("expected a number above 0, found {}", count.value.kind()));
            None
        }
    }
}

fn read_scenario(
    base: &Path,
    node: &Node,
    fixed_id: Option<&str>,
    problems: &mut Problems,
) -> Option<ScenarioSpec> {
    if !matches!(node.value, Value::Map(_)) {
        let found = node.value.noun();
        problems.at(node, format!("a scenario must be a mapping with an `id`, found {found}"));
        return None;
    }
    let entries = entries(node, "a scenario", problems);
    let known = || OF_SCENARIO.into_iter().chain(OPTIONS.iter().map(|option| option.key));
    for ((name, key), _) in &entries {
        if !is_known(name) {
            problems.at(key, unknown("key", name, known()));
        }
    }
    let id = match fixed_id {
        Some(id) => {
            for key in ["id", "name"] {
                if let Some(((_, place), _)) = find(&entries, key) {
                    problems.at(place, format!("`unlisted` has no `{key}`: the manifest has it"));
                }
            }
            id.to_owned()
        }
        None => read_id(node, &entries, problems)?,
    };
    let name = text_of("name", &entries, problems).unwrap_or_else(|| id.clone());
    let mut options = Vec::new();
    for option in &OPTIONS {
        if let Some((_, value)) = find(&entries, option.key) {
            keys::read_option(option, value, base, &mut options, problems);
        }
    }
    let command = find(&entries, "command").map(|(_, node)| read_command(node, problems));
    let logs = find(&entries, "logs").map(|(_, node)| read_logs(node, base, problems));
    let metrics = find(&entries, "metrics").map(|(_, node)| read_metrics(node, problems));
    Some(ScenarioSpec {
        id,
        name,
        place: node.place(),
        options,
        command: command.unwrap_or_default(),
        logs: logs.unwrap_or_default(),
        metrics: metrics.unwrap_or_default(),
    })
}

/// Whether a text may be the id of a scenario, or the name of a service.
pub(crate) fn is_id(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !text.is_empty() && text.chars().all(is_plain) && !text.starts_with('.')
}

fn read_id(node: &Node, entries: &[Entry<'_>], problems: &mut Problems) -> Option<String> {
    let Some((_, value)) = find(entries, "id") else {
        problems.at(node, "a scenario has no `id`");
        return None;
    };
    match &value.value {
        Value::Text(id) if is_id(id) => Some(id.clone()),
        Value::Int(id) if *id >= 0 => Some(id.to_string()),
        _ => {
            problems.at(value, "an id has letters, digits, `_`, `-` and `.` only");
            None
        }
    }
}

fn text_of(key: &str, entries: &[Entry<'_>], problems: &mut Problems) -> Option<String> {
    let (_, node) = find(entries, key)?;
    word_of(node, key, problems)
}

/// A text that is not empty.
fn word_of(node: &Node, key: &str, problems: &mut Problems) -> Option<String> {
    match &node.value {
        Value::Text(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        other => {
            problems.at(node, format!("`{key}` must be text, found {}", other.kind()));
            None
        }
    }
}

/// A text is for a shell; a list is the program and its arguments.
fn read_command(node: &Node, problems: &mut Problems) -> Vec<OsString> {
    match &node.value {
        Value::Text(line) if !line.trim().is_empty() => shell(line),
        Value::List(items) if !items.is_empty() => {
            let word = |item: &Node| match &item.value {
                Value::Text(text) => Some(OsString::from(text)),
                Value::Int(number) => Some(number.to_string().into()),
                Value::Float(number) => Some(number.to_string().into()),
                _ => None,
            };
            let words: Vec<_> = items.iter().map(|item| (item, word(item))).collect();
            for (item, _) in words.iter().filter(|(_, word)| word.is_none()) {
                let found = item.value.noun();
                problems.at(item, format!("a word of `command` must be text, found {found}"));
            }
            words.into_iter().filter_map(|(_, word)| word).collect()
        }
        other => {
            let found = other.noun();
            let message = "`command` must be text for a shell, or a list of words";
            problems.at(node, format!("{message}, found {found}"));
            Vec::new()
        }
    }
}

#[cfg(unix)]
fn shell(line: &str) -> Vec<OsString> {
    ["sh", "-c", line].map(OsString::from).to_vec()
}

#[cfg(not(unix))]
fn shell(line: &str) -> Vec<OsString> {
    ["cmd", "/C", line].map(OsString::from).to_vec()
}

fn read_logs(node: &Node, base: &Path, problems: &mut Problems) -> Vec<(String, PathBuf)> {
    let entries = entries(node, "`logs`", problems);
    let mut logs = Vec::new();
    for ((name, _), value) in entries {
        if let Some(path) = word_of(value, name, problems) {
            logs.push((name.to_owned(), base.join(path)));
        }
    }
    logs
}

fn read_metrics(node: &Node, problems: &mut Problems) -> Vec<LineOfLog> {
    const KEYS: [&str; 2] = ["file", "line"];
    let mut metrics = Vec::new();
    for ((name, _), value) in entries(node, "`metrics`", problems) {
        let fields = entries(value, name, problems);
        for ((key, place), _) in fields.iter().filter(|((key, _), _)| !KEYS.contains(key)) {
            problems.at(place, unknown("key", key, KEYS));
        }
        let [file, token] = KEYS.map(|key| match find(&fields, key) {
            Some((_, node)) => word_of(node, key, problems),
            None => {
                problems.at(value, format!("`{name}` has no `{key}`"));
                None
            }
        });
        if let (Some(file), Some(token)) = (file, token) {
            metrics.push(LineOfLog { name: name.to_owned(), file, token });
        }
    }
    metrics
}

/// The JSON Schema of a suite, for editors: made of the table that the file is read by.
pub fn json_schema() -> serde_json::Value {
    keys::json_schema()
}

#[cfg(test)]
mod tests;
