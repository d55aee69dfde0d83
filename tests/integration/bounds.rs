//! What has no end, or grows and grows, ends in exit code 3 and in words that name the bound.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::fake::{Fake, Response};
use crate::support::page::{CALM, CONFIG};
use crate::support::{Run, auditor, command, directory_with, each};

const GATE: [&str; 2] = ["--fail-on-critical", "--no-report"];

/// Runs a script beside which `auditor` is found.
fn bash(directory: &Path, script: &str) -> Run {
    let bin = Path::new(env!("CARGO_BIN_EXE_auditor")).parent().unwrap();
    let output = Command::new("bash")
        .args(["-c", script])
        .current_dir(directory)
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .stdin(Stdio::null())
        .output();
    output.unwrap().into()
}

#[test]
fn what_never_ends_or_never_begins_is_given_up() {
    let directory = directory_with(CONFIG);
    let audit = "auditor --timeout 1s --fail-on-critical --no-report --recording";
    for (script, words) in [
        (
            format!("mkfifo a; (exec 3>a; sleep 5) & {audit} a"),
            "it takes longer than 1s (--timeout)",
        ),
        (format!("mkfifo b; {audit} b"), "it takes longer than 1s (--timeout)"),
        (
            format!("{audit} /dev/zero --timeout 60s").replace("--timeout 1s", ""),
            "more than 256 MiB come through this pipe or device",
        ),
        (
            format!("yes '# TYPE a gauge' | {audit} /dev/stdin --timeout 60s")
                .replace("--timeout 1s", ""),
            "more than 256 MiB come through this pipe or device",
        ),
    ] {
        let began = Instant::now();
        let run = bash(directory.path(), &script);
        assert!(began.elapsed() < Duration::from_secs(50), "{script}");
        assert_eq!(run.code, 3, "{script}: {}", run.stderr);
        assert!(run.says(words), "{script}: {}", run.stderr);
    }
}

#[test]
fn a_pipe_that_nobody_reads_is_no_pass_and_no_pause_without_an_end() {
    let directory = directory_with(CONFIG);
    let long: String = (0..3000).fold(CALM.to_owned(), |mut page, n| {
        writeln!(page, "other{{n=\"{n}\"}} 1").unwrap();
        page
    });
    let service = Fake::start(move |_| Response::new(200, long.as_str()));
    let audit =
        format!("auditor --scrape {} --for 200ms --every 100ms --fail-on-critical", service.url());
    let cases = [
        (
            format!("mkfifo a; {audit} --no-report --record a"),
            3,
            "cannot write the recording a: nobody reads",
        ),
        (
            format!("mkfifo b; {audit} --report b"),
            3,
            "cannot write the report b: nobody reads this pipe",
        ),
        (
            format!(
                "mkfifo c; sleep 20 < c & {audit} --no-report --record c; code=$?; kill $!; exit $code"
            ),
            3,
            "cannot write the recording c: the reader of this pipe takes no more",
        ),
        (
            format!(
                "mkfifo d; (sleep 1; cat d > copy) & {audit} --no-report --record d; code=$?; wait; exit $code"
            ),
            0,
            "",
        ),
        (
            format!("mkfifo e; cat e > report & {audit} --report e; code=$?; wait; exit $code"),
            0,
            "",
        ),
    ];
    each(&cases, cases.len(), |(script, code, words)| {
        let began = Instant::now();
        let run = bash(directory.path(), script);
        assert!(began.elapsed() < Duration::from_secs(15), "{script}: {:?}", began.elapsed());
        assert_eq!(run.code, *code, "{script}: {}{}", run.stdout, run.stderr);
        assert!(run.says(words), "{script}: {}", run.stderr);
    });
    let copy = fs::read_to_string(directory.path().join("copy")).unwrap();
    assert!(copy.len() > 1 << 17 && copy.ends_with("# EOF\n"), "{} bytes", copy.len());
    let report = fs::read_to_string(directory.path().join("report")).unwrap();
    assert!(report.contains("\"exit_code\": 0"), "{report}");
}

/// A recording of so many targets with so many series each.
fn fleet(path: &Path, targets: usize, series: usize, scrapes: usize) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    for target in 0..targets {
        let labels = format!("instance=\"host-{target}:8000\",job=\"api\"");
        let mut line = |name: &str, more: &str, value: f64| {
            for scrape in 0..scrapes {
                let at = 1_700_000_000 + scrape * 15;
                writeln!(out, "{name}{{{labels}{more}}} {value} {at}").unwrap();
            }
        };
        line("up", "", 1.0);
        line("scrape_duration_seconds", "", 0.1);
        for (name, value) in [("latency_seconds", 0.1), ("lag_seconds", 0.01), ("active", 3.0)] {
            line(name, "", value);
        }
        for name in ["blocked_sum", "blocked_count"] {
            line(name, "", 1.0);
        }
        for number in 7..series {
            line("other", &format!(",number=\"{number}\""), 1.0);
        }
    }
    out.write_all(b"# EOF\n").unwrap();
    out.flush().unwrap();
}

#[test]
fn two_thousand_targets_are_audited_in_the_time_that_there_is() {
    let directory = directory_with(CONFIG);
    fleet(&directory.path().join("fleet.om"), 2000, 40, 3);
    let began = Instant::now();
    let args = [&GATE[..], &["--recording", "fleet.om", "--timeout", "120s"]].concat();
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(began.elapsed() < Duration::from_secs(120));
    // The bound is one of reading and evaluating together.
    for timeout in ["1ms", "300ms"] {
        let began = Instant::now();
        let args = [&GATE[..], &["--recording", "fleet.om", "--timeout", timeout]].concat();
        let run = auditor(directory.path(), &args);
        assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
        assert!(run.says("(--timeout)"), "{timeout}: {}", run.stderr);
        assert!(began.elapsed() < Duration::from_secs(10), "{timeout}: {:?}", began.elapsed());
    }
}

/// The peak memory of a run, in MiB.
fn peak(directory: &Path, args: &[&str]) -> (Run, u64) {
    use wait4::Wait4 as _;
    let mut command = command(directory, args);
    let errors = directory.join("errors");
    command.stdout(Stdio::null()).stderr(File::create(&errors).unwrap());
    let used = command.spawn().unwrap().wait4().unwrap();
    let stderr = fs::read_to_string(errors).unwrap();
    let code = used.status.code().unwrap();
    (Run { code, stdout: String::new(), stderr }, used.rusage.maxrss >> 20)
}

#[test]
#[ignore = "it takes a minute and 1.2 GiB; smaller storages are tested beside the reader"]
fn ever_new_series_end_in_an_error_before_they_fill_the_memory() {
    let directory = directory_with(CONFIG);
    let path = directory.path().join("exploded.prom");
    let mut out = BufWriter::new(File::create(&path).unwrap());
    for series in 0..1_000_001 {
        writeln!(out, "requests_total{{id=\"{series}\",instance=\"a:1\"}} 1 1700000000000")
            .unwrap();
    }
    out.into_inner().unwrap();
    let (run, mebibytes) = peak(
        directory.path(),
        &[&GATE[..], &["--recording", "exploded.prom", "--timeout", "300s"]].concat(),
    );
    assert_eq!(run.code, 3, "{}", run.stderr);
    let words = "exploded.prom:1000001:1: there are more than 1000000 series, the last of them of \
                 `requests_total`";
    assert!(run.says(words), "{}", run.stderr);
    assert!(mebibytes < 2048, "{mebibytes} MiB");
}
