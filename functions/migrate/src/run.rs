//! `{"action": "migrate"}`

use std::time::Duration;

use serde::Serialize;
use shared::db::migrations;
use tokio_postgres::Client;

use crate::patience::patiently;
use crate::{MigrateError, embedded};

/// What was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Migrated {
    /// The migrations of this run, oldest first.
    pub applied: Vec<String>,
    /// The newest version now.
    pub current: i32,
    /// Whether a newer binary has migrated this database; nothing is done then, and that is right.
    pub ahead: bool,
}

pub(crate) async fn migrate(client: &mut Client, patience: Duration) -> Result<Migrated, MigrateError> {
    // One transaction for all; a database ahead of this binary is no error, or no deploy could be taken back.
    let runner = embedded::runner().set_grouped(true).set_abort_missing(false);
    let report = patiently(patience, async |wait| {
        migrations::wait_for_locks(client, wait).await?;
        runner.run_async(client).await.map_err(MigrateError::from)
    })
    .await?;
    let applied: Vec<String> = report.applied_migrations().iter().map(ToString::to_string).collect();
    for migration in &applied {
        tracing::info!(migration, "applied");
    }
    let current = migrations::applied(client).await?.last().map_or(0, |one| one.version);
    let latest = embedded::known().last().map_or(0, refinery::Migration::version);
    Ok(Migrated { applied, current, ahead: current > latest })
}
