//! Signals that ask `auditor` to end: a report all the same, and nothing that is left behind.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::fake::{Fake, Request, Response};
use crate::support::page::{CONFIG, metrics};
use crate::support::{Run, auditor, command, directory_with};

const SIGNALS: [(Signal, &str); 3] =
    [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP")];

/// A command that writes down its number, starts another one, and takes long.
const LOAD: &str = "echo $$ > started.new; mv started.new started; sleep 100 & sleep 100";

fn service(lag: f64) -> Fake {
    Fake::start(move |_| metrics(lag))
}

/// A server whose every answer to a query is a calm one.
fn server() -> Fake {
    Fake::start(|request: &Request| match request.path.as_str() {
        "/api/v1/query" => Response::value("0.1"),
        _ => Response::new(200, "Prometheus Server is Healthy.\n"),
    })
}

/// Starts `auditor`.
pub(crate) fn spawn(directory: &Path, args: &[&str]) -> Child {
    let mut command = command(directory, args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).env("PATH", "/usr/bin:/bin");
    command.spawn().unwrap()
}

pub(crate) fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

pub(crate) fn ended(child: Child) -> Run {
    child.wait_with_output().unwrap().into()
}

/// Waits until something is there.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < give_up, "{what} never came");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The number of the command, once it runs.
fn started(directory: &Path) -> u32 {
    let file = directory.join("started");
    let number = wait_for("the command", || fs::read_to_string(&file).ok());
    number.trim().parse().unwrap()
}

/// The processes of a group that still run.
pub(crate) fn running(group: u32) -> Vec<String> {
    let stats = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let stat = fs::read_to_string(entry.ok()?.path().join("stat")).ok()?;
        let (name, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<_> = rest.split(' ').collect();
        // Of the others nothing is left but that somebody has to take notice.
        let runs = fields[0] != "Z" && fields[2] == group.to_string();
        runs.then(|| format!("{name}) {}", fields[0]))
    });
    stats.collect()
}

/// Nothing of the command runs any more, and no temporary file is there.
pub(crate) fn assert_nothing_left(directory: &Path, group: Option<u32>) {
    assert_eq!(group.map(running).unwrap_or_default(), [""; 0]);
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with('.')).collect();
    assert!(left.is_empty(), "{left:?}");
}

pub(crate) fn report(directory: &Path) -> Value {
    let report = fs::read_to_string(directory.join("report.json")).expect("a report");
    serde_json::from_str(&report).unwrap()
}

fn scrape<'a>(url: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    let args = ["--scrape", url, "--every", "50ms", "--report", "report.json"];
    [&args[..], &["--record", "run.om", "--fail-on-critical"], rest].concat()
}

#[test]
fn each_signal_ends_the_command_and_leaves_a_report_and_a_recording() {
    for (signal, name) in SIGNALS {
        let (service, directory) = (service(0.01), directory_with(CONFIG));
        let path = directory.path();
        let child = spawn(path, &scrape(&service.url(), &["--", "sh", "-c", LOAD]));
        let group = started(path);
        wait_for("a scrape under load", || (service.requests().len() > 3).then_some(()));
        assert!(running(group).len() >= 2, "sh and sleep");
        send(&child, signal);
        let run = ended(child);
        assert_eq!(run.code, 3, "{name}: {}{}", run.stdout, run.stderr);
        assert_nothing_left(path, Some(group));
        let live = report(path);
        assert_eq!((&live["verdict"], &live["exit_code"]), (&"interrupted".into(), &3.into()));
        let reason = format!("the audit was interrupted ({name})");
        assert_eq!(
            (&live["verdict_reason"], &live["error"]),
            (&reason.clone().into(), &reason.into())
        );
        assert_eq!(live["status"], "HEALTHY", "what was seen is told");
        let status = live["command"]["status"].as_str().unwrap();
        assert!(status.starts_with("was interrupted and was ended by signal: "), "{status}");
        assert!(run.stdout.contains("Verdict: INTERRUPTED"), "{}", run.stdout);

        let args = ["--recording", "run.om", "--fail-on-critical", "--output-format", "json"];
        let replayed = auditor(path, &args);
        let again = replayed.json();
        assert_eq!((replayed.code, &again["verdict"]), (3, &"interrupted".into()));
        let reason = again["verdict_reason"].as_str().unwrap();
        assert_eq!(reason, format!("the run that was recorded was interrupted ({name})"));
        assert_eq!(again["command"], live["command"]);
        assert_eq!(again["signals"], live["signals"]);
    }
}

