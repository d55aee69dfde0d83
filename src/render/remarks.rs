//! What stands against the service, one by one and with its place in a file, for the formats that
//! annotate files.

use super::{blame, evidence, learn_more, rows};
use crate::config::{FILE_NAME, is_built_in};
use crate::engine::Verdict;
use crate::model::blame::{StallCause, shortened};
use crate::model::built_in::HIDDEN_LAG;
use crate::model::check::Severity;
use crate::model::finding::LATE_SCRAPE;
use crate::model::mode::STARVATION;
use crate::model::quantity::series;
use crate::model::signal::Signal;
use crate::one_line::one_line;
use crate::report::{
    CheckEntry, CulpritEntry, FindingEntry, OriginEntry, Report, ShortfallEntry, SignalEntry,
    StateName,
};

/// So many culprits are annotated; all are in the JSON report.
const MOST_CULPRITS: usize = 10;
/// So many others are told with the verdict.
const MOST_BESIDE: usize = 5;
/// The most characters of a line of code that are shown.
const MOST_OF_A_LINE: usize = 200;

/// How much a remark weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// It is why the audit does not end in success.
    Error,
    /// It stands against the service, or is missing.
    Warning,
    /// It is good to know.
    Note,
}

/// One thing that stands against the service, or that could not be told.
#[derive(Debug)]
pub(super) struct Remark {
    /// What it is an instance of: what `auditor explain` takes, or the name of a check.
    pub(super) topic: String,
    /// How much it weighs.
    pub(super) weight: Weight,
    /// What is to be said, in lines without control characters.
    pub(super) lines: Vec<String>,
    /// Where it is to be mended.
    pub(super) place: Option<Place>,
    /// The line of code there.
    pub(super) source: Option<String>,
    /// Whether it could not be told.
    pub(super) is_open: bool,
    /// What tells it from others of its topic, and is the same in the next audit.
    pub(super) identity: String,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// From the root of the repository where it is in one, with `/` between its parts.
    pub(super) path: String,
    /// From 1; `None` where it is not known.
    pub(super) line: Option<usize>,
    /// From 1; `None` where it is not known.
    pub(super) column: Option<usize>,
}

impl Place {
    /// The place as people read it.
    pub(super) fn words(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.path),
            None => self.path.clone(),
        }
    }

    /// Whether its path is one within the repository.
    pub(super) fn is_relative(&self) -> bool {
        let has_drive = self.path.as_bytes().get(1) == Some(&b':');
        let leads_out = self.path.split('/').any(|part| part == "..");
        !(self.path.is_empty() || self.path.starts_with('/') || has_drive || leads_out)
    }
}

/// Every remark: first the verdict, unless there is nothing to it, then what it rests on.
pub(super) fn remarks(report: &Report) -> Vec<Remark> {
    let mut all: Vec<_> = verdict(report).into_iter().collect();
    all.extend(further_culprits(report));
    all.extend(further_findings(report));
    all.extend(shortfalls(report));
    all.extend(unknown(report));
    all
}

/// The signals and checks that are not known.
pub(super) fn unknown(report: &Report) -> Vec<Remark> {
    unknown_signals(report).into_iter().chain(unknown_checks(report)).collect()
}

/// Where the limits are, or would be.
pub(super) fn configuration(report: &Report) -> Place {
    let path = report.config_in_repository.clone().unwrap_or_else(|| FILE_NAME.to_owned());
    Place { path: one_line(&path), line: None, column: None }
}

/// Why the audit did not pass, at the place that decided; or that a failure mode is proven beside a
/// pass.
pub(super) fn verdict(report: &Report) -> Option<Remark> {
    let proven = || report.failure_modes.first().map(|mode| &*mode.mode);
    let weight = if report.exit_code == 0 { Weight::Warning } else { Weight::Error };
    let mut remark = Remark {
        topic: learn_more::topic(report).or_else(proven)?.to_owned(),
        weight,
        lines: vec![verdict_line(report)],
        place: decisive(report).and_then(|name| place_of(report, name)),
        source: None,
        is_open: matches!(
            report.verdict,
            Verdict::Inconclusive | Verdict::Interrupted | Verdict::Error
        ),
        identity: "verdict".to_owned(),
    };
    match decisive_culprit(report) {
        // What holds the loop comes first: who reads it may know nothing of scores.
        Some(worst) => {
            remark.lines.splice(0..0, worst.lines);
            (remark.place, remark.source, remark.identity) =
                (worst.place, worst.source, worst.identity);
        }
        None => {
            let mut rest = findings(report);
            if report.verdict == Verdict::Inconclusive {
                rest.extend(shortfalls(report));
                rest.extend(unknown(report));
            }
            let lines = rest.into_iter().take(MOST_BESIDE).flat_map(|remark| remark.lines);
            remark.lines.extend(lines.filter(|line| !report.verdict_reason.contains(line)));
        }
    }
    remark.lines.extend(learn_more::line(report));
    Some(remark)
}

