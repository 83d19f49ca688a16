//! Stores a batch, and what is acceptable of it if something is not.

use std::collections::HashSet;

use jiff::Timestamp;
use shared::db::DbError;
use tokio_postgres::Client;
use uuid::Uuid;

/// Stores rows together, or one by one if the database refuses one of them. Answers which were stored.
pub(super) async fn store<Row>(
    client: &mut Client,
    rows: &[Row],
    at: Timestamp,
    how: impl AsyncFn(&mut Client, &[Row], Timestamp) -> Result<HashSet<Uuid>, DbError>,
) -> Result<HashSet<Uuid>, DbError> {
    match how(client, rows, at).await {
        Err(error) if error.is_about_values() => {}
        together => return together,
    }
    let mut stored = HashSet::new();
    for row in rows {
        match how(client, std::slice::from_ref(row), at).await {
            Ok(one) => stored.extend(one),
            Err(error) if error.is_about_values() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(stored)
}
