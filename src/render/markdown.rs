//! The report as GitHub Flavored Markdown, for a summary or a comment on a change.

use std::io::{self, Write};

use super::labels::Shared;
use super::remarks::{self, Place, verdict_line};
use super::rows::{SignalRow, rows};
use super::{blame, checks, evidence, learn_more, samples};
use crate::engine::Verdict;
use crate::model::quantity::{number, number_beside};
use crate::model::signal::Signal;
use crate::one_line::one_line;
use crate::report::{CheckEntry, Report, ShortfallEntry};

/// What every report begins with; it is not shown.
pub(super) const FIRST_LINE: &str = "<!-- report of auditor -->";
/// A summary above 1 MiB is thrown away as a whole; so much of a list is far below.
pub(super) const MOST: usize = 50;

/// The verdict first, then what it rests on.
///
/// # Errors
/// If it cannot be written.
pub fn markdown(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{FIRST_LINE}\n\n## {} auditor: {}\n",
        mark(report),
        text(&verdict_line(report))
    )?;
    summary(out, report)?;
    culprits(out, report)?;
    failure_modes(out, report)?;
    signals(out, report)?;
    own_checks(out, report)?;
    findings(out, report)?;
    not_seen(out, report)?;
    unread(out, report)?;
    repeats(out, report)?;
    ending(out, report)
}

const fn mark(report: &Report) -> &'static str {
    match report.verdict {
        Verdict::Pass => "✅",
        Verdict::Fail | Verdict::CommandFailed | Verdict::Error => "❌",
        Verdict::NotGated | Verdict::Inconclusive | Verdict::Interrupted => "⚠️",
    }
}

fn summary(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let score = match report.runtime_health_score {
        None => "unknown".to_owned(),
        Some(score) if report.score_is_lower_bound => format!("at least {score:.0}"),
        Some(score) => format!("{score:.0}"),
    };
    match report.is_of_checks_alone() {
        true => writeln!(out, "**Status** not asked for; checks alone decide")?,
        false => writeln!(out, "**Status** {} · **score** {score}", code(report.status.name()))?,
    }
    match report.error.as_deref().filter(|error| *error != report.verdict_reason) {
        Some(error) => writeln!(out, "\n**Error:** {}", text(error)),
        None => Ok(()),
    }
}

/// The heading of a part, if there is anything in it.
fn heading<T>(out: &mut dyn Write, words: &str, items: &[T]) -> io::Result<()> {
    if items.is_empty() { Ok(()) } else { writeln!(out, "\n### {words}\n") }
}

/// Says how many items were left out.
fn more(out: &mut dyn Write, count: usize) -> io::Result<()> {
    match count.saturating_sub(MOST) {
        0 => Ok(()),
        more => writeln!(out, "- and {more} more; all are in the JSON report"),
    }
}

fn culprits(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let culprits = remarks::culprits(report);
    heading(out, "Blocked", &culprits)?;
    if let Some(stalled) = report.stalled.as_ref().filter(|_| !culprits.is_empty()) {
        writeln!(out, "{}\n", text(&blame::how_bad(report, stalled)))?;
    }
    for remark in &culprits {
        let place = remark.place.as_ref().map(Place::words).unwrap_or_default();
        let source = remark.source.as_ref().filter(|source| !source.is_empty());
        let source = source.map(|source| format!(": {}", code(source))).unwrap_or_default();
        writeln!(out, "- {}{source}", code(&place))?;
        for line in remark.lines.iter().skip(1) {
            writeln!(out, "  <br>{}", text(line))?;
        }
    }
    Ok(())
}

