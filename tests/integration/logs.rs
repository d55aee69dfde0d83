//! Checks that take their value from a log: what is read of one, and what an audit makes of it. How
//! configurations and verdicts look is in `tests/scenarios/logs-*`.

mod original;
#[cfg(unix)]
mod run;
