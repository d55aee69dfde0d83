//! What held the loop up: how bad, where, what kind, what usually mends it, and under which load.

use std::io::{self, Write};

use super::text::{BAD, BOLD, DIM, WARN};
use crate::engine::Verdict;
use crate::model::blame::{StallCause, shortened};
use crate::model::quantity::number;
use crate::model::signal::Signal;
use crate::one_line::one_line;
use crate::report::{CulpritEntry, Report, StalledEntry, TallyEntry};
use crate::wrap::{WIDTH, wrap};

/// So many culprits are shown; all are in the JSON.
const MOST: usize = 5;

pub(super) fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let Some(stalled) = report.stalled.as_ref().filter(|it| it.count.is_some_and(|it| it > 0))
    else {
        return Ok(());
    };
    let culprits = report.culprits.as_deref().unwrap_or_default();
    if is_calm(report, stalled) {
        let words = in_short(report, stalled, culprits);
        return writeln!(out, "\n{DIM}Blocked: {words}{DIM:#}");
    }
    writeln!(out, "\n{BOLD}Blocked:{BOLD:#}")?;
    let style = if is_over(report, stalled) { BAD } else { WARN };
    writeln!(out, "  {style}{}{style:#}", how_bad(report, stalled))?;
    let mut advised = Vec::new();
    for culprit in culprits.iter().take(MOST) {
        write_culprit(out, culprit, &mut advised)?;
    }
    rest(out, culprits.get(MOST..).unwrap_or_default())?;
    unnamed(out, report, stalled, &mut advised)?;
    match stalled.active_requests {
        Some(1.0) => writeln!(out, "  with 1 request in flight at the peak"),
        Some(active) => writeln!(out, "  with {} requests in flight at the peak", number(active)),
        None => writeln!(out, "  {DIM}under a load that is not known{DIM:#}"),
    }
}

/// Whether the stalls are no alarm: below the limit, and nothing else stands against the loop.
pub(super) fn is_calm(report: &Report, stalled: &StalledEntry) -> bool {
    let passes = matches!(report.verdict, Verdict::Pass | Verdict::NotGated);
    passes && !is_loop_broken(report) && !is_over(report, stalled)
}

/// Whether the loop is over one of its limits.
pub(super) fn is_loop_broken(report: &Report) -> bool {
    let is_of_loop = |name: &str| Signal::OF_THE_LOOP.iter().any(|signal| signal.key() == name);
    report.checks.iter().any(|check| is_of_loop(&check.name) && check.passed == Some(false))
}

/// Whether a stall was over the limit that was not the machine's; or may have been, where nothing
/// tells how long the longest was.
fn is_over(report: &Report, stalled: &StalledEntry) -> bool {
    let Some(limit) = limit(report) else { return false };
    stalled.longest_s.is_none() || stalled.longest_own_s.is_some_and(|longest| longest > limit)
}

fn limit(report: &Report) -> Option<f64> {
    report.thresholds.get("max_event_loop_lag_s").copied().filter(|limit| limit.is_finite())
}

/// One line for stalls that nobody has to worry about.
pub(super) fn in_short(
    report: &Report,
    stalled: &StalledEntry,
    culprits: &[CulpritEntry],
) -> String {
    let all = count(stalled.count.unwrap_or_default());
    let longest = stalled.longest_own_s.map(|longest| {
        let limit = limit(report).map(|limit| format!(" (limit {} s)", number(limit)));
        let of_all = of_the_service(stalled, longest);
        format!(", the longest{of_all} {} s{}", number(longest), limit.unwrap_or_default())
    });
    let machine = stalled.causes.get(StallCause::Machine.name()).filter(|it| it.count > 0);
    let machine = machine.map(|it| {
        format!("; in {} the runner was too busy ({} s)", it.count, number(it.duration_s))
    });
    let worst = culprits.first().map(|it| format!("; worst place {}", it.place()));
    let parts = [longest, machine, worst].into_iter().flatten();
    parts.fold(all, |words, part| words + &part)
}

/// Says that a stall of the machine was longer than the longest of the others.
fn of_the_service(stalled: &StalledEntry, longest: f64) -> &'static str {
    if stalled.longest_s > Some(longest) { " of the service" } else { "" }
}

