//! House rules that rustfmt and clippy do not check.

use std::fs;
use std::process::Command;

use local::{Result, ToolError, workspace};

use crate::cargo::cargo;

/// Libraries that would bring a second TLS stack or a second crypto provider.
const BANNED: [&str; 4] = ["openssl", "openssl-sys", "native-tls", "ring"];

/// The most lines that a Rust file may have.
const MAX_LINES: usize = 300;

/// How SQL statements start in this project.
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
            found.extend(check_file(path, &text));
        }
    }
    let tree = cargo(&["tree", "--workspace", "--target", "all", "--prefix", "none", "--format", "{p}"]).output();
    let tree = tree.ok().filter(|tree| tree.status.success());
    let tree = tree.ok_or_else(|| ToolError::new("cargo tree failed", "run it to see why"))?;
    found.extend(check_tree(&String::from_utf8_lossy(&tree.stdout)));
    if found.is_empty() {
        return Ok(());
    }
    let lines: String = found.iter().map(|line| format!("\n  {line}")).collect();
    Err(ToolError::new(format!("{} house rule(s) broken:{lines}", found.len()), "fix the files above"))
}

fn check_file(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let generated = path.ends_with(".snap") || path.ends_with(".json");
    if path.ends_with(".rs") {
        if !text.starts_with("//! ") {
            found.push(format!("{path}: the first line must say what the file is for (`//! …`)"));
        }
        let lines = text.lines().count();
        if lines > MAX_LINES {
            found.push(format!("{path}: {lines} lines; split a file with more than {MAX_LINES}"));
        }
        if !path.starts_with("shared/src/db/") && !may_hold_sql(path) {
            let statement = text.lines().position(|line| SQL.iter().any(|word| line.contains(&format!("\"{word}"))));
            found.extend(statement.map(|line| format!("{path}:{}: SQL belongs in shared/src/db", line + 1)));
        }
        let prepared = text.lines().position(|line| {
            [".prepare(", ".prepare_cached(", ".prepare_typed("].iter().any(|call| line.contains(call))
        });
        found.extend(
            prepared
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

/// Tests and measurements query the database directly, and local tools set it up.
fn may_hold_sql(path: &str) -> bool {
    path.contains("/tests/")
        || path.starts_with("shared/testkit/")
        || path.starts_with("shared/local/")
        || path.starts_with("bench/")
        || path.starts_with("xtask/")
}

/// Finds banned crates in the output of `cargo tree`. The lock file would not do: it also lists disabled optional
/// dependencies.
fn check_tree(tree: &str) -> Vec<String> {
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
    fn sql_outside_of_shared_db_is_found() {
        let text = "//! A file.\nlet sql = \"SELECT 1\";\n";
        assert_eq!(
            check_file("functions/tasks/src/get.rs", text),
            ["functions/tasks/src/get.rs:2: SQL belongs in shared/src/db"]
        );
        assert!(check_file("shared/src/db/tasks.rs", text).is_empty());
    }

    #[test]
    fn a_file_without_a_module_comment_is_found() {
        assert_eq!(check_file("a.rs", "fn main() {}\n").len(), 1);
    }

    #[test]
    fn a_second_tls_stack_is_found() {
        assert_eq!(check_tree("rustls v0.23.46\nring v0.17.14\nring v0.17.14 (*)\nstring v1.0.0\n").len(), 1);
    }
}
