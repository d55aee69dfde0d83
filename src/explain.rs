//! `auditor explain`: what stands behind a word of the report.
//!
//! A topic has facts, which come from the tables of the model, and prose, which is in a text file
//! for each group. A number that a table has is a placeholder there, so that it is written once.

mod facts;
mod prose;
#[cfg(test)]
mod tests;

use crate::config::nearest;
use crate::engine::Verdict;
use crate::exit::Exit;
use crate::model::baseline;
use crate::model::built_in::BuiltIn;
use crate::model::check;
use crate::model::evidence::{RULES, Rule};
use crate::model::finding::LATE_SCRAPE;
use crate::model::level::{Level, Status};
use crate::model::mode::Mode;
use crate::model::signal::Signal;
use crate::one_line::one_line;
use crate::wrap::wrap;

/// The name under which the score is explained.
const SCORE: &str = "score";
/// The name under which repeated audits are explained, and what else leads there.
const BREAKER: &str = "breaker";
const OF_BREAKER: [&str; 4] = ["samples", "cooldown", "failure_threshold", "state"];
/// What leads to the baseline beside the names of comparisons.
const OF_BASELINE: [&str; 3] = ["floor", "max_increase", "max_decrease"];
/// So many names are offered in place of one that is no topic.
const MOST_OFFERED: usize = 4;
/// A shorter part of a name says too little of which one is meant.
const LEAST_PART: usize = 3;

/// What can be explained.
#[derive(Debug, Clone, Copy)]
pub enum Topic {
    /// A failure mode.
    Mode(&'static Mode),
    /// A signal, and its limit.
    Signal(Signal),
    /// A built-in check that is no signal's limit.
    Check(&'static BuiltIn),
    /// The finding of a page of metrics that came late.
    LateScrape,
    /// A check that the configuration adds.
    OwnCheck,
    /// A comparison with an earlier audit.
    Baseline,
    /// The score, which the status follows from.
    Score,
    /// A status.
    Status(Status),
    /// What several audits come to.
    Breaker,
    /// A verdict.
    Verdict(Verdict),
    /// An exit code.
    Exit(Exit),
    /// A rule of evidence.
    Rule(Rule),
}

/// What kind of topic it is, in the order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Failure modes.
    Modes,
    /// Signals.
    Signals,
    /// Checks that are no signal's limit.
    Checks,
    /// The score and the statuses.
    Statuses,
    /// Verdicts.
    Verdicts,
    /// Audits that are carried out several times.
    Repeats,
    /// Exit codes.
    Exits,
    /// Rules of evidence.
    Rules,
}

/// There is no such topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no topic `{name}`; `auditor explain` lists all{}", offer(.near))]
pub struct Unknown {
    name: String,
    near: Vec<String>,
}

/// What a name means, causes and asks for; a name of two topics, both.
///
/// # Errors
/// If there is no such topic.
pub fn explain(name: &str) -> Result<String, Unknown> {
    let asked = normal(name);
    let found = Topic::all().into_iter().filter(|topic| topic.is_called(&asked));
    let texts: Vec<_> = found.map(Topic::text).collect();
    if texts.is_empty() {
        return Err(Unknown { name: one_line(name), near: near(&asked) });
    }
    Ok(texts.join("\n"))
}

/// What a name means, in a few words; of a name of two topics, the first.
pub fn summary(name: &str) -> Option<&'static str> {
    let asked = normal(name);
    let found = Topic::all().into_iter().find(|topic| topic.is_called(&asked));
    found.map(Topic::summary)
}

/// Every topic with a line, by groups.
pub fn list() -> String {
    let topics = Topic::all();
    let mut text = wrap("", 0, INTRODUCTION);
    for group in Group::ALL {
        text += &format!("\n{}:\n", group.heading());
        let of_group = topics.iter().filter(|topic| topic.group() == group);
        let width = of_group.clone().map(|topic| topic.name().len()).max().unwrap_or_default();
        for topic in of_group {
            text += &format!("  {:width$}  {}\n", topic.name(), topic.summary());
        }
    }
    text
}

const INTRODUCTION: &str = "`auditor explain TOPIC` says what a word of the report means, how it is \
                            computed, what usually causes it and what to do. Topics:";

/// As names are compared: case does not count, nor which of space, `-` and `_` it is.
fn normal(name: &str) -> String {
    name.trim().to_lowercase().replace(['-', ' '], "_")
}

/// Names like that one: those that it is a part of, else the nearest.
fn near(asked: &str) -> Vec<String> {
    let mut names: Vec<String> = Topic::all().into_iter().map(|it| it.name().to_owned()).collect();
    names.dedup_by_key(|name| normal(name));
    let is_part = |name: &&String| asked.len() >= LEAST_PART && normal(name).contains(asked);
    let parts: Vec<_> = names.iter().filter(is_part).take(MOST_OFFERED).cloned().collect();
    if !parts.is_empty() {
        return parts;
    }
    let normals: Vec<_> = names.iter().map(|name| normal(name)).collect();
    let nearest = nearest(asked, normals.iter().map(String::as_str));
    names.into_iter().filter(|name| nearest == Some(&*normal(name))).take(1).collect()
}

