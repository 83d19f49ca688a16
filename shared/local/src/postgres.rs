//! PostgreSQL clusters for development, tests and measurements.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::service::{Service, StopSignal, free_port, listens};
use crate::unprivileged::{self, User};
use crate::{Result, ToolError, random, tools};

/// The oldest supported major version.
const OLDEST: u32 = 14;

/// The next step if the data of the development cluster is unusable.
const RESET: &str = "cargo xtask dev --reset, which wipes the development database";

/// The programs of one PostgreSQL installation.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: PathBuf,
    /// As in "15.18".
    pub version: String,
}

impl Programs {
    /// PostgreSQL 18 of `target/tools`, or the installation that `POSTGRES_BIN` names.
    pub fn find() -> Result<Self> {
        Self::given().unwrap_or_else(|| Self::at(&tools::POSTGRES.find()?))
    }

    /// As [`Programs::find`]; installs PostgreSQL 18 if it is missing.
    pub fn find_or_install() -> Result<Self> {
        Self::given().unwrap_or_else(|| Self::at(&tools::POSTGRES.find_or_install()?))
    }

    fn given() -> Option<Result<Self>> {
        Some(Self::at(&tools::path_variable("POSTGRES_BIN")?.join("postgres")))
    }

    /// The installation with this `postgres` program.
    pub fn at(postgres: &Path) -> Result<Self> {
        let output = Command::new(postgres).arg("--version").stderr(Stdio::null()).output().ok();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let version = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        let folder = postgres.parent().map(Path::to_owned).unwrap_or_default();
        let found = version.map(|version| Self { folder, version: version.to_owned() });
        found.filter(|programs| programs.major() >= OLDEST).ok_or_else(|| {
            let problem = format!("{} is not PostgreSQL {OLDEST} or newer", postgres.display());
            ToolError::new(problem, "set POSTGRES_BIN to the folder with `postgres`, or unset it")
        })
    }

    fn major(&self) -> u32 {
        self.version.split(|c: char| !c.is_ascii_digit()).next().and_then(|major| major.parse().ok()).unwrap_or(0)
    }

    /// The path of a program of this installation, such as psql.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// What a cluster is used for, which decides its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Data survives crashes.
    Development,
    /// As [`Profile::Development`], with the memory settings of a small server.
    Benchmark,
    /// Data is deleted after the run, so nothing is flushed to disk, which is several times as fast.
    Test,
}

impl Profile {
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Development => &[],
            Self::Benchmark => &["shared_buffers=1GB", "effective_cache_size=3GB", "max_wal_size=8GB"],
            Self::Test => &[
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
                "autovacuum=off",
                "max_wal_size=4GB",
                "shared_buffers=256MB",
            ],
        }
    }
}

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    service: Service,
    /// The installation that runs it.
    pub programs: Programs,
    /// The port on 127.0.0.1; the same as at the last start, if that is free.
    pub port: u16,
    superuser_password: String,
    /// The password of [`OWNER`].
    pub owner_password: String,
}

/// The role that owns the databases. Like Neon's default role, it may create roles and databases, but is not a
/// superuser.
pub const OWNER: &str = "todo_owner";

