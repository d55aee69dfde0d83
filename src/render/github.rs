//! The report as workflow commands of GitHub Actions: each becomes an annotation of the run, and of a
//! file where there is one to mend.
//!
//! <https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions>

use std::io::{self, Write};

use super::remarks::{self, Place, Remark, Weight};
use crate::model::quantity::number;
use crate::one_line::one_line;
use crate::report::Report;
use crate::report::suite::Summary;

/// How every title begins.
pub(super) const TITLE: &str = "title=auditor";
/// GitHub shows ten annotations of a kind for a step, and leaves the others out.
const MOST: usize = 10;
/// The runner cuts a message that is longer, in characters.
const MOST_OF_A_MESSAGE: usize = 4000;

/// The verdict as one annotation, and what is to be mended elsewhere as further ones.
///
/// # Errors
/// If it cannot be written.
pub fn github(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Some(verdict) = remarks::verdict(report) else {
        let score = report.runtime_health_score.map_or_else(|| "unknown".to_owned(), number);
        let words = match report.is_of_checks_alone() {
            true => "no signal is asked for; checks alone decide".to_owned(),
            false => format!("{}, score {score}", report.status.name()),
        };
        let lines = [remarks::verdict_line(report), words];
        return command(out, ("notice", ""), report.verdict.words(), &lines.join("\n"));
    };
    let title = report.verdict.words();
    annotate(out, title, &verdict)?;
    // What else is to be mended, and stands elsewhere.
    let critical = remarks::further_findings(report).filter(|it| it.weight == Weight::Error);
    let others = remarks::further_culprits(report).chain(critical);
    let others = others.filter(|it| it.place.is_none() || it.place != verdict.place);
    others.take(MOST - 1).try_for_each(|remark| annotate(out, title, &remark))
}

/// The verdict of a suite as one annotation, and each of these remarks as a further one.
///
/// # Errors
/// If it cannot be written.
pub(super) fn suite(summary: &Summary, remarks: &[Remark], out: &mut dyn Write) -> io::Result<()> {
    let name = if summary.exit_code == 0 { "notice" } else { "error" };
    let title = summary.verdict.words();
    command(out, (name, ""), title, &super::suite::verdict_line(summary))?;
    remarks.iter().take(MOST - 1).try_for_each(|remark| annotate(out, title, remark))
}

/// What is wrong before anything was audited, at its place if that is known.
///
/// # Errors
/// If it cannot be written.
pub fn github_error(
    place: Option<&crate::model::origin::Place>,
    message: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let place = place.map(|place| Place {
        path: one_line(&place.path.display().to_string()).replace('\\', "/"),
        line: Some(place.line),
        column: Some(place.column),
    });
    let place = place.as_ref().map(in_file).unwrap_or_default();
    command(out, ("error", &place), "configuration", message)
}

fn annotate(out: &mut dyn Write, title: &str, remark: &Remark) -> io::Result<()> {
    let name = match remark.weight {
        Weight::Error => "error",
        Weight::Warning => "warning",
        Weight::Note => "notice",
    };
    let place = remark.place.as_ref().map(in_file).unwrap_or_default();
    command(out, (name, &place), title, &remark.lines.join("\n"))
}

/// A place as the properties of a command; nothing for one that is not in the repository.
fn in_file(place: &Place) -> String {
    if !place.is_relative() {
        return String::new();
    }
    let line = place.line.map(|line| format!("line={line},")).unwrap_or_default();
    let column = place.column.filter(|_| place.line.is_some());
    let column = column.map(|column| format!("col={column},")).unwrap_or_default();
    format!("file={},{line}{column}", property(&place.path))
}

fn command(
    out: &mut dyn Write,
    (name, place): (&str, &str),
    title: &str,
    message: &str,
) -> io::Result<()> {
    let message: String = message.chars().take(MOST_OF_A_MESSAGE).collect();
    let title = property(&format!(": {}", title.to_uppercase()));
    writeln!(out, "::{name} {place}{TITLE}{title}::{}", data(&message))
}

/// A message as the runner reads it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A value before the message as the runner reads it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_the_runner_is_escaped() {
        assert_eq!(data("100%\r\n::error::%0A"), "100%25%0D%0A::error::%250A");
        assert_eq!(property("a,line=1:b%3A"), "a%2Cline=1%3Ab%253A");
    }
}
