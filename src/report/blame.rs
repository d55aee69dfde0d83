//! Blame in the report: what held the loop up, and where.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::build::thousandths;
use super::{Ordered, Report};
use crate::model::blame::{Blame, Culprit, Site, Stall, StallCause, Tally};
use crate::model::mode::STARVATION;
use crate::model::quantity::time;
use crate::model::signal::Signal;

/// A time in which the service read no request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StallEntry {
    /// When it was over, RFC 3339.
    pub at: String,
    /// How long it took, seconds, 3 decimals; without a wait for a CPU, unless that is its cause.
    pub duration_s: f64,
    /// What held the loop.
    pub cause: StallCause,
    /// The file of the place that held it; `null` where no single place was found.
    pub file: Option<String>,
    /// The line.
    pub line: Option<u32>,
    /// The function.
    pub function: Option<String>,
}

/// A place of the application that held the loop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CulpritEntry {
    /// The path; relative to the repository where it is in it.
    pub file: String,
    /// The line, from 1; `null` where it is not known.
    pub line: Option<u32>,
    /// The function.
    pub function: String,
    /// The line of code; `null` where it could not be read.
    pub source: Option<String>,
    /// How long it held the loop in all, seconds, 3 decimals.
    pub blocked_s: f64,
    /// In how many stalls.
    pub stalls: u64,
    /// What it did for most of that time.
    pub cause: StallCause,
    /// What has read the stacks: `py-spy`, `inspector`; `null` where nothing says.
    pub found_by: Option<String>,
    /// Whether another thread was there, and kept the lock of the interpreter from the loop.
    #[serde(default)]
    pub in_other_thread: bool,
}

/// Some stalls together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TallyEntry {
    /// How many.
    pub count: u64,
    /// How long they took, seconds, 3 decimals.
    pub duration_s: f64,
}

/// All stalls together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StalledEntry {
    /// How many there were; `null` where nothing tells of them.
    pub count: Option<u64>,
    /// How long they took, seconds, 3 decimals.
    pub duration_s: Option<f64>,
    /// How long the longest took; `null` where there was none.
    pub longest_s: Option<f64>,
    /// The same of those that were not the machine's.
    pub longest_own_s: Option<f64>,
    /// By what held the loop; a cause of which nothing tells is left out.
    pub causes: Ordered<TallyEntry>,
    /// Those that are no culprit's, in the same way; causes without any are left out.
    pub unnamed: Ordered<TallyEntry>,
    /// The most requests in flight during a stall; `null` where it is not known.
    pub active_requests: Option<f64>,
    /// How long the loop waited for a CPU in all, seconds; `null` where it is not known.
    pub cpu_wait_s: Option<f64>,
}

/// A key that is there, if only with `null`.
pub(super) fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

pub(super) fn stalls(blame: &Blame) -> Vec<StallEntry> {
    blame.stalls.iter().map(Into::into).collect()
}

pub(super) fn culprits(blame: &Blame) -> Vec<CulpritEntry> {
    blame.culprits.iter().map(Into::into).collect()
}

impl From<&Stall> for StallEntry {
    fn from(stall: &Stall) -> Self {
        let site = stall.site.as_ref();
        Self {
            at: time(stall.end).to_string(),
            duration_s: thousandths(stall.duration_s),
            cause: stall.cause,
            file: site.map(|site| site.file.clone()),
            line: site.and_then(|site| site.line),
            function: site.map(|site| site.function.clone()),
        }
    }
}

impl From<&Culprit> for CulpritEntry {
    fn from(culprit: &Culprit) -> Self {
        let known = |text: &String| Some(text).filter(|text| !text.is_empty()).cloned();
        Self {
            file: culprit.site.file.clone(),
            line: culprit.site.line,
            function: culprit.site.function.clone(),
            source: known(&culprit.source),
            blocked_s: thousandths(culprit.blocked.seconds),
            stalls: culprit.blocked.count,
            cause: culprit.cause,
            found_by: known(&culprit.found_by),
            in_other_thread: culprit.in_other_thread,
        }
    }
}

impl CulpritEntry {
    /// The place as people read it, on one line.
    pub(crate) fn place(&self) -> String {
        let (file, function) = (self.file.clone(), self.function.clone());
        Site { file, line: self.line, function }.words()
    }
}

impl From<&Tally> for TallyEntry {
    fn from(tally: &Tally) -> Self {
        Self { count: tally.count, duration_s: thousandths(tally.seconds) }
    }
}

impl From<&Blame> for StalledEntry {
    fn from(blame: &Blame) -> Self {
        let all = blame.stalled.values();
        let count = all.clone().map(|it| it.count).reduce(u64::saturating_add);
        let seconds = all.map(|it| it.seconds).reduce(|one, other| one + other);
        let entries = |(cause, tally): (&StallCause, &Tally)| (cause.name(), tally.into());
        Self {
            count,
            duration_s: seconds.map(thousandths),
            longest_s: blame.longest_s.map(thousandths),
            longest_own_s: blame.longest_own_s.map(thousandths),
            causes: blame.stalled.iter().map(entries).collect(),
            unnamed: blame.unnamed.iter().map(entries).collect(),
            active_requests: blame.active_requests,
            cpu_wait_s: blame.cpu_wait_s.map(thousandths),
        }
    }
}

/// Names the worst culprit where the loop starves, and the place of the longest stall where the lag
/// is over its limit.
pub(super) fn name_places(report: &mut Report, blame: &Blame) {
    if let Some(worst) = blame.culprits.first() {
        let modes = report.failure_modes.iter_mut().filter(|it| it.mode == STARVATION);
        modes.for_each(|mode| name(&mut mode.description, &worst.site));
    }
    let Some(site) = blame.longest_own().and_then(|it| it.site.as_ref()) else { return };
    for (detail, finding) in report.finding_details.iter_mut().zip(&mut report.findings) {
        if detail.check == Signal::EVENT_LOOP_LAG.key() {
            name(&mut detail.message, site);
            name(finding, site);
        }
    }
}

/// Ends a sentence with a place.
fn name(sentence: &mut String, site: &Site) {
    let length = sentence.trim_end_matches('.').len();
    sentence.truncate(length);
    sentence.push_str(": ");
    sentence.push_str(&site.words());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An absent key and one that is `null` are two things, when a report is read as well.
    #[test]
    fn nothing_to_explain_is_not_no_probe() {
        #[derive(Deserialize, Serialize)]
        struct Keys {
            #[serde(
                default,
                deserialize_with = "present",
                skip_serializing_if = "Option::is_none"
            )]
            blame: Option<Option<String>>,
        }
        for json in ["{}", r#"{"blame":null}"#, r#"{"blame":"why"}"#] {
            let keys: Keys = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&keys).unwrap(), json);
        }
    }
}
