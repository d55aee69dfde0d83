//! What a server is asked about the evidence, beside the queries, and what it says: it collects by
//! itself, and goes on answering when what it collected is old, or lacks targets that are gone.

mod absent;
mod age;
mod births;
mod covered;
mod end;
mod looks;
mod names;
mod own_requests;
mod pauses;
mod targets;
mod top_bucket;

use jiff::Timestamp;

use super::no_series;
use crate::collect::Telemetry;
use crate::config::{Plan, Source};
use crate::evaluate::Error;
use crate::model::evidence::{Evidence, Rule, Scope, Shortfall};
use crate::model::question::{Answer, Probe, Question, Values};
use crate::model::reading::{Incomplete, Sample};
use looks::{Group, Look};

/// What came of a probe.
type Probed = Result<Answer, Error>;

/// Asks further probes, once it is known what they depend on.
type AskAgain<'a> = &'a dyn Fn(&[Probe]) -> Vec<Probed>;

/// What a probe is about.
enum Purpose {
    /// The names of the metrics of the nameless look with this number.
    Names(usize),
    /// The newest sample of the look with this number.
    Age(usize),
    /// Up to when every target has samples of the look with this number.
    End(usize),
    /// The targets of these looks.
    Targets(Group),
    /// The buckets of the look with this number.
    Buckets(usize),
    /// Targets that lack what these looks look at.
    Absent(Group),
    /// Series of these looks that were born within the time.
    Births(Group),
    /// What was seen of these looks and of their targets.
    Covered,
    /// Requests for the page of metrics.
    OwnRequests,
}

/// What a server is to be asked about the evidence of an audit.
pub struct Inquiry<'a> {
    plan: &'a Plan,
    questions: &'a [Question],
    telemetry: &'a Telemetry,
    /// What the queries look at.
    looks: Vec<Look>,
    /// The same, where it may be metrics of several names.
    nameless: Vec<Look>,
    /// Queries of which it cannot be told what they look at, and why.
    unread: Vec<(usize, String)>,
    probes: Vec<Probe>,
    purposes: Vec<Purpose>,
}

impl<'a> Inquiry<'a> {
    /// What there is to be asked about the evidence of `questions` at the instant `at`; nothing
    /// where samples are at hand.
    pub fn new(
        plan: &'a Plan,
        questions: &'a [Question],
        telemetry: &'a Telemetry,
        at: Timestamp,
    ) -> Self {
        let (looks, unread) = match plan.spec.source {
            Source::Server(_) => looks::of(plan, questions, telemetry, at),
            Source::Scrape(_) | Source::Recording(_) | Source::Logs => (Vec::new(), Vec::new()),
        };
        let (looks, nameless) = looks.into_iter().partition(|look| look.is_named);
        Self::of(plan, questions, telemetry, (looks, nameless), unread)
    }

    fn of(
        plan: &'a Plan,
        questions: &'a [Question],
        telemetry: &'a Telemetry,
        (looks, nameless): (Vec<Look>, Vec<Look>),
        unread: Vec<(usize, String)>,
    ) -> Self {
        let (purposes, probes) = (Vec::new(), Vec::new());
        let mut inquiry =
            Self { plan, questions, telemetry, looks, nameless, unread, probes, purposes };
        (inquiry.purposes, inquiry.probes) = inquiry.asked().into_iter().unzip();
        inquiry
    }

    fn asked(&self) -> Vec<(Purpose, Probe)> {
        let looks = &self.looks;
        let ages = looks.iter().enumerate();
        let mut asked: Vec<_> =
            ages.map(|(number, look)| (Purpose::Age(number), age::probe(look))).collect();
        let nameless = self.nameless.iter().enumerate();
        asked.extend(nameless.map(|(number, look)| (Purpose::Names(number), names::probe(look))));
        let ends = end::looks(self).into_iter();
        asked.extend(ends.map(|number| (Purpose::End(number), end::probe(&looks[number]))));
        let own = own_requests::looks(self).into_iter();
        asked.extend(own.map(|it| (Purpose::OwnRequests, own_requests::probe(&looks[it]))));
        let quantiles = looks.iter().enumerate().filter(|(_, look)| !look.quantiles.is_empty());
        asked.extend(quantiles.map(|(it, look)| (Purpose::Buckets(it), top_bucket::probe(look))));
        for group in looks::groups(looks) {
            asked.push((Purpose::Covered, covered::probe(looks, &group)));
            let probe = targets::probe(looks, &group, &self.plan.criteria.evidence);
            asked.push((Purpose::Targets(group), probe));
        }
        for group in looks::groups_of(looks, |look| absent::is_needed(self, look)) {
            let probe = absent::probe(looks, &group);
            asked.push((Purpose::Absent(group), probe));
        }
        let interval = self.telemetry.settling.as_ref().and_then(|it| it.interval);
        for group in looks::groups_of_counters(looks) {
            let probe = births::probe(looks, &group, interval);
            asked.push((Purpose::Births(group), probe));
        }
        asked
    }

    /// The probes.
    pub fn probes(&self) -> &[Probe] {
        &self.probes
    }

