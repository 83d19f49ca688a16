//! Whether the database answers.

use super::{DbError, Scope};

/// Asks for the smallest answer there is.
///
/// # Errors
/// If there is none.
pub async fn ping(db: &Scope<'_>) -> Result<(), DbError> {
    db.query("SELECT 1", &[]).await.map(drop)
}
