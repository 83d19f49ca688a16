//! Database checks for `/health`.

use super::{DbError, Executor, Statement};

/// Runs the smallest possible query, to check that the database answers and accepts the caller.
pub async fn ping(db: &impl Executor) -> Result<(), DbError> {
    Statement::new("health.ping", "SELECT true").run(db).await.map(drop)
}

/// How many accounts still have a legacy hash.
pub async fn count_legacy_passwords(db: &impl Executor) -> Result<i64, DbError> {
    let rows =
        Statement::new("health.count_legacy_passwords", "SELECT app.count_legacy_passwords() AS count").run(db).await?;
    rows.one()?.get("count")
}
