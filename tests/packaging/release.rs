//! The archive of a release, and how the action downloads it: nothing is installed that is not what its
//! checksum says.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::runner::{Outcome, Runner};
use crate::support::empty_directory;
use crate::support::fake::{Fake, Response};
use crate::{AUDITOR, ROOT};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const TARGET: &str = "x86_64-unknown-linux-musl";

/// An archive by that name, and its checksum.
#[derive(Clone)]
pub(crate) struct Archive {
    name: String,
    bytes: Vec<u8>,
    checksum: String,
}

/// What `packaging/archive` makes. In it the program is called that was built: packed itself, with what a
/// debugger needs, it would take the test half a minute.
pub(crate) fn archive() -> Archive {
    static ARCHIVE: OnceLock<Archive> = OnceLock::new();
    ARCHIVE.get_or_init(|| pack(TARGET, &format!("#!/bin/sh\nexec '{AUDITOR}' \"$@\"\n"))).clone()
}

fn pack(target: &str, program: &str) -> Archive {
    let (built, out) = (empty_directory(), empty_directory());
    let suffix = if target.contains("windows") { ".exe" } else { "" };
    for name in ["auditor", "async-auditor"] {
        fs::write(built.path().join(format!("{name}{suffix}")), program).unwrap();
    }
    let script = Path::new(ROOT).join("packaging/archive");
    let run = Command::new(script).arg(target).args([built.path(), out.path()]).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let path = String::from_utf8(run.stdout).unwrap();
    let path = Path::new(path.trim());
    Archive {
        name: path.file_name().unwrap().to_str().unwrap().to_owned(),
        bytes: fs::read(path).unwrap(),
        checksum: fs::read_to_string(format!("{}.sha256", path.display())).unwrap(),
    }
}

/// A server that has the archive and its checksum.
pub(crate) fn release_server(archive: &Archive) -> Fake {
    let Archive { bytes, checksum, .. } = archive.clone();
    server(ok(bytes), ok(checksum))
}

fn server(archive: Response, checksum: Response) -> Fake {
    let place = format!("/owner/auditor/releases/download/v{VERSION}/{}", self::archive().name);
    Fake::start(move |request| match request.path.strip_prefix(&place) {
        Some("") => archive.clone(),
        Some(".sha256") => checksum.clone(),
        _ => Response::new(404, "Not Found"),
    })
}

/// Lets the action install from a server that has the archive and its checksum, or what else a test says.
fn install(archive: Response, checksum: Response, inputs: &[(&str, &str)]) -> Outcome {
    let server = server(archive, checksum);
    Runner::new(&server.url()).run(inputs)
}

fn ok(body: impl AsRef<[u8]>) -> Response {
    Response::new(200, body)
}

#[test]
fn the_release_of_the_action_is_installed_and_audits() {
    let Archive { bytes, checksum, .. } = archive();
    let recording = format!("{ROOT}/examples/blocked.om");
    let inputs = [("recording", recording.as_str()), ("reports", "json=a.json\nsarif=b.sarif")];
    let outcome = install(ok(bytes), ok(checksum), &inputs);
    assert_eq!(outcome.code, 1, "{}", outcome.log);
    assert!(outcome.log.contains(&format!("Installed auditor {VERSION}")), "{}", outcome.log);
    assert!(outcome.log.contains("Verdict: FAIL"), "{}", outcome.log);
    for (name, value) in [
        ("verdict", "fail"),
        ("status", "CRITICAL"),
        ("exit-code", "1"),
        ("report-json", "a.json"),
        ("report-sarif", "b.sarif"),
        ("report-junit", ""),
    ] {
        assert_eq!(outcome.outputs[name], value, "{name}");
    }
    assert!(outcome.outputs["score"].parse::<f64>().unwrap() > 400.0, "{:?}", outcome.outputs);
    assert!(outcome.summary.contains("examples/shop/db.py:16"), "{}", outcome.summary);
}

#[test]
fn a_checksum_of_the_workflow_holds_too() {
    let Archive { bytes, checksum, .. } = archive();
    let pinned = checksum.split(' ').next().unwrap();
    let only = ("audit", "false");
    let outcome = install(ok(&bytes), ok(&checksum), &[only, ("sha256", pinned)]);
    assert_eq!(outcome.code, 0, "{}", outcome.log);
    let other = "0".repeat(64);
    let outcome = install(ok(bytes), ok(checksum), &[only, ("sha256", &other)]);
    assert_eq!(outcome.code, 2, "{}", outcome.log);
    assert!(outcome.log.contains("the input sha256 says 0000"), "{}", outcome.log);
}

