//! Whether the database answers, and what operators watch in it.

use super::{Columns, DbError, Scope};

/// Asks for the smallest answer there is.
///
/// # Errors
/// If there is none.
pub async fn ping(db: &Scope<'_>) -> Result<(), DbError> {
    db.query("SELECT 1", &[]).await.map(drop)
}

/// How many accounts still have a password hash of the old backend.
///
/// # Errors
/// As [`Scope::query`].
pub async fn count_legacy_passwords(db: &Scope<'_>) -> Result<i64, DbError> {
    let outcome = db.query("SELECT app.count_legacy_passwords()", &[]).await?;
    let row = outcome.rows.first().ok_or_else(|| DbError::other("the count has no row"))?;
    Columns::of(row).take()
}
