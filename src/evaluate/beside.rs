//! What a server is asked beside the questions of an audit, in the same wave, and what that says of
//! their answers.

use jiff::Timestamp;

use crate::model::question::{Answer, Probe, Question, Values};
use crate::prometheus::{Failed, QueryError, ServerProblem, instant, milliseconds};
use crate::promql::Expression;

/// What a probe is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Whether the server answers with `NaN`, or leaves it out.
    Nan,
    /// Of which time its answers are.
    Time,
    /// Where the question with this number is 0/0.
    ZeroByZero(usize),
    /// What somebody else wants to know: the probe with this number of theirs.
    Foreign(usize),
}

/// What came of a probe.
type Probed = Result<Answer, Failed<QueryError>>;

/// What a server answers with the time of its answer.
pub(super) fn time() -> Probe {
    Probe::of_instant(Expression::new("vector(time())"))
}

/// The probes of an audit.
pub(super) struct Beside {
    pub(super) probes: Vec<Probe>,
    purposes: Vec<Purpose>,
}

impl Beside {
    /// What has to be asked beside `questions`, and what somebody else wants to know.
    pub(super) fn new(questions: &[Question], foreign: &[Probe]) -> Self {
        let nan = Probe::of_instant(Expression::new("vector(0) / 0"));
        let mut all = vec![(Purpose::Nan, nan), (Purpose::Time, time())];
        for (number, question) in questions.iter().enumerate().filter(|(_, it)| it.zero_by_zero) {
            // What is more than the PromQL of this crate is not known to be 0/0.
            let expr = question.expr.parsed().ok().and_then(|query| query.zero_by_zero());
            let probe = expr.map(|expr| Probe { expr: expr.clone(), span: question.span });
            all.extend(probe.map(|probe| (Purpose::ZeroByZero(number), probe)));
        }
        let foreign = foreign.iter().cloned().enumerate();
        all.extend(foreign.map(|(number, probe)| (Purpose::Foreign(number), probe)));
        let (purposes, probes) = all.into_iter().unzip();
        Self { probes, purposes }
    }

    /// What the probes answered, each with its number, says of a server that was asked for the
    /// instant `at`.
    pub(super) fn said(&self, answers: Vec<(usize, Probed)>, at: Timestamp) -> Said {
        let mut said = Said::default();
        for (number, answer) in answers {
            match (self.purposes.get(number), answer) {
                (Some(Purpose::Nan), answer) => {
                    let keeps = answer.map(|answer| answer.values.has_nan());
                    said.keeps_nan = keeps.map_err(|failed| failed.to_string());
                }
                (Some(Purpose::Time), answer) => {
                    let time = answer.map_err(|failed| failed.to_string());
                    said.other = time.and_then(|answer| other_instant(&answer, at));
                }
                // A `NaN` that is not known to be 0/0 is none.
                (Some(Purpose::ZeroByZero(_)), Err(_)) => {}
                (Some(Purpose::ZeroByZero(question)), Ok(answer)) => {
                    said.zero_by_zero.push((*question, answer.values));
                }
                (Some(Purpose::Foreign(number)), answer) => said.foreign.push((*number, answer)),
                (None, _) => {}
            }
        }
        said.foreign.sort_by_key(|(number, _)| *number);
        said
    }
}

/// What the probes say.
pub(super) struct Said {
    /// Whether the server answers with `NaN`; or why that is not known.
    pub(super) keeps_nan: Result<bool, String>,
    /// That the server's answers are of another instant, if so; or why that is not known.
    pub(super) other: Result<Option<ServerProblem>, String>,
    /// Of which question it is known where it is 0/0.
    pub(super) zero_by_zero: Vec<(usize, Values)>,
    /// What somebody else wanted to know, in the order of their probes.
    pub(super) foreign: Vec<(usize, Probed)>,
}

impl Default for Said {
    fn default() -> Self {
        let not_asked = || "it was not asked".to_owned();
        let (keeps_nan, other) = (Err(not_asked()), Err(not_asked()));
        Self { keeps_nan, other, zero_by_zero: Vec::new(), foreign: Vec::new() }
    }
}

/// Whether `time()` is another instant than was asked for: what stands beside a value may only be
/// what was asked for, and the value that of another time.
pub(super) fn other_instant(
    answer: &Answer,
    at: Timestamp,
) -> Result<Option<ServerProblem>, String> {
    let found = match &answer.values {
        Values::Vector(samples) => samples.first(),
        Values::Matrix(_) => None,
    };
    let found = found.ok_or("it has no value")?;
    let (found, asked) = (milliseconds(found.value), at.as_millisecond());
    let is_other = found.abs_diff(asked) > 1;
    Ok(is_other
        .then(|| ServerProblem::OtherInstant { found: instant(found), asked: instant(asked) }))
}
