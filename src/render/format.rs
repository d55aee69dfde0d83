//! The formats in which a report is written to a file: a table, a row each.

use std::fmt;
use std::io::{self, Write};

use super::{github, gitlab, html, json, junit, markdown, prometheus, sarif, suite, text};
use crate::report::Report;
use crate::report::suite::Summary;

/// Writes a report in one format.
type Render = fn(&Report, &mut dyn Write) -> io::Result<()>;

/// Writes the summary of a suite in one format.
type RenderSuite = fn(&Summary, &mut dyn Write) -> io::Result<()>;

/// A format of report files. A new one is a row of [`FORMATS`].
#[derive(Clone, Copy)]
pub struct ReportFormat {
    /// What stands before `=` in `--report FORMAT=PATH`.
    pub name: &'static str,
    /// Writes a report.
    render: Render,
    /// Writes the summary of a suite.
    render_suite: RenderSuite,
    /// Whether a text is a report of this format that `auditor` has written.
    is_report: fn(&str) -> bool,
    /// Whether it draws the signals over time, which takes more questions.
    has_charts: bool,
}

/// Every format.
pub const FORMATS: [ReportFormat; 9] = [
    format("json", json::json, suite::json, |it| {
        Report::is_json_of_one(it) || Summary::is_json_of_one(it)
    }),
    format("text", text::plain, suite::plain, |it| {
        let is_summary = it.starts_with(suite::FIRST_WORD);
        (is_summary || it.contains("\nRuntime Status: ")) && it.contains("\nVerdict: ")
    }),
    format("markdown", markdown::markdown, suite::markdown, |it| {
        it.starts_with(markdown::FIRST_LINE)
    }),
    format("github", github::github, suite::github, |it| {
        it.starts_with("::") && it.contains(github::TITLE)
    }),
    format("gitlab", gitlab::gitlab, suite::gitlab, |it| {
        it.trim() == "[]" || it.contains(gitlab::CHECK_NAMES)
    }),
    format("junit", junit::junit, suite::junit, |it| it.contains(junit::NAME)),
    format("sarif", sarif::sarif, suite::sarif, |it| {
        it.contains(sarif::SCHEMA) && it.contains(sarif::DRIVER)
    }),
    format("prometheus", prometheus::prometheus, suite::prometheus, |it| {
        it.contains(prometheus::FIRST_LINE) || it.contains(suite::FIRST_LINE_OF_PAGE)
    }),
    ReportFormat { has_charts: true, ..format("html", html::html, suite::html, html::is_ours) },
];

const fn format(
    name: &'static str,
    render: Render,
    render_suite: RenderSuite,
    is_report: fn(&str) -> bool,
) -> ReportFormat {
    ReportFormat { name, render, render_suite, is_report, has_charts: false }
}

impl ReportFormat {
    /// The whole report as JSON.
    pub const JSON: Self = FORMATS[0];
    /// What the summary of a step shows.
    pub const MARKDOWN: Self = FORMATS[2];
    /// Annotations.
    pub const GITHUB: Self = FORMATS[3];
    /// A page.
    pub const HTML: Self = FORMATS[8];

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        FORMATS.into_iter().find(|format| format.name == name)
    }

    /// Writes the report.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn render(self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        (self.render)(report, out)
    }

    /// Writes the summary of a suite.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn render_suite(self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        (self.render_suite)(summary, out)
    }

    /// Whether it draws the signals over time.
    pub const fn has_charts(self) -> bool {
        self.has_charts
    }

    /// Whether a text is a report of this format that `auditor` has written.
    pub fn is_report(self, text: &str) -> bool {
        (self.is_report)(text)
    }
}

impl fmt::Debug for ReportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
