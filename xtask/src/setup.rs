//! `cargo xtask setup`

use std::process::{Command, Stdio};

use local::packages::on_path;
use local::postgres::Programs;
use local::{Result, tools};

use crate::{cargo, environment};

/// Installs what development needs, one line each.
pub(crate) fn run() -> Result<()> {
    let postgres = Programs::find_or_install()?;
    println!("  PostgreSQL {}", postgres.version);
    let cargo_lambda = tools::cargo_lambda()?;
    println!("  cargo-lambda ({})", cargo_lambda.display());
    cargo::build_functions()?;
    environment::keys()?;
    let nextest =
        Command::new("cargo").args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !nextest.is_ok_and(|status| status.success()) {
        println!("  cargo-nextest is not installed; tests run with `cargo test` instead, which takes longer");
    }
    if !on_path("git") {
        println!("  git is not installed; only `cargo xtask lint` needs it");
    }
    println!("Ready: cargo xtask dev");
    Ok(())
}
