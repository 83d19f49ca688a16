//! `cargo xtask test`: starts a PostgreSQL for the run, and runs tests.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::thread::available_parallelism;

use clap::Args;
use local::packages::{agree_to_install, ask_to_install};
use local::postgres::{Cluster, Profile, Programs};
use local::tools::{self, Tool};
use local::{Result, target, temporary};

use crate::lock::Lock;
use crate::{cargo, environment, leaks};

#[derive(Args, Default)]
pub(crate) struct TestOptions {
    /// Install missing tools without asking
    #[arg(long)]
    install: bool,
    /// Run the database tests on the oldest supported servers: PostgreSQL 15 behind PgBouncer 1.18
    #[arg(long)]
    oldest: bool,
    /// Arguments for the test runner, such as `-p tasks` or part of a test's name. Without arguments all tests run, and
    /// the API tests run again through PgBouncer. With `-p`, only what that package needs is built and installed
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
    /// The tools that these tests need in addition to PostgreSQL, if known.
    #[arg(skip)]
    tools: Option<&'static [&'static Tool]>,
}

/// The tools that a run of all tests needs in addition to PostgreSQL.
pub(crate) const ALL_TOOLS: [&Tool; 9] = [
    &tools::PGBOUNCER,
    &tools::MOTO,
    &tools::AWS,
    &tools::CARGO_LAMBDA,
    &tools::SAM,
    &tools::OPENAPI_NODE,
    &tools::OPENAPI_PYTHON,
    &tools::CHROMIUM,
    &tools::CHROMEDRIVER,
];

/// Packages whose tests need fewer tools, and which tools they need in addition to PostgreSQL.
const PACKAGE_TOOLS: [(&str, &[&Tool]); 9] = [
    ("auth", &[]),
    ("docs", &[]),
    ("health", &[]),
    ("maintenance", &[]),
    ("migrate", &[&tools::MOTO]),
    ("shared", &[&tools::MOTO]),
    ("tasks", &[&tools::PGBOUNCER]),
    ("testkit", &[&tools::SAM]),
    ("users", &[]),
];

/// Packages whose tests need no database.
const WITHOUT_DATABASE: [&str; 4] = ["env-file", "keys", "local", "xtask"];

/// The tests in which the product's code queries a database.
const DATABASE_TESTS: [&str; 7] = ["--workspace", "--test", "api", "--test", "migrate", "--test", "transaction"];

impl TestOptions {
    /// Tests that need PostgreSQL and these tools. Missing tools are installed into `target/tools` without asking.
    pub(crate) fn with_tools(arguments: &[&str], tools: &'static [&'static Tool]) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self { arguments, tools: Some(tools), ..Self::default() }
    }

    pub(crate) fn run(&self) -> Result<()> {
        if self.install {
            agree_to_install();
        }
        let packages = packages(&self.arguments);
        let of_packages = |known: &[&str]| !packages.is_empty() && packages.iter().all(|name| known.contains(name));
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        if of_packages(&WITHOUT_DATABASE) {
            return run_tests(&mut runner(&arguments));
        }
        let listed = || PACKAGE_TOOLS.iter().filter(|(name, _)| packages.contains(name));
        let only_listed_packages = !packages.is_empty() && listed().count() == packages.len();
        let through = environment::variable("TEST_THROUGH");
        let mut needed: Vec<&Tool> = match (self.oldest, self.tools, only_listed_packages) {
            (true, ..) => vec![&tools::OLD_POSTGRES, &tools::OLD_PGBOUNCER],
            (_, Some(tools), _) => tools.to_vec(),
            (.., true) => listed().flat_map(|(_, tools)| tools.iter().copied()).collect(),
            _ => ALL_TOOLS.to_vec(),
        };
        needed.extend(through.is_some().then_some(&tools::PGBOUNCER));
        if self.tools.is_none() {
            ask_to_install_missing(&needed)?;
        }
        let servers = TestServers::start(&needed, self.oldest)?;
        println!("  PostgreSQL {} is running; building", servers.programs.version);
        if !only_listed_packages {
            cargo::build_functions()?;
        }
        leaks::delete_files();
        if self.oldest {
            let arguments = if arguments.is_empty() { &DATABASE_TESTS[..] } else { &arguments };
            return servers.test(arguments, "pgbouncer");
        }
        if !arguments.is_empty() {
            servers.test(&arguments, through.as_deref().unwrap_or_default())?;
            return if self.tools.is_some() { leaks::check() } else { Ok(()) };
        }
        servers.test(&["--workspace"], "")?;
        println!("\nRunning the API tests again, through PgBouncer in transaction mode, with TLS:");
        servers.test(&["--workspace", "--test", "api"], "pgbouncer")?;
        leaks::check()
    }
}

