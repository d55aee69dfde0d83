//! What is kept in memory of a report: read from its JSON without the rest of it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use crate::engine::Verdict;
use crate::model::blame::Site;
use crate::model::level::Status;
use crate::report::{Report, SCHEMA_VERSION};
use crate::watch::Entry;

/// The part of a report that is kept in memory.
#[derive(Debug, Deserialize)]
pub(super) struct Summary<'a> {
    schema_version: u32,
    status: Status,
    runtime_health_score: Option<f64>,
    #[serde(borrow)]
    failure_modes: Vec<Mode<'a>>,
    verdict: Verdict,
    #[serde(borrow)]
    verdict_reason: Cow<'a, str>,
    score_is_lower_bound: bool,
    #[serde(borrow, default)]
    finding_details: Vec<Finding<'a>>,
    #[serde(default)]
    evidence: Seen,
    #[serde(borrow, default)]
    culprits: Option<Vec<Culprit<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Mode<'a> {
    #[serde(rename = "type", borrow)]
    name: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct Finding<'a> {
    #[serde(borrow)]
    check: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
struct Seen {
    requests: Option<f64>,
    error_ratio: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Culprit<'a> {
    #[serde(borrow)]
    file: Cow<'a, str>,
    line: Option<u32>,
    #[serde(borrow)]
    function: Cow<'a, str>,
}

impl<'a> Summary<'a> {
    /// Reads a whole report; the JSON of what is not kept is only looked at for whether it is some.
    ///
    /// # Errors
    /// Why that is no report, in words.
    pub(super) fn read(json: &'a [u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            schema_version: u32,
        }
        let of_other_version = |version: u32| {
            format!("it has schema version {version}, and this auditor reads {SCHEMA_VERSION}")
        };
        let summary: Self = serde_json::from_slice(json).map_err(|error| {
            let other = serde_json::from_slice(json).ok().map(|it: Version| it.schema_version);
            let other = other.filter(|it| *it != SCHEMA_VERSION);
            other.map_or_else(|| error.to_string(), of_other_version)
        })?;
        match summary.schema_version {
            SCHEMA_VERSION => Ok(summary),
            other => Err(of_other_version(other)),
        }
    }

    /// The same of a report that is there.
    pub(super) fn of(report: &'a Report) -> Self {
        let culprits = report.culprits.as_ref().map(|all| {
            let of = |it: &'a crate::report::CulpritEntry| Culprit {
                file: Cow::Borrowed(&it.file),
                line: it.line,
                function: Cow::Borrowed(&it.function),
            };
            all.iter().map(of).collect()
        });
        let mode = |name: &'a str| Mode { name: Cow::Borrowed(name) };
        let finding = |check: &'a str| Finding { check: Cow::Borrowed(check) };
        let (requests, error_ratio) = (report.evidence.requests, report.evidence.error_ratio);
        Self {
            schema_version: report.schema_version,
            status: report.status,
            runtime_health_score: report.runtime_health_score,
            failure_modes: report.failure_modes.iter().map(|it| mode(&it.mode)).collect(),
            verdict: report.verdict,
            verdict_reason: Cow::Borrowed(&report.verdict_reason),
            score_is_lower_bound: report.score_is_lower_bound,
            finding_details: report.finding_details.iter().map(|it| finding(&it.check)).collect(),
            evidence: Seen { requests, error_ratio },
            culprits,
        }
    }

    /// What is kept of it.
    pub(super) fn entry(self, at: Timestamp, words: &mut Words) -> Entry {
        let culprits = self.culprits.unwrap_or_default().into_iter().map(|it| {
            let (file, function) = (it.file.into_owned(), it.function.into_owned());
            Cow::Owned(Site { file, line: it.line, function }.words())
        });
        Entry {
            at,
            verdict: self.verdict,
            status: self.status,
            score: self.runtime_health_score,
            score_is_lower_bound: self.score_is_lower_bound,
            requests: self.evidence.requests,
            error_ratio: self.evidence.error_ratio,
            reason: words.word(&self.verdict_reason),
            modes: words.words(self.failure_modes.into_iter().map(|it| it.name)),
            broken: words.words(self.finding_details.into_iter().map(|it| it.check)),
            culprits: words.words(culprits),
        }
    }
}

/// Words that reports have in common, each of them in memory once.
#[derive(Debug, Default)]
pub(super) struct Words {
    words: HashSet<Arc<str>>,
    lists: HashSet<Arc<[Arc<str>]>>,
}

