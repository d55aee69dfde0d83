//! What there is in logs of the values that checks take from them.

use super::Finding;
use crate::audit::Audit;
use crate::config::{LogLookup, Plan};
use crate::model::quantity::logged;
use crate::model::reading::{Note, Reading, State};
use crate::one_line::one_line;

pub(super) fn findings(plan: &Plan, audit: &Audit) -> Vec<Finding> {
    let found = audit.logs.iter().filter_map(|logged| {
        let lookup = plan.logs.iter().find(|lookup| lookup.check == logged.check)?;
        Some(finding(plan, lookup, logged.line.as_ref(), &logged.reading))
    });
    found.collect()
}

fn finding(plan: &Plan, lookup: &LogLookup, line: Option<&String>, reading: &Reading) -> Finding {
    let LogLookup { check, file, key, .. } = lookup;
    let path = plan.spec.log(file).map(|path| one_line(&path.display().to_string()));
    let (path, token) = (path.unwrap_or_default(), one_line(&lookup.line));
    let put_in = reading.notes.iter().any(|note| matches!(note, Note::NotLoggedAsZero(_)));
    let why = match &reading.state {
        State::Ok => reading.notes.first().map(Note::text),
        state => state.reason().map(str::to_owned),
    };
    let to_do = why.as_ref().map(|_| match line {
        None => format!("see that what runs writes such a line into {path}"),
        Some(_) => format!("correct the key in the configuration, or what is written for `{key}`"),
    });
    let value = reading.value.exact().filter(|_| reading.measured && !put_in);
    Finding {
        name: check.clone(),
        asked: format!("the value of `{key}` in the last line with `{token}` of {path}"),
        value: value.map(logged),
        series: 0,
        newest_sample_age_s: None,
        line: line.cloned(),
        why,
        to_do,
        warnings: Vec::new(),
        never_fails: None,
        highest: None,
    }
}
