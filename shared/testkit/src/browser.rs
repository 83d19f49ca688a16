//! A headless Chromium, controlled with WebDriver.

use std::process::Command;
use std::time::Duration;

use local::service::{Service, StopSignal, free_port, listens};
use serde_json::{Value, json};

use crate::program;

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    _driver: Service,
    _folder: tempfile::TempDir,
    http: reqwest::Client,
    session: String,
}

impl Browser {
    /// Starts a browser.
    ///
    /// # Panics
    /// If Chromium or ChromeDriver is missing or does not start: a test never skips.
    pub async fn start() -> Self {
        let port = free_port(None).unwrap_or_else(|error| panic!("{error}"));
        let folder = tempfile::tempdir().expect("a temporary folder can be created");
        let log = folder.path().join("log");
        let mut command = Command::new(program(&local::tools::CHROMEDRIVER));
        command.arg(format!("--port={port}"));
        let driver = Service::start("ChromeDriver", &mut command, StopSignal::Terminate, Some(&log));
        let mut driver = driver.unwrap_or_else(|error| panic!("{error}"));
        let ready = driver.wait_until(Duration::from_secs(30), Some(&log), || listens(port));
        ready.unwrap_or_else(|error| panic!("{error}"));

        let http = reqwest::Client::new();
        let mut arguments = vec![
            "--headless=new".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--window-size=1280,1600".to_owned(),
            format!("--user-data-dir={}", folder.path().join("profile").display()),
        ];
        if local::unprivileged::is_root() {
            // The sandbox of Chromium does not work as root.
            arguments.push("--no-sandbox".to_owned());
        }
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments, "binary": program(&local::tools::CHROMIUM) },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let base = format!("http://127.0.0.1:{port}/session");
        let session = post(&http, &base, &wanted).await;
        let id = session["sessionId"].as_str().unwrap_or_else(|| panic!("no browser: {session}"));
        Self { _driver: driver, _folder: folder, session: format!("{base}/{id}"), http }
    }

    /// Opens a page and waits until it is loaded.
    pub async fn open(&self, url: &str) {
        post(&self.http, &format!("{}/url", self.session), &json!({ "url": url })).await;
    }

    /// Runs a script as the body of an async function, and returns its result as JSON.
    pub async fn run(&self, script: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1]; (async () => {{ {script} }})().then(done, (error) => done(`threw ${{error}}`));"
        );
        post(&self.http, &format!("{}/execute/async", self.session), &json!({ "script": script, "args": [] })).await
    }

    /// The console messages since the last call, which include violations of the content security policy.
    pub async fn console(&self) -> Vec<String> {
        let entries = post(&self.http, &format!("{}/se/log", self.session), &json!({ "type": "browser" })).await;
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries.iter().filter_map(|entry| entry["message"].as_str()).map(str::to_owned).collect()
    }

    /// A screenshot of the page, as PNG.
    ///
    /// # Panics
    /// If the browser returns no screenshot.
    pub async fn screenshot(&self) -> Vec<u8> {
        use base64::Engine;
        let answer = self.http.get(format!("{}/screenshot", self.session)).send().await.expect("the driver responds");
        let answer: Value = answer.json().await.expect("the driver returns JSON");
        let text = answer["value"].as_str().expect("a screenshot");
        base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
    }
}

async fn post(http: &reqwest::Client, url: &str, body: &Value) -> Value {
    let answer = http.post(url).json(body).timeout(Duration::from_secs(60)).send().await.expect("the driver responds");
    let mut answer: Value = answer.json().await.expect("the driver returns JSON");
    assert!(answer["value"]["error"].is_null(), "{answer}");
    answer["value"].take()
}
