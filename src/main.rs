//! The `auditor` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Only here: who calls the library has signals of its own.
    auditor::interrupt::listen();
    auditor::run(std::env::args_os()).into()
}