    /// What the server says of the evidence: `answers` are those to the questions, `probed` those
    /// to the probes; `ask_again` asks what depends on them.
    pub fn told(
        &self,
        answers: &[Result<Answer, Error>],
        probed: &[Probed],
        ask_again: AskAgain<'_>,
    ) -> Evidence {
        let mut evidence = Evidence::default();
        let mut newest = vec![None; self.looks.len()];
        let (mut of_targets, mut of_births, mut buckets) = (Vec::new(), Vec::new(), Vec::new());
        let mut absent = Vec::new();
        let (mut ends, mut names, mut covered) = (end::Ends::new(), Vec::new(), Vec::new());
        for (purpose, answer) in self.purposes.iter().zip(probed) {
            let samples = self.whole(answer);
            match purpose {
                Purpose::Names(look) => names.push((&self.nameless[*look], samples)),
                Purpose::Age(look) => newest[*look] = Some(samples.map(age::newest)),
                Purpose::End(look) => {
                    ends.insert(*look, samples.map(age::newest));
                }
                Purpose::Buckets(look) => buckets.push((&self.looks[*look], samples)),
                Purpose::Targets(group) => of_targets.push((group, samples)),
                Purpose::Absent(group) => absent.push((group, samples)),
                Purpose::Births(group) => of_births.push((group, samples)),
                Purpose::Covered => covered.extend(samples.ok()),
                Purpose::OwnRequests => {
                    let samples = samples.unwrap_or_default();
                    own_requests::add(&samples, &mut evidence.own_requests);
                }
            }
        }
        evidence.shortfalls.extend(targets::shortfalls(self, &of_targets));
        evidence.shortfalls.extend(pauses::shortfalls(self, &of_targets, ask_again));
        evidence.shortfalls.extend(births::shortfalls(self, of_births, answers));
        evidence.shortfalls.extend(top_bucket::shortfalls(self, &buckets, answers));
        let (newest, old) = age::judge(self, newest, ask_again, &mut evidence);
        evidence.shortfalls.extend(absent::shortfalls(self, &absent, &old));
        covered::add(self, &covered, &of_targets, &mut evidence);
        evidence.shortfalls.extend(self.of_no_series(&newest, answers));
        let ends = end::whatever_is_up(ends, &newest);
        evidence.shortfalls.extend(end::shortfalls(self, &ends, &old));
        names::add(self, &names, answers, ask_again, &mut evidence);
        // Why a query has no answer is told there; its evidence says nothing more.
        let is_answered = |query: &usize| answers.get(*query).is_some_and(Result::is_ok);
        evidence.shortfalls.retain_mut(|shortfall| match &mut shortfall.scope {
            Scope::Everything => true,
            Scope::Queries(all) => {
                all.retain(is_answered);
                !all.is_empty()
            }
        });
        evidence
    }

    /// Required signals that have a value though nothing was there that they select.
    fn of_no_series(&self, newest: &[age::Newest], answers: &[Probed]) -> Vec<Shortfall> {
        let of_query = |number: usize| {
            let query = self.plan.queries.get(number)?;
            let looks =
                || self.looks.iter().zip(newest).filter(|it| it.0.queries.contains(&number));
            let is_nothing = looks().all(|(_, newest)| *newest == Ok(None));
            let is_of_names = self.nameless.iter().any(|look| look.queries.contains(&number));
            let has_value = answers.get(number)?.as_ref().is_ok_and(|it| !it.values.is_empty());
            let is_needed = query.signal().is_some_and(|signal| signal.def().has_to_be_there)
                && looks().any(|(look, _)| !look.is_counter);
            (is_needed && is_nothing && !is_of_names && has_value)
                .then(|| no_series::shortfall(number, query))
        };
        (0..self.questions.len()).filter_map(of_query).collect()
    }

    /// The samples of an answer that lacks nothing; or why there is none.
    fn whole(&self, answer: &Probed) -> Result<Vec<Sample>, String> {
        match answer {
            Ok(Answer { incomplete: Some(incomplete), .. }) if !self.plan.accept_partial => {
                let (Incomplete::BackendSays(why) | Incomplete::Unanswered(why)) = incomplete;
                Err(why.clone())
            }
            Ok(Answer { values: Values::Vector(samples), .. }) => Ok(samples.clone()),
            Ok(_) => Err("the answer is a range".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The value of an answer that lacks nothing, if it has any; or why there is none.
    fn value(&self, answer: &Probed) -> Result<Option<f64>, String> {
        let samples = self.whole(answer)?;
        Ok(samples.first().map(|sample| sample.value).filter(|value| value.is_finite()))
    }

    /// A shortfall of these looks.
    fn shortfall(
        &self,
        rule: Rule,
        looks: impl IntoIterator<Item = usize>,
        detail: String,
    ) -> Shortfall {
        let looks = looks.into_iter().filter_map(|look| self.looks.get(look));
        let mut queries: Vec<_> = looks.flat_map(|look| look.queries.iter().copied()).collect();
        queries.sort_unstable();
        queries.dedup();
        Shortfall { rule, scope: Scope::Queries(queries), target: None, detail }
    }
}