/// How many stalls there were, and how long.
pub(super) fn how_bad(report: &Report, stalled: &StalledEntry) -> String {
    let all = stalled.count.zip(stalled.duration_s);
    let all = all.map(|(count, seconds)| tally(count, seconds, " in all")).unwrap_or_default();
    let Some(longest) = stalled.longest_own_s else {
        return if stalled.longest_s.is_some() {
            format!("{all}, each mostly a wait for a CPU")
        } else {
            all
        };
    };
    let of_all = of_the_service(stalled, longest);
    let longest = match stalled.count {
        Some(1) => String::new(),
        _ => format!(", the longest{of_all} {} s", number(longest)),
    };
    let limit = limit(report).map(|limit| format!(" (limit of the lag {} s)", number(limit)));
    format!("{all}{longest}{}", limit.unwrap_or_default())
}

fn count(count: u64) -> String {
    if count == 1 { "1 stall".to_owned() } else { format!("{count} stalls") }
}

pub(super) fn tally(stalls: u64, seconds: f64, in_all: &str) -> String {
    let in_all = if stalls == 1 { "" } else { in_all };
    format!("{}, {} s{in_all}", count(stalls), number(seconds))
}

fn write_culprit(
    out: &mut dyn Write,
    culprit: &CulpritEntry,
    advised: &mut Vec<&'static str>,
) -> io::Result<()> {
    let place = culprit.place();
    let source = culprit.source.as_deref().map(one_line);
    let source = source.as_deref().map(str::trim).filter(|source| !source.is_empty());
    let length = |text: &str| text.chars().count();
    match source {
        None => writeln!(out, "  {BOLD}{place}{BOLD:#}")?,
        Some(source) if length(&place) + length(source) + 4 <= WIDTH => {
            writeln!(out, "  {BOLD}{place}{BOLD:#}: {source}")?;
        }
        Some(source) => {
            let source = shortened(source, WIDTH - 4);
            writeln!(out, "  {BOLD}{place}{BOLD:#}:\n    {source}")?;
        }
    }
    let (blocked, advice) = words(culprit);
    wrapped(out, 4, &blocked)?;
    advise(out, advice, advised)
}

/// How long a culprit held the loop and how, and what usually mends it.
pub(super) fn words(culprit: &CulpritEntry) -> (String, &'static str) {
    let blocked = tally(culprit.stalls, culprit.blocked_s, "");
    let (kind, advice) = if culprit.in_other_thread {
        of_other_thread(culprit.cause)
    } else {
        (kind(culprit.cause), advice(culprit.cause, culprit.found_by.as_deref()))
    };
    (format!("{blocked}, {kind}"), advice)
}

/// The same advice is given once.
fn advise(
    out: &mut dyn Write,
    advice: &'static str,
    advised: &mut Vec<&'static str>,
) -> io::Result<()> {
    if advised.contains(&advice) {
        return Ok(());
    }
    advised.push(advice);
    wrapped(out, 4, &format!("To do: {advice}"))
}

/// Culprits that are not shown one by one.
fn rest(out: &mut dyn Write, culprits: &[CulpritEntry]) -> io::Result<()> {
    if culprits.is_empty() {
        return Ok(());
    }
    let seconds = culprits.iter().map(|it| it.blocked_s).sum();
    let (count, seconds) = (culprits.len(), number(seconds));
    let places = if count == 1 { "place" } else { "places" };
    writeln!(out, "  {count} more {places}, {seconds} s (see `culprits` in the JSON report)")
}