fn offer(near: &[String]) -> String {
    let names: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(" or ")) }
}

impl Topic {
    /// Every topic, in the order of the list.
    pub fn all() -> Vec<Self> {
        let is_own = |it: &&'static BuiltIn| Signal::from_key(it.id).is_none();
        let mut all: Vec<_> = Mode::all().iter().map(Self::Mode).collect();
        all.extend(Signal::all().map(Self::Signal));
        all.extend(BuiltIn::all().iter().filter(is_own).map(Self::Check));
        all.extend([Self::LateScrape, Self::OwnCheck, Self::Baseline, Self::Score]);
        all.extend(Status::ALL.map(Self::Status));
        all.extend(Verdict::ALL.map(Self::Verdict));
        all.push(Self::Breaker);
        all.extend(Exit::ALL.map(Self::Exit));
        all.extend(RULES.iter().map(|def| Self::Rule(def.rule)));
        all
    }

    /// Its name, as the report spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mode(mode) => mode.name,
            Self::Signal(signal) => signal.key(),
            Self::Check(check) => check.id,
            Self::LateScrape => LATE_SCRAPE,
            Self::OwnCheck => check::SECTION,
            Self::Baseline => baseline::SECTION,
            Self::Score => SCORE,
            Self::Status(status) => status.name(),
            Self::Breaker => BREAKER,
            Self::Verdict(verdict) => verdict.name(),
            Self::Exit(exit) => exit.digit(),
            Self::Rule(rule) => rule.key(),
        }
    }

    /// Which kind it is.
    pub const fn group(self) -> Group {
        match self {
            Self::Mode(_) => Group::Modes,
            Self::Signal(_) => Group::Signals,
            Self::Check(_) | Self::LateScrape | Self::OwnCheck | Self::Baseline => Group::Checks,
            Self::Score | Self::Status(_) => Group::Statuses,
            Self::Breaker => Group::Repeats,
            Self::Verdict(_) => Group::Verdicts,
            Self::Exit(_) => Group::Exits,
            Self::Rule(_) => Group::Rules,
        }
    }

    /// Whether a name is meant for it: its own, or the key that sets its limit.
    fn is_called(self, asked: &str) -> bool {
        let is_key = |key: &str| asked == key;
        asked == normal(self.name())
            || match self {
                Self::Signal(signal) => {
                    BuiltIn::of_signal(signal).is_some_and(|it| is_key(it.threshold))
                }
                Self::Check(check) => is_key(check.threshold),
                Self::OwnCheck => is_key("check"),
                Self::Baseline => {
                    asked.starts_with(baseline::PREFIX) || OF_BASELINE.contains(&asked)
                }
                Self::Breaker => OF_BREAKER.contains(&asked),
                Self::Status(status) => {
                    let level = Level::WORST_FIRST.into_iter().find(|it| it.status() == status);
                    level.is_some_and(|it| is_key(it.threshold()) || is_key(it.name()))
                }
                Self::Exit(exit) => {
                    let digit = exit.digit();
                    ["exit_", "exit_code_"].iter().any(|it| asked == format!("{it}{digit}"))
                }
                _ => false,
            }
    }

    /// What it is called beside its name.
    const fn kind(self) -> &'static str {
        match self {
            Self::Mode(_) => "failure mode",
            Self::Signal(_) => "signal",
            Self::Check(_) => "check",
            Self::LateScrape => "finding",
            Self::OwnCheck => "a check of your own",
            Self::Baseline => "a comparison",
            Self::Score => "of the runtime",
            Self::Status(_) => "status",
            Self::Breaker => "of repeated audits",
            Self::Verdict(_) => "verdict",
            Self::Exit(_) => "exit code",
            Self::Rule(_) => "rule of evidence",
        }
    }

    /// What it is, in a few words.
    fn summary(self) -> &'static str {
        prose::summary(self).unwrap_or_default()
    }

    /// All that there is to say of it.
    fn text(self) -> String {
        let title = format!("{} ({}): {}", self.name(), self.kind(), self.summary());
        let title = wrap("", 2, &title);
        format!("{title}\n{}\n{}", facts::text(self), prose::text(self))
    }
}

impl Group {
    /// Every group, in the order of the list.
    pub const ALL: [Self; 8] = [
        Self::Modes,
        Self::Signals,
        Self::Checks,
        Self::Statuses,
        Self::Verdicts,
        Self::Repeats,
        Self::Exits,
        Self::Rules,
    ];

    const fn heading(self) -> &'static str {
        match self {
            Self::Modes => "Failure modes",
            Self::Signals => "Signals, and the limits of the same name",
            Self::Checks => "Other checks and findings",
            Self::Statuses => "Score and status",
            Self::Verdicts => "Verdicts",
            Self::Repeats => "Repeated audits",
            Self::Exits => "Exit codes",
            Self::Rules => "Rules of evidence",
        }
    }
}
