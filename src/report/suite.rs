//! The summary of a suite: the schema that readers of its JSON rely on.
//!
//! Within a `schema_version` keys are only added. Those of the fault summaries that it succeeds keep
//! their names and their meaning: `mode` to `scenarios`, and of each scenario `order` to `evidence`.

mod entry;
mod plain;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use entry::{ProcessExits, ScenarioCheck, ScenarioEntry, ScenarioFacts, ScenarioStatus};
pub use plain::Plain;

use super::{Ordered, SCHEMA_VERSION, Word};
use crate::engine::Verdict;
use crate::exit::Exit;
use crate::log::Value;
use crate::model::level::{Gate, Level};

/// The most scenarios that the verdict names.
const MOST_NAMED: usize = 5;

/// The summary of one run of a suite, in the order in which it is serialised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Version of the schema.
    pub schema_version: u32,
    /// The file of the suite.
    pub suite: String,
    /// The same from the root of the repository that it is in, if there is one; for what annotates it.
    #[serde(skip)]
    pub suite_in_repository: Option<String>,
    /// The profile that was chosen.
    pub mode: Option<String>,
    /// The name of the run.
    pub run_id: String,
    /// Where each scenario's report is kept.
    pub run_dir: Option<String>,
    /// When the run began, RFC 3339.
    pub started_at: String,
    /// When it ended, RFC 3339.
    pub finished_at: String,
    /// What each scenario's own checks hold to, as `NAME_min` and `NAME_max`.
    pub thresholds: Ordered<Ordered<Plain>>,
    /// How many scenarios ended how.
    pub counts: Counts,
    /// How many there have to be.
    pub expected_scenarios: usize,
    /// Whether there are that many, and all of them passed.
    pub all_pass: bool,
    /// The exit code that follows from the scenarios.
    pub recommended_exit_code: u8,
    /// The answer of the whole.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub verdict_reason: String,
    /// The exit code of the process: another one where the summary could not be written.
    pub exit_code: u8,
    /// What went wrong, if anything did; always given with exit code 3.
    pub error: Option<String>,
    /// Scenarios that have no result, because the run was interrupted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_finished: Vec<String>,
    /// Scenarios of the suite that the manifest has no row of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_row: Vec<String>,
    /// The scenarios, in the order of the suite, or of the manifest.
    pub scenarios: Vec<ScenarioEntry>,
}

/// How many scenarios ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// All that have a result.
    pub total: usize,
    /// Those that passed.
    pub pass: usize,
    /// Those that failed.
    pub fail: usize,
    /// Those without a verdict.
    pub inconclusive: usize,
}

/// What is known of a run beside its scenarios.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// The file of the suite.
    pub suite: String,
    /// The profile that was chosen.
    pub mode: Option<String>,
    /// The name of the run.
    pub run_id: String,
    /// Where each scenario's report is kept.
    pub run_dir: Option<String>,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// When it ended, RFC 3339.
    pub finished_at: String,
    /// How many scenarios there have to be.
    pub expected: usize,
    /// Scenarios of the suite that the manifest has no row of.
    pub without_row: Vec<String>,
    /// Whether these are expected to have one, and not only a number of rows.
    pub expects_each: bool,
    /// That it was interrupted, in words, if it was.
    pub interruption: Option<String>,
    /// Scenarios that have no result.
    pub not_finished: Vec<String>,
}

/// The values of a line of a log, under their keys.
pub type Metrics = Ordered<Ordered<Scalar>>;

/// A value as a log has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// A number.
    Number(Plain),
    /// Anything else.
    Text(String),
}

impl From<&Value> for Scalar {
    fn from(value: &Value) -> Self {
        match value {
            Value::Integer(number) => Plain::of_integer(*number)
                .map_or_else(|| Self::Text(number.to_string()), Self::Number),
            Value::Decimal(number) => Self::Number(Plain::decimal(*number)),
            Value::Text(text) => Self::Text(text.clone()),
        }
    }
}

