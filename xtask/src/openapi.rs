//! `cargo xtask openapi`: regenerates the committed files that follow from the code.

use local::Result;

use crate::cargo;
use crate::test::{TestServers, ask_to_install_missing};

/// Runs the tests that compare committed files with the code, in the mode that writes the files.
pub(crate) fn run() -> Result<()> {
    ask_to_install_missing(&[])?;
    let servers = TestServers::start(&[], false)?;
    for (package, test, names) in [
        ("conformance", "contract", &["document::openapi_json", "generated::"][..]),
        ("migrate", "migrate", &["schema::schema_sql_equals_the_migrations"]),
    ] {
        let mut command = cargo::cargo(&["test", "--quiet", "--package", package, "--test", test, "--"]);
        command.args(names).env("UPDATE_CONTRACTS", "1");
        cargo::run(servers.set_variables(&mut command), "writing the files", "read the lines above")?;
    }
    println!("openapi.json, schema.sql and the generated parts of template.yaml and Cargo.toml are up to date");
    Ok(())
}
