//! House rules that rustfmt and clippy do not check.

use std::fs;
use std::process::Command;

use local::{Result, ToolError, workspace};

use crate::cargo::cargo;

/// Libraries that would bring a second TLS stack or a second crypto provider.
const BANNED: [&str; 4] = ["openssl", "openssl-sys", "native-tls", "ring"];

/// The longest file of code; split a longer one.
const LONGEST: usize = 300;

/// The starts of SQL statements, as this project writes them.
const SQL: [&str; 4] = ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM "];

/// Checks every file and every dependency, and reports every violation.
pub(crate) fn check() -> Result<()> {
    let root = workspace();
    let files = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output();
    let files = files.ok().filter(|files| files.status.success());
    let files =
        files.ok_or_else(|| ToolError::new("git cannot list the files", "run this in a git checkout, with git"))?;
    let mut found = Vec::new();
    for path in String::from_utf8_lossy(&files.stdout).lines() {
        if let Ok(text) = fs::read_to_string(root.join(path)) {
            found.extend(in_file(path, &text));
        }
    }
    let tree = cargo(&["tree", "--workspace", "--target", "all", "--prefix", "none", "--format", "{p}"]).output();
    let tree = tree.ok().filter(|tree| tree.status.success());
    let tree = tree.ok_or_else(|| ToolError::new("cargo tree failed", "run it to see why"))?;
    found.extend(in_tree(&String::from_utf8_lossy(&tree.stdout)));
    if found.is_empty() {
        return Ok(());
    }
    let lines: String = found.iter().map(|line| format!("\n  {line}")).collect();
    Err(ToolError::new(format!("{} house rule(s) broken:{lines}", found.len()), "correct the files above"))
}

fn in_file(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let generated = path.ends_with(".snap") || path.ends_with(".json");
    if path.ends_with(".rs") {
        if !text.starts_with("//! ") {
            found.push(format!("{path}: the first line must say what the file is for (`//! …`)"));
        }
        let lines = text.lines().count();
        if lines > LONGEST {
            found.push(format!("{path}: {lines} lines; split a file with more than {LONGEST}"));
        }
        if !path.starts_with("shared/src/db/") && !may_hold_sql(path) {
            let statement = text.lines().position(|line| SQL.iter().any(|word| line.contains(&format!("\"{word}"))));
            found.extend(statement.map(|line| format!("{path}:{}: SQL belongs into shared/src/db", line + 1)));
        }
        let named = text.lines().position(|line| {
            [".prepare(", ".prepare_cached(", ".prepare_typed("].iter().any(|call| line.contains(call))
        });
        found.extend(
            named
                .filter(|_| !path.starts_with("xtask/"))
                .map(|line| format!("{path}:{}: a named statement is not safe behind a pooler", line + 1)),
        );
    }
    if path.starts_with("migrations/") && path.ends_with(".sql") && text.contains('\r') {
        found.push(format!("{path}: line endings change the checksum of a migration"));
    }
    if !generated && text.lines().any(|line| line.ends_with(' ') || line.ends_with('\t')) && !path.ends_with(".lock") {
        found.push(format!("{path}: white space at the end of a line"));
    }
    found
}

/// Tests and measurements read the database directly, and local tools set it up.
fn may_hold_sql(path: &str) -> bool {
    path.contains("/tests/")
        || path.starts_with("shared/testkit/")
        || path.starts_with("shared/local/")
        || path.starts_with("bench/")
        || path.starts_with("xtask/")
}

/// Reads the tree of what is built; the lock file also lists optional dependencies that are switched off.
fn in_tree(tree: &str) -> Vec<String> {
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let mut found: Vec<&str> = names.filter(|name| BANNED.contains(name)).collect();
    found.sort_unstable();
    found.dedup();
    found
        .iter()
        .map(|name| format!("{name} is banned (one TLS stack, one crypto provider): cargo tree -i {name}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_outside_of_its_home_is_found() {
        let text = "//! A file.\nlet sql = \"SELECT 1\";\n";
        assert_eq!(
            in_file("functions/tasks/src/get.rs", text),
            ["functions/tasks/src/get.rs:2: SQL belongs into shared/src/db"]
        );
        assert!(in_file("shared/src/db/tasks.rs", text).is_empty());
    }

    #[test]
    fn a_file_says_what_it_is_for() {
        assert_eq!(in_file("a.rs", "fn main() {}\n").len(), 1);
    }

    #[test]
    fn a_second_tls_stack_is_found() {
        assert_eq!(in_tree("rustls v0.23.46\nring v0.17.14\nring v0.17.14 (*)\nstring v1.0.0\n").len(), 1);
    }
}
