//! The template as CloudFormation receives it, expanded by SAM's transform.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::Command;

use local::tools;
use serde_json::Value;

/// Translates `template.yaml` with `parameters`. The result is cached by the content of the template.
///
/// # Panics
/// If SAM is missing or rejects the template: a test never skips.
#[must_use]
pub fn translated(parameters: &[&str]) -> Value {
    translated_file("template.yaml", parameters)
}

/// As [`translated`], for another template in the repository.
///
/// # Panics
/// See [`translated`].
#[must_use]
pub fn translated_file(path: &str, parameters: &[&str]) -> Value {
    let (template, script) = (local::workspace().join(path), "xtask/translate.py");
    let script = local::workspace().join(script);
    let read = |path| std::fs::read_to_string(path).expect("it is committed");
    let mut hasher = DefaultHasher::new();
    (read(&template), read(&script), parameters).hash(&mut hasher);
    let cache = local::target().join("template");
    let cached = cache.join(format!("{:016x}.json", hasher.finish()));
    if let Ok(text) = std::fs::read_to_string(&cached) {
        return serde_json::from_str(&text).expect("the cached template is JSON");
    }
    let python = tools::SAM.folder().unwrap_or_else(|error| panic!("{error}")).join("python");
    let output = Command::new(python).arg(script).arg(template).args(parameters).output().expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::create_dir_all(&cache).expect("target is writable");
    let unfinished = cache.join(format!("{}.{}", std::process::id(), hasher.finish()));
    std::fs::write(&unfinished, &output.stdout).expect("target is writable");
    std::fs::rename(unfinished, cached).expect("target is writable");
    serde_json::from_slice(&output.stdout).expect("the translated template is JSON")
}
