//! Evidence: what has to have been seen before "nothing bad was seen" means anything.
//!
//! Each rule can be relaxed by its name under `evidence` in `metrics.yaml`. What falls short of a
//! rule leaves what it concerns a lower bound, or is told only, where the rule is relaxed.

use std::time::Duration;

use super::origin::Place;
use crate::storage::Labels;

/// A rule of evidence. A new one is a variant, a row of [`RULES`] and a file that looks for it in
/// `src/evidence/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Every scrape brings a whole page.
    FailedScrapes,
    /// Nothing is missing for longer than this.
    MaxGap,
    /// What a query uses is a number in every page.
    Holes,
    /// No target ends before the time is over.
    GoneTargets,
    /// The newest sample is not older than this.
    MaxAge,
    /// The service was asked for at least so much.
    MinRequests,
    /// A target is one process all the time.
    Restarts,
    /// Behind one page there is one process.
    Workers,
    /// Samples are of the time of their scrape.
    Timestamps,
    /// The clock of whoever answers is right within this.
    MaxClockSkew,
    /// The last page came in good time.
    StallAtEnd,
    /// A quantile is below the highest bucket that has an end.
    TopBucket,
    /// The machine had time for the service, and for the probe.
    BusyMachine,
    /// What the probe asks for is answered at once, where the loop is not held up.
    SlowAnswers,
    /// What the queries use of a probe can be seen.
    NotVisible,
    /// A query sees whether the event loop is held up; without one there is no plan.
    EventLoop,
}

/// What a rule is set to under `evidence`.
#[derive(Debug, Clone, Copy)]
pub enum Setting {
    /// `refuse` or `allow`.
    Choice,
    /// A number that is not negative, and where it goes; 0 asks for nothing.
    Count(fn(&mut EvidenceRules, f64)),
    /// A duration such as 30s, and where it goes.
    Duration(fn(&mut EvidenceRules, Duration)),
}

/// What is fixed about a rule.
#[derive(Debug)]
pub struct RuleDef {
    /// The rule.
    pub rule: Rule,
    /// Its key under `evidence`, and the name of its findings.
    pub key: &'static str,
    /// What it is set to.
    pub setting: Setting,
    /// What holds unless the configuration says otherwise, in words.
    pub default: &'static str,
    /// What it asks for.
    pub description: &'static str,
    /// What to do about a shortfall.
    pub advice: &'static str,
}

