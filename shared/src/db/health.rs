//! Whether the database answers, and what operators watch in it.

use super::{DbError, Executor, Statement};

/// Asks for the smallest possible answer.
///
/// # Errors
/// If the database does not answer.
pub async fn ping(db: &impl Executor) -> Result<(), DbError> {
    Statement::new("health.ping", "SELECT true").run(db).await.map(drop)
}

/// How many accounts still have a password hash of the old backend.
pub async fn count_legacy_passwords(db: &impl Executor) -> Result<i64, DbError> {
    let rows =
        Statement::new("health.count_legacy_passwords", "SELECT app.count_legacy_passwords() AS count").run(db).await?;
    rows.one()?.get("count")
}