/// The values of `-p` and `--package`.
fn packages(arguments: &[String]) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(argument) = rest.next() {
        match argument {
            "-p" | "--package" => found.extend(rest.next()),
            _ => found.extend(argument.strip_prefix("--package=").or_else(|| argument.strip_prefix("-p"))),
        }
    }
    found
}

/// The PostgreSQL of a run, and the environment variables with which tests find it and other programs.
pub(crate) struct TestServers {
    programs: Programs,
    variables: Vec<(&'static str, OsString)>,
    _cluster: Option<Cluster>,
    _lock: Lock,
}

impl TestServers {
    /// Installs missing tools and starts PostgreSQL. With `TEST_DATABASE_URL`, that server is used instead.
    pub(crate) fn start(tools: &[&Tool], oldest: bool) -> Result<Self> {
        tools.iter().try_for_each(|tool| tool.find_or_install().map(drop))?;
        let programs = if oldest { Programs::at(&tools::OLD_POSTGRES.find()?)? } else { Programs::find_or_install()? };
        let lock = Lock::take(&target().join("test"), "tests of this clone are already running")?;
        let given = environment::variable("TEST_DATABASE_URL").filter(|_| !oldest);
        // Each run has its own folder: that of a killed run may still be in use until its keeper has removed it.
        let start = || Cluster::start(&temporary(), &programs, Profile::Test);
        let cluster = if given.is_none() { Some(start()?) } else { None };
        let url = cluster.as_ref().map(|cluster| cluster.url("postgres")).or(given).unwrap_or_default();
        let mut variables: Vec<(&'static str, OsString)> = vec![
            ("TEST_DATABASE_URL", url.into()),
            ("POSTGRES_BIN", programs.program("").into()),
            ("TOOLS_FOLDER", tools::folder().into()),
        ];
        let pgbouncer = if oldest { &tools::OLD_PGBOUNCER } else { &tools::PGBOUNCER };
        variables.extend(pgbouncer.find().ok().map(|path| ("PGBOUNCER", path.into())));
        Ok(Self { programs, variables, _cluster: cluster, _lock: lock })
    }

    /// Sets the environment variables that tests read.
    pub(crate) fn set_variables<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.envs(self.variables.iter().map(|(name, value)| (name, value)))
    }

    fn test(&self, arguments: &[&str], through: &str) -> Result<()> {
        run_tests(self.set_variables(&mut runner(arguments)).env("TEST_THROUGH", through))
    }
}

fn run_tests(command: &mut Command) -> Result<()> {
    cargo::run(command, "a test", "cargo xtask test <name of the test>")
}

/// Asks whether missing tools, PostgreSQL included, may be installed.
pub(crate) fn ask_to_install_missing(tools: &[&Tool]) -> Result<()> {
    let postgres = Programs::find().is_err().then_some(tools::POSTGRES.name);
    let missing = tools.iter().filter(|tool| tool.find().is_err()).map(|tool| tool.name);
    let names: Vec<&str> = postgres.into_iter().chain(missing).collect();
    if names.is_empty() { Ok(()) } else { ask_to_install(&names.join(", ")) }
}

/// Whether cargo-nextest is installed.
pub(crate) fn has_nextest() -> bool {
    let mut probe = Command::new("cargo");
    probe.args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

/// Builds the command that runs tests: cargo-nextest if it is installed, else `cargo test`. Tests mostly wait for the
/// database, so more of them run at once than there are processors.
fn runner(arguments: &[&str]) -> Command {
    let mut command = if has_nextest() {
        let threads = available_parallelism().map_or(4, |processors| 3 * processors.get());
        cargo::cargo(&["nextest", "run", "--no-fail-fast", "--test-threads", &threads.to_string()])
    } else {
        cargo::cargo(&["test", "--no-fail-fast"])
    };
    command.args(arguments);
    command
}
