//! `{"action": "rollback", "to": n}`

use std::time::Duration;

use serde::Serialize;
use shared::db::migrations;
use tokio_postgres::Client;

use crate::patience::patiently;
use crate::{MigrateError, embedded};

/// What was undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RolledBack {
    /// The migrations that were undone, newest first.
    pub undone: Vec<String>,
    /// The newest version now.
    pub current: i32,
}

pub(crate) async fn back_to(client: &mut Client, to: i32, patience: Duration) -> Result<RolledBack, MigrateError> {
    let applied = migrations::applied(client).await?;
    let current = applied.last().map_or(0, |one| one.version);
    if !(0..=current).contains(&to) {
        return Err(MigrateError::NotBack { to, current });
    }
    let steps = applied.iter().rev().take_while(|one| one.version > to);
    // Look first: half a way back is no place to stop.
    let steps: Vec<_> = steps
        .map(|one| embedded::down(one.version).map(|down| (one, down)).ok_or(MigrateError::NoDown(one.version)))
        .collect::<Result<_, _>>()?;
    let mut undone = Vec::with_capacity(steps.len());
    for (one, down) in steps {
        patiently(patience, async |wait| {
            migrations::wait_for_locks(client, wait).await?;
            migrations::undo(client, one.version, down).await
        })
        .await?;
        let name = format!("V{}__{}", one.version, one.name);
        tracing::info!(migration = name, "undone");
        undone.push(name);
    }
    let current = migrations::applied(client).await?.last().map_or(0, |one| one.version);
    Ok(RolledBack { undone, current })
}
