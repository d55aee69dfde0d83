//! The units of systemd in `examples/`: systemd understands them, and they say what the program takes.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::empty_directory;
use crate::support::real::tell_left_out;

const SERVE: &str = include_str!("../../examples/auditor-serve.service");
const CHECK: &str = include_str!("../../examples/auditor-check.service");
const TIMER: &str = include_str!("../../examples/auditor-check.timer");

/// What is to be put into a drop-in, from the comment that shows it.
fn drop_in() -> String {
    let shown = SERVE.lines().skip_while(|line| *line != "#   [Service]");
    let lines = shown.map_while(|line| line.strip_prefix("#   "));
    lines.fold(String::new(), |text, line| text + line + "\n")
}

/// Complaints about the units in a directory; the programs are on no machine that tests this.
fn complaints(directory: &Path) -> String {
    let mut units = Vec::new();
    for (name, text) in [
        ("auditor-serve.service", SERVE),
        ("auditor-check.service", CHECK),
        ("auditor-check.timer", TIMER),
    ] {
        let text = text.replace("/usr/local/bin/auditor ", "/bin/true ");
        let text = text.replace("/usr/bin/curl ", "/bin/true ");
        let path = directory.join(name);
        fs::write(&path, text).unwrap();
        units.push(path);
    }
    let run = Command::new("systemd-analyze").args(["verify", "--man=no"]).args(&units).output();
    let run = run.unwrap();
    let told = String::from_utf8_lossy(&run.stderr).into_owned();
    if run.status.success() { told } else { format!("{told}{}", run.status) }
}

#[test]
fn systemd_understands_the_units() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        tell_left_out("the units of systemd", "systemd-analyze");
        return;
    }
    let directory = empty_directory();
    assert_eq!(complaints(directory.path()), "");
    let relaxed = directory.path().join("auditor-serve.service.d");
    fs::create_dir(&relaxed).unwrap();
    fs::write(relaxed.join("probe.conf"), drop_in()).unwrap();
    assert_eq!(complaints(directory.path()), "", "with what a probe needs");
    // It would be told.
    fs::write(relaxed.join("probe.conf"), "[Service]\nProtectEverything=yes\n").unwrap();
    assert!(complaints(directory.path()).contains("ProtectEverything"));
}

#[test]
fn the_drop_in_for_a_probe_is_all_of_it() {
    let drop_in = drop_in();
    for key in ["User=", "ProtectProc=default", "AF_NETLINK", "@debug", "CAP_SYS_PTRACE"] {
        assert!(drop_in.contains(key), "{drop_in}");
    }
}

#[test]
fn the_units_belong_together() {
    let of = |unit: &'static str, key: &str| {
        let values = unit.lines().filter_map(|line| line.strip_prefix(key));
        values.map(str::trim).collect::<Vec<_>>()
    };
    let listen = of(SERVE, "ExecStart=")[0].split("--listen ").nth(1).unwrap();
    let listen = listen.split(' ').next().unwrap();
    assert!(of(CHECK, "ExecStart=")[0].ends_with(&format!("http://{listen}/check")));
    assert_eq!(of(SERVE, "StateDirectory="), ["auditor"]);
    assert!(of(SERVE, "ExecStart=")[0].contains("--history /var/lib/auditor "));
    assert_eq!(of(CHECK, "After="), ["auditor-serve.service"]);
    for unit in [SERVE, CHECK, TIMER] {
        assert!(of(unit, "Documentation=")[0].ends_with("docs/watching.md"));
    }
}
