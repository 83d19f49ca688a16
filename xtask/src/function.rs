//! Invokes a function without HTTP (`migrate`, `maintenance`) once, by running its binary with an event.

use local::Result;

use crate::cargo;
use crate::database::Database;
use crate::environment::{self, Settings};

/// Invokes `function` with an event on the development database.
pub(crate) fn invoke(function: &str, event: &str, log_level: &str) -> Result<()> {
    let database = Database::find_or_start()?;
    invoke_with(function, event, &environment::settings(&database.url, &database.url)?, log_level)
}

/// Invokes `function` with an event and these settings.
pub(crate) fn invoke_with(function: &str, event: &str, settings: &Settings, log_level: &str) -> Result<()> {
    let mut command = cargo::cargo(&["run", "--quiet", "--bin", function, "--", event]);
    command.envs(settings).env("LOG_LEVEL", log_level);
    cargo::run(command, function, "read the lines above")
}
