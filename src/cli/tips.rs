//! What was probably meant by a command line that cannot be understood: a command without its `--`,
//! options as other tools call them, options without their dashes.

use std::ffi::OsString;
use std::path::Path;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Cli;
use crate::config::printable_word;
use crate::one_line::{one_line, shell_word};

/// What says where the telemetry is.
const SOURCES: &str = "`--scrape URL` is for a page of metrics, `--probe URL` for any URL of the \
                       service, `--target URL` for a Prometheus";

/// What is said where `serve` is given an option of an audit.
const OF_SERVICES: &str = "what the audit of a service takes stands in a file: `--services services.yaml`, with \
                           `scenarios: [{id: api, scrape: 'http://localhost:8000/metrics'}]`";

/// From so near on a word is a slip for another one.
const NEARLY: f64 = 0.85;

/// Options as other tools call them, and what to write.
const OTHER_NAMES: [(&[&str], &str); 12] = [
    (&["--json"], "did you mean `--output-format json`?"),
    (
        &["--format", "--output", "--out", "-o"],
        "did you mean `--output-format json`, which prints the report, or `--report PATH`?",
    ),
    (&["--url", "--service", "--endpoint", "--host"], SOURCES),
    (&["--prometheus", "--prometheus-url", "--server"], "did you mean `--target URL`?"),
    (&["--metrics", "--page"], "did you mean `--scrape URL`?"),
    (
        &["--fail", "--gate", "--strict", "--critical"],
        "did you mean `--fail-on-critical`, or `--fail-on LEVEL`?",
    ),
    (&["--duration", "--length", "--seconds"], "did you mean `--for DURATION`?"),
    (&["--interval"], "did you mean `--every DURATION`?"),
    (&["--input", "--file", "--replay", "-f"], "did you mean `--recording PATH`?"),
    (&["-c"], "did you mean `--config PATH`?"),
    (&["--debug"], "did you mean `--verbose`?"),
    (
        &["--command", "--cmd", "--run", "--load"],
        "the command to run stands after `--`, at the end: `auditor … -- COMMAND`",
    ),
];

/// The error, with what was probably meant if that can be told, and without the usage: that has no
/// place for an answer to what is wrong.
pub(super) fn with_tip(mut error: clap::Error, args: &[OsString]) -> clap::Error {
    error.remove(ContextKind::Usage);
    if let Some(message) = Line::new(args).needed(&error) {
        return clap::Error::raw(error.kind(), format!("{message}\n")).with_cmd(&Cli::command());
    }
    let is_slip = matches!(
        error.kind(),
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand | ErrorKind::ArgumentConflict
    );
    if !is_slip {
        return error;
    }
    let Some((unexpected, tip)) = Line::new(args).meant(&error) else {
        // Nothing is passed on as it is.
        error.remove(ContextKind::Suggested);
        return error;
    };
    let mut tipped = clap::Error::new(ErrorKind::UnknownArgument).with_cmd(&Cli::command());
    tipped.insert(ContextKind::InvalidArg, ContextValue::String(one_line(&unexpected)));
    let tip = ContextValue::StyledStrs(vec![one_line(&tip).into()]);
    tipped.insert(ContextKind::Suggested, tip);
    tipped
}

/// A command line, word by word.
struct Line {
    command: clap::Command,
    /// Without the program.
    words: Vec<String>,
}

impl Line {
    fn new(args: &[OsString]) -> Self {
        let words = args.iter().skip(1).map(|word| word.to_string_lossy().into_owned());
        Self { command: Cli::command(), words: words.collect() }
    }

