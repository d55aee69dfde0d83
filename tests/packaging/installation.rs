//! docs/installation.md and the examples for pipelines: what they show works, as far as that can be told
//! before a release is there.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use yaml_serde::Value;

use crate::release::{archive, release_server};
use crate::runner::{Runner, action};
use crate::support::fake::{Fake, Response};
use crate::support::real::{self, free_address};
use crate::support::{Run, auditor, directory_with, empty_directory};
use crate::{AUDITOR, ROOT};

const PAGE: &str = include_str!("../../docs/installation.md");
const GITHUB: &str = include_str!("../../examples/github-actions-action.yml");
const GITLAB: &str = include_str!("../../examples/ci/gitlab-ci.yml");
const JENKINS: &str = include_str!("../../examples/ci/Jenkinsfile");
const KUBERNETES: &str = include_str!("../../examples/ci/kubernetes-job.yaml");

/// The code block of that language in which those words stand.
fn block(language: &str, words: &str) -> String {
    let blocks = PAGE.split("\n```").skip(1).step_by(2);
    let mut blocks = blocks.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'));
    blocks.find(|block| block.contains(words)).unwrap().to_owned()
}

/// Runs a script of a shell in a directory, which is the home of its user.
fn shell(directory: &Path, script: &str) -> Run {
    let built = Path::new(AUDITOR).parent().unwrap().display();
    let mut command = Command::new("bash");
    command.args(["-ec", script]).current_dir(directory).stdin(Stdio::null());
    command.env("PATH", format!("{built}:{}", std::env::var("PATH").unwrap()));
    command.env("HOME", directory).env_remove("GITHUB_ACTIONS").output().unwrap().into()
}

