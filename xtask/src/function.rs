//! Calls a function without HTTP once, as a direct invocation of the Lambda does.

use local::Result;

use crate::cargo;
use crate::database::Database;
use crate::environment::{self, Settings};

/// Calls `function` with an event and the development database.
pub(crate) fn invoke(function: &str, event: &str, log_level: &str) -> Result<()> {
    let database = Database::reach()?;
    invoke_with(function, event, &environment::settings(&database.url, &database.url)?, log_level)
}

/// Calls `function` with an event and these settings.
pub(crate) fn invoke_with(function: &str, event: &str, settings: &Settings, log_level: &str) -> Result<()> {
    let mut command = cargo::cargo(&["run", "--quiet", "--bin", function, "--", event]);
    command.envs(settings).env("LOG_LEVEL", log_level);
    cargo::finish(command, function, "read the lines above")
}
