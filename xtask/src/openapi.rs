//! `cargo xtask openapi`

use local::Result;

use crate::cargo;

/// Lets the tests that compare committed files with the code write the files instead.
pub(crate) fn run() -> Result<()> {
    let mut command = cargo::cargo(&["test", "--quiet", "--package", "conformance", "--test", "contract", "--"]);
    command.args(["document::openapi_json", "generated::"]).env("UPDATE_CONTRACTS", "1");
    cargo::finish(command, "writing the contracts", "read the lines above")?;
    println!("functions/docs/openapi.json and the generated parts of template.yaml and Cargo.toml are up to date");
    Ok(())
}
