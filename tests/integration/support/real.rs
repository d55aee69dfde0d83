//! Real servers, filled with a past of the test's choosing.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::left_out;
use super::telemetry::{self, Format, Instance};

/// What it takes to start the servers, as Debian's packages name it.
const PROGRAMS: [&str; 3] = ["prometheus", "promtool", "victoria-metrics"];

/// Whether the servers are installed.
pub(crate) fn available(test: &str) -> bool {
    programs(test, &PROGRAMS)
}

/// Whether these programs are installed.
pub(crate) fn programs(test: &str, programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = |program: &str| std::env::split_paths(&path).any(|dir| dir.join(program).is_file());
    let missing: Vec<_> = programs.iter().copied().filter(|program| !found(program)).collect();
    missing.is_empty() || left_out(test, &missing.join(", "))
}

/// Whether `python3` can run the examples.
pub(crate) fn python(test: &str) -> bool {
    python_with(test, &["uvicorn", "prometheus_client"])
}

/// Whether `python3` is new enough, and has those modules.
pub(crate) fn python_with(test: &str, modules: &[&str]) -> bool {
    let import = format!("import asyncio, {}; asyncio.to_thread", modules.join(", "));
    let output = Command::new("python3").args(["-c", &import]).output();
    output.is_ok_and(|output| output.status.success())
        || left_out(test, &format!("python3 with {}", modules.join(", ")))
}

/// Where `CI` is set, what a test needs has to be there. Elsewhere its absence is said at once,
/// in a way that the test harness does not swallow, and at the end of the run.
pub(crate) fn left_out(test: &str, missing: &str) -> bool {
    assert!(std::env::var_os("CI").is_none(), "{missing} must be installed in CI");
    tell_left_out(test, missing);
    false
}

/// The same of what CI need not have either.
pub(crate) fn tell_left_out(test: &str, missing: &str) {
    let note = format!("{test} needs {missing}, which is not here");
    std::io::stderr().write_all(format!("\n!!! LEFT OUT: {note}\n").as_bytes()).expect("stderr");
    left_out::note(&note);
}

/// A running server; it is killed when dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) url: String,
    _data: tempfile::TempDir,
}

/// A server of several processes; they are killed when it is dropped.
pub(crate) struct Workers {
    pub(crate) server: Server,
}

impl Drop for Workers {
    fn drop(&mut self) {
        let group = format!("-{}", self.server.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
    }
}

impl Server {
    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A Prometheus that has scraped `instances` from `start` to `end`. `prefix` is the path
/// below which it is served.
pub(crate) fn prometheus(instances: &[Instance], start: i64, end: i64, prefix: &str) -> Server {
    prometheus_behind(None, instances, start, end, prefix)
}

/// The same behind TLS and credentials, as a file of `--web.config.file` sets them up.
pub(crate) fn prometheus_behind(
    web_config: Option<&Path>,
    instances: &[Instance],
    start: i64,
    end: i64,
    prefix: &str,
) -> Server {
    let samples = telemetry::text(instances, start, end, Format::OpenMetrics);
    prometheus_of(&samples, web_config, prefix)
}

/// A Prometheus that holds the samples of `text`, which is OpenMetrics with timestamps.
pub(crate) fn prometheus_of(text: &str, web_config: Option<&Path>, prefix: &str) -> Server {
    let directory = super::empty_directory();
    let samples = directory.path().join("samples");
    fs::write(&samples, text).unwrap();
    prometheus_of_file(&samples, web_config, prefix)
}

/// The same of a file.
pub(crate) fn prometheus_of_file(
    samples: &Path,
    web_config: Option<&Path>,
    prefix: &str,
) -> Server {
    let data = super::empty_directory();
    let (config, tsdb) = (data.path().join("config"), data.path().join("tsdb"));
    fs::write(&config, "").unwrap();
    let filled = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics"])
        .args([samples, &tsdb])
        .output()
        .unwrap();
    assert!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));
    // The certificates of the tests bear the usual host.
    let address = web_config.map_or_else(free_address, |_| free_port(Ipv4Addr::LOCALHOST));
    let mut command = Command::new("prometheus");
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", tsdb.display()))
        .arg("--storage.tsdb.retention.time=100y")
        .arg(format!("--web.listen-address={address}"))
        .arg(format!("--web.route-prefix={prefix}/"));
    let mut scheme = "http";
    let mut up = "200";
    if let Some(file) = web_config {
        command.arg(format!("--web.config.file={}", file.display()));
        // What is asked in plain HTTP is refused, once there is somebody to refuse it.
        (scheme, up) = ("https", "400");
    }
    let url = format!("{scheme}://{address}{prefix}");
    let ready = format!("{prefix}/-/ready");
    let process = start_process(command, data.path(), &address, &ready, up);
    Server { process, url, _data: data }
}

