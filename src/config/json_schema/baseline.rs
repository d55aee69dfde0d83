//! What is compared with an earlier audit.

use serde_json::{Map, Value, json};

use super::{Completeness, one_of};
use crate::model::baseline::{Direction, SCORE};
use crate::model::check::Severity;
use crate::model::signal::Signal;

/// The section `baseline`.
pub(super) fn section(completeness: Completeness) -> Value {
    let allowance = |most: &str| {
        json!({
            "description": format!("{most} than in the baseline: a part of it, or in the unit."),
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?%$"},
            ],
        })
    };
    let directions = Direction::ALL.map(|(name, _)| json!({"required": [name]}));
    let [increase, decrease] = &directions;
    let either = match completeness {
        Completeness::Whole => json!({"oneOf": directions}),
        Completeness::Part => json!({"not": {"allOf": directions}}),
    };
    let floor = json!({"required": ["floor"]});
    let comparison = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "max_increase": allowance("At most so much more"),
            "max_decrease": allowance("At most so much less"),
            "floor": {
                "type": "number", "minimum": 0,
                "description": "The baseline counts as at least this, so that a calm one may stir.",
            },
            "severity": one_of(Severity::ALL),
        },
        "allOf": [either, {"not": {"allOf": [decrease, floor, {"not": increase}]}}],
    });
    let names = [SCORE].into_iter().chain(Signal::all().map(Signal::key));
    let names = names.map(|name| (name.to_owned(), comparison.clone()));
    json!({
        "type": ["object", "null"],
        "description": "What may change from an earlier audit to this one (--baseline), by how much.",
        "properties": names.collect::<Map<_, _>>(),
        "additionalProperties": comparison,
    })
}
