//! Every preset whose library can be had: a real service with the library, calm, held up for 0.3 s
//! once a second, and for 1.5 s every three; audited with nothing but the preset.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::alone;
use crate::outside::shortfalls;
use crate::services::with_paths;
use crate::support::real::{self, left_out, tell_left_out};
use crate::support::{Run, command, each, empty_directory};

/// How many runs are made at once: the loads are light, and most of them wait.
const AT_A_TIME: usize = 4;
/// How long each service is under load, in seconds.
const LOAD: u32 = 6;
/// Load and service are asked for this, twenty times a second each by two clients.
const CALM: [&str; 2] = ["/@0.05", "/@0.05"];
const STALLS: [&str; 3] = ["/@0.05", "/@0.05", "/stall?s=0.3@1"];
const BLOCKS: [&str; 3] = ["/@0.05", "/@0.05", "/stall?s=1.5@3"];
const STARVED: &str = "EVENT_LOOP_STARVATION";

/// A preset, and a service that exports what it asks for.
struct Row {
    preset: &'static str,
    /// The shell command that starts it, with `PORT`; nothing where it cannot be started here.
    start: fn() -> Option<String>,
    /// Where its page is, as `PORT/path`, or `PAGE/path` of the port behind it.
    page: &'static str,
    /// What the probe asks for, where the preset needs one.
    probe: Option<&'static str>,
    /// The mode that stalls are named by; Go has no loop, and a check of the preset breaks.
    mode: Option<&'static str>,
}

const fn row(preset: &'static str, start: fn() -> Option<String>) -> Row {
    Row { preset, start, page: "PORT/metrics", probe: None, mode: Some(STARVED) }
}

const fn probed(preset: &'static str, start: fn() -> Option<String>) -> Row {
    Row { probe: Some("/health"), ..row(preset, start) }
}

const ROWS: [Row; 12] = [
    row("python-signals", || python("python-signals.py", "prometheus_client")),
    probed("fastapi-instrumentator", || {
        python("fastapi-instrumentator.py", "prometheus_fastapi_instrumentator")
    }),
    probed("starlette-exporter", || python("starlette-exporter.py", "starlette_exporter")),
    probed("aiohttp", || python("aiohttp-exporter.py", "aiohttp_prometheus_exporter")),
    // The route that the probe asks for is counted by the library, as most would have it.
    Row {
        probe: Some("/"),
        ..row("transparent-fastapi", || python("transparent-fastapi.py", "transparent_fastapi"))
    },
    Row {
        probe: Some("/"),
        ..row("fastapi-runtime-details", || {
            python("fastapi-runtime-details.py", "fastapi_runtime_details_collector")
        })
    },
    row("loopguard", || python("loopguard.py", "fastapi_loopguard")),
    probed("python-otel", || python("python-otel.py", "opentelemetry.instrumentation.fastapi")),
    probed("django", || python("django_app.py", "django_prometheus")),
    row("node-prom-client", || node("node-prom-client.js")),
    Row { page: "PAGE/metrics", ..row("node-otel", || node("node-otel.js")) },
    row("rust-tokio", || Some(format!("{} PORT", tokio().as_ref()?.display()))),
];

/// Apart, as it is called by other names.
const GO: Row = Row {
    probe: Some("/healthz"),
    mode: None,
    ..row("go", || Some(format!("{} PORT", go().as_ref()?.display())))
};

pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services/presets").join(name)
}

fn python(script: &str, module: &str) -> Option<String> {
    let test = format!("the preset of {script}");
    let is_here = real::python_with(&test, &["uvicorn", "prometheus_client", module]);
    is_here.then(|| format!("python3 {} PORT", file(script).display()))
}

/// What `.ci/run` installs of npm.
fn node(script: &str) -> Option<String> {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/ci-node/node_modules");
    let is_here = modules.join("prom-client").is_dir();
    (is_here || left_out(&format!("the preset of {script}"), "target/ci-node"))
        .then(|| format!("NODE_PATH={} node {} PORT", modules.display(), file(script).display()))
}

/// Whether what takes a while to build is to be built.
fn is_built() -> bool {
    ["CI", "AUDITOR_TEST_AXUM"].map(std::env::var_os).iter().any(Option::is_some)
}

fn tokio() -> &'static Option<PathBuf> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if !is_built() {
            tell_left_out("the preset rust-tokio", "AUDITOR_TEST_AXUM=1 to build it");
            return None;
        }
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rust-tokio");
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--locked", "--manifest-path"])
            .arg(file("rust-tokio/Cargo.toml"))
            .env("CARGO_TARGET_DIR", &target)
            .stdin(Stdio::null())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "rust-tokio cannot be built");
        Some(target.join("debug/rust-tokio"))
    })
}

