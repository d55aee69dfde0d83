//! A row of the matrix, and how it is run.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::beside;
use crate::support::fake::{Fake, Request, Response};
use crate::support::{Run, command, empty_directory};

/// Sent with every request, and never to be printed.
pub(crate) const SECRET: &str = "s3cret-of-the-matrix";

const QUERIES: &str = "
queries:
  p99_latency: p99
  event_loop_lag: lag
  blocking_duration_avg: blocking
  peak_active_requests: active
";

/// What a backend does with the n-th request of its kind, counted from 1.
type Reaction = Arc<dyn Fn(usize) -> Response + Send + Sync>;

/// Which requests a fault strikes.
#[derive(Clone, Copy, PartialEq)]
enum Strikes {
    Everything,
    Page(&'static str),
    /// The query for one signal.
    Query(&'static str),
    /// What is asked beside the queries.
    Beside,
}

/// One row.
pub(crate) struct Fault {
    pub(crate) name: String,
    strikes: Strikes,
    reaction: Option<Reaction>,
    args: Vec<String>,
    config: String,
    environment: Vec<(OsString, OsString)>,
    files: Vec<(&'static str, Vec<u8>)>,
    code: i32,
    says: Vec<String>,
    within: Duration,
}

/// A row that ends in 3 within 8 s, unless it says otherwise.
pub(crate) fn fault(name: impl Into<String>) -> Fault {
    Fault {
        name: name.into(),
        strikes: Strikes::Everything,
        reaction: None,
        args: Vec::new(),
        config: QUERIES.to_owned(),
        environment: vec![("AUDITOR_BEARER_TOKEN".into(), SECRET.into())],
        files: Vec::new(),
        code: 3,
        says: Vec::new(),
        within: Duration::from_secs(8),
    }
}

impl Fault {
    fn strikes(
        mut self,
        what: Strikes,
        reaction: impl Fn(usize) -> Response + Send + Sync + 'static,
    ) -> Self {
        self.strikes = what;
        self.reaction = Some(Arc::new(reaction));
        self
    }

    /// Every request meets this.
    pub(crate) fn everything(
        self,
        reaction: impl Fn(usize) -> Response + Send + Sync + 'static,
    ) -> Self {
        self.strikes(Strikes::Everything, reaction)
    }

    /// Requests for that page meet this.
    pub(crate) fn page(
        self,
        path: &'static str,
        reaction: impl Fn(usize) -> Response + Send + Sync + 'static,
    ) -> Self {
        self.strikes(Strikes::Page(path), reaction)
    }

    /// The query for the event loop's lag meets this.
    pub(crate) fn lag(self, reaction: impl Fn(usize) -> Response + Send + Sync + 'static) -> Self {
        self.strikes(Strikes::Query("lag"), reaction)
    }

    /// What is asked beside the queries meets this.
    pub(crate) fn beside(
        self,
        reaction: impl Fn(usize) -> Response + Send + Sync + 'static,
    ) -> Self {
        self.strikes(Strikes::Beside, reaction)
    }

    /// Arguments besides the gate; `{target}` is the backend's URL, `{address}` host and port.
    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|&arg| arg.to_owned()));
        self
    }

    /// More of the configuration, before the queries.
    pub(crate) fn config(mut self, more: &str) -> Self {
        self.config.insert_str(0, more);
        self
    }

    /// All of the configuration.
    pub(crate) fn whole_config(mut self, config: &str) -> Self {
        self.config = config.to_owned();
        self
    }