/// Every rule, in the order of the report.
pub const RULES: [RuleDef; 16] = [
    RuleDef {
        rule: Rule::FailedScrapes,
        key: "failed_scrapes",
        setting: Setting::Choice,
        default: "refuse",
        description: "every scrape brings a whole page",
        advice: "a loop that is held up cannot serve its page, nor can a service that has crashed; \
                 look at its log of that time",
    },
    RuleDef {
        rule: Rule::MaxGap,
        key: "max_gap",
        setting: Setting::Duration(|rules, to| rules.max_gap = Some(to)),
        default: "three times the usual interval, at least 1s",
        description: "between two scrapes there is no longer pause than this",
        advice: "scrape more regularly, or give the machine that scrapes more time",
    },
    RuleDef {
        rule: Rule::Holes,
        key: "holes",
        setting: Setting::Choice,
        default: "refuse",
        description: "what a query uses is there in every page, and is a number",
        advice: "make the service export it all the time",
    },
    RuleDef {
        rule: Rule::GoneTargets,
        key: "gone_targets",
        setting: Setting::Choice,
        default: "refuse",
        description: "no target ends before the time is over",
        advice: "find out why it ended, or select the targets that are meant ($selector); where a \
                 deploy replaces instances on purpose, set gone_targets: allow under `evidence`",
    },
    RuleDef {
        rule: Rule::MaxAge,
        key: "max_age",
        setting: Setting::Duration(|rules, to| rules.max_age = Some(to)),
        default: "three times the usual interval, at least 1m",
        description: "the newest sample of what a query uses is not older than this",
        advice: "see whether the service is up, and still scraped; after a command, give the server \
                 more time (--settle)",
    },
    RuleDef {
        rule: Rule::MinRequests,
        key: "min_requests",
        setting: Setting::Count(|rules, to| rules.min_requests = to),
        default: "1",
        description: "the service is asked for at least so many requests",
        advice: "put the service under a load that it can serve while it is watched \
                 (-- COMMAND), and look at what failed requests ask for; if it had one, does what \
                 counts requests see it? For a worker without requests set min_requests: 0 under \
                 `evidence`",
    },
    RuleDef {
        rule: Rule::Restarts,
        key: "restarts",
        setting: Setting::Choice,
        default: "refuse",
        description: "a target is the same process all the time",
        advice: "find out why it restarted; what the process before had seen is lost",
    },
    RuleDef {
        rule: Rule::Workers,
        key: "workers",
        setting: Setting::Choice,
        default: "refuse",
        description: "behind one page there is one process",
        advice: "set PROMETHEUS_MULTIPROC_DIR so that the page is of all workers, or give one \
                 --scrape URL for each of them",
    },
    RuleDef {
        rule: Rule::Timestamps,
        key: "timestamps",
        setting: Setting::Choice,
        default: "refuse",
        description: "samples are of the time of their scrape",
        advice: "let the page show what is, without timestamps of its own",
    },
    RuleDef {
        rule: Rule::MaxClockSkew,
        key: "max_clock_skew",
        setting: Setting::Duration(|rules, to| rules.max_clock_skew = to),
        default: "30s",
        description: "the clock of the server is right within this",
        advice: "set the clocks of both machines by NTP, or name the instant with --at",
    },
    RuleDef {
        rule: Rule::StallAtEnd,
        key: "stall_at_end",
        setting: Setting::Choice,
        default: "refuse",
        description: "the last page comes in good time",
        advice: "the service was still held up when the time was over, or gone; look at what it \
                 did last, and at its log",
    },
    RuleDef {
        rule: Rule::TopBucket,
        key: "top_bucket",
        setting: Setting::Choice,
        default: "refuse",
        description: "a quantile is below the highest bucket that has an end",
        advice: "give the histogram buckets that reach further",
    },
    RuleDef {
        rule: Rule::BusyMachine,
        key: "busy_machine",
        setting: Setting::Choice,
        default: "refuse",
        description: "the machine had time for the service, and for the probe",
        advice: "give the service and the load a runner with more free CPUs, or put less load on it, \
                 and audit again",
    },
    RuleDef {
        rule: Rule::SlowAnswers,
        key: "slow_answers",
        setting: Setting::Choice,
        default: "refuse",
        description: "what the probe asks for is answered at once where the loop is not held up",
        advice: "give --probe a URL that the service answers at once, such as /healthz; behind a \
                 proxy, one of the service itself",
    },
    RuleDef {
        rule: Rule::NotVisible,
        key: "not_visible",
        setting: Setting::Choice,
        default: "refuse",
        description: "what the queries use of a probe can be seen",
        advice: "do what the reason says, or have a metrics.yaml without these signals",
    },
    RuleDef {
        rule: Rule::EventLoop,
        key: "event_loop",
        setting: Setting::Choice,
        default: "refuse",
        description: "a query sees whether the event loop is held up; else nothing is audited",
        advice: "give event_loop_lag or blocking_duration_avg a query, or add --probe URL",
    },
];

impl Rule {
    /// What is fixed about it.
    pub fn def(self) -> &'static RuleDef {
        const TABLE: &[RuleDef] = &RULES;
        // Proof: a test finds every variant at the place of its number.
        &TABLE[self as usize]
    }

    /// Its key under `evidence`, and the name of its findings.
    pub fn key(self) -> &'static str {
        self.def().key
    }

    /// The rule with that key.
    pub fn from_key(key: &str) -> Option<Self> {
        RULES.iter().find(|def| def.key == key).map(|def| def.rule)
    }
}

/// A rule that the configuration sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet {
    /// The rule.
    pub rule: Rule,
    /// To what, as it is written.
    pub to: String,
    /// Where.
    pub origin: Option<Place>,
}

