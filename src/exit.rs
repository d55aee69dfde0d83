//! The exit codes. No other module knows their numbers.

use std::process::ExitCode;

use crate::engine::Verdict;
use crate::model::level::Gate;

/// How `auditor` ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The audit was carried out, and the gate, if there is one, passed.
    Success = 0,
    /// The gate failed, or the command that ran meanwhile.
    Failed = 1,
    /// Usage or configuration: nothing was audited.
    Usage = 2,
    /// There is no verdict.
    NoVerdict = 3,
}

impl Exit {
    /// Every exit, by its number.
    pub const ALL: [Self; 4] = [Self::Success, Self::Failed, Self::Usage, Self::NoVerdict];

    /// The exit of an audit that ended in `verdict`.
    pub const fn of(verdict: Verdict, gate: Gate) -> Self {
        match verdict {
            Verdict::Pass | Verdict::NotGated => Self::Success,
            Verdict::Fail | Verdict::CommandFailed => Self::Failed,
            Verdict::Inconclusive if !gate.is_set() => Self::Success,
            Verdict::Inconclusive | Verdict::Interrupted | Verdict::Error => Self::NoVerdict,
        }
    }

    /// The exit once it is known that the report could not be written.
    pub const fn unreported(self) -> Self {
        match self {
            Self::Success => Self::NoVerdict,
            other => other,
        }
    }

    /// Its number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its number as people write it.
    pub const fn digit(self) -> &'static str {
        match self {
            Self::Success => "0",
            Self::Failed => "1",
            Self::Usage => "2",
            Self::NoVerdict => "3",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
