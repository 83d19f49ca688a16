//! What migrating needs beyond the migrations themselves: the lock, and the history that refinery keeps.

use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::DbError;

/// Names the lock among advisory locks: "todo" in ASCII.
const LOCK: i64 = 0x74_6f_64_6f;

/// Names the lock of an import, which may take long and must not keep a deployment from migrating.
const IMPORT_LOCK: i64 = LOCK + 1;

/// Makes names mean the same whatever the role is called: a schema named like it would come first.
///
/// # Errors
/// As any statement.
pub async fn prepare(client: &Client) -> Result<(), DbError> {
    Ok(client.batch_execute("SET search_path = public").await?)
}

/// Leaves the session as it was found: through a pooler, somebody else gets it next.
///
/// # Errors
/// As any statement.
pub async fn release(client: &Client) -> Result<(), DbError> {
    Ok(client.batch_execute("SELECT pg_advisory_unlock_all(); RESET ALL").await?)
}

/// Waits until no other migration runs on this database, at most `patience`. The lock ends with the connection.
///
/// # Errors
/// [`DbError::TimedOut`] if another migration holds it for longer.
pub async fn lock(client: &Client, patience: Duration) -> Result<(), DbError> {
    wait_for(client, LOCK, patience).await?;
    // Migrations may not change no row in silence where row-level security hides all of them from the owner
    // (docs/decisions/backfills.md).
    client.batch_execute("SET row_security = off").await?;
    Ok(())
}

/// Bounds the wait for each lock that a migration needs.
///
/// # Errors
/// As any statement.
pub async fn wait_for_locks(client: &Client, longest: Duration) -> Result<(), DbError> {
    Ok(client.batch_execute(&format!("SET lock_timeout = '{}ms'", longest.as_millis().max(1))).await?)
}

/// Ends any statement that takes longer than `longest`, and the session of whoever has fallen silent.
///
/// # Errors
/// As any statement.
pub async fn bound(client: &Client, longest: Duration) -> Result<(), DbError> {
    // Zero would mean: no bound.
    let longest = longest.as_millis().max(1);
    Ok(client
        .batch_execute(&format!(
            "SET statement_timeout = '{longest}ms'; SET idle_in_transaction_session_timeout = '15s';
             SET idle_session_timeout = '15s'"
        ))
        .await?)
}

/// Waits until no other import runs on this database, at most `patience`. The lock ends with the connection.
///
/// # Errors
/// [`DbError::TimedOut`] if another import holds it for longer.
pub async fn lock_import(client: &Client, patience: Duration) -> Result<(), DbError> {
    wait_for(client, IMPORT_LOCK, patience).await?;
    Ok(client.batch_execute("SET lock_timeout = '5s'").await?)
}

async fn wait_for(client: &Client, lock: i64, patience: Duration) -> Result<(), DbError> {
    client.batch_execute(&format!("SET lock_timeout = '{}ms'", patience.as_millis().max(1))).await?;
    client.query_typed("SELECT pg_advisory_lock($1)", &[(&lock, Type::INT8)]).await?;
    Ok(())
}

/// One applied migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its number.
    pub version: i32,
    /// Its name.
    pub name: String,
    /// When it was applied, RFC 3339.
    pub applied_on: String,
    /// Its checksum, as refinery computes it.
    pub checksum: String,
}

/// The applied migrations, oldest first. None before the first one.
///
/// # Errors
/// As any statement.
pub async fn applied(client: &Client) -> Result<Vec<Applied>, DbError> {
    let exists = client.query_typed_one("SELECT to_regclass('refinery_schema_history') IS NOT NULL", &[]).await?;
    if !exists.try_get::<_, bool>(0)? {
        return Ok(Vec::new());
    }
    let rows = client
        .query_typed("SELECT version, name, applied_on, checksum FROM refinery_schema_history ORDER BY version", &[])
        .await?;
    let read = |row: &tokio_postgres::Row| {
        let mut columns = super::Columns::of(row);
        Ok(Applied {
            version: columns.take()?,
            name: columns.take()?,
            applied_on: columns.take()?,
            checksum: columns.take()?,
        })
    };
    rows.iter().map(read).collect()
}

/// Undoes one migration and forgets it, in one transaction.
///
/// # Errors
/// As the statements of `down`; nothing is undone then.
pub async fn undo(client: &mut Client, version: i32, down: &str) -> Result<(), DbError> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(down).await?;
    let forget = "DELETE FROM refinery_schema_history WHERE version = $1";
    let gone = transaction.execute_typed(forget, &[(&version, Type::INT4)]).await?;
    if gone != 1 {
        return Err(DbError::other("the migration is not in the history"));
    }
    transaction.commit().await?;
    Ok(())
}
