//! The PostgreSQL of the run: that of `TEST_DATABASE_URL`, or one of our own that ends with this process.

use std::path::PathBuf;
use std::sync::OnceLock;

use local::postgres::{Cluster, Keep, Programs};
use local::tools::Tool;

static OWN: OnceLock<Cluster> = OnceLock::new();

/// The URL of the server, as a role that may create roles and databases.
///
/// # Panics
/// If there is no server and none can be started: a test never skips.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the runner says where its server is")]
pub fn server() -> String {
    if let Ok(url) = std::env::var("TEST_DATABASE_URL") {
        return url;
    }
    let start = || {
        let programs = Programs::find().unwrap_or_else(|error| panic!("{error}"));
        let cluster = Cluster::start(&local::temporary(), &programs, Keep::Fast);
        cluster.unwrap_or_else(|error| panic!("{error}"))
    };
    OWN.get_or_init(start).url("postgres")
}

/// A program that tests need: the one that `variable` names, which `cargo xtask test` sets, else the installed one.
///
/// # Panics
/// If it is not installed: a test never skips.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the runner says where its tools are")]
pub fn program(variable: &str, tool: &Tool) -> PathBuf {
    let given = std::env::var_os(variable).map(PathBuf::from);
    given.unwrap_or_else(|| tool.find().unwrap_or_else(|error| panic!("{error}")))
}

/// `pg_dump` of the server's installation.
///
/// # Panics
/// As [`program`].
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the runner says where its tools are")]
pub fn pg_dump() -> PathBuf {
    let given = std::env::var_os("PG_DUMP").map(PathBuf::from);
    given.unwrap_or_else(|| Programs::find().unwrap_or_else(|error| panic!("{error}")).program("pg_dump"))
}
