//! `async-auditor`, as the Python tool was called: runs the `auditor` that is installed beside it, else
//! the one of `PATH`, with the same arguments, and exits as that does.

use std::env;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Usage: nothing was audited.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let mut auditor = Command::new(auditor());
    auditor.args(env::args_os().skip(1));
    run(&mut auditor).unwrap_or_else(|error| {
        let name = auditor.get_program().to_string_lossy();
        let message = if error.kind() == io::ErrorKind::NotFound {
            format!("async-auditor runs {name}, which is neither beside it nor in PATH; install it")
        } else {
            format!("async-auditor cannot run {name}: {error}")
        };
        // If that fails, no channel is left to say so.
        let _ = writeln!(io::stderr(), "error: {message}");
        ExitCode::from(USAGE)
    })
}

/// The one in the same directory, or its name alone, which is looked for in `PATH`.
fn auditor() -> PathBuf {
    let name = format!("auditor{}", env::consts::EXE_SUFFIX);
    let beside = env::current_exe().ok().map(|path| path.with_file_name(&name));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(name))
}

/// Becomes that program, so that signals reach it. Returns only why it cannot be run.
#[cfg(unix)]
fn run(auditor: &mut Command) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(auditor.exec())
}

/// Runs it to its end.
#[cfg(not(unix))]
fn run(auditor: &mut Command) -> io::Result<ExitCode> {
    /// There is no verdict.
    const NO_VERDICT: u8 = 3;
    let code = auditor.status()?.code();
    // A code that does not fit is no code of auditor's: it was ended from outside.
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(NO_VERDICT).into())
}
