//! From the text of a preset, and what is there of it, to the file that is written.

use super::fit::{Entry, Fit, State, parse};
use super::inventory::Inventory;
use super::text::{Text, yaml_quoted};
use super::units::{self, Renamed};
use crate::model::built_in::BuiltIn;
use crate::model::check::Criteria;
use crate::model::signal::Signal;
use crate::presets::{PROBE, Preset};
use crate::promql::SelectorUse;

/// What is written into the file beside the preset.
#[derive(Debug, Default)]
pub(super) struct Filled {
    /// From where and when it was written.
    pub(super) origin: String,
    /// The server to ask.
    pub(super) target: Option<String>,
    /// Values of variables.
    pub(super) vars: Vec<(String, String)>,
    /// What may be candidates for signals, as comments.
    pub(super) candidates: Vec<String>,
}

/// The file, and what became of each query.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) text: String,
    /// Each query with what is said of it.
    pub(super) rows: Vec<(String, String)>,
    /// Whether it needs `--probe`.
    pub(super) needs_probe: bool,
    /// Whether queries of the probe had to take the place of those of the preset.
    pub(super) sees_loop_by_probe_only: bool,
}

/// A file that is being made.
struct Edit<'a> {
    text: Text,
    fit: &'a Fit,
    criteria: Criteria,
    inventory: &'a Inventory,
    rows: Vec<(String, String)>,
    /// Keys that were made comments.
    left_out: Vec<String>,
    /// Where the metrics are: the page, the job.
    place: &'static str,
}

/// Makes the file.
///
/// # Errors
/// A variable that the preset does not have.
pub(super) fn write(
    fit: &Fit,
    inventory: &Inventory,
    filled: &Filled,
    place: &'static str,
) -> Result<Written, String> {
    let plan = parse(fit.preset.text, &[]).map_err(|error| error.to_string())?;
    let criteria = plan.criteria;
    let (rows, left_out) = (Vec::new(), Vec::new());
    let text = Text::new(fit.preset.text);
    let mut edit = Edit { text, fit, criteria, inventory, rows, left_out, place };
    for entry in &fit.entries {
        let words = edit.entry(entry);
        edit.rows.push((entry.key.clone(), words));
    }
    let is_blind = fit.has_loop() && !edit.sees_loop();
    if is_blind {
        let of_loop = Signal::OF_THE_LOOP.into_iter().chain([Signal::BLOCKING_EVENTS_TOTAL]);
        let why = "The loop as --probe sees it, for the service's own metrics do not show it.";
        edit.take_from_probe(why, of_loop);
    }
    // Without a request there is no verdict.
    let counts_nothing = fit.has_loop() && !edit.counts_requests();
    if counts_nothing {
        let why = "Requests as --probe sees them, for the service's own metrics count none.";
        edit.take_from_probe(why, [Signal::REQUESTS_TOTAL]);
    }
    edit.fill(filled)?;
    let uses_probe = fit.entries.iter().any(|it| it.uses_probe && edit.is_kept(it));
    let needs_probe = is_blind || counts_nothing || uses_probe;
    let (text, rows) = (edit.text.finish(), edit.rows);
    Ok(Written { text, rows, needs_probe, sees_loop_by_probe_only: is_blind })
}

