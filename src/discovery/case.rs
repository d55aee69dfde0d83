//! The choice of a preset among what is there, and what is written and said then.

use super::edit::{self, Filled, Written};
use super::fit::{Fit, parse, recognised};
use super::inventory::Inventory;
use super::look::{Asked, Discovered, Trouble};
use super::report::{Findings, Where};
use super::text::promql_quoted;
use crate::one_line::one_line;
use crate::presets::{PROBE, Preset};

/// Names that may be signals.
const CANDIDATES: [(&str, &[&str]); 3] = [
    ("event_loop_lag", &["lag", "delay", "stall", "blocked"]),
    ("threadpool_backlog", &["queue", "backlog", "pending", "waiting"]),
    ("peak_active_requests", &["in_flight", "inflight", "in_progress", "inprogress", "active"]),
];
/// What stands above them.
const MAY_BE: &str =
    "  # By their names these may be signals. Find out what they measure, and in which unit:";
/// So many of them are shown.
const MOST_CANDIDATES: usize = 12;

/// What was found, before a preset is chosen.
pub(super) struct Case {
    pub(super) place: Where,
    pub(super) inventory: Inventory,
    pub(super) candidates: Vec<String>,
    pub(super) fits: Vec<Fit>,
    pub(super) target: Option<String>,
    pub(super) probe: Option<String>,
    pub(super) given: String,
    pub(super) tried: Vec<String>,
}

impl Case {
    pub(super) fn write(self, asked: &Asked) -> Result<Discovered, Trouble> {
        let Self { place, inventory, candidates, fits, target, probe, given, tried } = self;
        let (mut libraries, mut others) = recognised(fits);
        let chosen = match asked.preset {
            Some(preset) => Some(take(preset, &mut libraries, &mut others, &inventory, asked)?),
            None if libraries.is_empty() => None,
            None => Some(libraries.remove(0)),
        };
        let is_fit = chosen.is_some();
        let chosen = match chosen {
            Some(chosen) => chosen,
            None => of_probe(&inventory, &asked.vars)?,
        };
        let shown = (!is_fit).then_some(candidates.as_slice());
        let filled = filled(asked, (&place, &given), target, shown);
        let named = place.in_file();
        let written = edit::write(&chosen, &inventory, &filled, named).map_err(Trouble::Usage)?;
        check(&written, &chosen)?;
        let findings = Findings {
            place,
            size: inventory.size(),
            tried,
            chosen: &chosen,
            is_fit,
            is_forced: asked.preset.is_some(),
            libraries: &libraries,
            nearest: others.first().filter(|_| !is_fit),
            candidates: if is_fit { 0 } else { candidates.len() },
            written: &written,
            probe,
            job: asked.job.clone(),
            options: &asked.options,
            given,
        };
        Ok(Discovered { words: findings.words(), file: written.text.clone() })
    }
}

/// The preset that is forced, out of those that were looked at.
fn take(
    preset: &'static Preset,
    libraries: &mut Vec<Fit>,
    others: &mut Vec<Fit>,
    inventory: &Inventory,
    asked: &Asked,
) -> Result<Fit, Trouble> {
    for fits in [libraries, others] {
        if let Some(at) = fits.iter().position(|fit| fit.preset.name == preset.name) {
            return Ok(fits.remove(at));
        }
    }
    Fit::new(preset, inventory, &asked.vars).map_err(|error| Trouble::Usage(error.to_string()))
}

fn of_probe(inventory: &Inventory, vars: &[(String, String)]) -> Result<Fit, Trouble> {
    let preset =
        Preset::named(PROBE).ok_or_else(|| Trouble::NoVerdict("no preset probe".to_owned()))?;
    Fit::new(preset, inventory, vars).map_err(|error| Trouble::Usage(error.to_string()))
}

fn filled(
    asked: &Asked,
    (place, given): (&Where, &str),
    target: Option<String>,
    candidates: Option<&[String]>,
) -> Filled {
    let is_fit = candidates.is_none();
    let date = asked.spec.now.strftime("%Y-%m-%d");
    let from = match place {
        Where::Page(url) => url,
        Where::Server { .. } | Where::Nowhere => given,
    };
    let mut vars = asked.vars.clone();
    // What selects among the service's own metrics selects none of the probe's.
    vars.retain(|(name, _)| is_fit || name != "selector" || matches!(place, Where::Nowhere));
    let is_given = vars.iter().any(|(name, _)| name == "selector");
    if let (Where::Server { job: Some(job), .. }, false) = (place, is_given || !is_fit) {
        vars.push(("selector".to_owned(), format!("job={}", promql_quoted(job))));
    }
    let origin = format!("Written by auditor --init from {} on {date}", one_line(from));
    Filled { origin, target, vars, candidates: candidates.unwrap_or_default().to_vec() }
}

/// Holds that what is written is a configuration that sees the loop; that it is not would be a bug.
/// Where nothing of a preset is there that was asked for, that is what it fails by.
fn check(written: &Written, chosen: &Fit) -> Result<(), Trouble> {
    let error = match parse(&written.text, &[]) {
        Ok(plan) if !plan.queries.is_empty() => return Ok(()),
        Ok(_) => "no query is left".to_owned(),
        Err(error) => error.to_string(),
    };
    if chosen.own_signals() > 0 || chosen.preset.name == PROBE {
        let words = "what was found makes no whole configuration, so nothing was written";
        return Err(Trouble::NoVerdict(format!("{words}: {error}")));
    }
    Err(Trouble::Usage(format!(
        "nothing of the preset {} is there, so nothing was written; in the service:\n    {}",
        chosen.preset.name,
        chosen.preset.in_the_service().join("\n    ")
    )))
}

/// The pattern of names that may be signals.
pub(super) fn pattern() -> String {
    let words: Vec<&str> = CANDIDATES.iter().flat_map(|(_, words)| words.iter().copied()).collect();
    format!(".*({}).*", words.join("|"))
}

/// Comments with what may be signals by its name. A name that cannot stand in a query as it is may
/// hold anything, and is left out.
pub(super) fn candidates(inventory: &Inventory) -> Vec<String> {
    let is_plain = |name: &&str| {
        name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))
            && !["_bucket", "_sum", "_count", "_created", "_info"]
                .iter()
                .any(|it| name.ends_with(it))
    };
    let mut lines = Vec::new();
    for (signal, words) in CANDIDATES {
        let names = inventory.names().filter(is_plain);
        for name in names.filter(|name| words.iter().any(|word| name.to_lowercase().contains(word)))
        {
            lines.push(format!("  # {signal}: 'max_over_time({name}{{$selector}}[$window])'"));
        }
    }
    lines.truncate(MOST_CANDIDATES);
    if !lines.is_empty() {
        lines.insert(0, MAY_BE.to_owned());
    }
    lines
}
