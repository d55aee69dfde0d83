//! What no table says of a topic: text files, one for each group, with a section for each topic.
//!
//! A section begins with `# NAME: what it is`. Paragraphs and items (`- `) are filled to the width
//! of a line; what is indented by four spaces is shown as it stands. `{{limit NAME}}` and the like
//! stand for numbers of the tables.

use super::{Group, Topic, facts};
use crate::model::built_in::BuiltIn;
use crate::model::evidence::Rule;
use crate::model::level::{Level, Levels};
use crate::model::mode::Cause;
use crate::model::quantity::number;
use crate::model::signal::Signal;
use crate::model::weights::SCORE;
use crate::wrap::wrap;

/// The runtimes that every failure mode and signal is explained for, as the items begin.
#[cfg(test)]
pub(super) const RUNTIMES: [&str; 6] = ["Python asyncio", "Node", "tokio", "Go", ".NET", "JVM"];

const fn file(group: Group) -> &'static str {
    match group {
        Group::Modes => include_str!("modes.txt"),
        Group::Signals => include_str!("signals.txt"),
        Group::Checks => include_str!("checks.txt"),
        Group::Statuses => include_str!("statuses.txt"),
        Group::Verdicts => include_str!("verdicts.txt"),
        Group::Repeats => include_str!("repeats.txt"),
        Group::Exits => include_str!("exit_codes.txt"),
        Group::Rules => include_str!("evidence.txt"),
    }
}

/// What a topic is, in a few words; and its section. `None` where there is none.
fn section(topic: Topic) -> Option<(&'static str, &'static str)> {
    let sections = file(topic.group()).split("\n# ").skip(1);
    let mut sections = sections.filter_map(|section| section.split_once('\n'));
    sections.find_map(|(title, body)| {
        let (name, summary) = title.split_once(": ")?;
        (name == topic.name()).then_some((summary, body.trim_matches('\n')))
    })
}

/// What a topic is, in a few words.
pub(super) fn summary(topic: Topic) -> Option<&'static str> {
    section(topic).map(|(summary, _)| summary)
}

/// What is said of a topic, as lines of bounded width.
pub(super) fn text(topic: Topic) -> String {
    section(topic).map(|(_, body)| fill(&with_numbers(body))).unwrap_or_default()
}

/// Fills paragraphs and items.
fn fill(text: &str) -> String {
    let mut filled = String::new();
    let mut block = String::new();
    for line in text.lines() {
        let is_code = line.starts_with("    ");
        if is_code || line.is_empty() || line.starts_with("- ") {
            filled += &one_block(&block);
            block.clear();
        }
        if is_code || line.is_empty() {
            filled += &format!("{line}\n");
        } else {
            block += &format!("{line}\n");
        }
    }
    filled + &one_block(&block)
}

fn one_block(block: &str) -> String {
    match block.strip_prefix("- ") {
        _ if block.is_empty() => String::new(),
        Some(item) => wrap("- ", 2, item),
        None => wrap("", 0, block),
    }
}

/// Puts in what the tables say. What they do not know stays as it is.
fn with_numbers(text: &str) -> String {
    let mut parts = text.split("{{");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let known = part.split_once("}}").and_then(|(name, rest)| Some((number_of(name)?, rest)));
        match known {
            Some((number, rest)) => filled += &format!("{number}{rest}"),
            None => filled += &format!("{{{{{part}"),
        }
    }
    filled
}

/// What a placeholder stands for.
fn number_of(placeholder: &str) -> Option<String> {
    let (what, name) = placeholder.split_once(' ').unwrap_or((placeholder, ""));
    let check = || BuiltIn::all().iter().find(|it| it.id == name);
    match what {
        "limit" => check().map(|it| facts::amount(it.default, it.signal.unit())),
        "threshold" => check().map(|it| it.threshold.to_owned()),
        "weight" => {
            let signal = Signal::from_key(name)?;
            SCORE.iter().find(|(it, _)| *it == signal).map(|(_, weight)| number(*weight))
        }
        "level" => {
            let (_, level) = Level::ALL.into_iter().find(|(it, _)| *it == name)?;
            Some(number(Levels::default().start_of(level)))
        }
        // How much of it alone reaches the level.
        "lag" => {
            let (_, level) = Level::ALL.into_iter().find(|(it, _)| *it == name)?;
            let (_, weight) = SCORE.iter().find(|(it, _)| *it == Signal::EVENT_LOOP_LAG)?;
            let start = Levels::default().start_of(level);
            Some(facts::amount(start / weight, Signal::EVENT_LOOP_LAG.unit()))
        }
        "default" => Rule::from_key(name).map(|rule| rule.def().default.to_owned()),
        "formula" => Some(facts::formula()),
        "cpu" if name == "bound" => Some(number(Cause::CPU_BOUND_CORES)),
        "cpu" if name == "blocked" => Some(number(Cause::BLOCKED_CORES)),
        _ => None,
    }
}
