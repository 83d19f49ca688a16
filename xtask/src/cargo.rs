//! Calls to cargo.

use std::process::Command;

use local::{Result, ToolError, workspace};

/// A cargo command in the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    // Of the cargo that started us; the functions are built for themselves.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
        command.env_remove(name);
    }
    command.args(arguments).current_dir(workspace());
    command
}

/// Runs a command to its end.
pub(crate) fn finish(mut command: impl std::borrow::BorrowMut<Command>, what: &str, next: &str) -> Result<()> {
    match command.borrow_mut().status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(ToolError::new(format!("{what} failed"), next)),
        Err(error) => Err(ToolError::new(
            format!("{what} could not be started: {error}"),
            "check that Rust is installed: https://rustup.rs",
        )),
    }
}

/// Builds every function, with cargo's own progress.
pub(crate) fn build_functions() -> Result<()> {
    finish(cargo(&["build", "--workspace", "--bins"]), "building the functions", "fix the errors above")
}
