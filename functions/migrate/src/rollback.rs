//! `{"action": "rollback", "to": n}`

use std::time::Duration;

use serde::Serialize;
use shared::db::migrations;
use tokio_postgres::Client;

use crate::lock_retry::retry_on_locks;
use crate::{MigrateError, embedded};

/// The result of [`MigrateCommand::Rollback`](crate::MigrateCommand::Rollback).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RollbackReport {
    /// The migrations that were undone, newest first.
    pub undone: Vec<String>,
    /// The newest applied version; 0 if none is applied.
    pub current: i32,
}

pub(crate) async fn rollback(
    client: &mut Client,
    to: i32,
    lock_timeout: Duration,
) -> Result<RollbackReport, MigrateError> {
    let applied = migrations::applied(client).await?;
    let current = applied.last().map_or(0, |migration| migration.version);
    if !(0..=current).contains(&to) {
        return Err(MigrateError::InvalidTarget { to, current });
    }
    let steps = applied.iter().rev().take_while(|migration| migration.version > to);
    // Find all down files before the first is run, so that a missing one does not stop the rollback halfway.
    let steps: Vec<_> = steps
        .map(|migration| {
            embedded::down(migration.version)
                .map(|down| (migration, down))
                .ok_or(MigrateError::UnknownMigration(migration.version))
        })
        .collect::<Result<_, _>>()?;
    let mut undone = Vec::with_capacity(steps.len());
    for (migration, down) in steps {
        retry_on_locks(lock_timeout, async |wait| {
            migrations::wait_for_locks(client, wait).await?;
            migrations::undo(client, migration.version, down).await
        })
        .await?;
        let name = format!("V{}__{}", migration.version, migration.name);
        tracing::info!(migration = name, "migration undone");
        undone.push(name);
    }
    let current = migrations::applied(client).await?.last().map_or(0, |migration| migration.version);
    Ok(RollbackReport { undone, current })
}