#[test]
fn a_breach_stays_proven_though_the_run_was_interrupted() {
    let (service, directory) = (service(1.4), directory_with(CONFIG));
    let child = spawn(directory.path(), &scrape(&service.url(), &["--", "sh", "-c", LOAD]));
    let group = started(directory.path());
    wait_for("a scrape under load", || (service.requests().len() > 3).then_some(()));
    send(&child, Signal::TERM);
    let run = ended(child);
    assert_eq!((run.code, &report(directory.path())["verdict"]), (1, &"fail".into()));
    assert_nothing_left(directory.path(), Some(group));
}

#[test]
fn without_a_command_it_ends_too() {
    let (service, directory) = (service(0.01), directory_with(CONFIG));
    let child = spawn(directory.path(), &scrape(&service.url(), &["--for", "100s"]));
    wait_for("scrapes", || (service.requests().len() > 3).then_some(()));
    send(&child, Signal::INT);
    assert_eq!(ended(child).code, 3);
    let report = report(directory.path());
    assert_eq!((&report["verdict"], &report["status"]), (&"interrupted".into(), &"HEALTHY".into()));
    assert_nothing_left(directory.path(), None);
}

#[test]
fn a_command_that_does_not_listen_is_killed_after_its_grace() {
    let (service, directory) = (service(0.01), directory_with(CONFIG));
    let deaf = "trap '' INT TERM HUP; echo $$ > started.new; mv started.new started; \
                sleep 100 & while :; do sleep 1; done";
    let child = spawn(directory.path(), &scrape(&service.url(), &["--", "sh", "-c", deaf]));
    let group = started(directory.path());
    let asked = Instant::now();
    send(&child, Signal::TERM);
    thread::sleep(Duration::from_secs(4));
    assert!(!running(group).is_empty(), "it has 5 s");
    let run = ended(child);
    let took = asked.elapsed();
    assert!((5.0..7.4).contains(&took.as_secs_f64()), "{took:?}");
    assert_eq!((run.code, &report(directory.path())["verdict"]), (3, &"interrupted".into()));
    let status = report(directory.path())["command"]["status"].clone();
    assert!(status.as_str().unwrap().contains("signal: 9 (SIGKILL)"), "{status}");
    assert_nothing_left(directory.path(), Some(group));
}

/// The command itself goes at once, and what it has started is given its time.
#[test]
fn what_the_command_has_started_is_given_time_and_does_not_outlive_it() {
    let (service, directory) = (service(0.01), directory_with(CONFIG));
    let script = "(trap 'sleep 0.5; echo done > tidied; exit' TERM; while :; do sleep 0.05; done) & \
                  echo $$ > started.new; mv started.new started; sleep 100";
    let child = spawn(directory.path(), &scrape(&service.url(), &["--", "sh", "-c", script]));
    let group = started(directory.path());
    thread::sleep(Duration::from_millis(200));
    send(&child, Signal::TERM);
    assert_eq!(ended(child).code, 3);
    assert!(directory.path().join("tidied").exists());
    assert_nothing_left(directory.path(), Some(group));
}

#[test]
fn the_second_signal_ends_at_once() {
    for second in [Signal::TERM, Signal::INT] {
        let (service, directory) = (service(0.01), directory_with(CONFIG));
        let deaf = format!("trap '' INT TERM; {LOAD}");
        let child = spawn(directory.path(), &scrape(&service.url(), &["--", "sh", "-c", &deaf]));
        let group = started(directory.path());
        send(&child, Signal::TERM);
        thread::sleep(Duration::from_millis(300));
        let asked = Instant::now();
        send(&child, second);
        assert_eq!(ended(child).code, 3);
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        wait_for("the end of the command", || running(group).is_empty().then_some(()));
        assert_nothing_left(directory.path(), Some(group));
    }
}

/// `timeout` sends its signal to the process, and to its group.
#[test]
fn one_signal_that_comes_twice_is_one() {
    let (service, directory) = (service(0.01), directory_with(CONFIG));
    let child = spawn(directory.path(), &scrape(&service.url(), &["--", "sh", "-c", LOAD]));
    started(directory.path());
    send(&child, Signal::TERM);
    thread::sleep(Duration::from_millis(10));
    send(&child, Signal::TERM);
    assert_eq!(
        (ended(child).code, &report(directory.path())["verdict"]),
        (3, &"interrupted".into())
    );
}

