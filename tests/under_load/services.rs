//! Real services without any instrumentation, which know the truth of their own loop, and the
//! audit of them from outside.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::real::{self, Workers, left_out};

/// How a service is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Uvicorn,
    Uvloop,
    Hypercorn,
    /// Two workers behind one port.
    Gunicorn,
    Aiohttp,
    Node,
    Axum,
    /// FastAPI's handlers that are `def`, in 40 threads of anyio. It knows no truth.
    DefHandlers,
}

impl Service {
    /// Those that have every route of `asgi.py`.
    pub(crate) const ALL: [Self; 7] = [
        Self::Uvicorn,
        Self::Uvloop,
        Self::Hypercorn,
        Self::Gunicorn,
        Self::Aiohttp,
        Self::Node,
        Self::Axum,
    ];

    /// Whether it can be started here; if not, that is told.
    pub(crate) fn is_here(self) -> bool {
        let test = format!("the audit of {self:?} from outside");
        match self {
            Self::Uvicorn => real::python_with(&test, &["uvicorn"]),
            Self::Uvloop => real::python_with(&test, &["uvicorn", "uvloop"]),
            Self::DefHandlers => real::python_with(&test, &["uvicorn", "fastapi"]),
            Self::Hypercorn => real::python_with(&test, &["hypercorn"]),
            Self::Gunicorn => real::python_with(&test, &["uvicorn", "gunicorn"]),
            Self::Aiohttp => real::python_with(&test, &["aiohttp"]),
            Self::Node => {
                let version = Command::new("node").arg("--version").output();
                version.is_ok_and(|output| output.status.success()) || left_out(&test, "node")
            }
            Self::Axum => axum().is_some() || left_out(&test, "AUDITOR_TEST_AXUM=1 to build it"),
        }
    }

    /// The command that serves on that address, without anything that a shell would have to read.
    pub(crate) fn command(self, address: &str) -> Vec<String> {
        let (host, port) = address.split_once(':').expect("host and port");
        let words = match self {
            Self::Uvicorn | Self::Uvloop => {
                let event_loop = if self == Self::Uvloop { "uvloop" } else { "asyncio" };
                let bind = format!("--host {host} --port {port}");
                format!(
                    "python3 -m uvicorn asgi:app {bind} --loop {event_loop} --log-level warning"
                )
            }
            Self::DefHandlers => {
                let bind = format!("--host {host} --port {port}");
                format!("python3 -m uvicorn def_handlers:app {bind} --log-level warning")
            }
            Self::Hypercorn => format!("python3 -m hypercorn asgi:app --bind {address}"),
            Self::Gunicorn => {
                let worker = "uvicorn.workers.UvicornWorker";
                format!("python3 -m gunicorn asgi:app -w 2 -k {worker} -b {address}")
            }
            Self::Aiohttp => format!("python3 {} {host} {port}", file("aiohttp_app.py").display()),
            Self::Node => format!("node {} {host} {port}", file("node_http.js").display()),
            Self::Axum => {
                let program = axum().as_ref().expect("it is here");
                format!("{} {host} {port}", program.display())
            }
        };
        words.split(' ').map(str::to_owned).collect()
    }

    /// Starts it, and waits until it answers.
    pub(crate) fn start(self) -> Workers {
        let address = real::free_address();
        let words = self.command(&address);
        let mut command = Command::new(&words[0]);
        with_paths(command.args(&words[1..]));
        real::group(command, address)
    }

    pub(crate) fn workers(self) -> usize {
        if self == Self::Gunicorn { 2 } else { 1 }
    }

    /// The file and the line at which `/block` holds its loop.
    pub(crate) fn blocking_line(self) -> (&'static str, u64) {
        let name = match self {
            Self::Node => "node_http.js",
            Self::Axum => "axum/src/main.rs",
            _ => "truth.py",
        };
        (name, line_with(name, "blocks the loop"))
    }
}

/// A file of the services.
pub(crate) fn file(name: &str) -> PathBuf {
    directory().join(name)
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services")
}

/// The number of the line of a service's file that has that text, and no other has.
pub(crate) fn line_with(name: &str, text: &str) -> u64 {
    let content = std::fs::read_to_string(file(name)).expect("a file of the services");
    let mut lines = (1..).zip(content.lines()).filter(|(_, line)| line.contains(text));
    let (number, _) = lines.next().unwrap_or_else(|| panic!("{name} without {text:?}"));
    assert!(lines.next().is_none(), "{name} has {text:?} more than once");
    number
}

/// Where the services find their modules, and commands their programs.
pub(crate) fn with_paths(command: &mut Command) -> &mut Command {
    command
        .env("PYTHONPATH", directory())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
}

/// The axum service, which is built once: it takes a quarter of a minute, so only on request and
/// under `CI`.
fn axum() -> &'static Option<PathBuf> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let is_wanted =
            ["CI", "AUDITOR_TEST_AXUM"].map(std::env::var_os).iter().any(Option::is_some);
        if !is_wanted {
            return None;
        }
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("axum");
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--locked", "--manifest-path"])
            .arg(file("axum/Cargo.toml"))
            .env("CARGO_TARGET_DIR", &target)
            .stdin(Stdio::null())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "the axum service cannot be built");
        Some(target.join("debug/axum-service"))
    })
}

/// What each worker of the service knows of itself.
pub(crate) fn truth(address: &str, workers: usize) -> Vec<Value> {
    let mut told = BTreeMap::new();
    for _ in 0..200 {
        let answer = real::exchange(address, "GET", "/truth", "").expect("the truth");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let truth: Value = serde_json::from_str(body).expect("JSON");
        told.insert(truth["pid"].as_u64().expect("a process"), truth);
        if told.len() == workers {
            break;
        }
    }
    assert_eq!(told.len(), workers, "the workers that answer: {told:#?}");
    told.into_values().collect()
}

/// What is seen from outside is compared with this, so it has to be right itself.
#[test]
fn every_service_knows_the_truth_of_its_own_loop() {
    let _alone = crate::alone();
    let services: Vec<_> = Service::ALL.into_iter().filter(|it| it.is_here()).collect();
    crate::support::each(&services, 3, |service| {
        let group = service.start();
        let address = group.server.address();
        let ask = |path: &str| real::exchange(address, "GET", path, "").expect("an answer");
        for path in ["/block?ms=400", "/cpu?ms=300", "/await?ms=350"] {
            assert!(ask(path).contains("done"), "{service:?} {path}");
        }
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| ask("/pool?ms=400"));
            }
        });
        // What a loop did last is a stall of its ticker's next turn.
        thread::sleep(Duration::from_millis(50));
        let told = truth(address, service.workers());
        let stalls = told.iter().filter_map(|worker| worker["stalls"].as_array()).flatten();
        let seconds: Vec<_> = stalls.filter_map(|it| it["seconds"].as_f64()).collect();
        let shown = format!("{service:?} {told:#?}");
        assert!(seconds.iter().any(|it| *it >= 0.38), "{shown}");
        assert!(seconds.len() >= 2 && seconds.iter().sum::<f64>() >= 0.66, "{shown}");
        let sum = |key: &str| -> u64 { told.iter().filter_map(|it| it[key].as_u64()).sum() };
        // Each of two workers has a pool of its own, and 8 threads are enough.
        let waiting = if service.workers() == 1 { 2 } else { 0 };
        assert!(sum("active_peak") >= 6 && sum("pool_waiting_peak") >= waiting, "{shown}");
    });
}