fn go() -> &'static Option<PathBuf> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let here = Command::new("go").arg("version").output();
        if !here.is_ok_and(|output| output.status.success()) {
            left_out("the preset go", "go, with client_golang of Debian");
            return None;
        }
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-service");
        let status = Command::new("go")
            .args(["build", "-o"])
            .arg(&program)
            .arg(file("go/main.go"))
            .env("GO111MODULE", "off")
            .env("GOPATH", "/usr/share/gocode")
            .stdin(Stdio::null())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "the Go service cannot be built");
        Some(program)
    })
}

/// A port of this machine that is free, and the one behind it: of no other call, and below those that the
/// system gives to whoever asks for any, as the connections of a load do.
pub(crate) fn free_ports() -> (u16, u16) {
    static NEXT: AtomicU16 = AtomicU16::new(20_000);
    loop {
        let port = NEXT.fetch_add(2, Ordering::Relaxed);
        assert!(port < 32_000, "no port is free");
        let is_free = |port: u16| TcpListener::bind(("0.0.0.0", port)).is_ok();
        if is_free(port) && is_free(port + 1) {
            return (port, port + 1);
        }
    }
}

impl Row {
    /// The service, and the options that name what it shows.
    fn service(&self) -> Option<(String, u16, Vec<String>)> {
        let (port, behind) = free_ports();
        let start = (self.start)()?.replace("PORT", &port.to_string());
        let page = self.page.replace("PORT", &port.to_string());
        let page = page.replace("PAGE", &behind.to_string());
        let mut options = vec!["--scrape".to_owned(), format!("http://localhost:{page}")];
        if let Some(path) = self.probe {
            options.extend(["--probe".to_owned(), format!("http://localhost:{port}{path}")]);
        }
        Some((start, port, options))
    }

    fn audit(&self, urls: &[&str]) -> Option<Run> {
        let (start, port, options) = self.service()?;
        let directory = empty_directory();
        let mut audit = command(directory.path(), &["--preset", self.preset, "--start", &start]);
        audit.args(options).args(["--fail-on-critical", "--output-format", "json", "--"]);
        audit.args(load(port, urls));
        Some(with_paths(&mut audit).output().expect("the binary starts").into())
    }

    /// That it is calm. A runner that is too busy for that to be told has two more tries.
    fn check_calm(&self) {
        for _ in 0..3 {
            let Some(run) = self.audit(&CALM) else { return };
            let report = run.json();
            if run.code == 3 && shortfalls(&report).all(|rule| rule == "busy_machine") {
                continue;
            }
            assert_eq!(run.code, 0, "{} calm: {}", self.preset, shown(&run, &report));
            assert_eq!(report["config"], format!("built-in preset {}", self.preset));
            return;
        }
        tell_left_out(&format!("{} calm", self.preset), "a runner with a free CPU");
    }

    fn check_sick(&self, urls: &[&str]) {
        let Some(run) = self.audit(urls) else { return };
        let report = run.json();
        let shown = format!("{} {urls:?}: {}", self.preset, shown(&run, &report));
        assert_eq!(run.code, 1, "{shown}");
        let modes = report["failure_modes"].as_array().expect("modes");
        let mode = modes.first().and_then(|mode| mode["type"].as_str());
        assert_eq!(mode, self.mode, "{shown}");
    }
}

fn load(port: u16, urls: &[&str]) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/load.py");
    let urls = urls.iter().map(|path| format!("http://localhost:{port}{path}"));
    let words = ["python3", script.to_str().expect("UTF-8"), "--seconds", &LOAD.to_string()];
    words.into_iter().map(str::to_owned).chain(urls).collect()
}

/// What matters of a report.
fn shown(run: &Run, report: &Value) -> String {
    let signals = report["signals"].as_object().into_iter().flatten();
    let signals: Vec<_> = signals.map(|(name, it)| format!("{name}={}", it["value"])).collect();
    format!(
        "exit {}: {} {:?} {}\n{}",
        run.code,
        report["verdict_reason"],
        report["findings"],
        signals.join(" "),
        run.stderr
    )
}

/// All at once, so that the one waits while the other does: a preset alone, of a calm service and of sick
/// ones; an idle service, of which the library counts the probe's requests; the same by a Prometheus.
#[test]
fn a_preset_alone_tells_a_calm_service_from_a_sick_one_and_from_an_idle_one() {
    let _alone = alone();
    let mut cases: Vec<Box<dyn Fn() + Sync>> = Vec::new();
    for case in CELERY {
        cases.push(Box::new(move || celery(case)));
    }
    let has_prometheus = real::available("presets by a Prometheus");
    for row in ROWS.iter().chain([&GO]) {
        if BY_PROMETHEUS.contains(&row.preset) && has_prometheus {
            cases.push(Box::new(|| row.check_by_prometheus(&CALM)));
            cases.push(Box::new(|| row.check_by_prometheus(&STALLS)));
        }
        cases.push(Box::new(|| row.check_calm()));
        cases.push(Box::new(|| row.check_sick(&STALLS)));
        cases.push(Box::new(|| row.check_sick(&BLOCKS)));
        if row.probe.is_some() {
            cases.push(Box::new(|| row.check_idle()));
        }
        if row.preset == "starlette-exporter" {
            // A dozen requests beside the probe's on the same route are a load; readers of what is not
            // counted are none.
            cases.push(Box::new(|| row.check_few("/@0.5", 0)));
            cases.push(Box::new(|| row.check_few("/health@0.5", 3)));
        }
    }
    each(&cases, AT_A_TIME, |case| case());
}

