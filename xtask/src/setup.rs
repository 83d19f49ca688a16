//! `cargo xtask setup`: installs tools, builds the functions, and generates development keys.

use clap::Args;
use local::Result;
use local::packages::{agree_to_install, on_path};
use local::postgres::Programs;
use local::tools::{self, Tool};

use crate::{cargo, environment, test};

/// Install what `cargo xtask dev` and the tests of one package need, without starting anything
///
/// Everything is installed into target/tools: PostgreSQL 18 and cargo-lambda. With --all also PgBouncer, moto, the aws
/// CLI, SAM, checkov, actionlint, zizmor, OpenAPI tools and the oldest supported servers; and, if they are missing,
/// Chromium, Node.js and Python through the system's package manager.
#[derive(Args, Default)]
pub(crate) struct SetupOptions {
    /// Also install what all tests and checks need, with the system's package manager where that is necessary
    #[arg(long)]
    pub(crate) all: bool,
}

/// What `cargo xtask template-check` uses.
const CHECKS: [&Tool; 3] = [&tools::CHECKOV, &tools::ACTIONLINT, &tools::ZIZMOR];

/// What `cargo xtask test --oldest` uses. It needs a machine whose apt has a Debian mirror.
const OLDEST: [&Tool; 2] = [&tools::OLD_POSTGRES, &tools::OLD_PGBOUNCER];

impl SetupOptions {
    pub(crate) fn run(&self) -> Result<()> {
        agree_to_install();
        println!("  PostgreSQL {}", Programs::find_or_install()?.version);
        let all = self.all.then(|| test::ALL_TOOLS.into_iter().chain(CHECKS)).into_iter().flatten();
        for tool in [&tools::CARGO_LAMBDA].into_iter().chain(all) {
            println!("  {} ({})", tool.name, tool.find_or_install()?.display());
        }
        for tool in self.all.then_some(OLDEST).into_iter().flatten() {
            if let Err(error) = tool.find_or_install() {
                println!("  {error}; only `cargo xtask test --oldest` uses it");
            }
        }
        cargo::build_functions()?;
        environment::keys()?;
        if !test::has_nextest() {
            println!("  cargo-nextest is not installed; the slower `cargo test` is used instead");
        }
        if on_path("git").is_none() {
            println!("  git is not installed; `cargo xtask lint` and `upgrade` need it");
        }
        println!("Ready: cargo xtask dev");
        Ok(())
    }
}
