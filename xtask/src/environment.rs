//! The settings that development adds to the process environment.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::{env, fs};

use local::{Failure, Result, target, workspace};

use crate::keys;

/// Settings by name.
pub(crate) type Settings = BTreeMap<String, String>;

/// The folder of the development cluster, keys and state.
pub(crate) fn folder() -> PathBuf {
    target().join("dev")
}

/// A value from the process environment, `.env.local` or `.env`; blank counts as none.
#[expect(clippy::disallowed_methods, reason = "commands read what their user set")]
pub(crate) fn given(name: &str) -> Option<String> {
    let in_file =
        |file: &str| fs::read_to_string(workspace().join(file)).ok().and_then(|text| parse(&text).remove(name));
    let value = env::var(name).ok().or_else(|| in_file(".env.local")).or_else(|| in_file(".env"));
    value.filter(|value| !value.trim().is_empty())
}

/// The database that the user asks for instead of ours: the pooled URL and the direct one.
pub(crate) fn own_database() -> Result<Option<(String, String)>> {
    let Some(pooled) = given("DATABASE_URL").or_else(|| given("NEON_DATABASE_URL")) else { return Ok(None) };
    if !pooled.starts_with("postgresql://") && !pooled.starts_with("postgres://") {
        return Err(Failure::new(
            "DATABASE_URL is no PostgreSQL URL",
            "set it to postgresql://user:password@host/database, or unset it",
        ));
    }
    let direct = given("DATABASE_URL_UNPOOLED").unwrap_or_else(|| pooled.replace("-pooler.", "."));
    Ok(Some((pooled, direct)))
}

/// The development keys, made on first use.
pub(crate) fn keys() -> Result<Settings> {
    let file = folder().join("keys.env");
    if let Ok(text) = fs::read_to_string(&file) {
        return Ok(parse(&text));
    }
    println!("  generating development keys in {}", file.display());
    let text = keys::generate_for_development()?;
    let written = fs::create_dir_all(folder())
        .and_then(|()| fs::write(&file, &text))
        .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o600)));
    written.map_err(|error| {
        Failure::new(format!("{} cannot be written: {error}", file.display()), "check the permissions of target/")
    })?;
    Ok(parse(&text))
}

/// Reads lines of the form NAME='value'.
fn parse(text: &str) -> Settings {
    let line = |line: &str| {
        line.split_once('=').map(|(name, value)| {
            (name.trim().trim_start_matches("export ").to_owned(), value.trim().trim_matches(['\'', '"']).to_owned())
        })
    };
    text.lines().filter_map(line).collect()
}

/// Everything the functions need on this machine; what the process environment has is left alone.
pub(crate) fn settings(pooled: &str, direct: &str) -> Result<Settings> {
    let mut all = keys()?;
    all.insert("ENVIRONMENT".to_owned(), "development".to_owned());
    all.insert("DATABASE_URL".to_owned(), pooled.to_owned());
    all.insert("DATABASE_URL_UNPOOLED".to_owned(), direct.to_owned());
    all.retain(|name, _| given(name).is_none());
    Ok(all)
}
