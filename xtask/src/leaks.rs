//! Searches the logs of a test run for private data. Tests write both to files (`shared/testkit/src/log_recorder.rs`).

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use local::{Result, ToolError, target};

fn folder() -> PathBuf {
    target().join("test/logs")
}

/// The files of one test process.
#[derive(Default)]
struct ProcessFiles {
    secrets: Vec<String>,
    logs: Vec<(String, String)>,
}

/// Deletes the files of earlier runs.
pub(crate) fn delete_files() {
    // The folder may not exist.
    let _ = fs::remove_dir_all(folder());
}

/// Searches the logs of each test for the texts that it sent and the tokens that it received.
pub(crate) fn check() -> Result<()> {
    let unreadable =
        |error| ToolError::new(format!("the logs of the tests cannot be read: {error}"), "run the tests again");
    let mut by_test: HashMap<String, ProcessFiles> = HashMap::new();
    for entry in fs::read_dir(folder()).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = String::from_utf8_lossy(&fs::read(&path).map_err(unreadable)?).into_owned();
        let test = by_test.entry(name.split('.').next().unwrap_or_default().to_owned()).or_default();
        if name.ends_with(".secrets") {
            test.secrets.extend(text.lines().map(str::to_owned));
        } else {
            test.logs.push((name, text));
        }
    }
    let (mut line_count, mut secret_count, mut found) = (0, 0, Vec::new());
    for ProcessFiles { secrets, logs } in by_test.values() {
        secret_count += secrets.len();
        for (name, log) in logs {
            line_count += log.lines().count();
            found.extend(secrets.iter().filter_map(|text| find_leak(name, log, text)));
        }
    }
    if line_count == 0 || secret_count == 0 {
        return Err(ToolError::new("the tests wrote no logs, so nothing was checked", "run all tests"));
    }
    if !found.is_empty() {
        found.sort_unstable();
        found.truncate(20);
        return Err(ToolError::new(format!("logs contain private data:\n{}", found.join("\n")), "do not log it"));
    }
    println!("No log contains private data: searched for {secret_count} texts in {line_count} lines.");
    Ok(())
}

/// The first line of a log that contains a text, plain or escaped for JSON.
fn find_leak(name: &str, log: &str, text: &str) -> Option<String> {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    let at = log.find(text).or_else(|| log.find(&escaped))?;
    let line = log[..at].lines().count().max(1);
    Some(format!("  target/test/logs/{name}:{line}: {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_is_found_and_named() {
        let log = "{\"a\":1}\n{\"email\":\"ada@example.com\"}\n";
        let found = find_leak("1.log", log, "ada@example.com").unwrap();
        assert_eq!(found, "  target/test/logs/1.log:2: \"ada@example.com\"");
        assert_eq!(find_leak("1.log", log, "eve@example.com"), None);
        assert!(find_leak("1.log", r#"{"title":"say \"yes\""}"#, r#"say "yes""#).is_some());
    }
}