fn failure_modes(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let open = &report.failure_modes_not_assessable;
    if !report.failure_modes.is_empty() || !open.is_empty() {
        writeln!(out, "\n### Failure modes\n")?;
    }
    for mode in &report.failure_modes {
        let (name, severity) = (code(&mode.mode), mode.severity.name());
        writeln!(out, "- **{name} ({severity})**: {}", text(&mode.description))?;
        for evidence in &mode.evidence {
            let (value, limit) = number_beside(evidence.value, evidence.limit);
            let at_least = if evidence.is_lower_bound { "at least " } else { "" };
            let (signal, unit) = (code(&evidence.signal), text(&evidence.unit));
            writeln!(out, "  - {signal}: {at_least}{value} {unit} > {limit} {unit}")?;
        }
    }
    open.iter().try_for_each(|mode| {
        let unknown: Vec<_> = mode.unknown.iter().map(|it| code(it)).collect();
        writeln!(
            out,
            "- {} cannot be ruled out: {} not known",
            code(&mode.mode),
            unknown.join(", ")
        )
    })
}

fn signals(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    if report.is_of_checks_alone() {
        return Ok(());
    }
    let shared = super::signals::shared(report);
    writeln!(out, "\n### Signals\n")?;
    writeln!(out, "| signal | value | limit | score | series |\n|---|--:|--:|--:|---|")?;
    rows(report).iter().try_for_each(|row| signal(out, row, &shared))?;
    match shared.words().as_str() {
        "" => Ok(()),
        labels => writeln!(out, "\nSeries of {}", code(labels)),
    }
}

fn signal(out: &mut dyn Write, row: &SignalRow<'_>, shared: &Shared) -> io::Result<()> {
    let value = if row.is_over { format!("**{}**", text(&row.value)) } else { text(&row.value) };
    let points = row.points.as_ref().map(|it| match it.percent {
        Some(percent) => format!("{} ({percent:.0}%)", it.points),
        None => it.points.clone(),
    });
    let limit = row.limit.as_deref().map(text).unwrap_or_default();
    let labels = match &row.computed_from {
        Some(words) => text(words),
        None => cell(&shared.own(row.labels)),
    };
    let name = cell(row.name);
    writeln!(out, "| {name} | {value} | {limit} | {} | {labels} |", points.unwrap_or_default())
}

fn own_checks(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let requested: Vec<_> = report.checks.iter().filter(|check| check.requested).collect();
    heading(out, "Checks", &requested)?;
    if !requested.is_empty() {
        writeln!(out, "| check | outcome | value | severity |\n|---|---|---|---|")?;
    }
    for check in requested.iter().take(MOST) {
        let outcome = outcome(check);
        let (name, severity) = (cell(&check.name), check.severity.name());
        writeln!(out, "| {name} | {outcome} | {} | {severity} |", text(&checks::values(check)))?;
    }
    if requested.len() > MOST {
        writeln!(out)?;
    }
    more(out, requested.len())?;
    match &report.baseline {
        Some(baseline) => writeln!(out, "\nBaseline: {}", text(&checks::baseline(baseline))),
        None => Ok(()),
    }
}

const fn outcome(check: &CheckEntry) -> &'static str {
    match check.passed {
        Some(true) => "holds",
        Some(false) => "**broken**",
        None => "**unknown**",
    }
}

/// Every finding but those of the parts above and below.
fn findings(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let is_elsewhere = |check: &str| {
        report.evidence.shortfalls.iter().any(|it| it.rule == check)
            || report
                .checks
                .iter()
                .any(|it| it.requested && it.name == check && Signal::from_key(check).is_none())
    };
    let details = report.finding_details.iter().filter(|it| !is_elsewhere(&it.check));
    let shown: Vec<_> = details.collect();
    heading(out, "Findings", &shown)?;
    shown.iter().take(MOST).try_for_each(|it| writeln!(out, "- {}", text(&it.message)))?;
    more(out, shown.len())
}

fn not_seen(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let shortfalls = &report.evidence.shortfalls;
    heading(out, "Not seen", shortfalls)?;
    for ShortfallEntry { rule, detail, advice, allowed, .. } in shortfalls.iter().take(MOST) {
        let allowed_by = if *allowed { " (allowed)" } else { "" };
        writeln!(out, "- {}{allowed_by}: {}", code(rule), text(detail))?;
        if !allowed {
            writeln!(out, "  <br>To do: {}.", text(advice))?;
        }
    }
    more(out, shortfalls.len())
}