    /// What an option of the line needs beside it, if that is what is missing.
    fn needed(&self, error: &clap::Error) -> Option<String> {
        let missing = missing(error);
        let task = self.words.first().filter(|word| self.command.find_subcommand(word).is_some());
        let alone = |option: &[String]| {
            let words = ["auditor".to_owned()].into_iter().chain(task.cloned());
            let line = words.chain(option.iter().cloned());
            let error = self.command.clone().try_get_matches_from(line).err();
            error.as_ref().map(self::missing).unwrap_or_default()
        };
        // What a task takes by itself is needed by no option.
        let of_task = alone(&[]);
        let missing: Vec<_> = missing.iter().filter(|it| !of_task.contains(it)).collect();
        let words: Vec<_> = self.words.iter().take_while(|word| *word != "--").cloned().collect();
        let options = words.iter().enumerate().filter(|(_, word)| word.starts_with("--"));
        options.into_iter().find_map(|(at, option)| {
            let end = if self.takes_next(option) == Some(true) { at + 2 } else { at + 1 };
            let needed = alone(words.get(at..end)?);
            let lacks: Vec<_> =
                missing.iter().filter(|it| needed.contains(it)).map(|it| in_words(it)).collect();
            let option = option.split('=').next().unwrap_or_default();
            (!lacks.is_empty()).then(|| format!("{option} needs {}", lacks.join(" and ")))
        })
    }

    /// What was not expected, and what was probably meant.
    fn meant(&self, error: &clap::Error) -> Option<(String, String)> {
        let named = |kind| match error.get(kind) {
            Some(ContextValue::String(word)) => Some(word.as_str()),
            _ => None,
        };
        let unexpected =
            named(ContextKind::InvalidSubcommand).or(named(ContextKind::InvalidArg))?;
        if self.words.first().is_some_and(|it| it == "serve") && self.is_of_audit(unexpected) {
            return Some((unexpected.to_owned(), OF_SERVICES.to_owned()));
        }
        let other = OTHER_NAMES.iter().find(|(names, _)| names.contains(&unexpected));
        if let Some((_, tip)) = other {
            return Some((unexpected.to_owned(), (*tip).to_owned()));
        }
        let at = self.first_operand().filter(|at| self.words[*at] == unexpected)?;
        Some((unexpected.to_owned(), self.of_operand(at)?))
    }

    /// Whether an audit has an option of that name.
    fn is_of_audit(&self, option: &str) -> bool {
        let name = option.strip_prefix("--");
        name.is_some_and(|name| self.command.get_arguments().any(|it| it.get_long() == Some(name)))
    }

    /// The task of that name, or of one that is nearly the same.
    fn task(&self, word: &str) -> Option<&str> {
        let mut names = self.command.get_subcommands().map(clap::Command::get_name);
        names.find(|name| strsim::jaro_winkler(name, word) > NEARLY)
    }

    /// Where the first word stands that is no option and no value of one; `None` too where an option
    /// before it is not known, since nobody knows whether that takes a value.
    fn first_operand(&self) -> Option<usize> {
        let mut is_value = false;
        for (at, word) in self.words.iter().enumerate() {
            if std::mem::take(&mut is_value) {
                continue;
            }
            if word == "--" {
                return None;
            }
            if !word.starts_with('-') {
                return Some(at);
            }
            is_value = self.takes_next(word)?;
        }
        None
    }

    /// Whether the word after this option is its value; `None` if it is no option of ours.
    fn takes_next(&self, word: &str) -> Option<bool> {
        let mut options = self.command.get_arguments();
        let Some(long) = word.strip_prefix("--") else {
            let short = word.chars().nth(1);
            let is_known = |it: &clap::Arg| it.get_short().is_some() && it.get_short() == short;
            // None of those takes a value.
            return (short == Some('h') || short == Some('V') || options.any(is_known))
                .then_some(false);
        };
        let (name, value) = long.split_once('=').map_or((long, None), |(it, to)| (it, Some(to)));
        let option = options.find(|it| it.get_long() == Some(name))?;
        Some(option.get_action().takes_values() && value.is_none())
    }

