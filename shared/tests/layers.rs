//! Imports between the modules of this crate point one way: `http → {tokens, passwords} → db → domain` (docs/ARCHITECTURE.md).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module, and the modules that it may import. A module imports only what is above it in this list, so there are
/// no cycles.
const LAYERS: [(&str, &[&str]); 14] = [
    ("domain", &[]),
    ("clock", &[]),
    ("deadline", &[]),
    ("keys", &[]),
    ("ids", &["clock"]),
    ("db", &["domain", "clock", "deadline", "ids"]),
    ("tokens", &["domain", "keys"]),
    ("passwords", &["domain", "keys"]),
    ("config", &["domain", "clock", "keys", "db", "tokens", "passwords"]),
    ("error", &["domain", "db"]),
    ("metrics", &["config", "error"]),
    ("state", &["domain", "clock", "ids", "db", "config", "metrics"]),
    ("http", &["domain", "clock", "deadline", "db", "tokens", "passwords", "config", "error", "metrics", "state"]),
    ("lambda", &["clock", "ids", "db", "config", "metrics", "state", "http"]),
];

#[test]
fn modules_import_only_the_layers_below_them() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut forbidden = BTreeSet::new();
    for file in rust_files(&sources) {
        let path = file.strip_prefix(&sources).unwrap().with_extension("");
        let module = path.iter().next().and_then(|name| name.to_str()).unwrap();
        if module == "lib" {
            continue;
        }
        let (_, allowed) = LAYERS.iter().find(|(name, _)| *name == module).unwrap_or_else(|| {
            panic!("src/{module} is a new module: add it to LAYERS in {}, with what it may import", file!())
        });
        for imported in imports(&fs::read_to_string(&file).unwrap()) {
            if imported != module && !allowed.contains(&imported.as_str()) {
                forbidden.insert(format!("src/{}.rs imports crate::{imported}", path.display()));
            }
        }
    }
    assert!(
        forbidden.is_empty(),
        "{}\nMove the shared value down (usually to src/domain), or pass it as an argument. Only if the direction is \
         right, allow it in LAYERS in {}.",
        forbidden.into_iter().collect::<Vec<_>>().join("\n"),
        file!()
    );
}

#[test]
fn the_layers_have_no_cycle() {
    for (place, (module, allowed)) in LAYERS.iter().enumerate() {
        for imported in *allowed {
            let below = LAYERS[..place].iter().any(|(name, _)| name == imported);
            assert!(below, "{module} may import {imported}, which is not above it in LAYERS");
        }
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The modules that a file names as `crate::<module>`, outside of comments and macros.
fn imports(source: &str) -> Vec<String> {
    let code = source.lines().map(str::trim_start).filter(|line| !line.starts_with("//") && !line.contains("$crate"));
    let paths = code.flat_map(|line| line.split("crate::").skip(1));
    let names = paths.map(|path| path.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap());
    names.map(str::to_owned).collect()
}
