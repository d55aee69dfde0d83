//! The `auditor` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    auditor::run(std::env::args_os()).into()
}
