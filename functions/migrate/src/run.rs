//! `{"action": "migrate"}`

use std::time::Duration;

use serde::Serialize;
use shared::db::migrations;
use tokio_postgres::Client;

use crate::lock_retry::retry_on_locks;
use crate::{MigrateError, embedded};

/// The result of [`MigrateCommand::Migrate`](crate::MigrateCommand::Migrate).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MigrateReport {
    /// The migrations that this run applied, oldest first, as `V<n>__<what>`.
    pub applied: Vec<String>,
    /// The newest applied version.
    pub current: i32,
    /// Whether a newer binary has migrated this database. Then nothing is applied, and the run succeeds.
    pub ahead: bool,
}

pub(crate) async fn migrate(client: &mut Client, lock_timeout: Duration) -> Result<MigrateReport, MigrateError> {
    // Grouped: one transaction for all migrations. A database that is ahead of this binary is not an error, so that
    // CloudFormation can roll a deploy back.
    let runner = embedded::runner().set_grouped(true).set_abort_missing(false);
    let report = retry_on_locks(lock_timeout, async |wait| {
        migrations::wait_for_locks(client, wait).await?;
        runner.run_async(client).await.map_err(MigrateError::from)
    })
    .await?;
    let applied: Vec<String> = report.applied_migrations().iter().map(ToString::to_string).collect();
    for migration in &applied {
        tracing::info!(migration, "migration applied");
    }
    let current = migrations::applied(client).await?.last().map_or(0, |migration| migration.version);
    let latest = embedded::known().last().map_or(0, refinery::Migration::version);
    Ok(MigrateReport { applied, current, ahead: current > latest })
}