    /// What was probably meant by a word that stands where none is expected.
    fn of_operand(&self, at: usize) -> Option<String> {
        let (before, from) = self.words.split_at(at);
        let (word, rest) = from.split_first()?;
        let instead = |words: &[&str]| {
            let words = words.iter().map(|it| (*it).to_owned());
            self.line(&[before, &words.collect::<Vec<_>>(), rest].concat())
        };
        if let Some(task) = self.task(word) {
            let line = self.line(&[&[task.to_owned()], rest, before].concat());
            return Some(format!("did you mean `{line}`?"));
        }
        let is_first = before.is_empty();
        let is_option = self.command.get_arguments().any(|it| it.get_long() == Some(word.as_str()));
        let ends_in = |ends: &[&str]| ends.iter().any(|end| word.ends_with(end));
        let meant = match word.as_str() {
            "help" => {
                let task = rest.first().and_then(|it| self.task(it));
                task.map_or_else(
                    || "auditor --help".to_owned(),
                    |it| format!("auditor {it} --help"),
                )
            }
            "version" => "auditor --version".to_owned(),
            "init" => instead(&["--init"]),
            "report" | "record" if is_first && rest.first().is_some_and(|it| is_file(it)) => {
                return None;
            }
            _ if is_first && is_option => instead(&[&format!("--{word}")]),
            _ if word.contains("://") && ends_in(&["/metrics", "/metrics/"]) => {
                instead(&["--scrape", word])
            }
            _ if word.contains("://") && ends_in(&[".json"]) => instead(&["--scrape-json", word]),
            _ if word.contains("://") => return Some(SOURCES.to_owned()),
            _ if ends_in(&[".yaml", ".yml"]) => instead(&["--config", word]),
            _ if ends_in(&[".om", ".prom"]) => instead(&["--recording", word]),
            _ if is_first && rest.is_empty() => return None,
            _ => return Some(self.of_command(before, from)),
        };
        Some(format!("did you mean `{meant}`?"))
    }

    /// The same with the `--` that stands before a command.
    fn of_command(&self, before: &[String], command: &[String]) -> String {
        let line = self.line(&[before, &["--".to_owned()], command].concat());
        let is_ours = |word: &&String| word.starts_with("--") && self.takes_next(word).is_some();
        let ours = command.iter().find(is_ours).map(|option| {
            let option = option.split('=').next().unwrap_or_default();
            format!(" (if {option} is meant for auditor, it stands before the `--`)")
        });
        format!("a command to run stands after `--`: `{line}`{}", ours.unwrap_or_default())
    }

    /// The whole line as a shell would have it, without secrets.
    fn line(&self, words: &[String]) -> String {
        let mut line = "auditor".to_owned();
        let mut is_header = false;
        for word in words {
            let inline = word.strip_prefix("--header=");
            let word = match inline {
                Some(header) => format!("--header={}", without_value(header)),
                None if is_header => without_value(word),
                None => printable_word(word),
            };
            is_header = word == "--header";
            line.push(' ');
            line.push_str(&shell_word(&word));
        }
        line
    }
}

/// The arguments that are required and not there, as clap writes them.
fn missing(error: &clap::Error) -> Vec<String> {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(names))
            if error.kind() == ErrorKind::MissingRequiredArgument =>
        {
            names.clone()
        }
        _ => Vec::new(),
    }
}

/// A required argument without the brackets of clap: `--scrape <URL> or --probe <URL>`.
fn in_words(argument: &str) -> String {
    let group = argument.strip_prefix("<--").and_then(|it| it.strip_suffix('>'));
    match group {
        Some(group) => format!("--{}", group.replace('|', " or ")),
        None if argument.starts_with('<') => format!("a command: -- {argument}"),
        None => argument.to_owned(),
    }
}

/// Whether a value of `--report` or `--record` names a file that is there, which the option would
/// replace.
fn is_file(value: &str) -> bool {
    let path = value.split_once('=').map_or(value, |(_, path)| path);
    [value, path].iter().any(|it| Path::new(it).exists())
}

/// A header without its value, which may be a credential.
fn without_value(header: &str) -> String {
    header.split_once(':').map_or_else(|| "***".to_owned(), |(name, _)| format!("{name}: ***"))
}
