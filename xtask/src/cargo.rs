//! Runs cargo, and other commands.

use std::process::Command;

use local::{Result, ToolError, workspace};

/// Builds a cargo command that runs in the root of the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    // The outer `cargo run` set these for the package xtask; they are wrong for the inner cargo.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
        command.env_remove(name);
    }
    command.args(arguments).current_dir(workspace());
    command
}

/// Runs a command and waits for it. If it fails, the error says that `what` failed and what to do `next`.
pub(crate) fn run(mut command: impl std::borrow::BorrowMut<Command>, what: &str, next: &str) -> Result<()> {
    match command.borrow_mut().status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(ToolError::new(format!("{what} failed"), next)),
        Err(error) => Err(ToolError::new(
            format!("{what} cannot be started: {error}"),
            "check that Rust is installed: https://rustup.rs",
        )),
    }
}

/// Builds every function, and shows cargo's progress.
pub(crate) fn build_functions() -> Result<()> {
    run(cargo(&["build", "--workspace", "--bins"]), "building the functions", "fix the errors above")
}
