//! A scenario of a suite as the command line that would audit it alone.

use std::cell::RefCell;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command, CommandFactory as _, FromArgMatches as _};

use super::{Cli, refused};
use crate::config::{GivenOption, Problem, ScenarioSpec};

impl Cli {
    /// The command line of a scenario. `profile` is for one that names none.
    ///
    /// # Errors
    /// What the command line does not take.
    pub fn of_scenario(scenario: &ScenarioSpec, profile: Option<&str>) -> Result<Self, Problem> {
        let mut words: Vec<OsString> = vec!["auditor".into()];
        words.extend(scenario.options.iter().map(word));
        let profile = profile.filter(|_| !scenario.has("profile"));
        words.extend(profile.map(|name| format!("--profile={name}").into()));
        let gate = (!scenario.has("fail_on")).then(|| "--fail-on=critical".into());
        words.extend(gate);
        if !scenario.command.is_empty() {
            words.push("--".into());
            words.extend(scenario.command.iter().cloned());
        }
        let refused = |error: &clap::Error| {
            if error.kind() == ErrorKind::MissingRequiredArgument
                && let Some(option) = needing(scenario, &words)
            {
                return scenario.problem(Some(option), &message(error));
            }
            let option = invalid(error).and_then(|name| {
                let is_meant = |it: &&GivenOption| name == format!("--{}", it.name);
                scenario.options.iter().find(is_meant)
            });
            scenario.problem(option, &message(error))
        };
        let matches = matches_of(&words).map_err(|error| refused(&error))?;
        let cli = Self::from_arg_matches(&matches).map_err(|error| refused(&error))?;
        refused::check(&cli, false).map_err(|error| refused(&error))?;
        refused::check_init(&cli, &matches).map_err(|error| refused(&error))?;
        Ok(cli)
    }
}

/// What the words of a command line give. A suite has one for each scenario, and to build all options
/// takes longer than to read a line.
fn matches_of(words: &[OsString]) -> Result<ArgMatches, clap::Error> {
    thread_local! {
        static COMMAND: RefCell<Command> = RefCell::new(Cli::command());
    }
    COMMAND.with_borrow_mut(|command| command.try_get_matches_from_mut(words))
}

/// The option that needs others: without it nothing is missing.
fn needing<'a>(scenario: &'a ScenarioSpec, words: &[OsString]) -> Option<&'a GivenOption> {
    let is_it = |option: &&GivenOption| {
        let left: Vec<_> = words.iter().filter(|it| **it != word(option)).cloned().collect();
        matches_of(&left).is_ok()
    };
    scenario.options.iter().find(is_it)
}

fn word(option: &GivenOption) -> OsString {
    let mut word = OsString::from(format!("--{}", option.name));
    if let Some(value) = &option.value {
        word.push("=");
        word.push(value);
    }
    word
}

/// The option that an error is about.
fn invalid(error: &clap::Error) -> Option<String> {
    match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(name) => name.split_whitespace().next().map(str::to_owned),
        _ => None,
    }
}

/// What is wrong, without what clap says around it.
fn message(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let said = text.split("\n\n").next().unwrap_or(text);
    let lines: Vec<_> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::SuiteFile;

    fn of(options: &str) -> Result<Cli, String> {
        let text = format!("scenarios:\n  - id: a\n    {options}\n");
        let suite = SuiteFile::parse(Path::new("s.yaml"), &text).unwrap();
        let cli = Cli::of_scenario(&suite.scenarios[0], Some("slow"));
        cli.map_err(|problem| format!("{}: {}", problem.place.unwrap(), problem.message))
    }

    #[test]
    fn a_scenario_is_gated_and_has_the_profile_of_the_suite() {
        let cli = of("recording: a.om").unwrap();
        assert!(cli.gate().is_set());
        assert_eq!(cli.audited().profile.as_deref(), Some("slow"));
        let own = of("profile: own").unwrap();
        assert_eq!(own.audited().profile.as_deref(), Some("own"));
    }

    #[test]
    fn what_the_command_line_refuses_is_told_at_its_place() {
        for (options, expected) in [
            ("every: 1x", "s.yaml:3:12: `every`: invalid value '1x' for '--every"),
            ("fail_on: never", "s.yaml:3:14: `fail_on`: invalid value 'never'"),
            ("recording: a.om\n    scrape: http://a/metrics", "cannot be used with"),
            ("time_limit: 5s", "s.yaml:3:17: `time_limit`: the following required arguments"),
            ("recording: a.om\n    command: ./load", "cannot be used with"),
        ] {
            let error = of(options).map(drop).unwrap_err();
            assert!(error.contains(expected), "{options}: {error}");
            assert!(!error.contains("Usage"), "{error}");
        }
    }
}
