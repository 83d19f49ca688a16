//! `cargo xtask test`: installs what tests need, starts a PostgreSQL for the run, runs everything.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::available_parallelism;

use clap::Args;
use local::packages::{self, on_path};
use local::postgres::{Cluster, Keep, Programs};
use local::{Failure, Result, target, temporary, tools};

use crate::lock::Lock;
use crate::{cargo, environment, leaks};

#[derive(Args, Default)]
pub(crate) struct Test {
    /// Arguments for the test runner, such as `-p tasks` or the name of a test; only these tests run then,
    /// and not a second time through PgBouncer
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
    /// Whether the tests need a database and a pooler alone.
    #[arg(skip)]
    only_databases: bool,
}

impl Test {
    /// Tests that need a database and a pooler alone.
    pub(crate) fn of(arguments: &[&str]) -> Self {
        Self { arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(), only_databases: true }
    }

    pub(crate) fn run(&self) -> Result<()> {
        let programs = Programs::find_or_install()?;
        let pgbouncer = pgbouncer()?;
        let tools = if self.only_databases { Vec::new() } else { others()? };

        let _only_run = Lock::take(&target().join("test"), "tests of this clone are running")?;
        // A folder per run: what a killed run left is removed by its keeper, which may still be at it.
        let folder = temporary();
        // With TEST_DATABASE_URL, that server is used and none is started.
        let given = environment::given("TEST_DATABASE_URL");
        let cluster = if given.is_none() { Some(Cluster::start(&folder, &programs, Keep::Fast)?) } else { None };
        let url = cluster.as_ref().map(|cluster| cluster.url("postgres")).or(given).unwrap_or_default();
        println!("  PostgreSQL {} and what else is needed are there; building", programs.version);
        cargo::build_functions()?;

        let run = |arguments: &[&str], through: &str, next: &str| {
            let mut command = runner(arguments);
            command
                .env("TEST_DATABASE_URL", &url)
                .env("TEST_THROUGH", through)
                .env("PG_DUMP", programs.program("pg_dump"))
                .env("PGBOUNCER", &pgbouncer)
                .envs(tools.iter().map(|(name, path)| (name, path)));
            cargo::finish(command, "a test", next)
        };
        if !self.arguments.is_empty() {
            let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
            leaks::forget();
            run(
                &arguments,
                &environment::given("TEST_THROUGH").unwrap_or_default(),
                "read the lines above; TEST_DATABASE_URL is where the tests' databases are made",
            )?;
            // Some tests log nothing; those of what deploys do.
            return if self.only_databases { leaks::look() } else { Ok(()) };
        }
        leaks::forget();
        println!("\nThe API once more through PgBouncer comes after this:");
        run(&["--workspace"], "", "cargo xtask test <name of the test>")?;
        println!("\nThe API's tests through PgBouncer in transaction mode, with TLS:");
        run(
            &["--workspace", "--test", "api"],
            "pgbouncer",
            "TEST_THROUGH=pgbouncer cargo xtask test <name of the test>",
        )?;
        leaks::look()
    }
}

/// cargo-nextest where it is installed, else `cargo test`. Tests wait for databases more than they compute, so
/// more of them run at once than there are processors.
fn runner(arguments: &[&str]) -> Command {
    let nextest =
        Command::new("cargo").args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if nextest.is_ok_and(|status| status.success()) {
        let threads = available_parallelism().map_or(4, |processors| 3 * processors.get());
        let mut command = cargo::cargo(&["nextest", "run", "--no-fail-fast", "--test-threads", &threads.to_string()]);
        command.args(arguments);
        command
    } else {
        let mut command = cargo::cargo(&["test", "--no-fail-fast"]);
        command.args(arguments);
        command
    }
}

/// What the other tests need, by the variable that names it.
fn others() -> Result<Vec<(&'static str, PathBuf)>> {
    tools::sam()?;
    tools::openapi()?;
    let (chromium, chromedriver) = browser()?;
    Ok(vec![
        ("CARGO_LAMBDA", tools::cargo_lambda()?),
        ("MOTO_SERVER", tools::moto_server()?),
        ("CHROMIUM", chromium),
        ("CHROMEDRIVER", chromedriver),
    ])
}

pub(crate) fn pgbouncer() -> Result<PathBuf> {
    let find = || {
        let places =
            ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer", "/usr/local/bin/pgbouncer"];
        places.iter().map(PathBuf::from).find(|path| path.exists())
    };
    if let Some(found) = find() {
        return Ok(found);
    }
    packages::install(&packages::PGBOUNCER)?;
    find().ok_or_else(|| Failure::new("PgBouncer was installed, but not found", "put it into /usr/local/bin"))
}

fn browser() -> Result<(PathBuf, PathBuf)> {
    let find = || {
        let browser = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| on_path(name));
        browser.filter(|_| on_path("chromedriver")).map(|name| (PathBuf::from(name), PathBuf::from("chromedriver")))
    };
    if let Some(found) = find() {
        return Ok(found);
    }
    packages::install(&packages::CHROMIUM)?;
    find().ok_or_else(|| {
        Failure::new("Chromium was installed, but not found", "put chromium and chromedriver on the PATH")
    })
}
