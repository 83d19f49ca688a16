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
    /// What these tests use beside PostgreSQL, if it is known.
    #[arg(skip)]
    uses: Option<&'static [&'static Tool]>,
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
const PACKAGES: [(&str, &[&Tool]); 9] = [
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

/// The tests that talk to a database through the code of the product.
const OF_THE_DATABASE: [&str; 7] = ["--workspace", "--test", "api", "--test", "migrate", "--test", "transaction"];

impl Test {
    /// Tests that use these tools and PostgreSQL, without a question: they are installed into `target/tools`.
    pub(crate) fn of(arguments: &[&str], uses: &'static [&'static Tool]) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self { arguments, uses: Some(uses), ..Self::default() }
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
        let through = environment::given("TEST_THROUGH");
        let mut needed: Vec<&Tool> = match (self.oldest, self.uses, alone) {
            (true, ..) => vec![&tools::OLD_POSTGRES, &tools::OLD_PGBOUNCER],
            (_, Some(uses), _) => uses.to_vec(),
            (.., true) => listed().flat_map(|(_, tools)| tools.iter().copied()).collect(),
            _ => ALL.to_vec(),
        };
        needed.extend(through.is_some().then_some(&tools::PGBOUNCER));
        if self.uses.is_none() {
            ask_for(&needed)?;
        }
        let servers = Servers::start(&needed, self.oldest)?;
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
            return if self.uses.is_some() { leaks::look() } else { Ok(()) };
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
    /// Installs what is missing and starts PostgreSQL. With `TEST_DATABASE_URL`, that server is used and none is started.
    pub(crate) fn start(tools: &[&Tool], oldest: bool) -> Result<Self> {
        tools.iter().try_for_each(|tool| tool.find_or_install().map(drop))?;
        let programs = if oldest { Programs::at(&tools::OLD_POSTGRES.find()?)? } else { Programs::find_or_install()? };
        let only_run = Lock::take(&target().join("test"), "tests of this clone are running")?;
        let given = environment::given("TEST_DATABASE_URL").filter(|_| !oldest);
        // Each run has its own folder: the one of a killed run may still be in use while its keeper removes it.
        let start = || Cluster::start(&temporary(), &programs, Keep::Fast);
        let cluster = if given.is_none() { Some(start()?) } else { None };
        let url = cluster.as_ref().map(|cluster| cluster.url("postgres")).or(given).unwrap_or_default();
        let mut variables: Vec<(&'static str, OsString)> = vec![
            ("TEST_DATABASE_URL", url.into()),
            ("POSTGRES_BIN", programs.program("").into()),
            ("TOOLS_FOLDER", tools::folder().into()),
        ];
        let pgbouncer = if oldest { &tools::OLD_PGBOUNCER } else { &tools::PGBOUNCER };
        variables.extend(pgbouncer.find().ok().map(|path| ("PGBOUNCER", path.into())));
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

/// Asks whether the tools that are missing, and PostgreSQL, may be installed.
pub(crate) fn ask_for(tools: &[&Tool]) -> Result<()> {
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