/// Presets that are held against a real Prometheus too: lag of the probe and of the service.
const BY_PROMETHEUS: [&str; 4] =
    ["fastapi-instrumentator", "python-otel", "loopguard", "node-prom-client"];

impl Row {
    fn check_few(&self, url: &str, code: i32) {
        let Some(run) = (Self { probe: Some("/"), ..*self }).audit(&[url]) else { return };
        let report = run.json();
        let is_busy = shortfalls(&report).any(|rule| rule == "busy_machine");
        let shown = format!("{} {url}: {}", self.preset, shown(&run, &report));
        assert!(run.code == code || run.code == 3 && is_busy, "{shown}");
    }

    fn check_idle(&self) {
        // A route that is counted.
        let row = Self { probe: Some("/"), ..*self };
        let Some((start, _, options)) = row.service() else { return };
        let directory = empty_directory();
        let mut audit = command(directory.path(), &["--preset", row.preset, "--start", &start]);
        audit.args(options).args(["--fail-on-critical", "--output-format", "json", "--for", "3s"]);
        let run: Run = with_paths(&mut audit).output().expect("the binary starts").into();
        let report = run.json();
        assert_eq!(run.code, 3, "{} idle: {}", row.preset, shown(&run, &report));
    }

    fn check_by_prometheus(&self, urls: &[&str]) {
        let Some((start, port, _)) = self.service() else { return };
        let mut service = Command::new("sh");
        with_paths(service.args(["-c", &format!("exec env {start}")]));
        let address = format!("127.0.0.1:{port}");
        let _service = real::group(service, address.clone());
        let prometheus = real::scraping(&[&address]);
        thread::sleep(Duration::from_secs(3));
        let directory = empty_directory();
        let mut audit = command(directory.path(), &["--preset", self.preset]);
        audit.args(["--target", &prometheus.url]);
        if let Some(path) = self.probe {
            audit.args(["--probe", &format!("http://localhost:{port}{path}")]);
        }
        audit.args(["--fail-on-critical", "--output-format", "json", "--"]).args(load(port, urls));
        let run: Run = with_paths(&mut audit).output().expect("the binary starts").into();
        let report = run.json();
        let is_busy = || shortfalls(&report).all(|rule| rule == "busy_machine");
        if *urls == CALM && run.code == 3 && is_busy() {
            let what = format!("{} by Prometheus", self.preset);
            tell_left_out(&what, "a runner with a free CPU");
            return;
        }
        let shown = format!("{} {urls:?}: {}", self.preset, shown(&run, &report));
        assert_eq!(run.code, i32::from(*urls != CALM), "{shown}");
    }
}

/// Tasks a second, and how long each takes of two processes; and the exit code. Celery's workers have no
/// loop, and no HTTP: theirs is a queue.
const CELERY: [(&str, &str, i32); 3] = [("5", "0.02", 0), ("10", "0.3", 1), ("4", "1.5", 1)];

fn celery((rate, takes, code): (&str, &str, i32)) {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/ci-celery/bin/python3");
    if !python.is_file() {
        left_out("the preset celery", "target/ci-celery");
        return;
    }
    let (port, _) = free_ports();
    let (python, script) = (python.display().to_string(), file("celery_app.py"));
    let script = script.display().to_string();
    let (start, page) =
        (format!("{python} {script} {port}"), format!("http://localhost:{port}/metrics"));
    let directory = empty_directory();
    let mut audit = command(directory.path(), &["--preset", "celery", "--start", &start]);
    audit.args(["--scrape", &page, "--fail-on-critical", "--output-format", "json", "--"]);
    audit.args([&python, &script, &port.to_string(), "12", rate, takes]);
    let run: Run = with_paths(&mut audit).output().expect("the binary starts").into();
    let report = run.json();
    let shown = format!("{rate} tasks of {takes} s: {}", shown(&run, &report));
    assert_eq!(run.code, code, "{shown}");
    let mode = report["failure_modes"][0]["type"].as_str();
    assert_eq!(mode, (code == 1).then_some("THREADPOOL_SATURATION"), "{shown}");
}
