//! Rules of evidence: how much has to have been seen.

use super::numbers::{read_duration, read_number};
use super::{Key, entries, find, unknown};
use crate::config::Query;
use crate::config::problems::Problems;
use crate::config::vars;
use crate::config::yaml::{Node, Value};
use crate::model::evidence::{EvidenceRules, RULES, Rule, RuleSet, Setting};
use crate::model::signal::Signal;

/// What a rule of [`Setting::Choice`] is set to.
pub(crate) const CHOICES: [(&str, bool); 2] = [("refuse", false), ("allow", true)];

/// Reads the section.
pub(super) fn read_evidence(
    node: &Node,
    queries: &[Query],
    problems: &mut Problems,
) -> EvidenceRules {
    let mut rules = EvidenceRules::default();
    let entries = entries(node, "`evidence`", problems);
    for (key, value) in &entries {
        read_rule(*key, value, &mut rules, problems);
    }
    let is_counted = queries.iter().any(|it| it.signal() == Some(Signal::REQUESTS_TOTAL));
    let key = Rule::MinRequests.key();
    if let Some((_, node)) = find(&entries, key).filter(|_| rules.min_requests > 1.0 && !is_counted)
    {
        let message =
            format!("`{key}` above 1 needs the query `requests_total`, which counts them");
        problems.at(node, message);
    }
    rules
}

fn read_rule(
    (name, key): Key<'_>,
    node: &Node,
    rules: &mut EvidenceRules,
    problems: &mut Problems,
) {
    let Some(rule) = Rule::from_key(name) else {
        problems.at(key, unknown("rule of evidence", name, RULES.iter().map(|def| def.key)));
        return;
    };
    let to = match rule.def().setting {
        Setting::Choice => choice(name, node, problems).map(|is_allowed| {
            if is_allowed {
                rules.allowed.push(rule);
            }
            CHOICES[usize::from(is_allowed)].0.to_owned()
        }),
        Setting::Count(set) => read_number(name, node, problems).map(|count| {
            set(rules, count);
            count.to_string()
        }),
        Setting::Duration(set) => read_duration(name, node, problems).map(|duration| {
            set(rules, duration);
            vars::range(duration)
        }),
    };
    rules.set.extend(to.map(|to| RuleSet { rule, to, origin: node.place() }));
}

fn choice(name: &str, node: &Node, problems: &mut Problems) -> Option<bool> {
    let chosen = match &node.value {
        Value::Text(text) => CHOICES.iter().find(|(choice, _)| choice == text),
        _ => None,
    };
    if chosen.is_none() {
        let found = node.value.kind();
        problems.at(node, format!("`{name}` must be refuse or allow, found {found}"));
    }
    chosen.map(|(_, is_allowed)| *is_allowed)
}