/// The same as a VictoriaMetrics.
pub(crate) fn victoria_metrics(instances: &[Instance], start: i64, end: i64) -> Server {
    victoria_metrics_of(telemetry::text(instances, start, end, Format::Prometheus))
}

/// A VictoriaMetrics that holds the samples of `text`, in the format of Prometheus.
pub(crate) fn victoria_metrics_of(samples: String) -> Server {
    let data = super::empty_directory();
    let address = free_address();
    let mut command = Command::new("victoria-metrics");
    command
        .arg(format!("-storageDataPath={}", data.path().join("data").display()))
        .arg(format!("-httpListenAddr={address}"))
        .arg("-retentionPeriod=100y");
    let url = format!("http://{address}");
    let process = start_process(command, data.path(), &address, "/-/healthy", "200");
    for (page, body) in
        [("api/v1/import/prometheus", samples), ("internal/force_flush", String::new())]
    {
        let status = status(&address, "POST", &format!("/{page}"), &body);
        assert!(status.as_ref().is_ok_and(|status| status.starts_with('2')), "{page}: {status:?}");
    }
    Server { process, url, _data: data }
}

/// A Prometheus that scrapes those addresses each second.
pub(crate) fn scraping(addresses: &[&str]) -> Server {
    scraping_every(1, addresses)
}

/// What says that those addresses are to be scraped each so many seconds.
fn scrape_config(seconds: u32, addresses: &[&str]) -> String {
    let targets = format!("{{job_name: service, static_configs: [{{targets: {addresses:?}}}]}}");
    format!("global: {{scrape_interval: {seconds}s}}\nscrape_configs: [{targets}]\n")
}

/// A Prometheus that scrapes each address every so many seconds, as a job of its own.
pub(crate) fn scraping_each(targets: &[(u32, &str)]) -> Server {
    let job = |(seconds, address): &(u32, &str)| {
        format!(
            "{{job_name: every-{seconds}, scrape_interval: {seconds}s, static_configs: \
             [{{targets: [{address:?}]}}]}}"
        )
    };
    let jobs: Vec<_> = targets.iter().map(job).collect();
    scraping_as(&format!("scrape_configs: [{}]\n", jobs.join(", ")))
}

/// A VictoriaMetrics that scrapes those addresses each so many seconds.
pub(crate) fn victoria_scraping_every(seconds: u32, addresses: &[&str]) -> Server {
    let data = super::empty_directory();
    let config = data.path().join("config");
    fs::write(&config, scrape_config(seconds, addresses)).unwrap();
    let address = free_address();
    let mut command = Command::new("victoria-metrics");
    command
        .arg(format!("-storageDataPath={}", data.path().join("data").display()))
        .arg(format!("-httpListenAddr={address}"))
        .arg(format!("-promscrape.config={}", config.display()));
    let process = start_process(command, data.path(), &address, "/-/healthy", "200");
    Server { process, url: format!("http://{address}"), _data: data }
}

/// A service that is the Python program `text`, given host and port.
pub(crate) fn python_service(text: &str) -> Server {
    let data = super::empty_directory();
    let address = free_address();
    let (host, port) = address.split_once(':').expect("host and port");
    let mut command = Command::new("python3");
    command.args(["-c", text, host, port]);
    let process = start_process(command, data.path(), &address, "/metrics", "200");
    Server { process, url: format!("http://{address}"), _data: data }
}

/// A Prometheus that scrapes those addresses each so many seconds.
pub(crate) fn scraping_every(seconds: u32, addresses: &[&str]) -> Server {
    scraping_as(&scrape_config(seconds, addresses))
}

/// A Prometheus that scrapes those addresses each second, and evaluates rules as often.
pub(crate) fn scraping_with_rules(addresses: &[&str], rules: &str) -> Server {
    let config =
        scrape_config(1, addresses).replace("global: {", "global: {evaluation_interval: 1s, ");
    scraping_as_with(&format!("rule_files: [rules]\n{config}"), Some(rules))
}

fn scraping_as(text: &str) -> Server {
    scraping_as_with(text, None)
}

fn scraping_as_with(text: &str, rules: Option<&str>) -> Server {
    let data = super::empty_directory();
    let config = data.path().join("config");
    fs::write(&config, text).unwrap();
    if let Some(rules) = rules {
        fs::write(data.path().join("rules"), rules).unwrap();
    }
    let address = free_address();
    let mut command = Command::new("prometheus");
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", data.path().join("tsdb").display()))
        .arg(format!("--web.listen-address={address}"));
    let process = start_process(command, data.path(), &address, "/-/ready", "200");
    Server { process, url: format!("http://{address}"), _data: data }
}

/// The example service.
pub(crate) fn service() -> Server {
    served_by_uvicorn("examples", "service:app", "/metrics/")
}

