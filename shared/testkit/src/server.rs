//! The PostgreSQL server of the run: that of `TEST_DATABASE_URL`, or one that this process starts and stops.

use std::path::PathBuf;
use std::sync::OnceLock;

use local::postgres::{Cluster, Profile, Programs};
use local::tools::Tool;

static OWN: OnceLock<Cluster> = OnceLock::new();

/// The URL of the server, with a role that may create roles and databases.
///
/// # Panics
/// If no server is given and none can be started: a test never skips.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "`cargo xtask test` sets this variable")]
pub fn server() -> String {
    if let Ok(url) = std::env::var("TEST_DATABASE_URL") {
        return url;
    }
    let start = || {
        let programs = Programs::find().unwrap_or_else(|error| panic!("{error}"));
        let cluster = Cluster::start(&local::temporary(), &programs, Profile::Test);
        cluster.unwrap_or_else(|error| panic!("{error}"))
    };
    OWN.get_or_init(start).url("postgres")
}

/// A program that tests use.
///
/// # Panics
/// If it is not installed: a test never skips.
#[must_use]
pub fn program(tool: &Tool) -> PathBuf {
    tool.find().unwrap_or_else(|error| panic!("{error}"))
}

/// The `pg_dump` of the server's installation.
///
/// # Panics
/// As [`program`].
#[must_use]
pub fn pg_dump() -> PathBuf {
    Programs::find().unwrap_or_else(|error| panic!("{error}")).program("pg_dump")
}
