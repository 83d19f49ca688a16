//! The settings of functions on this machine: database URLs and keys, in addition to the process environment.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{env, fs};

use local::{Result, ToolError, target, workspace};

use crate::keys;
use crate::lock::unwritable;

/// Settings by name.
pub(crate) type Settings = BTreeMap<String, String>;

/// The folder with the development cluster, its keys and its lock.
pub(crate) fn folder() -> PathBuf {
    target().join("dev")
}

/// An environment variable of this process. A blank value counts as missing.
#[expect(clippy::disallowed_methods, reason = "developer commands read the environment of their user")]
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// The pooled and the direct URL of a database that the user has configured instead of the development cluster. Both
/// come from the same source: the first of the environment, `.env.local` and `.env` that has a database URL.
pub(crate) fn own_database() -> Result<Option<(String, String)>> {
    let names = ["DATABASE_URL", "NEON_DATABASE_URL", "DATABASE_URL_UNPOOLED"];
    let process = names.into_iter().filter_map(|name| Some((name.to_owned(), variable(name)?))).collect();
    let sources: [Settings; 3] = [process, read(&workspace().join(".env.local"))?, read(&workspace().join(".env"))?];
    for source in sources {
        let get = |name| source.get(name).filter(|value| !value.trim().is_empty()).cloned();
        let Some(pooled) = get("DATABASE_URL").or_else(|| get("NEON_DATABASE_URL")) else { continue };
        if !pooled.starts_with("postgresql://") && !pooled.starts_with("postgres://") {
            let next = "set it to postgresql://user:password@host/database, or unset it";
            return Err(ToolError::new("DATABASE_URL is not a PostgreSQL URL", next));
        }
        let direct = get("DATABASE_URL_UNPOOLED").unwrap_or_else(|| pooled.replace("-pooler.", "."));
        return Ok(Some((pooled, direct)));
    }
    Ok(None)
}

/// The development keys; generated on first use.
pub(crate) fn keys() -> Result<Settings> {
    let file = folder().join("keys.env");
    let existing = read(&file)?;
    if !existing.is_empty() {
        return Ok(existing);
    }
    println!("  generating development keys in {}", file.display());
    let text = keys::generate_for_development()?;
    let written = fs::create_dir_all(folder())
        .and_then(|()| fs::write(&file, &text))
        .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o600)));
    written.map_err(|error| unwritable(&file, &error))?;
    read(&file)
}

/// Reads the settings in a file. A missing file has no settings.
fn read(file: &Path) -> Result<Settings> {
    let found = env_file::read(file).map_err(|error| ToolError::new(error.to_string(), "correct this line"))?;
    Ok(found.into_iter().collect())
}

/// All settings that functions need on this machine. Variables of the process environment take precedence, except for
/// the database URLs, which are given as arguments.
pub(crate) fn settings(pooled: &str, direct: &str) -> Result<Settings> {
    let mut all = keys()?;
    all.insert("ENVIRONMENT".to_owned(), "development".to_owned());
    all.retain(|name, _| variable(name).is_none());
    all.insert("DATABASE_URL".to_owned(), pooled.to_owned());
    all.insert("DATABASE_URL_UNPOOLED".to_owned(), direct.to_owned());
    Ok(all)
}