/// How much evidence is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceRules {
    /// So many requests.
    pub min_requests: f64,
    /// So old the newest sample may be; without it, three of its intervals and at least a minute.
    pub max_age: Option<Duration>,
    /// So long nothing may be seen; without it, three usual intervals.
    pub max_gap: Option<Duration>,
    /// So much another clock may be off.
    pub max_clock_skew: Duration,
    /// The rules that the configuration sets, in the order of the file.
    pub set: Vec<RuleSet>,
    /// Of which a shortfall is told and leaves no bound.
    pub allowed: Vec<Rule>,
}

impl Default for EvidenceRules {
    fn default() -> Self {
        Self {
            min_requests: 1.0,
            max_age: None,
            max_gap: None,
            max_clock_skew: Duration::from_secs(30),
            set: Vec::new(),
            allowed: Vec::new(),
        }
    }
}

impl EvidenceRules {
    /// Whether a shortfall of the rule is only told.
    pub fn allows(&self, rule: Rule) -> bool {
        self.allowed.contains(&rule)
    }
}

/// What a shortfall concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All that is asked.
    Everything,
    /// These queries of the plan, by their number.
    Queries(Vec<usize>),
}

impl Scope {
    /// The numbers of the queries; `None` for all.
    pub fn numbers(&self) -> Option<&[usize]> {
        match self {
            Self::Everything => None,
            Self::Queries(all) => Some(all),
        }
    }

    /// Whether it concerns the query with that number.
    pub fn holds(&self, query: usize) -> bool {
        match self {
            Self::Everything => true,
            Self::Queries(all) => all.contains(&query),
        }
    }
}

/// Evidence that is missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Shortfall {
    /// Of which rule.
    pub rule: Rule,
    /// What may be worse than it looks.
    pub scope: Scope,
    /// At which target, if it is one's.
    pub target: Option<Labels>,
    /// What is missing: a clause with the number beside its limit, the target at its end, without
    /// a full stop.
    pub detail: String,
}

/// What was seen of one target.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TargetEvidence {
    /// Its labels.
    pub target: Labels,
    /// The part of the time that its scrapes cover, 0 to 1; `None` where nothing tells.
    pub covered: Option<f64>,
    /// How old its newest sample is at the instant, seconds.
    pub newest_sample_age_s: Option<f64>,
    /// Processes that were seen behind its page; `None` where nothing tells.
    pub processes: Option<usize>,
    /// Restarts that were seen; `None` where nothing tells.
    pub restarts: Option<usize>,
}

/// What was seen of what one query uses.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QueryEvidence {
    /// The number of the query in the plan.
    pub query: usize,
    /// The part of the scrapes that brought it, 0 to 1; `None` where nothing tells.
    pub covered: Option<f64>,
    /// How old its newest sample is at the instant, seconds.
    pub newest_sample_age_s: Option<f64>,
}

/// Requests by whether they are those for the page of metrics itself, as far as counters tell.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct OwnRequests {
    /// Of counters that have one more at each scrape.
    pub own: f64,
    /// Of the other ones.
    pub others: f64,
}

/// What was seen, and what was not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evidence {
    /// Targets, in the order of their labels.
    pub targets: Vec<TargetEvidence>,
    /// Queries, in the order of the plan.
    pub queries: Vec<QueryEvidence>,
    /// Requests that were served; `None` where it is not known.
    pub requests: Option<f64>,
    /// The part of them that failed, 0 to 1.
    pub error_ratio: Option<f64>,
    /// Which of them may be those for the page of metrics.
    pub own_requests: OwnRequests,
    /// What is missing, in the order of the rules.
    pub shortfalls: Vec<Shortfall>,
}

impl Evidence {
    /// Why the query with that number is a lower bound, if it is one.
    pub fn bound(&self, query: usize, rules: &EvidenceRules) -> Option<&Shortfall> {
        self.shortfalls.iter().find(|it| !rules.allows(it.rule) && it.scope.holds(query))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_found_by_its_number_and_its_key() {
        for (index, def) in RULES.iter().enumerate() {
            assert_eq!(def.rule as usize, index, "{}", def.key);
            assert_eq!(Rule::from_key(def.key), Some(def.rule));
            assert_eq!(def.rule.def().key, def.key);
        }
    }
}
