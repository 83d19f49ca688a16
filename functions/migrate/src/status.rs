//! `{"action": "status"}`

use serde::Serialize;
use shared::db::migrations;
use tokio_postgres::Client;

use crate::{MigrateError, embedded};

/// The result of [`MigrateCommand::Status`](crate::MigrateCommand::Status).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusReport {
    /// The newest applied version; 0 for an empty database.
    pub current: i32,
    /// The newest version of this binary.
    pub latest: i32,
    /// The applied migrations, oldest first.
    pub applied: Vec<AppliedMigration>,
    /// The migrations that `migrate` would apply, oldest first.
    pub pending: Vec<String>,
    /// Whether a newer binary has migrated this database.
    pub ahead: bool,
}

/// One applied migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppliedMigration {
    /// The name of its file without the ending: `V<n>__<what>`.
    pub migration: String,
    /// When it was applied, in RFC 3339.
    pub applied_on: String,
}

pub(crate) async fn read(client: &Client) -> Result<StatusReport, MigrateError> {
    let applied = migrations::applied(client).await?;
    let known = embedded::known();
    let current = applied.last().map_or(0, |migration| migration.version);
    let latest = known.last().map_or(0, refinery::Migration::version);
    let pending = known.iter().filter(|migration| applied.iter().all(|other| other.version != migration.version()));
    Ok(StatusReport {
        current,
        latest,
        pending: pending.map(ToString::to_string).collect(),
        ahead: current > latest,
        applied: applied
            .into_iter()
            .map(|migration| AppliedMigration {
                migration: format!("V{}__{}", migration.version, migration.name),
                applied_on: migration.applied_on,
            })
            .collect(),
    })
}