impl Summary {
    /// The summary of scenarios, in their order.
    pub fn new(
        run: Run,
        thresholds: Ordered<Ordered<Plain>>,
        scenarios: Vec<ScenarioEntry>,
    ) -> Self {
        let count = |status| scenarios.iter().filter(|scenario| scenario.status == status).count();
        let counts = Counts {
            total: scenarios.len(),
            pass: count(ScenarioStatus::Pass),
            fail: count(ScenarioStatus::Fail),
            inconclusive: count(ScenarioStatus::Inconclusive),
        };
        let (verdict, verdict_reason) = decide(&run, counts, &scenarios);
        let exit = exit_of(verdict);
        Self {
            schema_version: SCHEMA_VERSION,
            suite: run.suite,
            suite_in_repository: None,
            mode: run.mode,
            run_id: run.run_id,
            run_dir: run.run_dir,
            started_at: run.started_at,
            finished_at: run.finished_at,
            thresholds,
            counts,
            expected_scenarios: run.expected,
            all_pass: verdict == Verdict::Pass,
            recommended_exit_code: exit.code(),
            verdict,
            error: (exit == Exit::NoVerdict).then(|| verdict_reason.clone()),
            verdict_reason,
            exit_code: exit.code(),
            not_finished: run.not_finished,
            without_row: run.without_row,
            scenarios,
        }
    }

    /// How the process exits.
    pub fn exit(&self) -> Exit {
        exit_of(self.verdict)
    }

    /// Takes note that the summary could not be written or printed, which may change the exit.
    pub fn not_delivered(&mut self, message: &str, exit: Exit) {
        if self.exit_code != exit.code() {
            self.verdict = Verdict::Error;
            message.clone_into(&mut self.verdict_reason);
            self.exit_code = exit.code();
            self.all_pass = false;
            self.recommended_exit_code = exit.code();
        }
        self.error.get_or_insert_with(|| message.to_owned());
    }

    /// Whether a text is a summary, of this or of any other version.
    pub fn is_json_of_one(text: &str) -> bool {
        let json: Result<serde_json::Map<String, serde_json::Value>, _> =
            serde_json::from_str(text);
        json.is_ok_and(|it| it.contains_key("scenarios") && it.contains_key("all_pass"))
    }
}

/// A suite is always gated.
fn exit_of(verdict: Verdict) -> Exit {
    Exit::of(verdict, Gate { level: Some(Level::Critical), ..Gate::default() })
}

/// The verdict, worst proven first, and why.
fn decide(run: &Run, counts: Counts, scenarios: &[ScenarioEntry]) -> (Verdict, String) {
    let Counts { total, fail, inconclusive, .. } = counts;
    let named = |status, what: &str| {
        let mut those = scenarios.iter().filter(|it| it.status == status);
        let first = those.next();
        let ids: Vec<_> = first.into_iter().chain(those).map(|it| it.id.as_str()).collect();
        match (ids.as_slice(), first) {
            ([id], Some(only)) => format!("{id} {what}: {}", only.reason),
            (ids, _) => {
                let shown = ids.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
                let more = ids.len().saturating_sub(MOST_NAMED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("{} of {total} scenarios {what}: {shown}{more}", ids.len())
            }
        }
    };
    let expected = run.expected;
    let is_short = total != expected;
    let verb = if expected == 1 { "scenario was" } else { "scenarios were" };
    let short = || format!("{expected} {verb} expected, and there are {total}");
    let interrupted = run.interruption.as_ref().map(|interruption| {
        let all = total + run.not_finished.len();
        format!("{interruption}; {total} of {all} scenarios were finished")
    });
    if fail > 0 {
        let more = interrupted.or_else(|| is_short.then(short));
        let more = more.map(|words| format!("; {words}")).unwrap_or_default();
        return (Verdict::Fail, named(ScenarioStatus::Fail, "failed") + &more);
    }
    if let Some(interrupted) = interrupted {
        return (Verdict::Interrupted, interrupted);
    }
    if run.expects_each && !run.without_row.is_empty() {
        let (ids, verb) =
            (&run.without_row, if run.without_row.len() == 1 { "has" } else { "have" });
        let ids = ids.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        return (Verdict::Fail, format!("{ids} {verb} no row in the manifest"));
    }
    if is_short {
        return (Verdict::Fail, short());
    }
    if inconclusive > 0 {
        let what = if inconclusive == 1 { "has no verdict" } else { "have no verdict" };
        return (Verdict::Inconclusive, named(ScenarioStatus::Inconclusive, what));
    }
    let all = if total == 1 { "the scenario".to_owned() } else { format!("all {total} scenarios") };
    (Verdict::Pass, format!("{all} passed"))
}

/// The JSON Schema of a summary.
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Summary).into()
}

/// The limits of a scenario's own checks.
pub fn thresholds_of(checks: &[ScenarioCheck]) -> Ordered<Plain> {
    let limit = |check: &ScenarioCheck| {
        let expected = check.expected?;
        Some((Word::Owned(format!("{}_{}", check.metric, check.rule)), expected))
    };
    Ordered(checks.iter().filter_map(limit).collect())
}

#[cfg(test)]
mod tests;
