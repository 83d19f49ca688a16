//! `{"action": "check"}`

use serde::Serialize;
use shared::db::migrations;
use tokio_postgres::Client;

use crate::{MigrateError, embedded};

/// Whether the database is what this binary expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Whether it is.
    pub ok: bool,
    /// What is not as expected, in sentences.
    pub problems: Vec<String>,
}

pub(crate) async fn compare(client: &Client) -> Result<Checked, MigrateError> {
    let applied = migrations::applied(client).await?;
    let mut problems = Vec::new();
    for known in embedded::known() {
        match applied.iter().find(|one| one.version == known.version()) {
            None => problems.push(format!("{known} is not applied")),
            Some(one) if one.checksum != known.checksum().to_string() => {
                problems.push(format!("{known} was applied with another content"));
            }
            Some(_) => {}
        }
    }
    Ok(Checked { ok: problems.is_empty(), problems })
}
