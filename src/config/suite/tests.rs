//! What a suite may hold.

use super::*;

fn parsed(text: &str) -> Result<SuiteFile, String> {
    SuiteFile::parse(Path::new("ci/suite.yaml"), text).map_err(|error| error.to_string())
}

fn options(scenario: &ScenarioSpec) -> Vec<String> {
    let word = |option: &GivenOption| match &option.value {
        Some(value) => format!("--{}={}", option.name, value.to_string_lossy()),
        None => format!("--{}", option.name),
    };
    scenario.options.iter().map(word).collect()
}

#[test]
fn a_scenario_has_the_options_of_the_command_line() {
    let suite = parsed(
        "scenarios:
  - id: load
    name: Under load
    config: metrics.yaml
    vars: {window: 5m, shards: 4}
    scrape: [http://a/metrics, http://b/metrics]
    every: 500ms
    fail_on: degraded
    start: python3 app.py
    command: k6 run load.js
    time_limit: 1m
    logs: {app: out/app.log}
    metrics: {latency: {file: app, line: LATENCY}}
  - id: 7
    recording: /data/calm.om
    command: [sleep, 0.5]
expect: {scenarios: 2}
",
    )
    .unwrap();
    let [load, other] = suite.scenarios.as_slice() else { panic!("{suite:?}") };
    assert_eq!(
        options(load),
        [
            "--config=ci/metrics.yaml",
            "--var=window=5m",
            "--var=shards=4",
            "--fail-on=degraded",
            "--scrape=http://a/metrics",
            "--scrape=http://b/metrics",
            "--every=500ms",
            "--start=python3 app.py",
            "--time-limit=1m",
        ]
    );
    assert_eq!(load.command.last().unwrap(), "k6 run load.js");
    assert_eq!(load.logs, [("app".to_owned(), PathBuf::from("ci/out/app.log"))]);
    assert_eq!(
        (load.metrics[0].name.as_str(), load.metrics[0].token.as_str()),
        ("latency", "LATENCY")
    );
    assert_eq!((other.id.as_str(), other.name.as_str()), ("7", "7"));
    assert_eq!(options(other), ["--recording=/data/calm.om"]);
    assert_eq!(other.command, ["sleep", "0.5"]);
    assert_eq!(suite.expect, Some(2));
}

#[test]
fn defaults_hold_for_what_a_scenario_does_not_say() {
    let suite = parsed(
        "defaults: {target: http://p:9090, vars: {window: 5m, job: a}, fail_on: [degraded]}
scenarios:
  - id: a
  - {id: b, recording: b.om, vars: {job: b}}
  - {id: c, fail_on: critical, command: ./load}
  - {id: d, fail_on: , vars: }
unlisted: {config: other.yaml}
",
    )
    .unwrap();
    let all: Vec<_> = suite.scenarios.iter().chain(&suite.unlisted).map(options).collect();
    assert_eq!(
        all[0],
        ["--var=window=5m", "--var=job=a", "--fail-on=degraded", "--target=http://p:9090"]
    );
    assert_eq!(
        all[1],
        ["--var=window=5m", "--var=job=b", "--fail-on=degraded", "--recording=ci/b.om"]
    );
    assert_eq!(
        all[2],
        ["--var=window=5m", "--var=job=a", "--fail-on=critical", "--target=http://p:9090"]
    );
    assert_eq!(all[3], ["--target=http://p:9090"]);
    assert!(all[4].contains(&"--config=ci/other.yaml".to_owned()));
}

#[test]
fn everything_that_is_wrong_is_told_at_its_place() {
    for (text, expected) in [
        ("", "ci/suite.yaml:1:1: the file is empty"),
        ("scenario: []\n", "1:1: unknown section `scenario`; did you mean `scenarios`?"),
        ("expect: {scenarios: 3}\n", "the section `scenarios` is missing"),
        ("scenarios: []\n", "1:12: there is no scenario"),
        ("scenarios: {}\n", "`scenarios` must be a list, found a mapping"),
        ("scenarios: [a]\n", "a scenario must be a mapping with an `id`, found text"),
        ("scenarios:\n  - name: a\n", "2:5: a scenario has no `id`"),
        ("scenarios:\n  - id: a/b\n", "2:9: an id has letters, digits"),
        ("scenarios:\n  - id: ..\n", "2:9: an id has letters, digits"),
        ("scenarios:\n  - id: a\n  - id: a\n", "3:5: a scenario before it has the id `a`"),
        (
            "scenarios:\n  - id: a\n    recordng: x\n",
            "3:5: unknown key `recordng`; did you mean `recording`?",
        ),
        (
            "scenarios:\n  - id: a\n    recording: [x]\n",
            "3:16: `recording` must be a path, found a list",
        ),
        ("scenarios:\n  - id: a\n    vars: [x]\n", "3:11: `vars` must be a mapping of names"),
        ("scenarios:\n  - id: a\n    every: {}\n", "3:12: `every` must be text, found a mapping"),
        ("scenarios:\n  - id: a\n    command: []\n", "3:14: `command` must be text for a shell"),
        ("scenarios:\n  - id: a\n    command: [[]]\n", "3:15: a word of `command` must be text"),
        ("scenarios:\n  - id: a\n    logs: {x: }\n", "`x` must be text, found nothing"),
        ("scenarios:\n  - id: a\n    metrics: {x: {file: a}}\n", "`x` has no `line`"),
        ("scenarios:\n  - id: a\nexpect: {scenarios: 0}\n", "3:21: expected a number above 0"),
        ("scenarios:\n  - id: a\nexpect: {scenario: 3}\n", "did you mean `scenarios`?"),
        ("scenarios:\n  - id: a\ndefaults: {id: b}\n", "3:12: each scenario has its own `id`"),
        ("scenarios:\n  - id: a\nunlisted: {id: b}\n", "`unlisted` has no `id`"),
    ] {
        let error = parsed(text).expect_err(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

/// Every option of a scenario is one of the command line.
#[test]
fn the_keys_name_options_that_there_are() {
    let command = <crate::cli::Cli as clap::CommandFactory>::command();
    for option in &OPTIONS {
        let is_known = command.get_arguments().any(|it| it.get_long() == Some(option.option));
        assert!(is_known, "{}", option.option);
        assert!(!OF_SCENARIO.contains(&option.key));
    }
}
