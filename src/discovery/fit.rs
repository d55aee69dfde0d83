//! What of each preset is there.

use std::path::Path;

use super::inventory::{Inventory, Presence};
use crate::config::{self, ConfigError, Plan, Request, SourceRequest};
use crate::model::signal::Signal;
use crate::presets::{PROBE, Preset};
use crate::promql::{Query, SelectorUse};

/// What the names of the probe's series begin with.
const OF_PROBE: &str = "auditor_";

/// How far a signal or a check can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Its metrics are there.
    There,
    /// Names are there, and no series yet that is asked for: what is told of those names.
    NotYet(Vec<String>),
    /// `--probe` shows it.
    Probe,
    /// These are not there.
    Missing(Vec<String>),
}

/// A query of a preset.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its key under `queries` or `checks`.
    pub(super) key: String,
    pub(super) signal: Option<Signal>,
    pub(super) state: State,
    /// Whether some of it is the probe's.
    pub(super) uses_probe: bool,
    /// Its selectors.
    pub(super) selectors: Vec<SelectorUse>,
}

impl Entry {
    /// Whether the service's own metrics show it.
    pub(super) fn is_own(&self) -> bool {
        matches!(self.state, State::There | State::NotYet(_))
    }

    fn is_of_the_loop(&self) -> bool {
        self.signal.is_some_and(|signal| Signal::OF_THE_LOOP.contains(&signal))
    }
}

/// What of a preset is there.
#[derive(Debug)]
pub(super) struct Fit {
    pub(super) preset: &'static Preset,
    /// Its marks that are there, and those that are not: each with its alternatives.
    pub(super) marks: Vec<String>,
    pub(super) missing_marks: Vec<String>,
    pub(super) entries: Vec<Entry>,
}

impl Fit {
    /// Looks for a preset's marks and queries.
    ///
    /// # Errors
    /// The variables do not fit into it.
    pub(super) fn new(
        preset: &'static Preset,
        inventory: &Inventory,
        vars: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        let plan = parse(preset.text, vars)?;
        let (mut marks, mut missing_marks) = (Vec::new(), Vec::new());
        for alternatives in marks_of(preset) {
            match alternatives.iter().find(|name| inventory.has(name)) {
                Some(found) => marks.push((*found).to_owned()),
                None => missing_marks.push(alternatives.join(" or ")),
            }
        }
        Ok(Self { preset, marks, missing_marks, entries: entries(&plan, inventory) })
    }

    /// Whether the library is there: every mark of it.
    pub(super) fn is_recognised(&self) -> bool {
        self.preset.name != PROBE && !self.marks.is_empty() && self.missing_marks.is_empty()
    }

    /// Whether the service's own metrics show the loop.
    pub(super) fn sees_loop(&self) -> bool {
        self.entries.iter().any(|it| it.is_of_the_loop() && it.is_own())
    }

    /// Whether the preset sees a loop by some query, be it there or not: a worker has none.
    pub(super) fn has_loop(&self) -> bool {
        self.entries.iter().any(Entry::is_of_the_loop)
    }

    /// How many signals the service's own metrics show.
    pub(super) fn own_signals(&self) -> usize {
        self.entries.iter().filter(|it| it.signal.is_some() && it.is_own()).count()
    }

    /// By what the better of two is found: its own lag first, then the most signals.
    fn rank(&self) -> (bool, usize, usize) {
        (self.sees_loop(), self.own_signals(), self.marks.len())
    }
}

/// Those whose library is recognised, the one that sees most first.
pub(super) fn recognised(fits: Vec<Fit>) -> (Vec<Fit>, Vec<Fit>) {
    let (mut all, mut others): (Vec<_>, Vec<_>) =
        fits.into_iter().partition(|fit| fit.is_recognised());
    // Stable: of equal ones the first of the list.
    all.sort_by_key(|fit| std::cmp::Reverse(fit.rank()));
    others.retain(|fit| fit.preset.name != PROBE && fit.own_signals() > 0);
    others.sort_by_key(|fit| std::cmp::Reverse((fit.marks.len().min(1), fit.own_signals())));
    (all, others)
}

/// The marks of a preset, each with the names that it may have instead.
pub(super) fn marks_of(preset: &Preset) -> Vec<Vec<&'static str>> {
    preset.marks().into_iter().map(|mark| mark.split('|').collect()).collect()
}

/// The configuration of a text, as an audit would have it; of the variables given, those that it
/// has.
///
/// # Errors
/// What is wrong in it.
pub(super) fn parse(text: &str, vars: &[(String, String)]) -> Result<Plan, ConfigError> {
    let is_there = |name: &str| name == "selector" || text.contains(&format!("\n  {name}:"));
    let vars = vars.iter().filter(|(name, _)| is_there(name)).cloned().collect();
    let source = SourceRequest::Server(None);
    config::parse(
        Path::new(config::FILE_NAME),
        text,
        &Request { source, vars, ..Request::default() },
    )
}

fn entries(plan: &Plan, inventory: &Inventory) -> Vec<Entry> {
    let questions = plan.questions(None);
    let asked = plan.queries.iter().zip(&questions);
    let entry = |(query, question): (&config::Query, &crate::model::question::Question)| {
        let parsed = question.expr.parsed().ok()?;
        let is_of_probe =
            |it: &SelectorUse| it.metric().is_some_and(|name| name.starts_with(OF_PROBE));
        Some(Entry {
            key: query.name().to_owned(),
            signal: query.signal(),
            state: state(parsed, inventory, &is_of_probe),
            uses_probe: parsed.selectors().iter().any(is_of_probe),
            selectors: parsed.selectors().to_vec(),
        })
    };
    asked.filter_map(entry).collect()
}

fn state(
    query: &Query,
    inventory: &Inventory,
    is_of_probe: &dyn Fn(&SelectorUse) -> bool,
) -> State {
    let selectors = query.selectors();
    if !selectors.is_empty() && selectors.iter().all(is_of_probe) {
        return State::Probe;
    }
    let at_least = |least: Presence| {
        query.can_have_value(|it| is_of_probe(it) || inventory.presence(it) >= least)
    };
    let names = |least: Presence| {
        let lacking =
            selectors.iter().filter(|it| !is_of_probe(it) && inventory.presence(it) < least);
        let mut names: Vec<String> = Vec::new();
        for selector in lacking {
            let name = selector.metric().unwrap_or(&selector.text).to_owned();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    };
    if at_least(Presence::NotYet) == Some(false) {
        return State::Missing(names(Presence::NotYet));
    }
    match at_least(Presence::There) {
        Some(false) => State::NotYet(names(Presence::There)),
        _ => State::There,
    }
}
