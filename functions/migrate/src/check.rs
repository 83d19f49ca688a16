//! `{"action": "check"}`

use serde::Serialize;
use shared::db::migrations;
use tokio_postgres::Client;

use crate::{MigrateError, embedded};

/// The result of [`MigrateCommand::Check`](crate::MigrateCommand::Check).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Whether every migration of this binary is applied with the same content.
    pub ok: bool,
    /// One sentence for each migration that is missing or different.
    pub problems: Vec<String>,
}

pub(crate) async fn compare(client: &Client) -> Result<CheckReport, MigrateError> {
    let applied = migrations::applied(client).await?;
    let mut problems = Vec::new();
    for known in embedded::known() {
        match applied.iter().find(|migration| migration.version == known.version()) {
            None => problems.push(format!("{known} is not applied")),
            Some(migration) if migration.checksum != known.checksum().to_string() => {
                problems.push(format!("{known} was applied with different content"));
            }
            Some(_) => {}
        }
    }
    Ok(CheckReport { ok: problems.is_empty(), problems })
}
