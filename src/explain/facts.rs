//! What the tables of the model say of a topic, as rows: none of it is written by hand twice.

use super::Topic;
use crate::engine::{BACKLOG, Verdict};
use crate::exit::Exit;
use crate::model::baseline::Direction;
use crate::model::built_in::BuiltIn;
use crate::model::check::{Rule as Limit, Severity};
use crate::model::evidence::{Rule, Setting};
use crate::model::level::{Gate, Level, Levels, Status};
use crate::model::mode::Mode;
use crate::model::quantity::number;
use crate::model::signal::{OnMissing, Reduce, Signal};
use crate::model::weights::{SCORE, Weights};
use crate::wrap::wrap;

/// As wide as the widest label, and a space.
pub(super) const LABELS: usize = 14;

/// Where other limits come from than those of the tables.
const OTHERS: &str = "and a preset or metrics.yaml may have others, which the report shows";

/// What a row says, and of what.
type Row = (&'static str, String);

/// The facts of a topic, a row each.
pub(super) fn text(topic: Topic) -> String {
    let rows = match topic {
        Topic::Mode(mode) => of_mode(mode),
        Topic::Signal(signal) => of_signal(signal),
        Topic::Check(check) => of_check(check),
        Topic::LateScrape => of_late_scrape(),
        Topic::OwnCheck => of_own_check(),
        Topic::Baseline => of_baseline(),
        Topic::Score => of_score(),
        Topic::Status(status) => of_status(status),
        Topic::Breaker => of_breaker(),
        Topic::Verdict(verdict) => of_verdict(verdict),
        Topic::Exit(exit) => of_exit(exit),
        Topic::Rule(rule) => of_rule(rule),
    };
    let width = LABELS - 2;
    rows.iter().map(|(label, words)| wrap(&format!("  {label:width$}"), LABELS, words)).collect()
}

/// A number with its unit.
pub(super) fn amount(value: f64, unit: &str) -> String {
    format!("{} {unit}", number(value))
}

/// When a check is broken, and what sets that: `event_loop_lag is above 0.5 s (max_event_loop_lag_s)`.
fn condition(check: &BuiltIn) -> String {
    format!("{} is {} ({})", check.signal.key(), broken(check), check.threshold)
}

fn broken(check: &BuiltIn) -> String {
    let side = if check.is_max { "above" } else { "below" };
    format!("{side} {}", amount(check.default, check.signal.unit()))
}

/// The score as a formula, with the weights that hold by default.
pub(super) fn formula() -> String {
    let terms = Weights::default();
    let terms: Vec<_> =
        terms.iter().map(|(signal, it)| format!("{}*{}", number(it), signal.key())).collect();
    terms.join(" + ")
}

fn of_mode(mode: &Mode) -> Vec<Row> {
    let checks = BuiltIn::all().iter().filter(|check| mode.checks.contains(&check.id));
    let conditions: Vec<_> = checks.map(condition).collect();
    vec![
        ("severity", mode.severity.name().to_owned()),
        ("proven when", format!("{}; these are the defaults, {OTHERS}", conditions.join(" and "))),
        (
            "gate",
            format!("--fail-on {}; else the score and your checks decide", Gate::FAILURE_MODE),
        ),
    ]
}

fn of_signal(signal: Signal) -> Vec<Row> {
    let def = signal.def();
    let query = match Signal::OF_THE_LOOP.contains(&signal) {
        true => "this or the other one of the loop is needed, or --probe",
        false => "may be left out",
    };
    let series = Reduce::ALL.iter().find(|(_, it)| *it == def.reduce).map_or("", |(name, _)| name);
    let nan = match def.on_nan {
        OnMissing::Zero => "0 where it is 0/0 (nothing happened), else unknown",
        OnMissing::Inconclusive => "leaves it unknown",
    };
    let limit = BuiltIn::of_signal(signal);
    let words = limit.map_or_else(
        || "none by default; one set under `checks` fails the gate".to_owned(),
        |it| format!("a breach {} by default (thresholds: {})", broken(it), it.threshold),
    );
    let mut rows = vec![
        ("measures", format!("{}, in {}", def.description, def.unit)),
        ("query", format!("{query}; of several series the {series}; NaN: {nan}")),
        ("limit", words),
        ("score", score(signal, limit)),
    ];
    let modes = Mode::all().iter().filter(|mode| mode.checks.contains(&signal.key()));
    let others = BuiltIn::all().iter().filter(|it| it.signal == signal && it.id != signal.key());
    let decides: Vec<_> = modes.map(|it| it.name).chain(others.map(|it| it.id)).collect();
    if !decides.is_empty() {
        rows.push(("decides", decides.join(", ")));
    }
    rows
}

/// What a signal adds to the score.
fn score(signal: Signal, limit: Option<&BuiltIn>) -> String {
    let Some((_, weight)) = SCORE.iter().find(|(it, _)| *it == signal) else {
        let is_part = BACKLOG.contains(&signal);
        let backlog = Signal::THREADPOOL_BACKLOG.key();
        let by = format!("by {backlog}, where that has no query of its own");
        return if is_part { by } else { "no part of it".to_owned() };
    };
    let at_limit = limit.map(|it| format!(", so {} at the limit", number(weight * it.default)));
    let (points, unit) = (number(*weight), signal.unit());
    // One of it: a second, a task.
    let one = unit.strip_suffix('s').filter(|one| !one.is_empty()).unwrap_or(unit);
    format!("{points} for 1 {one}{}", at_limit.unwrap_or_default())
}

fn of_check(check: &BuiltIn) -> Vec<Row> {
    vec![
        ("broken when", condition(check)),
        ("set by", format!("thresholds: {{{}: {}}}", check.threshold, number(check.default))),
        ("severity", severity(check.check(check.default, None).severity)),
    ]
}

fn severity(severity: Severity) -> String {
    let fails = match severity {
        Severity::Info => "fails no gate by itself",
        Severity::Warning => "fails --fail-on degraded",
        Severity::Critical => "fails every gate",
    };
    format!("{}: {fails}", severity.name())
}

fn of_late_scrape() -> Vec<Row> {
    let limit = BuiltIn::of_signal(Signal::EVENT_LOOP_LAG);
    let limit = limit
        .map(|it| format!("the slowest scrape of a target is {} ({})", broken(it), it.threshold));
    vec![("found when", limit.unwrap_or_default()), ("severity", severity(Severity::Info))]
}

fn of_breaker() -> Vec<Row> {
    vec![
        ("set by", "--samples, --failure-threshold, --cooldown and --state".to_owned()),
        ("by default", "the first failure fails the run, and nothing is kept".to_owned()),
    ]
}

fn of_baseline() -> Vec<Row> {
    let allowances = Direction::ALL.map(|(name, _)| name).join(" or ");
    vec![
        ("set by", format!("a name and {allowances} under `baseline` in metrics.yaml")),
        ("compared to", "the report of --baseline, or the past of --baseline-window".to_owned()),
        ("severity", severities().join("; ")),
    ]
}

fn severities() -> Vec<String> {
    Severity::ALL.iter().map(|(_, it)| severity(*it)).collect()
}

fn of_own_check() -> Vec<Row> {
    let limits: Vec<_> = Limit::ALL.iter().map(|(name, _)| *name).collect();
    vec![
        ("set by", "a name and a rule under `checks` in metrics.yaml".to_owned()),
        ("rules", limits.join(", ")),
        ("severity", severities().join("; ")),
    ]
}

fn of_score() -> Vec<Row> {
    let levels = Levels::default();
    let starts = Level::ALL.map(|(_, level)| {
        format!("{} from {}", level.status().name(), number(levels.start_of(level)))
    });
    vec![("formula", formula()), ("status", starts.join(", "))]
}

fn of_status(status: Status) -> Vec<Row> {
    let levels = Levels::default();
    let level = Level::WORST_FIRST.into_iter().find(|it| it.status() == status);
    let start =
        |level: Level| format!("{} ({})", number(levels.start_of(level)), level.threshold());
    // The levels are in the order of their weight.
    let next = Level::ALL.into_iter().map(|(_, it)| it).find(|it| Some(*it) > level);
    let range = match (level, next) {
        (Some(level), Some(next)) => format!("from {}, below {}", start(level), start(next)),
        (Some(level), None) => format!("from {}", start(level)),
        (None, Some(next)) => format!("below {}", start(next)),
        (None, None) => String::new(),
    };
    if status == Status::Inconclusive {
        let proven = start(Level::Critical);
        return vec![
            ("score", format!("not known whole, and its known part is below {proven}")),
            ("gate", format!("exit code {} under any, unless a breach is proven", no_verdict())),
        ];
    }
    let failed = Level::ALL.into_iter().filter(|(_, gate)| level.is_some_and(|it| it >= *gate));
    let failed: Vec<_> = failed.map(|(name, _)| format!("--fail-on {name}")).collect();
    let gate = if failed.is_empty() {
        "fails none by the score".to_owned()
    } else {
        format!("fails {}", failed.join(", "))
    };
    vec![("score", range), ("gate", gate)]
}

/// Without a gate, and with one.
fn exits(verdict: Verdict) -> [Exit; 2] {
    [Gate::default(), Gate::at(Level::Critical)].map(|gate| Exit::of(verdict, gate))
}

fn of_verdict(verdict: Verdict) -> Vec<Row> {
    let [without, with] = exits(verdict).map(Exit::digit);
    let code = match verdict {
        Verdict::Fail => format!("{with}; only with a gate"),
        Verdict::NotGated => format!("{without}; only without a gate"),
        _ if without == with => with.to_owned(),
        _ => format!("{with} under a gate, else {without}"),
    };
    vec![("in JSON", format!("\"verdict\": \"{}\"", verdict.name())), ("exit code", code)]
}

fn of_exit(exit: Exit) -> Vec<Row> {
    let verdicts = Verdict::ALL.into_iter().filter_map(|verdict| {
        let name = verdict.name();
        match exits(verdict).map(|it| it == exit) {
            [false, false] => None,
            [true, false] => Some(format!("{name} (without a gate)")),
            [false, true] => Some(format!("{name} (under a gate)")),
            [true, true] => Some(name.to_owned()),
        }
    });
    let verdicts: Vec<_> = verdicts.collect();
    let words = if verdicts.is_empty() {
        "none: nothing was audited".to_owned()
    } else {
        verdicts.join(", ")
    };
    vec![("verdicts", words)]
}

fn of_rule(rule: Rule) -> Vec<Row> {
    let def = rule.def();
    let (to, words) = match def.setting {
        Setting::Choice => ("allow", "it is still told, and counts no more"),
        Setting::Count(_) => ("0", "asks for nothing"),
        Setting::Duration(_) => ("5m", "or what is normal for you"),
    };
    let code = no_verdict();
    let gate = format!(
        "what it concerns is a lower bound: exit code {code} where that could fail the gate, \
         unless a breach is proven"
    );
    vec![
        ("asks that", def.description.to_owned()),
        ("default", def.default.to_owned()),
        ("to do", format!("{}.", def.advice)),
        ("to relax", format!("evidence: {{{}: {to}}} ({words})", def.key)),
        ("gate", gate),
    ]
}

/// The exit code of a gate that cannot decide.
const fn no_verdict() -> &'static str {
    Exit::of(Verdict::Inconclusive, Gate::at(Level::Critical)).digit()
}
