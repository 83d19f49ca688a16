//! Records all logs of the tests, and the secrets that no log may contain. After the run, `cargo xtask test` searches
//! the logs for the secrets (`xtask/src/leaks.rs`).

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::Value;
use shared::config::Function;
use shared::metrics::Metrics;

/// The length of the shortest secret to search for. Shorter texts occur in logs by chance.
const MIN_LENGTH: usize = 8;

/// The folder with the logs of the run and the secrets.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = local::target().join("test/logs");
        std::fs::create_dir_all(&folder).expect("target is writable");
        folder
    })
}

fn open(name: &str) -> File {
    let file = OpenOptions::new().create(true).append(true).open(folder().join(name));
    file.expect("target is writable")
}

/// Records everything that this process logs, at every level.
pub(crate) fn record_logs() {
    static STARTED: OnceLock<()> = OnceLock::new();
    STARTED.get_or_init(|| {
        let file = open(&format!("{}.log", std::process::id()));
        let subscriber = tracing_subscriber::fmt().with_env_filter(shared::lambda::log_filter("trace"));
        let _ = subscriber.with_writer(Mutex::new(file)).json().flatten_event(true).try_init();
    });
}

/// The metrics of a function in this process, which are written to the recorded log.
pub(crate) fn metrics(function: Function) -> Metrics {
    Metrics::new("todo-test", function, "1", Box::new(open(&format!("{}.log", std::process::id()))))
}

/// Records the log of another process.
pub(crate) fn record_log_file(log: &Path) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("{}.{}.log", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    // A process that did not start has no log.
    let _ = std::fs::copy(log, folder().join(name));
}

/// Records a secret that no log may contain.
pub(crate) fn record_secret(text: &str) {
    static RECORDED: Mutex<Option<(File, HashSet<String>)>> = Mutex::new(None);
    let short = text.len() < MIN_LENGTH && !(text.contains('@') && text.len() > 4);
    if short || text.contains(['\n', '\r']) {
        return;
    }
    // Email addresses are stored in lower case. Some upper-case letters have no lower case, so compare.
    let lower = text.to_lowercase();
    if text.contains('@') && lower != text {
        record_secret(&lower);
    }
    let mut known = RECORDED.lock().unwrap_or_else(PoisonError::into_inner);
    let (file, known) = known.get_or_insert_with(|| (open(&format!("{}.secrets", std::process::id())), HashSet::new()));
    if known.insert(text.to_owned()) {
        writeln!(file, "{text}").expect("target is writable");
    }
}

/// Records the secrets of a request: the texts in its body, and its credentials.
pub(crate) fn record_request(event: &Value) {
    for name in ["authorization", "cookie"] {
        if let Some(value) = event["headers"][name].as_str() {
            record_secret(value.trim_start_matches("Bearer "));
        }
    }
    let Some(text) = event["body"].as_str() else { return };
    let decoded = STANDARD.decode(text).ok().filter(|_| event["isBase64Encoded"] == true);
    let body = decoded.as_deref().unwrap_or(text.as_bytes());
    match serde_json::from_slice(body) {
        Ok(value) => record_texts(&value),
        Err(_) => std::str::from_utf8(body).into_iter().for_each(record_secret),
    }
}

/// Records the tokens of a response.
pub(crate) fn record_response(headers: &HeaderMap, body: &[u8]) {
    let cookies = headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    cookies.filter_map(|cookie| cookie.split(';').next()?.split_once('=')).for_each(|(_, value)| record_secret(value));
    let Ok(Value::Object(body)) = serde_json::from_slice(body) else { return };
    for name in ["token", "access_token", "refresh_token"] {
        body.get("data").and_then(|data| data[name].as_str()).into_iter().for_each(record_secret);
    }
}

/// Records the secrets of settings: the private parts of keys, and the password of the database.
pub(crate) fn record_settings<'a>(values: impl IntoIterator<Item = &'a String>) {
    for value in values {
        if let Some((_, rest)) = value.split_once("://") {
            rest.split(['@', ':']).nth(1).filter(|_| rest.contains('@')).into_iter().for_each(record_secret);
        }
        let ring: Value = serde_json::from_str(value).unwrap_or_default();
        for key in ring["keys"].as_array().into_iter().flatten() {
            ["d", "k"].iter().filter_map(|part| key[part].as_str()).for_each(record_secret);
        }
    }
}

/// Records every text in a JSON value.
fn record_texts(value: &Value) {
    match value {
        Value::String(text) => record_secret(text),
        Value::Array(values) => values.iter().for_each(record_texts),
        Value::Object(fields) => fields.values().for_each(record_texts),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_logs_are_recorded() {
        record_logs();
        record_texts(
            &serde_json::json!({ "email": "Ada.Witness@example.com", "list": ["a private title", "\u{1d400}@x.de"] }),
        );
        record_settings(&["postgresql://me:pass-word-8@localhost/todo".to_owned()]);
        tracing::info!(place = "witnessed", "a line");
        let read = |kind: &str| {
            let file = folder().join(format!("{}.{kind}", std::process::id()));
            std::fs::read_to_string(file).expect("it is written")
        };
        let secrets = read("secrets");
        for text in ["Ada.Witness@example.com", "ada.witness@example.com", "a private title", "pass-word-8"] {
            assert!(secrets.lines().any(|line| line == text), "{text}: {secrets}");
        }
        assert!(read("log").contains("witnessed"));
    }
}
