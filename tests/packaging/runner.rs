//! The runner of GitHub, as far as a composite action sees it: steps with their environment, and the files
//! by which they speak to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use yaml_serde::Value;

use crate::ROOT;
use crate::support::{Run, empty_directory};

/// What is told of the machine.
pub(crate) struct Runner {
    pub(crate) os: &'static str,
    pub(crate) arch: &'static str,
    /// Where releases are downloaded from.
    pub(crate) server: String,
    /// Programs of the machine.
    pub(crate) path: String,
    pub(crate) workspace: tempfile::TempDir,
    temp: tempfile::TempDir,
}

/// How the action ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) log: String,
    pub(crate) outputs: BTreeMap<String, String>,
    /// What the action has put before the PATH of later steps.
    pub(crate) path: Vec<PathBuf>,
    pub(crate) summary: String,
    /// The names of the steps that ran.
    pub(crate) steps: Vec<String>,
}

pub(crate) fn action() -> Value {
    yaml_serde::from_str(include_str!("../../action.yml")).unwrap()
}

impl Runner {
    pub(crate) fn new(server: &str) -> Self {
        Self {
            os: "Linux",
            arch: "X64",
            server: server.to_owned(),
            path: std::env::var("PATH").unwrap(),
            workspace: empty_directory(),
            temp: empty_directory(),
        }
    }

    /// Runs the action with these inputs.
    pub(crate) fn run(&self, inputs: &[(&str, &str)]) -> Outcome {
        let action = action();
        let given = self.inputs(&action, inputs);
        let mut outcome = Outcome {
            code: 0,
            log: String::new(),
            outputs: BTreeMap::new(),
            path: Vec::new(),
            summary: String::new(),
            steps: Vec::new(),
        };
        let mut results = BTreeMap::new();
        for step in action["runs"]["steps"].as_sequence().unwrap() {
            if outcome.code != 0 || !holds(step["if"].as_str(), &given) {
                continue;
            }
            let run = self.step(step, &given, &outcome.path);
            outcome.steps.push(step["name"].as_str().unwrap().to_owned());
            outcome.code = run.code;
            outcome.log += &(run.stdout + &run.stderr);
            let added = self.told("path");
            outcome.path.extend(added.lines().map(PathBuf::from));
            if let Some(id) = step["id"].as_str() {
                for (name, value) in pairs(&self.told("output")) {
                    results.insert(format!("steps.{id}.outputs.{name}"), value);
                }
            }
            outcome.summary += &self.told("summary");
        }
        for (name, output) in action["outputs"].as_mapping().unwrap() {
            let expression = inner(output["value"].as_str().unwrap()).unwrap();
            let value = results.get(expression).cloned().unwrap_or_default();
            outcome.outputs.insert(name.as_str().unwrap().to_owned(), value);
        }
        outcome
    }

    /// Every input, with what stands for those that are not given.
    fn inputs(&self, action: &Value, given: &[(&str, &str)]) -> BTreeMap<String, String> {
        let known = action["inputs"].as_mapping().unwrap();
        for (name, _) in given {
            assert!(known.contains_key(*name), "the action has no input {name}");
        }
        let value = |name: &str, input: &Value| {
            let given = given.iter().find(|(it, _)| *it == name).map(|(_, value)| *value);
            given.or(input["default"].as_str()).unwrap_or_default().to_owned()
        };
        let names = known.iter().map(|(name, input)| (name.as_str().unwrap(), input));
        names.map(|(name, input)| (format!("inputs.{name}"), value(name, input))).collect()
    }

    fn step(&self, step: &Value, given: &BTreeMap<String, String>, path: &[PathBuf]) -> Run {
        assert_eq!(step["shell"].as_str(), Some("bash"));
        let script = self.temp.path().join("step.sh");
        fs::write(&script, step["run"].as_str().unwrap()).unwrap();
        for name in ["path", "output", "summary"] {
            fs::write(self.file(name), "").unwrap();
        }
        let before = path.iter().rev().map(|it| it.display().to_string());
        let path: Vec<_> = before.chain([self.path.clone()]).collect();
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(script);
        command.current_dir(&self.workspace).stdin(Stdio::null()).env_clear();
        command.envs(self.environment()).env("PATH", path.join(":"));
        for (name, value) in step["env"].as_mapping().unwrap() {
            let value = match inner(value.as_str().unwrap()) {
                Some("github.action_repository") => "owner/auditor",
                Some(expression) => &given[expression],
                None => value.as_str().unwrap(),
            };
            command.env(name.as_str().unwrap(), value);
        }
        command.output().unwrap().into()
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let text = |path: &Path| path.display().to_string();
        vec![
            ("CI", "true".to_owned()),
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_ACTION_PATH", ROOT.to_owned()),
            ("GITHUB_OUTPUT", text(&self.file("output"))),
            ("GITHUB_PATH", text(&self.file("path"))),
            ("GITHUB_REPOSITORY", "somebody/service".to_owned()),
            ("GITHUB_SERVER_URL", self.server.clone()),
            ("GITHUB_STEP_SUMMARY", text(&self.file("summary"))),
            ("GITHUB_WORKSPACE", text(self.workspace.path())),
            ("HOME", text(self.temp.path())),
            ("RUNNER_ARCH", self.arch.to_owned()),
            ("RUNNER_OS", self.os.to_owned()),
            ("RUNNER_TEMP", text(self.temp.path())),
        ]
    }

    fn file(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn told(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }
}

/// What stands between `${{` and `}}`.
fn inner(text: &str) -> Option<&str> {
    Some(text.strip_prefix("${{")?.strip_suffix("}}")?.trim())
}

/// Whether a condition holds, of the one form that the action has.
fn holds(condition: Option<&str>, given: &BTreeMap<String, String>) -> bool {
    let Some(condition) = condition else { return true };
    let (input, value) = condition.split_once(" != ").unwrap();
    given[input] != value.trim_matches('\'')
}

/// The pairs of a file of outputs: `NAME=VALUE`, or `NAME<<END`, lines, and `END`.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut lines = text.lines();
    let mut pairs = Vec::new();
    while let Some(line) = lines.next() {
        let pair = match (line.split_once('='), line.split_once("<<")) {
            (Some((name, value)), None) => (name.to_owned(), value.to_owned()),
            (_, Some((name, end))) => {
                let value: Vec<_> = lines.by_ref().take_while(|line| *line != end).collect();
                (name.to_owned(), value.join("\n"))
            }
            (None, None) => panic!("no output: {line}"),
        };
        pairs.push(pair);
    }
    pairs
}
