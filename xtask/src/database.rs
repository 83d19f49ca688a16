//! The development database: that of `DATABASE_URL`, one that another command keeps running, or a cluster in
//! `target/dev` that is started for this command.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use local::postgres::{Cluster, Profile, Programs};
use local::{Result, ToolError};

use crate::environment;
use crate::lock::{Lock, unwritable};

/// The name of the database in the development cluster.
const NAME: &str = "todo";

/// The development database. A cluster that was started for it stops when this is dropped.
pub(crate) struct Database {
    /// The URL as the owner of the tables.
    pub(crate) url: String,
    /// The URL as a superuser, who bypasses row-level security. With `DATABASE_URL`, the same as `url`.
    pub(crate) admin_url: String,
    _cluster: Option<(Cluster, Lock)>,
}

impl Database {
    /// Uses the database of `DATABASE_URL` or one that another command keeps running; else starts the development
    /// cluster.
    pub(crate) fn find_or_start() -> Result<Self> {
        if let Some((_, direct)) = environment::own_database()? {
            return Ok(Self { admin_url: direct.clone(), url: direct, _cluster: None });
        }
        if let Some(running) = Self::running() {
            return Ok(running);
        }
        let lock = take_lock("the development database is being started or wiped")?;
        let cluster = start(false)?;
        let (url, admin_url) = (cluster.url(NAME), cluster.admin_url(NAME));
        Ok(Self { url, admin_url, _cluster: Some((cluster, lock)) })
    }

    /// The database that another command of this clone keeps running.
    pub(crate) fn running() -> Option<Self> {
        let taken = Lock::is_taken(&environment::folder());
        let text = taken.then(|| fs::read_to_string(urls_file()).ok()).flatten()?;
        let (url, admin_url) = text.trim().split_once('\n')?;
        Some(Self { url: url.to_owned(), admin_url: admin_url.to_owned(), _cluster: None })
    }
}

/// Takes the lock of the development cluster. If another process holds it, the error starts with `problem`.
pub(crate) fn take_lock(problem: &str) -> Result<Lock> {
    let mut lock = Lock::take(&environment::folder(), problem)?;
    let _ = fs::remove_file(urls_file());
    lock.describe_holder(&format!("process {}", std::process::id()))?;
    Ok(lock)
}

fn urls_file() -> std::path::PathBuf {
    environment::folder().join("urls")
}

/// Starts the development cluster and writes its URLs to a file for other commands. The caller must hold the lock.
pub(crate) fn start(reset: bool) -> Result<Cluster> {
    let programs = Programs::find_or_install()?;
    let folder = environment::folder().join("postgres");
    if reset && folder.exists() {
        println!("  wiping the development database");
        wipe(&folder)?;
    }
    let cluster = Cluster::start(&folder, &programs, Profile::Development)?;
    cluster.ensure_database(NAME)?;
    let version = &cluster.programs.version;
    println!("  PostgreSQL {version} on 127.0.0.1:{}, data in {}", cluster.port, folder.display());
    let file = urls_file();
    let written = fs::write(&file, "").and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o600)));
    let written =
        written.and_then(|()| fs::write(&file, format!("{}\n{}\n", cluster.url(NAME), cluster.admin_url(NAME))));
    written.map_err(|error| unwritable(&environment::folder(), &error))?;
    Ok(cluster)
}

/// The URL of the development database, as its owner.
pub(crate) fn url(cluster: &Cluster) -> String {
    cluster.url(NAME)
}

fn wipe(folder: &Path) -> Result<()> {
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    fs::remove_dir_all(&real).map_err(|error| {
        ToolError::new(format!("{} cannot be removed: {error}", real.display()), "check its permissions")
    })?;
    // If it was a symbolic link, remove the link too.
    let _ = fs::remove_file(folder);
    Ok(())
}
