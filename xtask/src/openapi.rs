//! `cargo xtask openapi`

use local::Result;

use crate::cargo;

/// Runs the test that compares the document with the code, in the mode in which it writes the document.
pub(crate) fn run() -> Result<()> {
    let mut command =
        cargo::cargo(&["test", "--quiet", "--workspace", "--test", "contract", "--", "openapi_json_equals_the_code"]);
    command.env("UPDATE_CONTRACTS", "1");
    cargo::finish(command, "writing openapi.json", "read the lines above")?;
    println!("functions/docs/openapi.json is up to date");
    Ok(())
}