/// An ASGI application in that directory, whose page of metrics is at `page`; it finds the
/// examples too.
pub(crate) fn served_by_uvicorn(directory: &str, app: &str, page: &str) -> Server {
    let data = super::empty_directory();
    let address = free_address();
    let (host, port) = address.split_once(':').expect("host and port");
    let mut command = Command::new("python3");
    command
        .args(["-m", "uvicorn", "--app-dir", directory, "--host", host, "--port", port])
        .args(["--log-level", "warning", app])
        .env("PYTHONPATH", "examples")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let process = start_process(command, data.path(), &address, page, "200");
    Server { process, url: format!("http://{address}"), _data: data }
}

/// The service `tests/under_load/workers.py` with so many workers, one of which is sick if so.
pub(crate) fn workers(count: usize, is_sick: bool) -> Workers {
    let data = super::empty_directory();
    let address = free_address();
    let (host, port) = address.split_once(':').expect("host and port");
    let mut command = Command::new("python3");
    command
        .args(["-m", "uvicorn", "--app-dir", "tests/under_load", "--host", host, "--port", port])
        .args(["--log-level", "warning", "--workers", &count.to_string(), "workers:app"])
        .env("PYTHONPATH", "examples")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .process_group(0);
    if is_sick {
        command.env("SICK_WORKER", data.path().join("sick"));
    }
    in_a_group(command, address, data)
}

/// The service `tests/under_load/crashing.py`, which is started anew when it has crashed.
pub(crate) fn crashing() -> Workers {
    let data = super::empty_directory();
    let address = free_address();
    let (host, port) = address.split_once(':').expect("host and port");
    let mut command = Command::new("python3");
    command
        .args(["tests/under_load/crashing.py", host, port])
        .env("PYTHONPATH", "examples")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .process_group(0);
    in_a_group(command, address, data)
}

/// A service that answers at `/` when it is up, and all of its processes.
pub(crate) fn group(mut command: Command, address: String) -> Workers {
    let data = super::empty_directory();
    command.process_group(0);
    let process = start_process(command, data.path(), &address, "/", "200");
    Workers { server: Server { process, url: format!("http://{address}"), _data: data } }
}

fn in_a_group(command: Command, address: String, data: tempfile::TempDir) -> Workers {
    let process = start_process(command, data.path(), &address, "/metrics/", "200");
    Workers { server: Server { process, url: format!("http://{address}"), _data: data } }
}

/// Host and port where nobody listens, until the caller does: every call is given a host of
/// its own, where no other test comes upon a free port first.
pub(crate) fn free_address() -> String {
    static CALLS: AtomicU16 = AtomicU16::new(1);
    let [high, low] = CALLS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    free_port(Ipv4Addr::new(127, 1, high, low))
}

fn free_port(host: Ipv4Addr) -> String {
    let listener = TcpListener::bind((host, 0)).expect("a free port");
    listener.local_addr().expect("its address").to_string()
}

/// The status of the answer to a request without ceremony.
pub(crate) fn status(
    address: &str,
    method: &str,
    path: &str,
    body: &str,
) -> std::io::Result<String> {
    let answer = exchange(address, method, path, body)?;
    Ok(answer.split(' ').nth(1).unwrap_or_default().to_owned())
}

/// The whole answer to a request without ceremony.
pub(crate) fn exchange(
    address: &str,
    method: &str,
    path: &str,
    body: &str,
) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// What a server says to an instant query at that Unix time, errors and statistics included.
pub(crate) fn instant_query(server: &Server, query: &str, time: i64) -> serde_json::Value {
    let query = percent_encoding::utf8_percent_encode(query, percent_encoding::NON_ALPHANUMERIC);
    let address = server.address();
    // In this version of HTTP there are no chunks that could tear a character apart.
    let mut stream = TcpStream::connect(address).expect("a connection");
    write!(
        stream,
        "GET /api/v1/query?stats=all&time={time}&query={query} HTTP/1.0\r\nHost: {address}\r\n\r\n"
    )
    .expect("the query is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer in UTF-8");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// Starts a server, and waits until the page `ready` answers with the status `up`.
fn start_process(
    mut command: Command,
    directory: &Path,
    address: &str,
    ready: &str,
    up: &str,
) -> Child {
    let log = directory.join("log");
    let output = fs::File::create(&log).unwrap();
    let mut process = command
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap();
    let give_up = Instant::now() + Duration::from_secs(60);
    while !status(address, "GET", ready, "").is_ok_and(|status| status == up) {
        let ended = process.try_wait().unwrap();
        if ended.is_some() || Instant::now() > give_up {
            let _ = process.kill();
            panic!("no server: {ended:?} {}", fs::read_to_string(&log).unwrap());
        }
        thread::sleep(Duration::from_millis(50));
    }
    process
}
