//! `cargo xtask test`: starts a PostgreSQL for the run, and runs the tests that were asked for.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::thread::available_parallelism;

use clap::Args;
use local::packages::{agree_to_install, ask_to_install};
use local::postgres::{Cluster, Keep, Programs};
use local::tools::{self, Tool};
use local::{Result, target, temporary};

use crate::lock::Lock;
use crate::{cargo, environment, leaks};

#[derive(Args, Default)]
pub(crate) struct Test {
    /// Install what is missing without a question
    #[arg(long)]
    install: bool,
    /// Run the tests of the database on the oldest servers that are supported: PostgreSQL 15 through PgBouncer 1.18
    #[arg(long)]
    oldest: bool,
    /// Arguments for the test runner, such as `-p tasks` or a part of a test's name. Without them all tests run, and
    /// those of the API once more through PgBouncer. With `-p`, only what that package needs is built and installed
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
    /// Whether the tests need only a database and a pooler.
    #[arg(skip)]
    only_servers: bool,
}

/// What the tests of a whole run use, beside PostgreSQL.
pub(crate) const ALL: [&Tool; 9] = [
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

/// Packages whose tests need less than a whole run, and what they need beside PostgreSQL.
const PACKAGES: [(&str, &[&Tool]); 8] = [
    ("auth", &[]),
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

/// The tests that talk to a database through the code of the product.
const OF_THE_DATABASE: [&str; 7] = ["--workspace", "--test", "api", "--test", "migrate", "--test", "transaction"];

impl Test {
    /// Tests that need only a database and a pooler.
    pub(crate) fn of(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self { arguments, only_servers: true, ..Self::default() }
    }

    /// The tests of the database on the oldest servers.
    pub(crate) fn on_oldest() -> Self {
        Self { oldest: true, ..Self::default() }
    }

    pub(crate) fn run(&self) -> Result<()> {
        if self.install {
            agree_to_install();
        }
        let packages = packages(&self.arguments);
        let of_packages = |known: &[&str]| !packages.is_empty() && packages.iter().all(|name| known.contains(name));
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        if of_packages(&WITHOUT_DATABASE) {
            return finish(&mut runner(&arguments));
        }
        let listed = || PACKAGES.iter().filter(|(name, _)| packages.contains(name));
        let alone = !packages.is_empty() && listed().count() == packages.len();
        let mut needed: Vec<&Tool> = match (self.oldest, self.only_servers, alone) {
            (true, ..) => vec![&tools::OLD_PGBOUNCER, &tools::OLD_POSTGRES],
            (_, true, _) => vec![&tools::PGBOUNCER, &tools::MOTO],
            (.., true) => listed().flat_map(|(_, tools)| tools.iter().copied()).collect(),
            _ => ALL.to_vec(),
        };
        let through = environment::given("TEST_THROUGH");
        if through.is_some() && !self.oldest {
            needed.push(&tools::PGBOUNCER);
        }
        let servers = Servers::start(needed, self.oldest)?;
        println!("  PostgreSQL {} is running; building", servers.programs.version);
        if !alone {
            cargo::build_functions()?;
        }
        leaks::forget();
        if self.oldest {
            let arguments = if arguments.is_empty() { &OF_THE_DATABASE[..] } else { &arguments };
            return servers.test(arguments, "pgbouncer");
        }
        if !arguments.is_empty() {
            servers.test(&arguments, through.as_deref().unwrap_or_default())?;
            return if self.only_servers { leaks::look() } else { Ok(()) };
        }
        servers.test(&["--workspace"], "")?;
        println!("\nThe API's tests once more, through PgBouncer in transaction mode, with TLS:");
        servers.test(&["--workspace", "--test", "api"], "pgbouncer")?;
        leaks::look()
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

/// The PostgreSQL of a run, and the variables that tell the tests where everything is.
pub(crate) struct Servers {
    programs: Programs,
    variables: Vec<(&'static str, OsString)>,
    _cluster: Option<Cluster>,
    _only_run: Lock,
}

impl Servers {
    /// Installs what is missing, if the user agrees, and starts PostgreSQL. With `TEST_DATABASE_URL`, that server is used.
    pub(crate) fn start(tools: Vec<&Tool>, oldest: bool) -> Result<Self> {
        let own_programs = oldest || environment::given("POSTGRES_BIN").is_some();
        let postgres = (!own_programs).then_some(&tools::POSTGRES);
        install(&postgres.into_iter().chain(tools).collect::<Vec<_>>())?;
        let programs = if oldest { Programs::at(&tools::OLD_POSTGRES.find()?)? } else { Programs::find()? };
        let pgbouncer = if oldest { &tools::OLD_PGBOUNCER } else { &tools::PGBOUNCER };
        let only_run = Lock::take(&target().join("test"), "tests of this clone are running")?;
        let given = environment::given("TEST_DATABASE_URL").filter(|_| !oldest);
        // Each run has its own folder: the one of a killed run may still be in use while its keeper removes it.
        let start = || Cluster::start(&temporary(), &programs, Keep::Fast);
        let cluster = if given.is_none() { Some(start()?) } else { None };
        let url = cluster.as_ref().map(|cluster| cluster.url("postgres")).or(given).unwrap_or_default();
        let mut variables: Vec<(&'static str, OsString)> =
            vec![("TEST_DATABASE_URL", url.into()), ("PG_DUMP", programs.program("pg_dump").into())];
        for (name, tool) in [
            ("PGBOUNCER", pgbouncer),
            ("CARGO_LAMBDA", &tools::CARGO_LAMBDA),
            ("MOTO_SERVER", &tools::MOTO),
            ("CHROMIUM", &tools::CHROMIUM),
            ("CHROMEDRIVER", &tools::CHROMEDRIVER),
        ] {
            // What the user has set stays.
            if environment::given(name).is_none() {
                variables.extend(tool.find().ok().map(|path| (name, path.into())));
            }
        }
        Ok(Self { programs, variables, _cluster: cluster, _only_run: only_run })
    }

    /// Gives `command` what the tests read.
    pub(crate) fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.envs(self.variables.iter().map(|(name, value)| (name, value)))
    }

    fn test(&self, arguments: &[&str], through: &str) -> Result<()> {
        finish(self.tell(&mut runner(arguments)).env("TEST_THROUGH", through))
    }
}

fn finish(command: &mut Command) -> Result<()> {
    cargo::finish(command, "a test", "cargo xtask test <name of the test>")
}

/// Installs the tools that are missing, if the user agrees.
fn install(tools: &[&Tool]) -> Result<()> {
    let missing: Vec<&Tool> = tools.iter().copied().filter(|tool| tool.find().is_err()).collect();
    if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().map(|tool| tool.name).collect();
        ask_to_install(&names.join(", "))?;
    }
    missing.iter().try_for_each(|tool| tool.find_or_install().map(drop))
}

/// Whether cargo-nextest is installed.
pub(crate) fn has_nextest() -> bool {
    let mut probe = Command::new("cargo");
    probe.args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

/// cargo-nextest if it is installed, else `cargo test`. Tests wait for the database more than they compute, so more of
/// them run at once than there are processors.
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