#[test]
fn completions_and_manual_page_go_where_the_page_says() {
    let home = empty_directory();
    let run = shell(home.path(), &block("sh", "auditor completions"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    for (file, words) in [
        (".local/share/bash-completion/completions/auditor", "complete -F _auditor"),
        (".config/fish/completions/auditor.fish", "complete -c auditor"),
        (".zfunc/_auditor", "#compdef auditor"),
        (".local/share/man/man1/auditor.1", ".TH AUDITOR"),
    ] {
        let text = fs::read_to_string(home.path().join(file)).unwrap();
        assert!(text.contains(words), "{file}: {text}");
    }
}

#[test]
fn an_archive_is_installed_by_the_commands_shown() {
    let server = release_server(&archive());
    let home = empty_directory();
    let script = block("sh", "tar -xzf");
    let place = "https://github.com/your-organisation/async-runtime-auditor/";
    assert!(script.contains(place), "{script}");
    let script = script.replace(place, &format!("{}/owner/auditor/", server.url()));
    let run = shell(home.path(), &script);
    assert_eq!(run.code, 0, "{script}: {}", run.stderr);
    let run = shell(home.path(), "~/.local/bin/auditor --version");
    assert!(run.stdout.starts_with("auditor "), "{}", run.stdout);
}

/// A step with inputs that the action does not have would be refused by the runner.
#[test]
fn the_steps_shown_have_inputs_of_the_action() {
    let action = action();
    let steps: Value = yaml_serde::from_str(&block("yaml", "uses:")).unwrap();
    let workflow: Value = yaml_serde::from_str(GITHUB).unwrap();
    let all = [&steps, &workflow["jobs"]["gate"]["steps"]].map(|it| it.as_sequence().unwrap());
    let is_ours = |step: &&Value| step["uses"].as_str().is_some_and(|it| it.contains("auditor@"));
    let ours: Vec<_> = all.into_iter().flatten().filter(is_ours).collect();
    assert_eq!(ours.len(), 2);
    for step in ours {
        for (name, _) in step["with"].as_mapping().unwrap() {
            assert!(action["inputs"].get(name).is_some(), "{name:?}");
        }
    }
}

#[test]
fn every_input_and_output_of_the_action_is_documented() {
    let action = action();
    for (name, input) in action["inputs"].as_mapping().unwrap() {
        let name = name.as_str().unwrap();
        assert!(PAGE.contains(&format!("`{name}`")), "docs/installation.md lacks {name}");
        assert!(input["description"].as_str().is_some_and(|it| !it.is_empty()), "{name}");
    }
    for (name, output) in action["outputs"].as_mapping().unwrap() {
        let name = name.as_str().unwrap();
        let is_shown = PAGE.contains(&format!("`{name}`")) || name.starts_with("report-");
        assert!(is_shown, "docs/installation.md lacks {name}");
        let output = output["value"].as_str().unwrap();
        assert!(output.contains(&name.replace('-', "_")), "{name}: {output}");
    }
}

#[test]
fn the_versions_shown_are_this_one() {
    let version = env!("CARGO_PKG_VERSION");
    for (text, marks) in [
        (PAGE, &["auditor@v", "auditor:", "name=auditor-", "download/v"][..]),
        (GITHUB, &["auditor@v"]),
        (GITLAB, &["runtime-auditor=="]),
        (JENKINS, &["runtime-auditor=="]),
        (KUBERNETES, &["async-runtime-auditor:"]),
    ] {
        for mark in marks {
            let rest: Vec<_> = text.split(mark).skip(1).collect();
            assert!(!rest.is_empty(), "{mark}");
            assert!(rest.iter().all(|it| it.starts_with(version)), "{mark}: {rest:?}");
        }
    }
}

/// Runs a script of an example with a small service and a short load in the place of ours.
fn gate(script: &str) {
    let address = free_address();
    let (host, port) = address.split_once(':').unwrap();
    let script = script
        .replace("uvicorn --host ${SERVICE%:*} --port ${SERVICE#*:} app:app", "$APP")
        .replace("python3 load.py --seconds", "sleep");
    let script = script.rsplit_once(" \"http://$SERVICE/\"").unwrap().0;
    let app = format!("python3 -m http.server --bind {host} {port}");
    let variables = format!("export SERVICE={address} LOAD_SECONDS=2 APP='{app}'\n");
    let directory = empty_directory();
    let run = shell(directory.path(), &(variables + script));
    // The page of nobody's service is no proof of a calm loop; that the gate came to its verdict is.
    assert!([0, 3].contains(&run.code), "{script}: {}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("Verdict: "), "{script}: {}{}", run.stdout, run.stderr);
    for file in ["audit_results.json", "runtime.om"] {
        assert!(directory.path().join(file).is_file(), "{file}");
    }
}

#[test]
fn the_job_for_gitlab_gates() {
    if !real::python_with("the job for GitLab", &["http.server"]) {
        return;
    }
    let job: Value = yaml_serde::from_str(GITLAB).unwrap();
    let script = job["runtime-gate"]["script"].as_sequence().unwrap();
    let [line] = script.as_slice() else { panic!("{script:?}") };
    gate(line.as_str().unwrap());
}

#[test]
fn the_stage_for_jenkins_gates() {
    if !real::python_with("the stage for Jenkins", &["http.server"]) {
        return;
    }
    let script = JENKINS.split("'''").find(|it| it.contains("--fail-on-critical")).unwrap();
    gate(script.trim());
}

#[test]
fn the_job_for_kubernetes_gates() {
    let job: Value = yaml_serde::from_str(KUBERNETES).unwrap();
    let pod = &job["spec"]["template"]["spec"];
    assert_eq!(job["spec"]["backoffLimit"].as_u64(), Some(0));
    assert_eq!(pod["restartPolicy"].as_str(), Some("Never"));
    let args = pod["containers"][0]["args"].as_sequence().unwrap();
    let preview = Fake::start(|_| Response::new(200, "up 1\n"));
    let place = preview.url();
    let args = args.iter().map(|arg| arg.as_str().unwrap());
    let args: Vec<_> =
        args.map(|arg| arg.replace("http://preview:8000", &place).replace("=60s", "=1s")).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let directory = directory_with("preset: probe\n");
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stdout.contains("Verdict: INCONCLUSIVE"), "{}", run.stdout);
}

/// What the page shows of the action reaches auditor as it stands there.
#[test]
fn the_step_shown_calls_auditor() {
    let steps: Value = yaml_serde::from_str(&block("yaml", "uses:")).unwrap();
    let with = steps[0]["with"].as_mapping().unwrap();
    let given: Vec<_> = with
        .iter()
        .map(|(name, value)| (name.as_str().unwrap(), value.as_str().unwrap()))
        .collect();
    let programs = empty_directory();
    for (program, script) in [("auditor", "printf '%s\\n' \"$@\""), ("cargo", ":")] {
        crate::action::script_as(programs.path(), program, script);
    }
    let mut runner = Runner::new("http://127.0.0.1:9");
    runner.path = format!("{}:{}", programs.path().display(), runner.path);
    let outcome = runner.run(&[&given[..], &[("build", "true")]].concat());
    for word in ["--start=uvicorn app:app --port 8000", "--probe=http://127.0.0.1:8000/"] {
        assert!(outcome.log.lines().any(|line| line == word), "{}: {ROOT}", outcome.log);
    }
}
