//! `cargo xtask openapi`

use local::Result;

use crate::cargo;
use crate::test::{Servers, ask_for};

/// Lets the tests that compare committed files with the code write the files instead.
pub(crate) fn run() -> Result<()> {
    ask_for(&[])?;
    let servers = Servers::start(&[], false)?;
    for (package, test, names) in [
        ("conformance", "contract", &["document::openapi_json", "generated::"][..]),
        ("migrate", "migrate", &["schema::schema_sql_equals_the_migrations"]),
    ] {
        let mut command = cargo::cargo(&["test", "--quiet", "--package", package, "--test", test, "--"]);
        command.args(names).env("UPDATE_CONTRACTS", "1");
        cargo::finish(servers.tell(&mut command), "writing the contracts", "read the lines above")?;
    }
    println!("openapi.json, schema.sql and the generated parts of template.yaml and Cargo.toml are up to date");
    Ok(())
}
