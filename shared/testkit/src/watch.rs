//! Runs the binaries of all functions under `cargo lambda watch`.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use http::{HeaderMap, Method};
use local::service::{Service, StopSignal, free_port};
use serde_json::Value;

use crate::{TestResponse, log_recorder, program};

/// A running `cargo lambda watch`.
#[derive(Debug)]
pub struct Watch {
    _service: Service,
    folder: tempfile::TempDir,
    /// The URL of the API.
    pub url: String,
}

impl Watch {
    /// Starts every function with `settings` and waits until the health check succeeds.
    ///
    /// # Panics
    /// If cargo-lambda is missing or does not start: a test never skips.
    #[must_use]
    pub fn start(settings: &BTreeMap<String, String>) -> Self {
        let port = free_port(None).unwrap_or_else(|error| panic!("{error}"));
        let folder = tempfile::tempdir().expect("a temporary folder can be created");
        let log = folder.path().join("log");
        let mut command = Command::new(program(&local::tools::CARGO_LAMBDA));
        command.args(["lambda", "watch", "--ignore-changes", "-A", "127.0.0.1", "-P", &port.to_string()]);
        command.current_dir(local::workspace()).envs(settings);
        let service = Service::start("cargo lambda watch", &mut command, StopSignal::Terminate, Some(&log));
        let mut service = service.unwrap_or_else(|error| panic!("{error}"));
        let ready = service.wait_until(Duration::from_secs(300), Some(&log), || local::service::listens(port));
        ready.unwrap_or_else(|error| panic!("{error}"));
        Self { _service: service, folder, url: format!("http://127.0.0.1:{port}") }
    }

    /// Everything that the functions have logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A client of this API, with or without an access token.
    #[must_use]
    pub fn client(&self, token: Option<&str>) -> Client {
        Client::new(&self.url, token)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        log_recorder::record_log_file(&self.folder.path().join("log"));
    }
}

/// A client over HTTP.
#[derive(Debug)]
pub struct Client {
    url: String,
    token: Option<String>,
    headers: HeaderMap,
    http: reqwest::Client,
}

impl Client {
    /// A client of the API at `url`, with or without an access token.
    #[must_use]
    pub fn new(url: &str, token: Option<&str>) -> Self {
        let (url, token) = (url.to_owned(), token.map(str::to_owned));
        Self { url, token, headers: HeaderMap::new(), http: reqwest::Client::new() }
    }

    /// Sends a header with every call.
    ///
    /// # Panics
    /// If the value is not valid.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().expect("a valid header value"));
        self
    }

    /// Sends a request.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> TestResponse {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).timeout(Duration::from_secs(120));
        request = request.headers(self.headers.clone());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            // The events of direct invocations contain no user's secrets.
            if !path.starts_with("/2015-03-31/") {
                log_recorder::record_request(&serde_json::json!({ "body": body.to_string() }));
            }
            request = request.json(&body);
        }
        let response = request.send().await.expect("the API responds");
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.expect("the body arrives").to_vec();
        log_recorder::record_response(&headers, &body);
        TestResponse { status, headers, body }
    }
}