impl Edit<'_> {
    /// Whether the query stands in the file.
    fn is_kept(&self, entry: &Entry) -> bool {
        !self.left_out.contains(&entry.key)
    }

    fn sees_loop(&self) -> bool {
        let is_of_loop =
            |it: &&Entry| it.signal.is_some_and(|it| Signal::OF_THE_LOOP.contains(&it));
        self.fit.entries.iter().filter(is_of_loop).any(|it| self.is_kept(it))
    }

    /// Whether anything tells of requests.
    fn counts_requests(&self) -> bool {
        let tells = [Signal::REQUESTS_TOTAL, Signal::P99_LATENCY];
        let is_one = |it: &&Entry| it.signal.is_some_and(|it| tells.contains(&it));
        self.fit.entries.iter().filter(is_one).any(|it| self.is_kept(it))
    }

    /// Does with a query what its state asks for. What is to be said of it.
    fn entry(&mut self, entry: &Entry) -> String {
        match &entry.state {
            State::Probe => "by --probe".to_owned(),
            State::There => self.there(entry, &entry.selectors, self.place.to_owned()),
            State::NotYet(names) => {
                let names = names.join(", ");
                let place = self.place;
                let note = format!("{place} without such a series yet: {names}");
                self.text.note(section(entry), &entry.key, &[note]);
                format!("{place}, without such a series yet: {names}")
            }
            State::Missing(names) => match units::renamed(names, self.inventory) {
                Some(renamed) => self.in_other_unit(entry, &renamed),
                None => {
                    let names = names.join(", ");
                    self.leave_out(entry, &format!("not {}: {names}", self.place))
                }
            },
        }
    }

    /// Makes a comment of a query, and says why there.
    fn leave_out(&mut self, entry: &Entry, why: &str) -> String {
        self.text.note(section(entry), &entry.key, &[why.to_owned()]);
        self.text.comment_out(section(entry), &entry.key);
        self.left_out.push(entry.key.clone());
        format!("left out: {why}")
    }

    fn in_other_unit(&mut self, entry: &Entry, renamed: &[Renamed]) -> String {
        let is_time = entry.signal.is_some_and(|signal| signal.unit() == "s");
        let unit = renamed.first().map_or("", |it| it.unit);
        let found: Vec<&str> = renamed.iter().map(|it| it.to.as_str()).collect();
        let found = found.join(", ");
        let mut changed = None;
        let is_changed = self.text.change_query(section(entry), &entry.key, |template| {
            changed = units::converted(template, &entry.selectors, renamed, is_time);
            changed.clone()
        });
        let Some(query) = changed.filter(|_| is_changed) else {
            let why = format!(
                "{} in {unit}: {found}; this query reckons in seconds, so change it by hand",
                self.place
            );
            return self.leave_out(entry, &why);
        };
        if query.contains(") / 1") {
            let note = format!(
                "{found} is in {unit}, as its name says: divided, for seconds are asked for."
            );
            self.text.note(section(entry), &entry.key, &[note]);
        }
        let selectors = units::selectors(&without_vars(&query));
        self.there(entry, &selectors, format!("{}, in {unit}: {found}", self.place))
    }

    /// Holds a query whose metrics are there against the buckets of its histograms.
    fn there(&mut self, entry: &Entry, selectors: &[SelectorUse], mut words: String) -> String {
        if entry.uses_probe {
            words += ", and by --probe";
        }
        for selector in selectors {
            let Some(name) = selector.metric() else { continue };
            let says_seconds =
                name.contains("second") || entry.signal.is_none_or(|it| it.unit() != "s");
            let unit = self.inventory.help_says_smaller_unit(name).filter(|_| !says_seconds);
            if let Some(unit) = unit {
                let note = format!(
                    "the help of {name} speaks of {unit}s: is it in seconds, as is asked for?"
                );
                self.text.note(section(entry), &entry.key, std::slice::from_ref(&note));
                words += &format!("; {note}");
            }
        }
        let quantiles = selectors.iter().filter(|it| it.is_of_quantile);
        let bounds = quantiles.filter_map(|it| {
            let bounds: Vec<f64> = self
                .inventory
                .bounds(it)
                .into_iter()
                .map(|bound| units::in_seconds(bound, it))
                .collect();
            let top = *bounds.last()?;
            Some((it.metric().unwrap_or(&it.text).to_owned(), top, bounds))
        });
        let Some((name, top, bounds)) = bounds.min_by(|one, other| one.1.total_cmp(&other.1))
        else {
            return words;
        };
        let note = format!("{name} ends at {top} s: what takes longer reads as {top}.");
        self.text.note(section(entry), &entry.key, &[note]);
        words += &format!("; its buckets end at {top} s");
        match self.hold_limits(entry, top, &bounds) {
            Ok(Some(lowered)) => words + "; " + &lowered,
            Ok(None) => words,
            Err(why) => self.leave_out(entry, &why),
        }
    }

    /// Lowers the limits that could never be broken: a quantile is never above the highest bucket.
    /// What was done.
    ///
    /// # Errors
    /// Why the query is worth nothing.
    fn hold_limits(
        &mut self,
        entry: &Entry,
        top: f64,
        bounds: &[f64],
    ) -> Result<Option<String>, String> {
        let below = bounds.iter().rev().find(|bound| **bound < top && **bound > 0.0);
        let Some(signal) = entry.signal else {
            let limit = self.criteria.limit(&entry.key);
            return match limit.filter(|limit| *limit >= top) {
                Some(limit) => Err(format!(
                    "its limit of {limit} can never be broken: the buckets end at {top} s"
                )),
                None => Ok(None),
            };
        };
        let mut done = Vec::new();
        for row in BuiltIn::all().iter().filter(|row| row.signal == signal) {
            let Some(limit) = self.criteria.limit(row.id).filter(|limit| *limit >= top) else {
                continue;
            };
            let key = row.threshold;
            let Some(below) = below else {
                return Err(format!(
                    "{key} of {limit} can never be broken: the buckets end at {top} s"
                ));
            };
            self.text.set("thresholds", key, &below.to_string());
            let why = if row.is_max { "it could never be broken" } else { "all would be below it" };
            let signal = signal.key();
            let note = format!("{limit} before: the buckets of {signal} end at {top} s: {why}");
            self.text.note("thresholds", key, &[note]);
            done.push(format!("{key} lowered from {limit} to {below}"));
        }
        Ok((!done.is_empty()).then(|| done.join(", ")))
    }

    /// Takes the queries of these signals by which the probe sees them.
    fn take_from_probe(&mut self, why: &str, signals: impl IntoIterator<Item = Signal>) {
        let Some(probe) = Preset::named(PROBE) else { return };
        let of_probe = Text::new(probe.text);
        let mut lines = vec![format!("  # {why}")];
        for signal in signals {
            let key = signal.key();
            if let Some(entry) = self.fit.entries.iter().find(|it| it.signal == Some(signal))
                && !self.left_out.contains(&entry.key)
            {
                self.leave_out(entry, "in its place below: what --probe sees");
            }
            // The selector is about the service's own metrics.
            let queries = of_probe.lines_of("queries", key);
            lines.extend(queries.iter().map(|line| line.replace(",$selector", "")));
            match self.rows.iter_mut().find(|(name, _)| name == key) {
                Some((_, words)) => *words = format!("by --probe ({words})"),
                None => self.rows.push((key.to_owned(), "by --probe".to_owned())),
            }
        }
        self.text.append("queries", &lines);
    }

    fn fill(&mut self, filled: &Filled) -> Result<(), String> {
        for (name, value) in &filled.vars {
            if name != "selector" && self.text.lines_of("vars", name).is_empty() {
                let preset = self.fit.preset.name;
                return Err(format!("--var {name}: the preset {preset} has no such variable"));
            }
            if value.chars().any(char::is_control) {
                return Err(format!("--var {name}: the value has to be on one line"));
            }
            self.text.set("vars", name, &yaml_quoted(value));
        }
        if !filled.candidates.is_empty() {
            self.text.append("queries", &filled.candidates);
        }
        self.text.below_header(&[format!("# {}", filled.origin)]);
        if let Some(target) = &filled.target {
            self.text.before_sections(&[format!("target: {}", yaml_quoted(target))]);
        }
        Ok(())
    }
}

fn section(entry: &Entry) -> &'static str {
    if entry.signal.is_some() { "queries" } else { "checks" }
}

/// A template as an expression, as far as its selectors go.
fn without_vars(template: &str) -> String {
    template
        .replace("$window", "15m")
        .replace("$step", "15s")
        .replace(",$selector", "")
        .replace("$selector", "")
}