#[test]
fn a_service_that_does_not_answer_is_not_waited_for() {
    let directory = directory_with(CONFIG);
    // It stalls from the start, or later.
    for answers in [0, 3] {
        let count = std::sync::atomic::AtomicUsize::new(0);
        let service = Fake::start(move |_| {
            let before = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if before < answers { metrics(0.01) } else { Response::silence(Duration::from_secs(8)) }
        });
        let load = ["--", "sh", "-c", LOAD];
        let child = spawn(directory.path(), &scrape(&service.url(), &load));
        wait_for("the stall", || (service.requests().len() > answers).then_some(()));
        let asked = Instant::now();
        send(&child, Signal::TERM);
        let run = ended(child);
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        let report = report(directory.path());
        assert_eq!((run.code, &report["verdict"]), (3, &"interrupted".into()), "{}", run.stderr);
        assert_eq!(directory.path().join("started").exists(), answers > 0, "a load");
        assert_eq!(directory.path().join("run.om").exists(), answers > 0, "a recording");
    }
}

/// Once the load is over it is waited for a page that comes in good time.
#[test]
fn a_stall_at_the_end_is_not_waited_for() {
    let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (stalls, directory) = (std::sync::Arc::clone(&over), directory_with(CONFIG));
    let service = Fake::start(move |_| {
        let is_over = stalls.load(std::sync::atomic::Ordering::Relaxed);
        if is_over { Response::silence(Duration::from_secs(8)) } else { metrics(0.01) }
    });
    let load = ["--", "sh", "-c", "sleep 0.5; touch over"];
    let child = spawn(directory.path(), &scrape(&service.url(), &load));
    wait_for("the load", || (service.requests().len() > 3).then_some(()));
    over.store(true, std::sync::atomic::Ordering::Relaxed);
    wait_for("its end", || directory.path().join("over").exists().then_some(()));
    thread::sleep(Duration::from_millis(300));
    let asked = Instant::now();
    send(&child, Signal::TERM);
    let run = ended(child);
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
    let report = report(directory.path());
    assert_eq!((run.code, &report["verdict"]), (3, &"interrupted".into()), "{}", run.stderr);
    assert_eq!(report["command"]["failed"], false);
    let args = ["--recording", "run.om", "--fail-on-critical", "--output-format", "json"];
    assert_eq!(auditor(directory.path(), &args).json()["verdict"], "interrupted");
}

#[test]
fn a_server_that_does_not_answer_is_not_waited_for() {
    let directory = directory_with(CONFIG);
    let fake = Fake::start(|_| Response::silence(Duration::from_secs(8)));
    let load = ["--", "touch", "loaded"];
    for (load, what) in [(&[][..], "an audit"), (&load[..], "the pre-flight")] {
        let target = ["--target", &fake.url(), "--report", "report.json"].map(str::to_owned);
        let target: Vec<_> = target.iter().map(String::as_str).collect();
        let asked_before = fake.requests().len();
        let child = spawn(directory.path(), &[&target[..], load].concat());
        wait_for("a request", || (fake.requests().len() > asked_before).then_some(()));
        let asked = Instant::now();
        send(&child, Signal::INT);
        assert_eq!(ended(child).code, 3, "{what}");
        assert!(asked.elapsed() < Duration::from_secs(4), "{what}: {:?}", asked.elapsed());
        assert_eq!(report(directory.path())["verdict"], "interrupted", "{what}");
        assert!(!directory.path().join("loaded").exists());
    }
}

#[test]
fn the_load_beside_a_server_is_ended() {
    let (fake, directory) = (server(), directory_with(CONFIG));
    let args = ["--target", &fake.url(), "--report", "report.json", "--", "sh", "-c", LOAD];
    let child = spawn(directory.path(), &args);
    let group = started(directory.path());
    send(&child, Signal::HUP);
    assert_eq!(ended(child).code, 3);
    let report = report(directory.path());
    assert_eq!((&report["verdict"], &report["status"]), (&"interrupted".into(), &"HEALTHY".into()));
    assert_nothing_left(directory.path(), Some(group));
}

