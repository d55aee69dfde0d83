//! What shells complete a command line by.

use clap::builder::Resettable;
use clap::{Command, CommandFactory as _};
use clap_complete::{Shell, generate};

use super::Cli;

const NAME: &str = "auditor";

impl Cli {
    /// The script that has a shell complete `auditor`.
    pub fn completions(shell: Shell) -> String {
        let mut script = Vec::new();
        generate(shell, &mut completed(), NAME, &mut script);
        let script = String::from_utf8_lossy(&script);
        if shell == Shell::Fish { with_values(&script) } else { script.into_owned() }
    }
}

/// The command line without the operand behind `--`: the script for zsh takes it for one that comes before
/// a task, and completes no task's own options.
fn completed() -> Command {
    let whole = Cli::command();
    let args = whole.get_arguments().filter(|arg| !arg.is_last_set());
    // No script heeds what an option requires, and the operand and groups are not there to refer to.
    let args = args.map(|arg| arg.clone().requires(Resettable::Reset));
    Command::new(NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .args(args)
        .subcommands(whole.get_subcommands().cloned())
}

/// A script for fish that completes values, too: the line up to an option that wants one is not understood
/// there, unless a value is put behind it.
fn with_values(script: &str) -> String {
    const PARSE: &str = "argparse -s (__fish_auditor_global_optspecs) -- $cmd";
    let once = format!("    {PARSE} 2>/dev/null\n");
    script.replace(&once, &format!("{once}    or {PARSE} VALUE 2>/dev/null\n"))
}