    /// A variable of the environment; an empty list of them to begin with.
    pub(crate) fn environment<K: Into<OsString>, V: Into<OsString>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.environment =
            variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        self
    }

    /// A file beside the configuration.
    pub(crate) fn file(mut self, name: &'static str, content: impl AsRef<[u8]>) -> Self {
        self.files.push((name, content.as_ref().to_vec()));
        self
    }

    /// The exit code.
    pub(crate) fn code(mut self, code: i32) -> Self {
        self.code = code;
        self
    }

    /// Words of the message.
    pub(crate) fn says(mut self, words: &str) -> Self {
        self.says.push(words.to_owned());
        self
    }

    /// The time that it may take at most, seconds.
    pub(crate) fn within(mut self, seconds: u64) -> Self {
        self.within = Duration::from_secs(seconds);
        self
    }

    fn backend(&self, calm: bool) -> Fake {
        let (strikes, reaction) = (self.strikes, self.reaction.clone());
        let counts: Mutex<BTreeMap<String, usize>> = Mutex::default();
        Fake::start(move |request| {
            let query = request.parameters.get("query").cloned().unwrap_or_default();
            let struck = match strikes {
                Strikes::Everything => true,
                Strikes::Page(path) => request.path == path,
                Strikes::Query(name) => query == name,
                Strikes::Beside => beside::is_asked_by(request),
            };
            match &reaction {
                Some(reaction) if struck => {
                    let count = {
                        let mut counts = counts.lock().unwrap();
                        let count = counts.entry(format!("{} {query}", request.path)).or_default();
                        *count += 1;
                        *count
                    };
                    reaction(count)
                }
                _ => healthy(request, calm),
            }
        })
    }

    /// Everything that is not as the row says.
    fn run(&self) -> Vec<String> {
        let fake = self.backend(true);
        let directory = empty_directory();
        let started = Instant::now();
        let run = self.audit(&fake, directory.path());
        let took = started.elapsed();
        let mut wrong = Vec::new();
        if run.code != self.code {
            wrong.push(format!("exit code {}, not {}", run.code, self.code));
        }
        let message = match self.code {
            2 => run.stderr.clone(),
            _ => report(&run, &mut wrong),
        };
        for words in self.says.iter().filter(|words| !message.contains(words.as_str())) {
            wrong.push(format!("{words:?} is not in {message:?}"));
        }
        if took > self.within {
            wrong.push(format!("it took {took:?}, not {:?}", self.within));
        }
        for (stream, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
            if text.contains(SECRET) {
                wrong.push(format!("the secret is on {stream}: {text}"));
            }
        }
        if run.stderr.contains("panicked") {
            wrong.push(run.stderr.clone());
        }
        wrong
    }

    fn audit(&self, fake: &Fake, directory: &Path) -> Run {
        let fill = |text: &str| {
            text.replace("{target}", &fake.url()).replace("{address}", &fake.address())
        };
        fs::write(directory.join("metrics.yaml"), fill(&self.config)).unwrap();
        for (name, content) in &self.files {
            fs::write(directory.join(name), content).unwrap();
        }
        let mut args = vec!["--fail-on-critical", "--output-format", "json", "--verbose"];
        let target = fake.url();
        let names_target = self.config.contains("target:")
            || self.args.iter().any(|arg| arg == "--target")
            || self.environment.iter().any(|(name, _)| name == "AUDITOR_TARGET");
        if !names_target {
            args.extend(["--target", &target]);
        }
        let own: Vec<_> = self.args.iter().map(|arg| fill(arg)).collect();
        args.extend(own.iter().map(String::as_str));
        let environment = self.environment.iter().map(|(name, value)| match value.to_str() {
            Some(text) => (name.clone(), fill(text).into()),
            None => (name.clone(), value.clone()),
        });
        command(directory, &args).envs(environment).output().unwrap().into()
    }
}

/// The message in the report, after a look at the rest of it.
fn report(run: &Run, wrong: &mut Vec<String>) -> String {
    let report: serde_json::Value = match serde_json::from_str(&run.stdout) {
        Ok(report) => report,
        Err(error) => {
            wrong.push(format!("{error} in {:?}; stderr {:?}", run.stdout, run.stderr));
            return String::new();
        }
    };
    if report["exit_code"] != run.code {
        wrong.push(format!("the report says {}", report["exit_code"]));
    }
    let verdict = report["verdict"].as_str().unwrap_or_default();
    if (verdict == "pass") != (run.code == 0) {
        wrong.push(format!("the verdict is {verdict}"));
    }
    let message = report["error"].as_str().unwrap_or_default();
    // Why a reading is not known stands beside it.
    let reasons = report["signals"].as_object().into_iter().flatten();
    let reasons = reasons.filter_map(|(_, signal)| signal["reason"].as_str());
    reasons.fold(message.to_owned(), |all, reason| all + "\n" + reason)
}

/// A Prometheus with the telemetry of a service that is calm or sick.
pub(crate) fn healthy(request: &Request, calm: bool) -> Response {
    match request.path.as_str() {
        "/-/healthy" => Response::new(200, "Prometheus Server is Healthy.\n"),
        "/api/v1/query" if calm => Response::value("0.01"),
        "/api/v1/query" => Response::value("4"),
        _ => Response::new(404, "404 page not found\n"),
    }
}

/// Runs a matrix: the controls, then every row.
pub(crate) fn check(rows: Vec<Fault>) {
    assert!(!rows.is_empty());
    let control = fault("control");
    for (calm, code) in [(true, 0), (false, 1)] {
        let directory = empty_directory();
        let run = control.audit(&control.backend(calm), directory.path());
        assert_eq!(run.code, code, "the control: {}", run.stderr);
    }
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let wrong = row.run();
                    if !wrong.is_empty() {
                        let wrong = format!("{}: {}", row.name, wrong.join("\n    "));
                        failures.lock().unwrap().push(wrong);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {}\n{}", failures.len(), rows.len(), failures.join("\n"));
}
