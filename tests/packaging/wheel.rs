//! The wheel, as pip installs it, and the source that it can be built from.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Run, empty_directory, real};
use crate::{AUDITOR, ROOT, has};

/// Runs a program that has to succeed.
fn run(program: impl AsRef<Path>, args: &[&str], directory: &Path) -> String {
    let run = call(program, args, directory);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    run.stdout
}

fn call(program: impl AsRef<Path>, args: &[&str], directory: &Path) -> Run {
    let mut command = Command::new(program.as_ref());
    command.args(args).current_dir(directory).stdin(Stdio::null());
    // What cargo tells a test would have ring built again, and all that rests on it.
    command.env_clear();
    for name in ["CARGO_HOME", "HOME", "PATH", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    // What is compiled already is taken from where cargo put it, and the programs that other tests run
    // meanwhile stay as they are.
    let built = Path::new(AUDITOR).parent().and_then(Path::parent).unwrap();
    command.env("CARGO_BUILD_BUILD_DIR", built);
    // pip would tell of a newer one of itself.
    command.env("PIP_DISABLE_PIP_VERSION_CHECK", "1").output().unwrap().into()
}

/// The one file in a directory.
fn only_file(directory: &Path) -> String {
    let files: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|it| it.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_wheel_installs_both_commands_and_what_belongs_to_them() {
    if !has("the wheel", "maturin") || !real::python_with("the wheel", &["venv", "ensurepip"]) {
        return;
    }
    let (wheels, place) = (empty_directory(), empty_directory());
    let built = Path::new(AUDITOR).parent().unwrap();
    let profile = built.file_name().unwrap().to_str().unwrap().replace("debug", "dev");
    let out = wheels.path().to_str().unwrap();
    let target = concat!(env!("CARGO_TARGET_TMPDIR"), "/wheel");
    let quick = ["--profile", &profile, "--target-dir", target, "--compression-method", "stored"];
    let args = [&["build", "--quiet", "--locked", "--out", out], &quick[..]].concat();
    run("maturin", &args, Path::new(ROOT));
    let wheel = only_file(wheels.path());
    assert!(wheel.contains("/runtime_auditor-0") && wheel.contains("-py3-none-"), "{wheel}");

    run("python3", &["-m", "venv", "."], place.path());
    let bin = place.path().join("bin");
    run(bin.join("pip"), &["install", "--quiet", "--no-index", &wheel], place.path());
    let shop = format!("{ROOT}/examples/blocked.om");
    let gate = ["--recording", &shop, "--fail-on-critical", "--no-report"];
    for command in ["auditor", "async-auditor"] {
        let audit = call(bin.join(command), &gate, place.path());
        assert_eq!(audit.code, 1, "{command}: {}", audit.stderr);
        assert!(audit.stdout.contains("examples/shop/db.py:16"), "{}", audit.stdout);
    }
    run(bin.join("async-auditor"), &["--init"], place.path());
    assert!(place.path().join("metrics.yaml").is_file());
    for file in [
        "man/man1/auditor.1",
        "bash-completion/completions/auditor",
        "zsh/site-functions/_auditor",
        "fish/vendor_completions.d/auditor.fish",
    ] {
        assert!(place.path().join("share").join(file).is_file(), "{file} is not installed");
    }
}

#[test]
fn the_source_of_a_wheel_lacks_nothing_that_it_is_built_of() {
    if !has("the source of the wheel", "maturin") {
        return;
    }
    let out = empty_directory();
    run("maturin", &["sdist", "--out", out.path().to_str().unwrap()], Path::new(ROOT));
    let listed = run("tar", &["-tzf", &only_file(out.path())], out.path());
    for file in [
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "build.rs",
        "default_metrics.yaml",
        "examples/presets/probe.yaml",
        "packaging/wheel/data/share/man/man1/auditor.1",
        "packaging/wheel/data/share/zsh/site-functions/_auditor",
        "pyproject.toml",
        "src/bin/async-auditor.rs",
        "src/main.rs",
    ] {
        assert!(listed.lines().any(|it| it.ends_with(&format!("/{file}"))), "{file}: {listed}");
    }
}
