//! Chromium without a window, by its DevTools protocol.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket, client};

use super::real::left_out;

/// A page in a browser, which ends with it.
pub(crate) struct Browser {
    process: Child,
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    last: u64,
    /// What came beside the answers.
    events: Vec<Value>,
    _profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Browser {
    /// Starts a browser; `None` where there is none, and the test is left out.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let profile = super::empty_directory();
        let started = Command::new("chromium")
            // Of what the tests show it, nothing is foreign: root may do without the sandbox.
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"])
            .args(["--disable-dev-shm-usage", "--no-first-run", "about:blank"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .env("HOME", profile.path())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        let Ok(mut process) = started else {
            left_out(test, "chromium");
            return None;
        };
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let url = stderr.lines().map_while(Result::ok).find_map(|line| {
            line.strip_prefix("DevTools listening on ").map(|url| url.trim().to_owned())
        });
        let url = url.expect("chromium says where it listens");
        let address = url.trim_start_matches("ws://").split('/').next().unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let (socket, _) = client(url.as_str(), MaybeTlsStream::Plain(stream)).unwrap();
        let (session, events) = (None, Vec::new());
        let mut browser = Self { process, socket, session, last: 0, events, _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", attach)["sessionId"].clone();
        browser.session = session.as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.events.clear();
        Some(browser)
    }

    /// Calls a method, and waits for its answer.
    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let mut call = json!({"id": self.last, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            call["sessionId"] = session.as_str().into();
        }
        self.socket.send(Message::text(call.to_string())).unwrap();
        loop {
            let message = self.read();
            if message["id"] == self.last {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    fn read(&mut self) -> Value {
        let message = self.socket.read().expect("chromium answers");
        serde_json::from_str(message.to_text().unwrap()).unwrap()
    }

    /// From now on in such colours, on a window so wide.
    pub(crate) fn look(&mut self, scheme: &str, width: u32) {
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.call("Emulation.setEmulatedMedia", json!({"features": [feature]}));
        let size = json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Opens a page, and waits until it is there.
    pub(crate) fn open(&mut self, url: &str) {
        let is_loaded = |event: &Value| event["method"] == "Page.loadEventFired";
        self.events.retain(|event| !is_loaded(event));
        let opened = self.call("Page.navigate", json!({"url": url}));
        assert!(opened["errorText"].is_null(), "{opened}");
        while !self.events.iter().any(is_loaded) {
            let event = self.read();
            self.events.push(event);
        }
    }

    /// What an expression of JavaScript comes to, which has to be a text.
    pub(crate) fn evaluate(&mut self, expression: &str) -> String {
        let answer = self.call("Runtime.evaluate", json!({"expression": expression}));
        let text = answer["result"]["value"].as_str();
        text.unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// All that is told to a reader of the screen.
    pub(crate) fn accessibility(&mut self) -> Vec<Value> {
        self.call("Accessibility.getFullAXTree", json!({}))["nodes"].as_array().unwrap().clone()
    }

    fn events<'a>(&'a self, methods: &'a [&str]) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(move |it| methods.iter().any(|method| it["method"] == *method))
    }

    /// What came to the console since it was started.
    pub(crate) fn told(&self) -> Vec<String> {
        const TOLD: &[&str] =
            &["Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"];
        self.events(TOLD).map(|event| event["params"].to_string()).collect()
    }

    /// What was asked for since it was started.
    pub(crate) fn requested(&self) -> Vec<String> {
        let requests = self.events(&["Network.requestWillBeSent"]);
        requests.map(|it| it["params"]["request"]["url"].as_str().unwrap().to_owned()).collect()
    }
}
