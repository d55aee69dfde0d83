//! The manual page, by the definitions that the help is made of.

use std::{io, iter};

use clap::{Arg, Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::{Cli, ENVIRONMENT, EXIT_CODES};

/// When what the page says was last written anew; formatters want a day.
const DATE: &str = "2026-11-27";

const NAME: &str = "gate that an async service passes before it ships";

const SYNOPSIS: &str = "\
auditor [OPTIONS] [-- <COMMAND>...]
auditor <TASK> ...";

const FILES: &str = "\
Files:
  metrics.yaml  the configuration, in the current directory; --init writes one
  audit_results.json  the report, unless --report names another file for JSON";

/// What each is for, and how it is called.
const EXAMPLES: [(&str, &str); 4] = [
    (
        "Look at a service from outside while a load runs, and fail if its loop is held up:",
        "auditor --probe http://localhost:8000/ --fail-on-critical -- ./load.sh",
    ),
    (
        "Find out what a service exports, and write the metrics.yaml that fits:",
        "auditor --init --scrape http://localhost:8000/metrics",
    ),
    ("Ask a Prometheus:", "auditor --target http://localhost:9090 --fail-on-critical"),
    ("Audit a recording again:", "auditor --recording runtime.om"),
];

impl Cli {
    /// The manual page of section 1, in roff. It names the version without the commit, so that it is the
    /// same for every build of a version.
    ///
    /// # Errors
    /// If the page cannot be put together.
    pub fn manual() -> io::Result<String> {
        let version = env!("CARGO_PKG_VERSION");
        let command = Self::command().version(version).about(NAME).override_usage(SYNOPSIS);
        // What the short help leaves out would have no text here.
        let command = command.mut_args(|arg| arg.hide_short_help(false));
        let tasks = tasks(&command);
        let man = Man::new(command).title("AUDITOR").date(DATE).manual("User Commands");
        let mut page = Vec::new();
        man.render_title(&mut page)?;
        man.render_name_section(&mut page)?;
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
        tasks.to_writer(&mut page)?;
        end().to_writer(&mut page)?;
        Ok(tidy(&String::from_utf8_lossy(&page)))
    }
}

/// What can be done beside an audit.
fn tasks(command: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["TASKS"]);
    roff.text([roman("Each has a help of its own: auditor TASK --help.")]);
    for task in command.get_subcommands() {
        let operands = task.get_positionals().filter(|arg| !arg.is_last_set());
        let operands = operands.map(|arg| italic(format!(" {}", value_name(arg))));
        let name = bold(format!("auditor {}", task.get_name()));
        let about = task.get_long_about().or(task.get_about()).map(ToString::to_string);
        define(&mut roff, iter::once(name).chain(operands), &about.unwrap_or_default());
    }
    roff
}

fn value_name(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The sections behind the options.
fn end() -> Roff {
    let mut roff = Roff::new();
    for (heading, text) in
        [("EXIT STATUS", EXIT_CODES), ("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)]
    {
        roff.control("SH", [heading]);
        definitions(&mut roff, text);
    }
    roff.control("SH", ["EXAMPLES"]);
    for (purpose, call) in EXAMPLES {
        define(&mut roff, [roman(purpose)], call);
    }
    roff
}

/// The rows of a text of the help below its heading: a term, two spaces, and what is said of it, over lines
/// that are indented further.
fn definitions(roff: &mut Roff, text: &str) {
    for line in text.lines().skip(1) {
        let row = line.strip_prefix("  ").filter(|row| !row.starts_with(' '));
        match row.and_then(|row| row.split_once("  ")) {
            Some((term, said)) => define(roff, [bold(term)], said.trim()),
            None => {
                roff.text([roman(line.trim())]);
            }
        }
    }
}

fn define(roff: &mut Roff, term: impl IntoIterator<Item = Inline>, said: &str) {
    roff.control("TP", []);
    roff.text(term.into_iter().collect::<Vec<_>>());
    roff.text([roman(said)]);
}

/// The page with the preamble of its first part alone, and without what formatters warn of: lines that are
/// empty, and a break beside a space.
fn tidy(page: &str) -> String {
    let preamble = Roff::new().render();
    let (first, rest) = page.split_at(preamble.len().min(page.len()));
    let rest = rest.replace(&preamble, "");
    let lines = first.lines().chain(rest.lines());
    let lines = lines.map(|line| format!("{}\n", if line.is_empty() { ".sp" } else { line }));
    lines.collect::<String>().replace("\n.br\n.sp\n.br\n", "\n.sp\n")
}
