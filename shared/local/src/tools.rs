//! Programs from registries: cargo-lambda, and Python tools in a private virtual environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::packages::{self, on_path};
use crate::{Failure, Result, target};

/// The version of cargo-lambda that is installed where there is none.
const CARGO_LAMBDA: &str = "1.9.2";

/// A stand-in for AWS that real SDKs talk to.
const MOTO: &str = "5.2";

fn folder() -> PathBuf {
    target().join("tools")
}

/// A program of the virtual environment, installed from PyPI if it is not there.
fn from_pypi(program: &str, requirement: &str) -> Result<PathBuf> {
    let environment = folder().join("python");
    let found = environment.join("bin").join(program);
    if found.exists() {
        return Ok(found);
    }
    let failure = |what: &str| {
        Failure::new(
            format!("{what} failed for {requirement}"),
            format!("install {program} by hand so that it is on the PATH"),
        )
    };
    if !environment.join("bin/pip").exists() && !make_environment(&environment) {
        packages::install(&packages::PYTHON)?;
        if !make_environment(&environment) {
            return Err(failure("making a Python virtual environment"));
        }
    }
    eprintln!("  installing {requirement} into {}", environment.display());
    let pip = Command::new(environment.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check", requirement])
        .stdout(Stdio::null())
        .status();
    if pip.is_ok_and(|status| status.success()) && found.exists() { Ok(found) } else { Err(failure("pip install")) }
}

fn make_environment(folder: &Path) -> bool {
    // What an interrupted run left behind does not count.
    let _ = fs::remove_dir_all(folder);
    let made =
        Command::new("python3").args(["-m", "venv"]).arg(folder).stdout(Stdio::null()).stderr(Stdio::null()).status();
    made.is_ok_and(|status| status.success())
}

/// cargo-lambda: from the PATH, else from PyPI, else built by cargo.
pub fn cargo_lambda() -> Result<PathBuf> {
    if on_path("cargo-lambda") {
        return Ok(PathBuf::from("cargo-lambda"));
    }
    let built = folder().join("bin/cargo-lambda");
    if built.exists() {
        return Ok(built);
    }
    let from_python = from_pypi("cargo-lambda", &format!("cargo-lambda=={CARGO_LAMBDA}"));
    let Err(reason) = from_python else { return from_python };
    eprintln!("  {reason}\n  building cargo-lambda with cargo instead, which takes some minutes");
    let done = Command::new("cargo")
        .args(["install", "--locked", "--version", CARGO_LAMBDA, "--root"])
        .arg(folder())
        .arg("cargo-lambda")
        .status();
    if done.is_ok_and(|status| status.success()) {
        Ok(built)
    } else {
        Err(Failure::new("cargo-lambda could not be installed", "install it by hand: https://www.cargo-lambda.info"))
    }
}

/// moto's server.
pub fn moto_server() -> Result<PathBuf> {
    if on_path("moto_server") {
        return Ok(PathBuf::from("moto_server"));
    }
    from_pypi("moto_server", &format!("moto[server]~={MOTO}"))
}
