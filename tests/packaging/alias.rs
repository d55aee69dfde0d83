//! `async-auditor`, the command of the Python tool.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::AUDITOR;
use crate::support::{Run, empty_directory};

const ALIAS: &str = env!("CARGO_BIN_EXE_async-auditor");

/// It, in a directory, with that PATH.
fn alias(program: &Path, path: &Path, args: &[&str]) -> Run {
    let mut command = Command::new(program);
    command.current_dir(path).args(args).env_clear().env("PATH", path);
    command.stdin(Stdio::null()).output().unwrap().into()
}

/// A directory with a copy of it, and beside it nothing or a script in the place of `auditor`.
fn directory_with(auditor: Option<&str>) -> tempfile::TempDir {
    let directory = empty_directory();
    fs::copy(ALIAS, directory.path().join("async-auditor")).unwrap();
    if let Some(script) = auditor {
        let program = directory.path().join("auditor");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    directory
}

/// The flags of async-runtime-auditor 0.1.
#[test]
fn the_predecessors_flags_do_what_they_did() {
    let directory = empty_directory();
    let called = |args: &[&str]| alias(Path::new(ALIAS), directory.path(), args);
    let run = called(&["--init"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(directory.path().join("metrics.yaml").exists());
    let nobody = "http://127.0.0.1:9";
    let args = ["--config", "metrics.yaml", "--target", nobody, "--output-format", "json"];
    let run = called(&[&args[..], &["--fail-on-critical"]].concat());
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!(run.json()["verdict"], "error");
}

#[test]
fn the_auditor_beside_it_comes_before_that_of_the_path() {
    let beside = directory_with(Some("echo beside; exit 7"));
    let path = directory_with(Some("echo path; exit 8"));
    let program = beside.path().join("async-auditor");
    let run = alias(&program, path.path(), &[]);
    assert_eq!((run.code, run.stdout.as_str()), (7, "beside\n"));
    fs::remove_file(beside.path().join("auditor")).unwrap();
    let run = alias(&program, path.path(), &[]);
    assert_eq!((run.code, run.stdout.as_str()), (8, "path\n"));
}

/// As pipx and uv put commands into a directory of their own.
#[test]
fn a_link_to_it_finds_the_auditor_beside_the_file() {
    let beside = directory_with(Some("echo beside"));
    let links = empty_directory();
    let link = links.path().join("async-auditor");
    symlink(beside.path().join("async-auditor"), &link).unwrap();
    assert_eq!(alias(&link, links.path(), &[]).stdout, "beside\n");
}

#[test]
fn arguments_arrive_as_they_are() {
    let directory = directory_with(Some(r#"printf '<%s>' "$@""#));
    let args = ["--var", "a=b c", "", "--", "sh", "-c", "echo $X"];
    let run = alias(&directory.path().join("async-auditor"), directory.path(), &args);
    assert_eq!(run.stdout, "<--var><a=b c><><--><sh><-c><echo $X>");
}

#[test]
fn without_an_auditor_it_says_so_and_ends_in_2() {
    let directory = directory_with(None);
    let run = alias(&directory.path().join("async-auditor"), directory.path(), &["--init"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("neither beside it nor in PATH"), "{}", run.stderr);
}

/// Nor does it fall back on another one.
#[test]
fn an_auditor_that_cannot_be_run_is_no_pass() {
    let directory = directory_with(Some("exit 0"));
    let program = directory.path().join("auditor");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).unwrap();
    let path = directory_with(Some("exit 0"));
    let run = alias(&directory.path().join("async-auditor"), path.path(), &[]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("cannot run"), "{}", run.stderr);
}

/// A pipeline that is cancelled signals the process that it has started.
#[test]
fn a_signal_reaches_the_auditor() {
    let directory = empty_directory();
    fs::write(directory.path().join("metrics.yaml"), "preset: probe\n").unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let started = directory.path().join("started");
    let script = format!("touch {}; exec sleep 60", started.display());
    let mut child = Command::new(ALIAS)
        .current_dir(directory.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .args(["--probe", &url, "--no-report", "--", "sh", "-c", &script])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Answers whatever is asked, so that the load begins.
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || answer(stream?));
        }
        std::io::Result::Ok(())
    });
    let patience = Instant::now() + Duration::from_secs(30);
    while !started.exists() && Instant::now() < patience {
        thread::sleep(Duration::from_millis(20));
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    child.wait().unwrap();
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, 3, "{AUDITOR}: {}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("interrupted"), "{}", run.stdout);
}

fn answer(mut stream: std::net::TcpStream) -> std::io::Result<()> {
    use std::io::{Read as _, Write as _};
    let mut request = [0; 4096];
    while stream.read(&mut request)? > 0 {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
    }
    Ok(())
}