/// The culprit at whose place the verdict is told.
fn decisive_culprit(report: &Report) -> Option<Remark> {
    culprits(report).into_iter().next().filter(|_| blame::is_loop_broken(report))
}

/// The culprits beside that one.
pub(super) fn further_culprits(report: &Report) -> impl Iterator<Item = Remark> {
    let told = usize::from(decisive_culprit(report).is_some());
    culprits(report).into_iter().skip(told)
}

/// The findings that no culprit explains.
pub(super) fn further_findings(report: &Report) -> impl Iterator<Item = Remark> {
    let is_explained = decisive_culprit(report).is_some();
    let of_loop = [HIDDEN_LAG, LATE_SCRAPE, Signal::EVENT_LOOP_LAG.key()];
    let of_loop = of_loop.into_iter().chain([Signal::BLOCKING_DURATION_AVG.key()]);
    let of_loop: Vec<_> = of_loop.filter(|_| is_explained).collect();
    // A check that is requested may have a limit of its own, and is critical.
    let is_told =
        move |it: &Remark| it.weight != Weight::Error && of_loop.contains(&it.topic.as_str());
    findings(report).into_iter().filter(move |it| !is_told(it))
}

/// The verdict in one line, without colours.
pub(super) fn verdict_line(report: &Report) -> String {
    let verdict = report.verdict.words().to_uppercase();
    let reason = one_line(&evidence::brief(report, &report.verdict_reason));
    format!("{verdict} - {reason} (exit code {})", report.exit_code)
}

/// The places that hold the loop, where that is an alarm.
pub(super) fn culprits(report: &Report) -> Vec<Remark> {
    let is_calm = report.stalled.as_ref().is_none_or(|stalled| blame::is_calm(report, stalled));
    let culprits = report.culprits.iter().flatten().filter(|_| !is_calm);
    // What waits for a CPU is the machine's fault.
    let own = culprits.filter(|culprit| culprit.cause != StallCause::Machine);
    own.take(MOST_CULPRITS).map(|culprit| of_culprit(report, culprit)).collect()
}

fn of_culprit(report: &Report, culprit: &CulpritEntry) -> Remark {
    let (blocked, advice) = blame::words(culprit);
    let source = culprit.source.as_deref().map(|it| shortened(one_line(it).trim(), MOST_OF_A_LINE));
    let code = source.as_ref().map(|source| format!(": {source}")).unwrap_or_default();
    let fails = report.verdict == Verdict::Fail && blame::is_loop_broken(report);
    Remark {
        topic: STARVATION.to_owned(),
        weight: if fails { Weight::Error } else { Weight::Warning },
        lines: vec![
            format!("{} holds the event loop{code}", culprit.place()),
            blocked,
            format!("To do: {advice}"),
        ],
        place: Some(Place {
            path: in_repository(report, &culprit.file),
            line: culprit.line.and_then(|line| usize::try_from(line).ok()).filter(|line| *line > 0),
            column: None,
        }),
        identity: one_line(&format!("{} {code}", culprit.function)),
        source,
        is_open: false,
    }
}

/// A path from the root of the repository, where it is below it.
fn in_repository(report: &Report, path: &str) -> String {
    let root = report.repository.as_deref();
    let within = root.and_then(|root| path.strip_prefix(root)?.strip_prefix(['/', '\\']));
    one_line(within.unwrap_or(path)).replace('\\', "/")
}

/// What is over its limit.
pub(super) fn findings(report: &Report) -> Vec<Remark> {
    let is_rule = |name: &str| report.evidence.shortfalls.iter().any(|it| it.rule == name);
    let own = report.finding_details.iter().filter(|finding| !is_rule(&finding.check));
    let remark = |finding: &FindingEntry| {
        let check = report.checks.iter().find(|check| check.name == finding.check);
        let is_requested = check.is_some_and(|check| check.requested);
        let weight = match finding.severity {
            Severity::Critical if is_requested && report.verdict == Verdict::Fail => Weight::Error,
            Severity::Info if is_requested => Weight::Note,
            _ => Weight::Warning,
        };
        let origins = finding.evidence.iter().filter_map(|it| it.origin.as_ref());
        let signals = finding.evidence.iter().filter_map(|it| it.signal.as_deref());
        let by_limit = origins.filter_map(|origin| of_origin(report, origin)).next();
        let by_query = signals.filter_map(|signal| place_of(report, signal)).next();
        Remark {
            topic: finding.check.clone(),
            weight,
            lines: vec![one_line(&finding.message)],
            place: by_limit.or(by_query).or_else(|| place_of(report, &finding.check)),
            source: None,
            is_open: false,
            identity: "finding".to_owned(),
        }
    };
    own.map(remark).collect()
}

