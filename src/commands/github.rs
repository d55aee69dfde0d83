//! Where an audit runs as a step of GitHub Actions: its annotations, its summary and its outputs.

use std::env;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::deliver::Deliverable;
use crate::cli::{Cli, Delivery, ReportFile};
use crate::config::ConfigError;
use crate::model::origin::Place;
use crate::render::ReportFormat;
use crate::{output, render};

/// GitHub shows so many annotations of a kind for a step.
const MOST_PROBLEMS: usize = 10;

/// The file of the Markdown that the run shows.
const SUMMARY: &str = "GITHUB_STEP_SUMMARY";
/// The file of what later steps read.
const OUTPUT: &str = "GITHUB_OUTPUT";

/// A step of GitHub Actions.
#[derive(Debug)]
pub(super) struct GitHub {
    summary: Option<PathBuf>,
    output: Option<PathBuf>,
}

/// A file of the runner that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{variable} is {}: {cause}", path.display())]
pub(super) struct FileError {
    variable: &'static str,
    path: PathBuf,
    #[source]
    cause: io::Error,
}

impl GitHub {
    /// The step that this process runs in, unless nothing is to be told.
    pub(super) fn of_process(delivery: &Delivery) -> Option<Self> {
        let path = |name| env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
        (is_around() && delivery.tells_github)
            .then(|| Self { summary: path(SUMMARY), output: path(OUTPUT) })
    }

    /// Adds to the outputs of the step, and to its summary.
    ///
    /// # Errors
    /// A file of the runner that cannot be written.
    pub(super) fn tell(
        &self,
        told_of: &impl Deliverable,
        reports: &[ReportFile],
    ) -> Result<(), FileError> {
        let told = append(OUTPUT, self.output.as_deref(), &outputs(told_of, reports));
        // A pass that the outputs do not have is none, and will not stay one.
        if told.is_ok() || told_of.exit_code() != 0 {
            let summary = rendered(|out| told_of.render(ReportFormat::MARKDOWN, out));
            append(SUMMARY, self.summary.as_deref(), &summary)?;
        }
        told
    }

    /// Annotates the run.
    pub(super) fn annotate(told_of: &impl Deliverable) {
        // On standard output it would stand within the JSON.
        let annotations = rendered(|out| told_of.render(ReportFormat::GITHUB, out));
        output::commands(annotations.trim_end());
    }
}

fn rendered(render: impl Fn(&mut dyn io::Write) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    // Proof: a vector takes whatever is written.
    let _ = render(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Annotates what is wrong in the configuration, or else before anything was audited.
pub(super) fn annotate(cli: &Cli, error: &anyhow::Error) {
    if GitHub::of_process(&cli.delivery()).is_none() {
        return;
    }
    let mut out = Vec::new();
    let told = match error.downcast_ref::<ConfigError>() {
        Some(ConfigError::Invalid(problems)) => {
            problems.iter().take(MOST_PROBLEMS).try_for_each(|it| {
                let place = it.place.as_ref().map(in_repository);
                render::github_error(place.as_ref(), &it.message, &mut out)
            })
        }
        _ => render::github_error(None, &format!("{error:#}"), &mut out),
    };
    if told.is_ok() {
        output::commands(String::from_utf8_lossy(&out).trim_end());
    }
}

/// The same place, with the path from the root of the repository.
fn in_repository(place: &Place) -> Place {
    let path = super::repository::path_in(&place.path).map(PathBuf::from);
    Place { path: path.unwrap_or_else(|| place.path.clone()), ..place.clone() }
}

/// The outputs of the step, as the runner reads them.
fn outputs(told_of: &impl Deliverable, reports: &[ReportFile]) -> String {
    let mut all: Vec<_> =
        told_of.outputs().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    all.push(("exit_code".to_owned(), told_of.exit_code().to_string()));
    for ReportFile { format, path } in reports {
        all.push((format!("report_{}", format.name), in_workspace(path)));
    }
    all.iter().map(|(name, value)| output_of_step(name, value)).collect()
}

/// A path as later steps find it, which begin at the root of the workspace.
fn in_workspace(path: &Path) -> String {
    let workspace = env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
    let workspace = workspace.and_then(|it| it.canonicalize().ok());
    let place = path.canonicalize().ok();
    let within = workspace
        .as_ref()
        .zip(place.as_ref())
        .map(|(workspace, place)| place.strip_prefix(workspace).unwrap_or(place).to_owned());
    within.as_deref().unwrap_or(path).display().to_string()
}

/// One output; a value on several lines is between lines that it does not have.
fn output_of_step(name: &str, value: &str) -> String {
    if !value.contains(['\n', '\r']) {
        return format!("{name}={value}\n");
    }
    let mut end = "end_of_value".to_owned();
    while value.contains(&end) {
        end.push('_');
    }
    format!("{name}<<{end}\n{value}\n{end}\n")
}

/// Adds to a file of the runner, which other commands of the step add to as well.
fn append(variable: &'static str, path: Option<&Path>, text: &str) -> Result<(), FileError> {
    let Some(path) = path else { return Ok(()) };
    let file = File::options().append(true).create(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|cause| FileError {
        variable,
        path: path.to_owned(),
        cause,
    })
}

/// Whether the process runs in GitHub Actions.
pub(super) fn is_around() -> bool {
    env::var_os("GITHUB_ACTIONS").is_some_and(|it| it == "true")
}

/// A text in which the runner finds no command of its own, such as `::error::`: it looks for them in
/// all that a step prints, and what a service calls its files and functions is part of a report.
pub(super) fn without_commands(text: &str, is_json: bool) -> String {
    if is_json {
        return text.replace("##[", "##\\u005b");
    }
    output::without_commands(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_on_several_lines_ends_where_it_says() {
        assert_eq!(output_of_step("verdict", "pass"), "verdict=pass\n");
        let hostile = "a\nend_of_value\nverdict=pass";
        let expected = "r<<end_of_value_\na\nend_of_value\nverdict=pass\nend_of_value_\n";
        assert_eq!(output_of_step("r", hostile), expected);
    }

    #[test]
    fn a_report_holds_no_command_of_the_runner() {
        let text = "a\n   ::error::b\n::add-mask::c\nd ::e ##[error]f\n";
        let harmless = "a\n   : :error::b\n: :add-mask::c\nd ::e ## [error]f\n";
        assert_eq!(without_commands(text, false), harmless);
        let json = without_commands(r###"{"a": "##[error]b"}"###, true);
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert!(!json.contains("##[") && value["a"] == "##[error]b");
    }
}