/// Once the load is over it is waited for the samples of its end.
#[test]
fn a_server_that_falls_silent_after_the_load_is_not_waited_for() {
    let directory = directory_with(CONFIG);
    let over = directory.path().join("over");
    let fake = Fake::start(move |request: &Request| match request.path.as_str() {
        "/api/v1/query" if over.exists() => Response::silence(Duration::from_secs(20)),
        "/api/v1/query" => Response::value("0.1"),
        _ => Response::new(200, "Prometheus Server is Healthy.\n"),
    });
    let args = ["--target", &fake.url(), "--report", "report.json", "--", "touch", "over"];
    let child = spawn(directory.path(), &args);
    let over = directory.path().join("over");
    wait_for("the end of the load", || over.exists().then_some(()));
    thread::sleep(Duration::from_millis(500));
    let asked = Instant::now();
    send(&child, Signal::TERM);
    let run = ended(child);
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
    assert_eq!((run.code, &report(directory.path())["verdict"]), (3, &"interrupted".into()));
    assert_eq!(report(directory.path())["command"]["exit_code"], 0);
}

#[test]
fn what_never_ends_is_not_read_any_longer() {
    let directory = directory_with(CONFIG);
    let pipe = directory.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let recording = ["--recording", "pipe", "--report", "report.json"];
    let query = ["query", "up", "--recording", "pipe"];
    let config = ["--config", "pipe", "--report", "report.json"];
    for (args, has_report) in [(&recording[..], true), (&query, false), (&config, false)] {
        let child = spawn(directory.path(), args);
        thread::sleep(Duration::from_millis(400));
        send(&child, Signal::TERM);
        let run = ended(child);
        assert_eq!(run.code, 3, "{args:?}: {}", run.stderr);
        assert!(run.says("interrupted"), "{}", run.stderr);
        let file = directory.path().join("report.json");
        assert_eq!(file.exists(), has_report, "{args:?}");
        let _ = fs::remove_file(file);
    }
}

#[test]
fn a_query_is_interrupted_in_the_words_of_the_api() {
    let (service, directory) = (service(0.01), directory_with(CONFIG));
    let url = service.url();
    let args =
        ["query", "lag_seconds", "--scrape", &url, "--for", "100s", "--output-format", "json"];
    let child = spawn(directory.path(), &args);
    wait_for("a scrape", || (!service.requests().is_empty()).then_some(()));
    send(&child, Signal::INT);
    let run = ended(child);
    let answer = run.json();
    assert_eq!((run.code, &answer["errorType"]), (3, &"canceled".into()), "{answer}");
}

/// As `nohup` starts it.
#[test]
fn a_signal_that_is_to_be_ignored_is_ignored() {
    let (service, directory) = (service(0.01), directory_with(CONFIG));
    let script = format!(
        "trap '' HUP; exec {} --scrape {} --for 1s --report report.json",
        env!("CARGO_BIN_EXE_auditor"),
        service.url()
    );
    let child = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(directory.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("a scrape", || (!service.requests().is_empty()).then_some(()));
    send(&child, Signal::HUP);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    assert_eq!(report(directory.path())["verdict"], "pass");
}

/// `SIGQUIT` cannot be answered by a report, but the command does not stay behind.
#[test]
fn the_command_does_not_outlive_a_quit() {
    let (service, directory) = (service(0.01), directory_with(CONFIG));
    let child = spawn(directory.path(), &scrape(&service.url(), &["--", "sh", "-c", LOAD]));
    let group = started(directory.path());
    send(&child, Signal::QUIT);
    assert_eq!(ended(child).code, 3);
    wait_for("the end of the command", || running(group).is_empty().then_some(()));
}

#[test]
fn what_the_command_leaves_behind_by_itself_may_stay() {
    let (service, directory) = (service(0.01), directory_with(CONFIG));
    let script = "sleep 20 >/dev/null 2>&1 & echo $$ > started; sleep 0.1";
    let run = ended(spawn(directory.path(), &scrape(&service.url(), &["--", "sh", "-c", script])));
    let group = started(directory.path());
    assert!(!running(group).is_empty(), "{}", run.stdout);
    rustix::process::kill_process_group(Pid::from_raw(group as i32).unwrap(), Signal::KILL)
        .unwrap();
}
