//! The report as GitLab's code quality report: an array of issues, each at a place in a file.
//!
//! <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>

use std::collections::HashMap;
use std::io::{self, Write};

use serde::Serialize;

use super::remarks::{self, Place, Remark, Weight, remarks};
use crate::report::Report;

/// What every issue has, which tells the file from those of other tools.
pub(super) const CHECK_NAMES: &str = r#""check_name": "auditor/"#;

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: String,
    /// The same for the same issue of another audit; GitLab keeps one issue of each.
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
}

/// An issue for each thing that stands against the service or could not be told; none for a pass.
///
/// # Errors
/// If it cannot be written.
pub(super) fn gitlab(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    write(remarks(report), &remarks::configuration(report), out)
}

/// An issue for each remark; `elsewhere` is for those without a place in the repository.
///
/// # Errors
/// If it cannot be written.
pub(super) fn write(
    remarks: Vec<Remark>,
    elsewhere: &Place,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut used: HashMap<String, usize> = HashMap::new();
    let issues = remarks.into_iter().map(|remark| {
        let place = remark.place.filter(Place::is_relative);
        let place = place.unwrap_or_else(|| elsewhere.clone());
        let identity = format!("{} {} {}", remark.topic, place.path, remark.identity);
        let number = used.entry(identity.clone()).and_modify(|it| *it += 1).or_insert(1);
        Issue {
            description: remark.lines.join(" - "),
            check_name: format!("auditor/{}", remark.topic),
            fingerprint: format!("auditor {identity} {number}"),
            severity: match remark.weight {
                Weight::Error => "blocker",
                Weight::Warning => "major",
                Weight::Note => "info",
            },
            location: Location {
                path: place.path,
                lines: Lines { begin: place.line.unwrap_or(1) },
            },
        }
    });
    serde_json::to_writer_pretty(&mut *out, &issues.collect::<Vec<_>>())?;
    out.write_all(b"\n")
}
