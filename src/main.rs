//! The `auditor` command.

use std::process::ExitCode;

/// In the place of musl's allocator, which is a slow one.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Only here: who calls the library has signals of its own.
    auditor::interrupt::listen();
    auditor::run(std::env::args_os()).into()
}
