//! Profiles: named overrides of what a service is asked and judged by.

use super::{entries, read_judged_by, unknown};
use crate::config::layers;
use crate::config::problems::{Problems, suggest};
use crate::config::yaml::{Node, Value};
use crate::config::{Request, schema::http};

/// What a profile may override.
const SECTIONS: [&str; 7] =
    ["thresholds", "weights", "checks", "queries", "vars", "evidence", "baseline"];

/// The name of the profile that the command line, or else the environment, chooses.
pub(super) fn chosen(root: &Node, request: &Request, problems: &mut Problems) -> Option<String> {
    const NAME: &str = "AUDITOR_PROFILE";
    let (origin, name) = match (&request.profile, &request.environment.profile) {
        (Some(name), _) => ("--profile", name.as_str()),
        (None, from_environment) => {
            match http::variable(NAME, from_environment.as_ref()).map_err(|it| problems.outside(it))
            {
                Ok(Some(name)) => (NAME, name),
                Ok(None) | Err(()) => return None,
            }
        }
    };
    let profiles = layers::get(root, "profiles");
    let names: Vec<_> = profiles.map(|node| layers::keys(node).collect()).unwrap_or_default();
    if names.contains(&name) {
        return Some(name.to_owned());
    }
    let hint = if names.is_empty() {
        "the file has no `profiles`".to_owned()
    } else {
        suggest(name, names)
    };
    problems.outside(format!("{origin}: there is no profile `{name}`; {hint}"));
    None
}

/// The overrides of a profile, as a layer.
pub(super) fn layer(root: &Node, name: &str) -> Option<Node> {
    layers::get(root, "profiles").and_then(|profiles| layers::get(profiles, name)).cloned()
}

/// Checks the file without a profile, and the profiles that were not chosen: what is broken is
/// told before it is needed, and not lost where a profile overrides it.
pub(super) fn check_others(root: &Node, chosen: Option<&str>, problems: &mut Problems) {
    let Some(node) = layers::get(root, "profiles") else { return };
    let mut others = Problems::default();
    read_judged_by(root, &mut others);
    problems.add_of_file(others);
    for ((name, _), profile) in entries(node, "`profiles`", problems) {
        if matches!(profile.value, Value::Null) {
            problems
                .at(profile, format!("the profile `{name}` is empty, and would change nothing"));
        }
        check_sections(name, profile, problems);
        if chosen != Some(name) && matches!(profile.value, Value::Map(_)) {
            let mut others = Problems::default();
            read_judged_by(&layers::merge(root.clone(), profile.clone()), &mut others);
            problems.add_of_file(others);
        }
    }
}

fn check_sections(name: &str, profile: &Node, problems: &mut Problems) {
    for ((section, key), _) in entries(profile, &format!("the profile `{name}`"), problems) {
        if !SECTIONS.contains(&section) {
            problems.at(key, unknown("section of a profile", section, SECTIONS));
        }
    }
}
