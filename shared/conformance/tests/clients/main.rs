//! The OpenAPI document in other programs: validators accept it, and generators make clients that compile and import.

use std::path::Path;
use std::process::{Command, Stdio};

use local::tools;
use tempfile::TempDir;

/// The published document. The contract test compares it with the code.
fn document() -> String {
    local::workspace().join("functions/docs/openapi.json").display().to_string()
}

/// The path of a file in the folder of this one.
fn sibling(name: &str) -> String {
    local::workspace().join("shared/conformance/tests/clients").join(name).display().to_string()
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

/// Runs a program of Node.js in a folder and returns its output. It must succeed.
fn node(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let programs = tools::OPENAPI_NODE.folder().unwrap_or_else(|error| panic!("{error}"));
    run(Command::new(programs.join(program)).args(arguments).current_dir(folder), program)
}

/// The same for a program of Python. The generator looks for its formatter on the PATH.
#[expect(clippy::disallowed_methods, reason = "the PATH of the process is the one to extend")]
fn python(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let programs = tools::OPENAPI_PYTHON.folder().unwrap_or_else(|error| panic!("{error}"));
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    run(Command::new(programs.join(program)).args(arguments).current_dir(folder).env("PATH", path), program)
}

fn run(command: &mut Command, program: &str) -> String {
    let command = command.env("REDOCLY_TELEMETRY", "off").env("SCARF_ANALYTICS", "false").stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program}: {said}");
    said
}

/// Compiles one of our TypeScript files together with the generated code.
fn compile(folder: &Path, name: &str) {
    std::fs::copy(sibling(name), folder.join(name)).expect("the file can be copied");
    let strict =
        ["--noEmit", "--strict", "--skipLibCheck", "false", "--target", "es2022", "--lib", "es2022,dom,dom.iterable"];
    let modules = ["--module", "esnext", "--moduleResolution", "bundler"];
    node(folder, "tsc", &[&strict[..], &modules[..], &[name]].concat());
}

#[test]
fn redocly_reports_nothing() {
    let said = node(folder().path(), "redocly", &["lint", &document(), "--extends=recommended-strict"]);
    assert!(said.contains("Your API description is valid"), "{said}");
}

#[test]
fn spectral_reports_nothing() {
    let arguments = ["lint", &document(), "--ruleset", &sibling("spectral.yaml"), "--fail-severity=hint"];
    let said = node(folder().path(), "spectral", &arguments);
    assert!(said.contains("No results with a severity of"), "{said}");
}

#[test]
fn openapi_spec_validator_reports_nothing() {
    let said = python(folder().path(), "openapi-spec-validator", &[&document()]);
    assert!(said.trim_end().ends_with("OK"), "{said}");
}

#[test]
fn openapi_typescript_makes_types_that_compile() {
    let folder = folder();
    node(folder.path(), "openapi-typescript", &[&document(), "-o", "schema.d.ts"]);
    compile(folder.path(), "types.ts");
}

#[test]
fn hey_api_makes_a_client_that_compiles() {
    let folder = folder();
    node(folder.path(), "openapi-ts", &["-i", &document(), "-o", "generated", "--no-log-file"]);
    compile(folder.path(), "client.ts");
}

#[test]
fn openapi_python_client_makes_a_client_that_imports() {
    let folder = folder();
    let (path, output) =
        (document(), ["--output-path", "client", "--meta", "none", "--overwrite", "--fail-on-warning"]);
    python(folder.path(), "openapi-python-client", &[&["generate", "--path", &path], &output[..]].concat());
    // Undefined names: Python itself reports these only when it executes the line.
    python(folder.path(), "ruff", &["check", "--isolated", "--select", "F821", "client"]);
    std::fs::copy(sibling("client.py"), folder.path().join("try_client.py")).expect("the file can be copied");
    let said = python(folder.path(), "python", &["try_client.py"]);
    assert!(said.ends_with("modules imported\n"), "{said}");
}