fn unread(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let unknown = remarks::unknown(report);
    heading(out, "Could not be told", &unknown)?;
    for remark in unknown.iter().take(MOST) {
        writeln!(out, "- {}", text(&remark.lines.join(" ")))?;
    }
    more(out, unknown.len())
}

/// Several audits of one run.
fn repeats(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let Some(of_run) = &report.samples else { return Ok(()) };
    let (counts, breaker) = (samples::counts(of_run), samples::breaker(of_run));
    writeln!(out, "\n### Samples\n\n{}; breaker {}", text(&counts), text(&breaker))?;
    let rows = samples::rows(report, of_run);
    let are_all_known = samples::are_all_known(&rows);
    if !rows.is_empty() {
        let (known, line) = if are_all_known { ("", "") } else { (" known |", "--:|") };
        writeln!(out, "\n| signal | median | worst | spread |{known}\n|---|--:|--:|--:|{line}")?;
    }
    rows.iter().try_for_each(|row| {
        let [median, worst, spread] = [&row.median, &row.worst, &row.spread].map(|it| text(it));
        let known = row.known.as_deref().unwrap_or_default();
        let known = if are_all_known { String::new() } else { format!(" {known} |") };
        writeln!(out, "| {} | {median} | {worst} | {spread} |{known}", cell(row.name))
    })
}

fn ending(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    writeln!(out)?;
    if let Some(requests) = evidence::count_of_requests(report) {
        writeln!(out, "Seen: {requests}.\n")?;
    }
    if let Some(line) = learn_more::line(report) {
        writeln!(out, "{}", text(&line))?;
    }
    writeln!(out, "\n<sub>{} at {}", text(&report.target), text(&report.evaluated_at))?;
    writeln!(out, "<br>Configuration: {}", code(&report.config))?;
    if let Some(command) = &report.command {
        let (line, took) = (code(&command.line), number(command.took_s));
        writeln!(out, "<br>Command: {line} {} after {took} s", text(&command.status))?;
    }
    writeln!(out, "</sub>")
}

/// Words that mean nothing but themselves in Markdown.
pub(super) fn text(words: &str) -> String {
    let mut escaped = String::new();
    // Nor are addresses links: a label of the service's could lead anywhere.
    let words = one_line(words).replace("://", ":\u{200b}//").replace("www.", "www\u{200b}.");
    for c in words.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            // Neither a mention nor a reference: it ends the word before it.
            '@' | '#' => escaped += &format!("{c}\u{200b}"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Words as code, in which nothing else has a meaning.
fn code(words: &str) -> String {
    let words = one_line(words);
    let words = words.trim();
    if words.is_empty() {
        return String::new();
    }
    let runs = words.split(|c| c != '`').map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or_default() + 1);
    // A backtick at an end would be one of the fence.
    let space = if words.contains('`') { " " } else { "" };
    format!("{fence}{space}{words}{space}{fence}")
}

/// The same in a table, which is cut at bars before anything else is looked at.
pub(super) fn cell(words: &str) -> String {
    code(words).replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_themselves() {
        for (words, expected) in [
            ("a_b*c", r"a\_b\*c"),
            ("<script>&", "&lt;script&gt;&amp;"),
            ("[a](http://b)", "\\[a\\](http:\u{200b}//b)"),
            ("@you #1", "@\u{200b}you #\u{200b}1"),
            ("a\n# b", "a #\u{200b} b"),
        ] {
            assert_eq!(text(words), expected);
        }
        for (words, expected) in
            [("", ""), ("a_b", "`a_b`"), ("a`b", "`` a`b ``"), ("``", "``` `` ```"), ("|", "`|`")]
        {
            assert_eq!(code(words), expected);
        }
        assert_eq!(cell("a|b"), r"`a\|b`");
    }
}
