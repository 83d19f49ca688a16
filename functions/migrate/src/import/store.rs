//! Stores a batch. If the database refuses a row, stores the other rows one by one.

use std::collections::HashSet;

use jiff::Timestamp;
use shared::db::DbError;
use tokio_postgres::Client;
use uuid::Uuid;

/// Stores rows in one statement, or one by one if the database refuses a value. Returns the ids of the stored rows.
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