/// What is no culprit's: stalls without a single place, and those of the machine.
fn unnamed(
    out: &mut dyn Write,
    report: &Report,
    stalled: &StalledEntry,
    advised: &mut Vec<&'static str>,
) -> io::Result<()> {
    let of = |cause: StallCause| stalled.unnamed.get(cause.name()).map(|tally| (cause, tally));
    let own = [StallCause::Asleep, StallCause::Cpu, StallCause::Unknown];
    let mut own: Vec<(_, &TallyEntry)> = own.into_iter().filter_map(of).collect();
    own.sort_by(|(_, one), (_, other)| other.duration_s.total_cmp(&one.duration_s));
    let reason = report.blame.as_ref().and_then(Option::as_ref).map(|it| one_line(it));
    match &reason {
        _ if own.is_empty() => {}
        Some(reason) => wrapped(out, 2, &format!("not named: {reason}"))?,
        None => writeln!(out, "  no single culprit")?,
    }
    for (cause, it) in own {
        let all = tally(it.count, it.duration_s, "");
        wrapped(out, 4, &format!("{all}, {}", kind(cause)))?;
        // The reason says what would allow it.
        if reason.is_none() || cause != StallCause::Unknown {
            advise(out, advice_without_a_place(cause), advised)?;
        }
    }
    let Some((cause, it)) = of(StallCause::Machine) else { return Ok(()) };
    writeln!(out, "  the runner is too busy")?;
    let all = tally(it.count, it.duration_s, "");
    let waited = stalled.cpu_wait_s.map(|it| format!(" ({} s in all)", number(it)));
    wrapped(out, 4, &format!("{all}, {}{}", kind(cause), waited.unwrap_or_default()))?;
    advise(out, advice_without_a_place(cause), advised)
}

pub(super) const fn kind(cause: StallCause) -> &'static str {
    match cause {
        StallCause::Asleep => "asleep: the call waits and holds the loop meanwhile",
        StallCause::Cpu => "cpu: it computes, and nothing else has a turn meanwhile",
        StallCause::Machine => "machine: the loop was ready and waited for a CPU",
        StallCause::Unknown => "unknown: nothing tells whether it waited or computed",
    }
}

/// The same of a thread that keeps the lock of the interpreter, and what usually mends it.
pub(super) const fn of_other_thread(cause: StallCause) -> (&'static str, &'static str) {
    match cause {
        StallCause::Asleep => (
            "asleep: the call waits in another thread, and keeps the lock of the interpreter (GIL) \
             from the loop meanwhile",
            "call what releases the lock while it waits, or make the call in another process",
        ),
        _ => (
            "cpu: another thread computes, and keeps the lock of the interpreter (GIL) from the \
             loop meanwhile",
            "compute in another process (loop.run_in_executor with a ProcessPoolExecutor): a \
             thread does not help where the call keeps the lock",
        ),
    }
}

const MACHINE: &str = "give the service a CPU of its own: a larger runner, or fewer jobs and a \
                       smaller load beside it";

/// What usually mends it, in the words of the runtime that the stacks are of.
pub(super) fn advice(cause: StallCause, found_by: Option<&str>) -> &'static str {
    match (cause, found_by) {
        (StallCause::Machine, _) => MACHINE,
        (StallCause::Cpu, Some("py-spy")) => {
            "compute in another process (loop.run_in_executor with a ProcessPoolExecutor), or \
             give the loop a turn in between (await asyncio.sleep(0)); a call into C, such as a \
             database query, into a thread (await asyncio.to_thread(…))"
        }
        (StallCause::Cpu, Some("inspector")) => {
            "compute in a worker (node:worker_threads), or give the loop a turn in between \
             (setImmediate)"
        }
        (StallCause::Cpu, _) => {
            "compute in another thread or process, or give the loop a turn in between"
        }
        (_, Some("py-spy")) => {
            "await an asynchronous driver or client there, or move the call into a thread: await \
             asyncio.to_thread(…)"
        }
        (_, Some("inspector")) => {
            "await the asynchronous form of the call (without Sync in its name), or move it into \
             a worker (node:worker_threads)"
        }
        (_, _) => "await an asynchronous driver or client there, or move the call into a thread",
    }
}

pub(super) const fn advice_without_a_place(cause: StallCause) -> &'static str {
    match cause {
        StallCause::Asleep => {
            "look for a call on the loop that waits: a database or HTTP client that is not \
             awaited, a file, a lock, a sleep"
        }
        StallCause::Cpu => {
            "look for work on the loop that computes: large JSON, hashes, images, loops over many \
             rows"
        }
        StallCause::Machine => MACHINE,
        StallCause::Unknown => {
            "where its threads could not be read, let auditor start the service (--start), or run \
             auditor as the service's user, on the same Linux machine"
        }
    }
}

/// Words on as many lines as they need, each as far in.
fn wrapped(out: &mut dyn Write, indent: usize, words: &str) -> io::Result<()> {
    out.write_all(wrap(&" ".repeat(indent), indent, words).as_bytes())
}