impl Cluster {
    /// Starts the cluster in `folder`, and creates it on first use. Fails if another major version created its data.
    pub fn start(folder: &Path, programs: &Programs, profile: Profile) -> Result<Self> {
        let user = User::find()?;
        let folder = unprivileged::create_folder(folder, user)?;
        let data = folder.join("data");
        let passwords = folder.join("passwords");
        let created_by = fs::read_to_string(data.join("PG_VERSION")).ok().filter(|_| passwords.exists());
        let is_new = created_by.is_none();
        if let Some(major) = created_by.map(|version| version.trim().to_owned())
            && major != programs.major().to_string()
        {
            let problem = format!("PostgreSQL {major} created the data in {}", folder.display());
            let next = format!("{RESET}; or set POSTGRES_BIN to the programs of PostgreSQL {major}");
            return Err(ToolError::new(format!("{problem}, and PostgreSQL {} cannot read it", programs.version), next));
        }
        if is_new {
            init(&folder, &data, &passwords, programs, user)?;
        }
        let text = fs::read_to_string(&passwords).unwrap_or_default();
        let (superuser_password, owner_password) = text
            .trim()
            .split_once(' ')
            .map(|(superuser, owner)| (superuser.to_owned(), owner.to_owned()))
            .ok_or_else(|| damaged(&folder))?;

        let port_file = folder.join("port");
        let last_port = fs::read_to_string(&port_file).ok().and_then(|text| text.trim().parse().ok());
        let port = free_port(last_port)?;
        fs::write(&port_file, port.to_string()).map_err(|_| damaged(&folder))?;

        let log = folder.join("log");
        let mut command = Command::new(programs.program("postgres"));
        command.arg("-D").arg(&data).args(["-p", &port.to_string()]).env("LC_ALL", "C").current_dir(&folder);
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=300",
            "log_min_messages=warning",
        ] {
            command.args(["-c", setting]);
        }
        for setting in profile.settings() {
            command.args(["-c", setting]);
        }
        unprivileged::run_as(&mut command, user);
        let temporary = (profile == Profile::Test).then_some(folder.as_path());
        let service = Service::start_in("PostgreSQL", &mut command, StopSignal::Interrupt, Some(&log), temporary)?;
        let mut cluster = Self { service, programs: programs.clone(), port, superuser_password, owner_password };
        let mut probe = Command::new(cluster.programs.program("psql"));
        probe.args(["-qAtX", "-c", "SELECT 1"]).arg(superuser_url(port, &cluster.superuser_password, "postgres"));
        probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Recovery after a crash may take minutes.
        cluster.service.wait_until(Duration::from_secs(120), Some(&log), || {
            listens(port) && probe.status().is_ok_and(|status| status.success())
        })?;
        if is_new {
            let password = &cluster.owner_password;
            cluster.sql("postgres", &format!("CREATE ROLE {OWNER} LOGIN CREATEROLE CREATEDB PASSWORD '{password}'"))?;
        }
        Ok(cluster)
    }

    /// Creates the database `name`, owned by [`OWNER`], unless it exists.
    pub fn ensure_database(&self, name: &str) -> Result<()> {
        let found = self.query("postgres", &format!("SELECT 1 FROM pg_database WHERE datname = '{name}'"))?;
        if found.is_empty() { self.sql("postgres", &format!("CREATE DATABASE {name} OWNER {OWNER}")) } else { Ok(()) }
    }

    /// The URL of a database, as [`OWNER`].
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://{OWNER}:{}@127.0.0.1:{}/{database}?sslmode=disable", self.owner_password, self.port)
    }

    /// The URL of a database, as the superuser, who bypasses row-level security.
    #[must_use]
    pub fn admin_url(&self, database: &str) -> String {
        superuser_url(self.port, &self.superuser_password, database)
    }

    /// The process id of the server.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.service.process_id()
    }

    pub fn has_stopped(&mut self) -> bool {
        self.service.exit_status().is_some()
    }

    /// Runs SQL as the superuser.
    pub fn sql(&self, database: &str, sql: &str) -> Result<()> {
        self.query(database, sql).map(drop)
    }

    fn query(&self, database: &str, sql: &str) -> Result<String> {
        let url = superuser_url(self.port, &self.superuser_password, database);
        let output = Command::new(self.programs.program("psql"))
            .args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .arg(url)
            .stdin(Stdio::null())
            .output();
        let output =
            output.map_err(|error| ToolError::new(format!("psql cannot be run: {error}"), "reinstall PostgreSQL"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        Err(ToolError::new(format!("psql failed: {}", String::from_utf8_lossy(&output.stderr).trim()), RESET))
    }
}

fn superuser_url(port: u16, password: &str, database: &str) -> String {
    format!("postgresql://postgres:{password}@127.0.0.1:{port}/{database}?sslmode=disable")
}

fn damaged(folder: &Path) -> ToolError {
    ToolError::new(format!("the cluster in {} is damaged", folder.display()), RESET)
}

fn init(folder: &Path, data: &Path, passwords: &Path, programs: &Programs, user: Option<User>) -> Result<()> {
    let failure = |what: String| ToolError::new(format!("initdb failed: {what}"), RESET);
    let _ = fs::remove_dir_all(data);
    let (superuser, owner) = (random::generate_password()?, random::generate_password()?);
    let password_file = folder.join("initial-password");
    fs::write(&password_file, &superuser)
        .and_then(|()| fs::set_permissions(&password_file, fs::Permissions::from_mode(0o600)))
        .and_then(|()| unprivileged::change_owner(&password_file, user))
        .map_err(|error| failure(error.to_string()))?;
    let run = |locale: &str| {
        let _ = fs::remove_dir_all(data);
        let mut command = Command::new(programs.program("initdb"));
        command.arg("-D").arg(data).arg("--pwfile").arg(&password_file).arg(format!("--locale={locale}"));
        command.args(["-U", "postgres", "-E", "UTF8", "-A", "scram-sha-256", "--no-sync"]);
        unprivileged::run_as(command.current_dir(folder).stdin(Stdio::null()), user);
        command.output()
    };
    // macOS has no C.UTF-8.
    let output = run("C.UTF-8").and_then(|output| if output.status.success() { Ok(output) } else { run("C") });
    let _ = fs::remove_file(&password_file);
    let output = output.map_err(|error| failure(error.to_string()))?;
    if !output.status.success() {
        return Err(failure(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    fs::write(passwords, format!("{superuser} {owner}"))
        .and_then(|()| fs::set_permissions(passwords, fs::Permissions::from_mode(0o600)))
        .map_err(|error| failure(error.to_string()))
}