/// What was not seen, unless that is allowed.
fn shortfalls(report: &Report) -> Vec<Remark> {
    let missing = report.evidence.shortfalls.iter().filter(|it| !it.allowed);
    let remark = |it: &ShortfallEntry| Remark {
        topic: it.rule.to_string(),
        weight: if report.exit_code == 0 { Weight::Note } else { Weight::Warning },
        lines: vec![
            format!("not seen: {}", one_line(&it.detail)),
            format!("To do: {}.", it.advice),
        ],
        place: None,
        source: None,
        is_open: true,
        identity: it.target.as_ref().map(series).unwrap_or_default(),
    };
    missing.map(remark).collect()
}

fn unknown_signals(report: &Report) -> Vec<Remark> {
    let is_unknown = |state: StateName| !matches!(state, StateName::Ok | StateName::NotConfigured);
    // Where nothing could be read, the verdict says why.
    let is_told = |entry: &SignalEntry| {
        entry.reason.as_ref().is_some_and(|reason| report.verdict_reason.contains(reason))
    };
    let unknown = report.signals.iter().filter(|(name, entry)| {
        is_unknown(entry.state) && !rows::is_dull(name, entry) && !is_told(entry)
    });
    let remark = |(name, entry): (&str, &SignalEntry)| {
        let reason = entry.reason.as_deref().map(|it| format!(": {}", evidence::brief(report, it)));
        let what = format!("{name} is not known ({})", entry.state.words());
        open(report, name, &(what + &reason.unwrap_or_default()))
    };
    unknown.map(remark).collect()
}

fn unknown_checks(report: &Report) -> Vec<Remark> {
    let requested = report.checks.iter().filter(|check| check.requested && check.passed.is_none());
    let own = requested.filter(|check| Signal::from_key(&check.name).is_none());
    let remark = |check: &CheckEntry| {
        let reason = check.reason.as_deref().map(|it| format!(": {}", evidence::brief(report, it)));
        let what = format!("the check `{}` cannot be told", check.name);
        open(report, &check.name, &(what + &reason.unwrap_or_default()))
    };
    own.map(remark).collect()
}

fn open(report: &Report, name: &str, what: &str) -> Remark {
    Remark {
        topic: name.to_owned(),
        weight: if report.exit_code == 0 { Weight::Note } else { Weight::Warning },
        lines: vec![one_line(what)],
        place: place_of(report, name),
        source: None,
        is_open: true,
        identity: "unknown".to_owned(),
    }
}

/// The signal or the check that decided, if it is a single one.
fn decisive(report: &Report) -> Option<&str> {
    let is_named = |name: &str| report.verdict_reason.contains(&format!("check `{name}`"));
    if let Some(check) = report.checks.iter().find(|check| is_named(&check.name)) {
        return Some(&check.name);
    }
    match report.verdict {
        Verdict::Inconclusive => {
            let is_unknown = |state| !matches!(state, StateName::Ok | StateName::NotConfigured);
            let mut unknown = report.signals.iter().filter(|(_, entry)| is_unknown(entry.state));
            unknown.next().map(|(name, _)| name)
        }
        Verdict::Fail | Verdict::NotGated | Verdict::Pass => {
            let terms = report.score_breakdown.iter();
            let most = terms.max_by(|one, other| one.points.total_cmp(&other.points))?;
            Some(&most.signal)
        }
        _ => None,
    }
}

/// Where the limit of a signal or check is written, else its query.
fn place_of(report: &Report, name: &str) -> Option<Place> {
    let check = report.checks.iter().find(|check| check.name == name);
    let limit = check.and_then(|check| check.origin.as_ref());
    let query = || report.signals.get(name).and_then(|entry| entry.origin.as_ref());
    let place = |origin| of_origin(report, origin);
    limit.and_then(place).or_else(|| query().and_then(place))
}

/// `None` where it is no file: a preset is built in.
fn of_origin(report: &Report, origin: &OriginEntry) -> Option<Place> {
    if is_built_in(&origin.file) {
        return None;
    }
    let is_config = origin.file == report.config;
    let path = report.config_in_repository.as_ref().filter(|_| is_config).unwrap_or(&origin.file);
    let path = one_line(path).replace('\\', "/");
    Some(Place { path, line: Some(origin.line), column: Some(origin.column) })
}
