//! `auditor completions`: prints what a shell completes a command line by.

use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::Exit;

pub(super) fn run(shell: Shell) -> Exit {
    super::print(&Cli::completions(shell), Exit::Success)
}
