//! A watcher beside a staging environment: two real services fall ill one after the other and recover,
//! and a real Prometheus sees it by what the watcher shows.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::alone;
use crate::support::{command, directory_with, real};

/// A load that ends with the test.
struct Load(Child);

impl Load {
    fn start(urls: &[String], clients: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/load.py");
        let mut command = Command::new("python3");
        command.arg(script).args(["--seconds", "600", "--clients", clients]).args(urls);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The watcher, and where it answers.
struct Watcher(Child, String);

impl Watcher {
    fn start(directory: &Path) -> Self {
        let args =
            ["serve", "--services", "services.yaml", "--every", "1s", "--history", "history"];
        let mut command = command(directory, &[&args[..], &["--listen", "127.0.0.1:0"]].concat());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("it says where it answers").unwrap();
            if let Some((_, address)) = line.split_once(": http://") {
                break address.trim_end_matches('/').to_owned();
            }
        };
        // Whoever does not read what it says would hold it up.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self(child, address)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a Prometheus answers to a query now: the value of its only series.
fn value(prometheus: &str, query: &str) -> Option<f64> {
    let url = format!("{prometheus}/api/v1/query");
    let output = Command::new("curl")
        .args(["-sS", "--get", &url, "--data-urlencode", &format!("query={query}")])
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(90);
    while !is_so() {
        assert!(Instant::now() < give_up, "{what}: never");
        thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn a_prometheus_sees_services_fall_ill_and_recover() {
    let _alone = alone();
    let test = "the watch over real services";
    if !real::available(test) || !real::python(test) {
        return;
    }
    let (orders, shop) = (real::service(), real::service());
    let directory = directory_with(auditor::config::DEFAULT_METRICS);
    let services = format!(
        "defaults: {{config: metrics.yaml, for: 5s}}\nscenarios:\n\
         - {{id: orders, scrape: '{0}/metrics/'}}\n- {{id: shop, scrape: '{1}/metrics/'}}\n",
        orders.url, shop.url
    );
    std::fs::write(directory.path().join("services.yaml"), services).unwrap();
    let _calm = Load::start(&[format!("{}/@0.05", orders.url), format!("{}/@0.05", shop.url)], "1");
    let watcher = Watcher::start(directory.path());
    let rules = std::fs::read_to_string("examples/alerting.rules.yml").unwrap();
    // A test does not wait for so long.
    let rules: String = rules
        .lines()
        .map(|line| if line.trim_start().starts_with("for:") { "" } else { line }.to_owned() + "\n")
        .collect();
    let prometheus = real::scraping_with_rules(&[&watcher.1], &rules);
    let verdict = |service: &str, verdict: &str| {
        let query = format!("auditor_verdict{{service=\"{service}\",verdict=\"{verdict}\"}}");
        value(&prometheus.url, &query) == Some(1.0)
    };
    let firing = |service: &str| {
        let query = format!(
            "count(ALERTS{{alertstate=\"firing\",severity=\"critical\",service=\"{service}\"}})"
        );
        value(&prometheus.url, &query).unwrap_or_default() > 0.0
    };
    let is_well = |service: &str| verdict(service, "pass") && !firing(service);
    // Before the first audit nothing is known, which is an alert too.
    wait_for("both are well", || is_well("orders") && is_well("shop"));

    let blocking = Load::start(&[format!("{}/block@1.5", orders.url)], "1");
    wait_for("the first falls ill", || verdict("orders", "fail") && firing("orders"));
    assert!(verdict("shop", "pass") && !firing("shop"), "the other one is well");
    drop(blocking);
    wait_for("the first recovers", || verdict("orders", "pass") && !firing("orders"));

    let saturating = Load::start(&[format!("{}/pool", shop.url)], "40");
    wait_for("the second falls ill", || verdict("shop", "fail") && firing("shop"));
    drop(saturating);
    wait_for("the second recovers", || verdict("shop", "pass") && !firing("shop"));
    wait_for("the first is well", || verdict("orders", "pass"));

    // The whole course is in the history.
    for service in ["orders", "shop"] {
        let url = format!("http://{}/api/failure-report/{service}", watcher.1);
        let report = Command::new("curl").args(["-sS", &url]).output().unwrap().stdout;
        let report: Value = serde_json::from_slice(&report).unwrap();
        assert_eq!(report["status"], "failing", "{report:#}");
    }
}