#[test]
fn nothing_is_installed_that_is_not_what_its_checksum_says() {
    let Archive { bytes, checksum, name } = archive();
    let missing = || Response::new(404, "Not Found");
    let mut spoilt = bytes.clone();
    *spoilt.last_mut().unwrap() ^= 1;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
    let cut = [head.as_bytes(), &bytes[..bytes.len() / 2]].concat();
    let older = pack(TARGET, "#!/bin/sh\necho 'auditor 0.1.9 (abc 2026-01-01)'\n");
    let foreign = pack(TARGET, "#!/nowhere\n");
    let other = format!("{}  {name}\n", "0".repeat(64));
    for (what, archive, checksum, words) in [
        ("other bytes", ok(&spoilt), ok(&checksum), "the checksum of auditor-"),
        ("other checksum", ok(&bytes), ok(&other), "the release says 0000"),
        ("no checksum", ok(&bytes), missing(), "nothing is installed without a checksum"),
        ("empty checksum", ok(&bytes), ok(""), "holds no SHA-256 checksum"),
        ("page of a login", ok(&bytes), ok("<!doctype html>"), "holds no SHA-256 checksum"),
        ("cut off", Response::Bytes(cut), ok(&checksum), "cannot download http://"),
        ("no release", missing(), missing(), "is there a release v"),
        ("server down", Response::Reset, Response::Reset, "cannot download http://"),
        ("no archive", ok("page"), ok(sha256(b"page")), "cannot unpack"),
        ("other version", ok(&older.bytes), ok(&older.checksum), "another version: auditor 0.1.9"),
        ("foreign program", ok(&foreign.bytes), ok(&foreign.checksum), "does not run here"),
    ] {
        let outcome = install(archive, checksum, &[]);
        assert_eq!(outcome.code, 2, "{what}: {}", outcome.log);
        assert!(outcome.log.contains("::error title=auditor is not installed::"), "{what}");
        assert!(outcome.log.contains(words), "{what}: {}", outcome.log);
        assert!(outcome.path.is_empty(), "{what} is on the PATH");
        assert_eq!(outcome.steps, ["Install auditor"], "{what}");
    }
}

fn sha256(bytes: &[u8]) -> String {
    let directory = empty_directory();
    let file = directory.path().join("file");
    fs::write(&file, bytes).unwrap();
    let run = Command::new("sha256sum").arg(file).output().unwrap();
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn a_machine_without_a_release_is_told_to_build() {
    let mut runner = Runner::new("http://127.0.0.1:9");
    runner.arch = "ARM";
    let outcome = runner.run(&[]);
    assert_eq!(outcome.code, 2, "{}", outcome.log);
    assert!(outcome.log.contains("set the input build to true"), "{}", outcome.log);
}

/// The same programs make the same archive, whoever packs them and when.
#[test]
fn an_archive_can_be_made_again() {
    let program = "#!/bin/sh\n";
    assert!(pack(TARGET, program).bytes == pack(TARGET, program).bytes);
}

#[test]
fn an_archive_lacks_no_program() {
    let (built, out) = (empty_directory(), empty_directory());
    fs::write(built.path().join("auditor"), "").unwrap();
    let script = Path::new(ROOT).join("packaging/archive");
    let run = Command::new(script).arg(TARGET).args([built.path(), out.path()]).output().unwrap();
    let stderr = String::from_utf8_lossy(&run.stderr);
    assert!(!run.status.success() && stderr.contains("holds no async-auditor"), "{stderr}");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
}

#[test]
fn an_archive_holds_the_programs_and_what_belongs_to_them() {
    let directory = empty_directory();
    let Archive { name, bytes, checksum } = archive();
    fs::write(directory.path().join(&name), bytes).unwrap();
    fs::write(directory.path().join("sum"), checksum).unwrap();
    let list = "sha256sum --quiet --check sum && tar -tzf *.tar.gz";
    let run = Command::new("sh").args(["-c", list]).current_dir(&directory).output().unwrap();
    assert!(run.status.success(), "{run:?}");
    let listed = String::from_utf8(run.stdout).unwrap();
    let top = name.trim_end_matches("tar.gz").trim_end_matches('.');
    for file in [
        "auditor",
        "async-auditor",
        "auditor.1",
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "THIRD-PARTY.txt",
        "completions/_auditor",
        "completions/auditor.bash",
        "completions/auditor.fish",
    ] {
        assert!(listed.lines().any(|it| it == format!("{top}/{file}")), "{file}: {listed}");
    }
}

/// Of what is linked, and of nothing that only tests take.
#[test]
fn the_licences_are_those_of_the_target() {
    let notices = |target: &str| {
        let script = Path::new(ROOT).join("packaging/notices");
        let run = Command::new("python3").arg(script).arg(target).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).unwrap()
    };
    let linux = notices(TARGET);
    for (name, is_there) in
        [("ring", true), ("mimalloc", true), ("py-spy", true), ("proptest", false)]
    {
        let line = format!("\n{name} ");
        assert_eq!(linux.contains(&line), is_there, "{name}");
    }
    assert!(linux.contains("Permission is hereby granted"), "no licence of MIT");
    assert!(!notices("aarch64-apple-darwin").contains("\nmimalloc "));
}