impl Words {
    fn word(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.words.get(word) {
            return Arc::clone(known);
        }
        let word: Arc<str> = word.into();
        self.words.insert(Arc::clone(&word));
        word
    }

    /// Each of them once, in their order.
    fn words<'a>(&mut self, words: impl Iterator<Item = Cow<'a, str>>) -> Arc<[Arc<str>]> {
        let mut list: Vec<Arc<str>> = Vec::new();
        for word in words {
            if !list.iter().any(|it| **it == *word) {
                list.push(self.word(&word));
            }
        }
        if let Some(known) = self.lists.get(&*list) {
            return Arc::clone(known);
        }
        let list: Arc<[_]> = list.into();
        self.lists.insert(Arc::clone(&list));
        list
    }

    /// Forgets what no entry has any more.
    pub(super) fn forget(&mut self) {
        self.lists.retain(|it| Arc::strong_count(it) > 1);
        self.words.retain(|it| Arc::strong_count(it) > 1);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::watch::example;

    fn kept(json: &str, words: &mut Words) -> Entry {
        Summary::read(json.as_bytes()).unwrap().entry(Timestamp::UNIX_EPOCH, words)
    }

    /// A restart changes nothing of what is known.
    #[test]
    fn what_is_read_from_a_file_is_what_was_kept_of_the_report() {
        let mut words = Words::default();
        for json in example::reports() {
            let json = json.to_string();
            let report = Report::from_json(&json).unwrap();
            let entry = Summary::of(&report).entry(Timestamp::UNIX_EPOCH, &mut words);
            assert_eq!(kept(&json, &mut words), entry);
            assert_eq!(kept(&serde_json::to_string(&report).unwrap(), &mut words), entry);
        }
    }

    #[test]
    fn what_is_kept_is_what_the_report_says() {
        let [_, starved, ..] = example::reports();
        let entry = kept(&starved.to_string(), &mut Words::default());
        assert_eq!((entry.verdict, entry.status), (Verdict::Fail, Status::Critical));
        assert_eq!((entry.score, entry.score_is_lower_bound), (Some(2415.25), true));
        assert_eq!((entry.requests, entry.error_ratio), (Some(120.0), Some(0.25)));
        assert_eq!(&*entry.reason, "the score is \"2415\"; CRITICAL starts at 1200");
        let words = |list: &Arc<[Arc<str>]>| list.join("|");
        assert_eq!(words(&entry.modes), "EVENT_LOOP_STARVATION");
        assert_eq!(words(&entry.broken), "event_loop_lag|late_scrape");
        assert_eq!(words(&entry.culprits), "app/db.py:42 fetch_user|app/main.py handle");
    }

    #[test]
    fn what_many_reports_say_is_in_memory_once() {
        let mut words = Words::default();
        let [_, starved, ..] = example::reports();
        let [one, other] = [0, 1].map(|_| kept(&starved.to_string(), &mut words));
        assert!(Arc::ptr_eq(&one.reason, &other.reason) && Arc::ptr_eq(&one.broken, &other.broken));
        drop(one);
        words.forget();
        assert!(!words.words.is_empty(), "the other one has them still");
        drop(other);
        words.forget();
        assert!(words.words.is_empty() && words.lists.is_empty());
    }

    #[test]
    fn what_is_no_report_is_told() {
        let whole = example::report();
        let with = |key: &str, value: Value| {
            let mut report = whole.clone();
            report[key] = value;
            report.to_string()
        };
        let cut_off = whole.to_string().split_at(200).0.to_owned();
        let without_verdict = r#"{"schema_version": 1}"#.to_owned();
        for (json, words) in [
            (String::new(), "EOF while parsing"),
            (cut_off, "EOF while parsing"),
            (whole.to_string() + "}", "trailing characters"),
            ("[]".to_owned(), "invalid length"),
            ("\0\0\0".to_owned(), "expected value"),
            (without_verdict, "missing field `status`"),
            (with("verdict", json!("maybe")), "unknown variant `maybe`"),
            (with("runtime_health_score", json!("12")), "invalid type: string"),
            (with("schema_version", json!(2)), "schema version 2, and this auditor reads 1"),
            (r#"{"schema_version": 3}"#.to_owned(), "schema version 3, and this auditor reads 1"),
        ] {
            let error = Summary::read(json.as_bytes()).unwrap_err();
            assert!(error.contains(words), "{json:.60}: {error}");
        }
    }
}
