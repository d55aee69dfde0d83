//! What happens to services and to their watcher, and which alerts have to follow.

/// The minute in which something happens, and how long is watched.
pub(super) const TURN: i64 = 60;
pub(super) const END: i64 = 200;
/// Minutes from a round to the next.
pub(super) const EVERY: i64 = 5;

/// How a service is in a minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Is {
    Well,
    Sick,
    Hazy,
    NotAudited,
    /// The watcher does not know it.
    Gone,
}

/// What happens to a service, and to its watcher.
pub(super) struct Story {
    pub(super) service: fn(i64) -> Is,
    /// Whether rounds still end.
    pub(super) goes_on: fn(i64) -> bool,
    /// Whether it can be scraped; `None` where Prometheus does not try.
    pub(super) up: fn(i64) -> Option<bool>,
    pub(super) not_kept: fn(i64) -> u64,
    pub(super) damaged: fn(i64) -> usize,
}

const CALM: Story = Story {
    service: |_| Is::Well,
    goes_on: |_| true,
    up: |_| Some(true),
    not_kept: |_| 0,
    damaged: |_| 0,
};

/// Alerts as they have to fire at some minutes, and no others: name and service.
pub(super) type Expected = &'static [(i64, &'static [(&'static str, &'static str)])];

const FAILS: &str = "AuditedServiceFails";
const MODE: &str = "AuditedServiceFailureMode";
const CRITICAL: &str = "AuditedServiceCriticalAlert";
const WITHOUT: &str = "AuditedServiceWithoutVerdict";
const NOT_AUDITED: &str = "AuditedServiceNotAudited";
const STALE: &str = "AuditorStale";

pub(super) fn stories() -> Vec<(&'static str, Story, Expected)> {
    fn past(at: i64, is: Is) -> Is {
        if at < TURN { Is::Well } else { is }
    }
    vec![
        ("calm", CALM, &[(5, &[]), (60, &[]), (150, &[])]),
        (
            "falls ill and recovers",
            Story {
                service: |at| if (60..100).contains(&at) { Is::Sick } else { Is::Well },
                ..CALM
            },
            &[(64, &[]), (75, &[(FAILS, "api"), (MODE, "api"), (CRITICAL, "api")]), (101, &[])],
        ),
        (
            "a moment's failure",
            Story { service: |at| if at == 60 { Is::Sick } else { Is::Well }, ..CALM },
            &[(62, &[]), (66, &[]), (72, &[])],
        ),
        (
            "not seen well",
            Story { service: |at| past(at, Is::Hazy), ..CALM },
            &[(85, &[]), (95, &[(WITHOUT, "api")])],
        ),
        (
            "not audited",
            Story { service: |at| past(at, Is::NotAudited), ..CALM },
            &[
                (64, &[]),
                (75, &[(NOT_AUDITED, "api"), (CRITICAL, "api")]),
                (95, &[(NOT_AUDITED, "api"), (CRITICAL, "api"), (WITHOUT, "api")]),
            ],
        ),
        (
            "the watcher is down",
            Story { up: |at| Some(at < TURN), ..CALM },
            &[(62, &[]), (80, &[("AuditorDown", ""), ("AuditorShowsNothing", "")])],
        ),
        (
            "nobody scrapes it",
            Story { up: |at| (at < TURN).then_some(true), ..CALM },
            &[(62, &[]), (80, &[("AuditorDown", ""), ("AuditorShowsNothing", "")])],
        ),
        (
            "rounds do not end any more",
            Story { goes_on: |at| at < TURN, ..CALM },
            &[
                (70, &[]),
                (84, &[(NOT_AUDITED, "api"), (NOT_AUDITED, "web")]),
                (90, &[(NOT_AUDITED, "api"), (NOT_AUDITED, "web"), (STALE, "")]),
                (
                    110,
                    &[
                        (NOT_AUDITED, "api"),
                        (NOT_AUDITED, "web"),
                        (STALE, ""),
                        (WITHOUT, "api"),
                        (WITHOUT, "web"),
                    ],
                ),
            ],
        ),
        (
            "no round has ever ended",
            Story { goes_on: |_| false, ..CALM },
            &[(5, &[]), (20, &[(NOT_AUDITED, "api"), (NOT_AUDITED, "web"), (STALE, "")])],
        ),
        (
            "a service vanishes",
            Story { service: |at| past(at, Is::Gone), ..CALM },
            &[(62, &[]), (70, &[("AuditedServiceVanished", "api")]), (130, &[])],
        ),
        (
            "the disk is full",
            Story { not_kept: |at| u64::from(at >= TURN), ..CALM },
            &[(59, &[]), (62, &[("AuditorHistoryNotKept", "api")]), (130, &[])],
        ),
        (
            "a file is damaged",
            Story { damaged: |at| usize::from(at >= TURN), ..CALM },
            &[(110, &[]), (125, &[("AuditorHistoryDamaged", "api")])],
        ),
    ]
}
