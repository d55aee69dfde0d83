//! What is known at one moment, for those who show it.

use std::time::Duration;

use jiff::Timestamp;

use super::{Alert, Entry};
use crate::engine::Verdict;
use crate::report::Report;

/// All that is known at one moment.
#[derive(Debug, Clone)]
pub struct View<'a> {
    /// The moment.
    pub now: Timestamp,
    /// When the watcher was started.
    pub started_at: Timestamp,
    /// From the start of a round of audits to the start of the next.
    pub every: Duration,
    /// How long a round takes at least, as far as that is known before.
    pub round: Duration,
    /// How long reports are kept.
    pub retention: Duration,
    /// When the last round ended that has not failed; `None` before the first.
    pub last_check: Option<Timestamp>,
    /// When the next round begins, at the latest.
    pub next_round: Option<Timestamp>,
    /// Whether a round is under way.
    pub is_under_way: bool,
    /// The services, in the order in which they were given.
    pub services: Vec<ServiceView<'a>>,
    /// What stands against them, the worst first.
    pub alerts: &'a [Alert],
}

/// What is known of one service.
#[derive(Debug, Clone, Copy)]
pub struct ServiceView<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its configuration.
    pub config: &'a str,
    /// What is kept of its reports, the oldest first.
    pub entries: &'a [Entry],
    /// The newest report; `None` before the first, or where it could not be read.
    pub latest: Option<&'a Report>,
    /// Why it could not be audited the last time, and since when not; `None` if it was.
    pub not_audited: Option<(&'a str, Timestamp)>,
    /// Files of its history that could not be read.
    pub damaged: usize,
    /// Reports that could not be written since the start.
    pub not_kept: u64,
    /// Audits since the start, and how long they took in all.
    pub audits: (u64, Duration),
}

impl<'a> ServiceView<'a> {
    /// What is known of the newest audit.
    pub fn newest(&self) -> Option<&'a Entry> {
        self.entries.last()
    }

    /// Since when the verdict is what it is: the first of the audits up to the newest that all ended
    /// with it.
    pub fn since(&self) -> Option<Timestamp> {
        let newest = self.newest()?;
        let same = self.entries.iter().rev().take_while(|it| it.verdict == newest.verdict);
        same.last().map(|it| it.at)
    }

    /// The newest audit that failed.
    pub fn last_failing(&self) -> Option<&'a Entry> {
        self.entries.iter().rev().find(|entry| entry.has_failed())
    }
}

/// What may be said of a service now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Standing<'a> {
    /// It could not be audited the last time: why, and since when not.
    NotAudited(&'a str, Timestamp),
    /// There is no audit of it yet.
    NoAudit,
    /// The newest audit is of another time, and says nothing of now.
    Late(&'a Entry),
    /// The newest audit.
    Audited(&'a Entry),
}

impl<'a> Standing<'a> {
    /// The audit that speaks of now, if there is one.
    pub fn audited(self) -> Option<&'a Entry> {
        match self {
            Self::Audited(entry) => Some(entry),
            Self::NotAudited(..) | Self::NoAudit | Self::Late(_) => None,
        }
    }
}

impl View<'_> {
    /// So many rounds may pass without an audit before it is late.
    const ROUNDS: u32 = 3;

    /// What may be said of a service now: whatever was not seen lately is neither good nor bad.
    pub fn standing<'b>(&self, service: &ServiceView<'b>) -> Standing<'b> {
        if let Some((why, since)) = service.not_audited {
            return Standing::NotAudited(why, since);
        }
        match service.newest() {
            None => Standing::NoAudit,
            Some(newest) if self.is_late(newest.at) => Standing::Late(newest),
            // Its telemetry could not be reached.
            Some(newest) if newest.verdict == Verdict::Error => {
                Standing::NotAudited(&newest.reason, service.since().unwrap_or(newest.at))
            }
            Some(newest) => Standing::Audited(newest),
        }
    }

    /// Whether what ended or began then is of another time. A clock that was wrong puts it ahead of now.
    pub fn is_late(&self, at: Timestamp) -> bool {
        self.now.duration_since(at).unsigned_abs() > self.late_after()
    }

    /// How long after an audit the next one is late. A round of many services may take longer than
    /// what is asked for from one to the next, and nothing is wrong then.
    pub fn late_after(&self) -> Duration {
        let mean = |it: &ServiceView<'_>| {
            let (count, took) = it.audits;
            took.checked_div(u32::try_from(count).unwrap_or(u32::MAX)).unwrap_or_default()
        };
        let round: Duration = self.services.iter().map(mean).sum();
        self.every.max(self.round).max(round).saturating_mul(Self::ROUNDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::level::Status;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn entry(minutes: i64) -> Entry {
        Entry {
            at: at(minutes),
            verdict: Verdict::Pass,
            status: Status::Healthy,
            score: Some(12.0),
            score_is_lower_bound: false,
            requests: None,
            error_ratio: None,
            reason: "calm".into(),
            modes: [].into(),
            broken: [].into(),
            culprits: [].into(),
        }
    }

    fn service<'a>(entries: &'a [Entry], audits: (u64, Duration)) -> ServiceView<'a> {
        ServiceView {
            name: "api",
            config: "api.yaml",
            entries,
            latest: None,
            not_audited: None,
            damaged: 0,
            not_kept: 0,
            audits,
        }
    }

    fn view<'a>(services: &[ServiceView<'a>], minutes: i64) -> View<'a> {
        View {
            now: at(minutes),
            started_at: at(-600),
            every: 5 * MINUTE,
            round: Duration::ZERO,
            retention: 1000 * MINUTE,
            last_check: None,
            next_round: None,
            is_under_way: false,
            services: services.to_vec(),
            alerts: &[],
        }
    }

    #[test]
    fn what_was_not_seen_lately_says_nothing_of_now() {
        let entries = [entry(-5), entry(0)];
        let it = service(&entries, (2, MINUTE));
        assert_eq!(view(&[it], 15).standing(&it), Standing::Audited(&entries[1]));
        assert_eq!(view(&[it], 16).standing(&it), Standing::Late(&entries[1]));
        // A round that takes long by itself is no reason to call anything late.
        let long = View { round: 10 * MINUTE, ..view(&[it], 16) };
        assert_eq!(long.standing(&it), Standing::Audited(&entries[1]));
        assert_eq!(
            view(&[it], -16).standing(&it),
            Standing::Late(&entries[1]),
            "a clock was wrong"
        );
        let none = service(&[], (0, Duration::ZERO));
        assert_eq!(view(&[none], 0).standing(&none), Standing::NoAudit);
        let failed = ServiceView { not_audited: Some(("no such host", at(1))), ..it };
        assert_eq!(
            view(&[failed], 2).standing(&failed),
            Standing::NotAudited("no such host", at(1))
        );
    }

    #[test]
    fn a_round_of_many_services_makes_none_of_them_late() {
        let entries = [entry(0)];
        let it = service(&entries, (10, 20 * MINUTE));
        let many = [it; 10];
        assert_eq!(view(&many, 60).standing(&it), Standing::Audited(&entries[0]));
        assert_eq!(view(&many, 61).standing(&it), Standing::Late(&entries[0]));
    }
}
