//! The settings that development adds to the process environment.

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

/// A variable of the process environment. A blank value counts as missing.
#[expect(clippy::disallowed_methods, reason = "commands read what their user set")]
pub(crate) fn given(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// The database that the user names instead of the development cluster: the pooled URL and the direct one. Both come
/// from the same place: the first of the environment, `.env.local` and `.env` that names a database.
pub(crate) fn own_database() -> Result<Option<(String, String)>> {
    let names = ["DATABASE_URL", "NEON_DATABASE_URL", "DATABASE_URL_UNPOOLED"];
    let process = names.into_iter().filter_map(|name| Some((name.to_owned(), given(name)?))).collect();
    let places: [Settings; 3] = [process, read(&workspace().join(".env.local"))?, read(&workspace().join(".env"))?];
    for place in places {
        let get = |name| place.get(name).filter(|value| !value.trim().is_empty()).cloned();
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
    let found = read(&file)?;
    if !found.is_empty() {
        return Ok(found);
    }
    println!("  generating development keys in {}", file.display());
    let text = keys::generate_for_development()?;
    let written = fs::create_dir_all(folder())
        .and_then(|()| fs::write(&file, &text))
        .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o600)));
    written.map_err(|error| unwritable(&file, &error))?;
    read(&file)
}

/// The settings in a file; empty if there is no such file.
fn read(file: &Path) -> Result<Settings> {
    let found = env_file::read(file).map_err(|error| ToolError::new(error.to_string(), "correct the line"))?;
    Ok(found.into_iter().collect())
}

/// All settings that the functions need on this machine. Variables of the process environment take precedence, except
/// for the database, which the caller has chosen.
pub(crate) fn settings(pooled: &str, direct: &str) -> Result<Settings> {
    let mut all = keys()?;
    all.insert("ENVIRONMENT".to_owned(), "development".to_owned());
    all.retain(|name, _| given(name).is_none());
    all.insert("DATABASE_URL".to_owned(), pooled.to_owned());
    all.insert("DATABASE_URL_UNPOOLED".to_owned(), direct.to_owned());
    Ok(all)
}
