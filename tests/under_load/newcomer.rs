//! The path of a newcomer, as README has it, with a service that `auditor` has never seen: look what is
//! there, ask the doctor, audit, gate. Nothing is known but the address.

use std::path::Path;
use std::process::Command;

use crate::alone;
use crate::presets::{file, free_ports};
use crate::services::with_paths;
use crate::support::real;
use crate::support::{Run, command, empty_directory};

/// The service is called by a name that says nothing; and what a report leads to that is no pass. Where
/// it was not looked at by the probe, no line is named.
const SERVICES: [(&str, &str, &str, &str); 2] = [
    (
        "starlette-exporter.py",
        "starlette_exporter",
        "starlette-exporter",
        "To learn more: auditor explain EVENT_LOOP_STARVATION",
    ),
    (
        "python-signals.py",
        "prometheus_client",
        "python-signals",
        "To name the line that blocks, on the machine of the service: auditor --scrape ",
    ),
];

#[test]
fn a_newcomer_gets_from_the_address_to_a_gate_by_what_each_step_says() {
    let _alone = alone();
    for (script, module, preset, leads_to) in SERVICES {
        if !real::python_with("the path of a newcomer", &["uvicorn", module]) {
            return;
        }
        let (port, _) = free_ports();
        let mut service = Command::new("python3");
        with_paths(service.arg(file(script)).arg(port.to_string()));
        let _service = real::group(service, format!("127.0.0.1:{port}"));
        let directory = empty_directory();
        let base = format!("http://localhost:{port}");

        let found = run(directory.path(), &["--init", "--scrape", &base]);
        assert_eq!(found.code, 0, "{}{}", found.stdout, found.stderr);
        assert!(found.stdout.contains(&format!("Preset: {preset}")), "{}", found.stdout);
        let next = found.stdout.lines().map(str::trim).find(|it| it.starts_with("auditor doctor"));
        let next = next.expect("the next step").strip_prefix("auditor doctor ").expect("a command");
        let (options, _) = next.split_once(" -- ").expect("a load");
        let options: Vec<_> = options.split(' ').collect();

        // Without a load nothing can be told, and that is what to do next.
        let idle = run(directory.path(), &[&["doctor"][..], &options, &["--for", "3s"]].concat());
        assert_eq!(idle.code, 3, "{}{}", idle.stdout, idle.stderr);
        assert!(last(&idle).contains(" -- COMMAND"), "{}", idle.stdout);

        let calm = load(&base, &["/@0.05", "/@0.05"]);
        let calm: Vec<_> = calm.iter().map(String::as_str).collect();
        let doctor = run(directory.path(), &[&["doctor"][..], &options, &["--"], &calm].concat());
        assert_eq!(doctor.code, 0, "{}{}", doctor.stdout, doctor.stderr);
        let gate = last(&doctor).strip_prefix("Next: gate with it: auditor ").expect("the gate");
        let (options, _) = gate.split_once(" -- COMMAND").expect("a load");
        let options: Vec<_> = options.split(' ').collect();

        let well = run(directory.path(), &[&options[..], &["--"], &calm].concat());
        assert_eq!(well.code, 0, "{}{}", well.stdout, well.stderr);
        let sick = load(&base, &["/@0.05", "/stall?s=0.3@1"]);
        let sick: Vec<_> = sick.iter().map(String::as_str).collect();
        let ill = run(directory.path(), &[&options[..], &["--"], &sick].concat());
        assert_eq!(ill.code, 1, "{}{}", ill.stdout, ill.stderr);
        assert!(last(&ill).starts_with(leads_to), "{}", ill.stdout);
    }
}

fn run(directory: &Path, args: &[&str]) -> Run {
    with_paths(&mut command(directory, args)).output().expect("the binary starts").into()
}

fn last(run: &Run) -> &str {
    run.stdout.lines().last().expect("a line")
}

fn load(base: &str, paths: &[&str]) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/load.py");
    let words = ["python3", script.to_str().expect("UTF-8"), "--seconds", "5"];
    let urls = paths.iter().map(|path| format!("{base}{path}"));
    words.into_iter().map(str::to_owned).chain(urls).collect()
}
