//! The PostgreSQL server of the run: that of `TEST_DATABASE_URL`, or one that is started here and ends with this process.

use std::path::PathBuf;
use std::sync::OnceLock;

use local::postgres::{Cluster, Keep, Programs};

static OWN: OnceLock<Cluster> = OnceLock::new();

/// The URL of the server, with a role that may create roles and databases.
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
        let programs = Programs::find_or_install().unwrap_or_else(|failure| panic!("{failure}"));
        let cluster = Cluster::start(&local::temporary(), &programs, Keep::Fast);
        cluster.unwrap_or_else(|failure| panic!("{failure}"))
    };
    OWN.get_or_init(start).url("postgres")
}

/// The path of a program that tests need: from the variable that `cargo xtask test` sets, otherwise from `PATH`.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the runner says where its tools are")]
pub fn program(variable: &str, otherwise: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| otherwise.into(), PathBuf::from)
}
