//! Locks, time limits and the history for migrations.

use std::time::Duration;

use tokio_postgres::Client;

use super::rows::row;
use super::{DbError, FromRow as _, Statement};

/// The advisory lock of migrations: "todo" in ASCII.
const LOCK: i64 = 0x74_6f_64_6f;

/// The advisory lock of imports. An import may take long and must not keep a deployment from migrating.
const IMPORT_LOCK: i64 = LOCK + 1;

/// Makes unqualified names mean the schema `public`: by default, a schema with the name of the role would come first.
pub async fn prepare(client: &Client) -> Result<(), DbError> {
    Ok(client.batch_execute("SET search_path = public").await?)
}

/// Resets the session: behind a pooler, another client gets it next.
pub async fn reset_session(client: &Client) -> Result<(), DbError> {
    Ok(client.batch_execute("SELECT pg_advisory_unlock_all(); RESET ALL").await?)
}

/// Waits at most `timeout` until no other migration runs on this database. The lock ends with the connection.
///
/// # Errors
/// [`DbError::TimedOut`] if another migration holds it for longer.
pub async fn lock(client: &Client, timeout: Duration) -> Result<(), DbError> {
    wait_for(client, LOCK, timeout).await?;
    // With row-level security on, a migration could update no row and report no error, because it hides all rows from
    // the owner (docs/decisions/backfills.md).
    client.batch_execute("SET row_security = off").await?;
    Ok(())
}

/// Limits how long a migration waits for each lock.
pub async fn wait_for_locks(client: &Client, longest: Duration) -> Result<(), DbError> {
    Ok(client.batch_execute(&format!("SET lock_timeout = '{}ms'", longest.as_millis().max(1))).await?)
}

/// Ends statements that take longer than `longest`, and sessions that are idle for 15 s.
pub async fn set_timeouts(client: &Client, longest: Duration) -> Result<(), DbError> {
    // Zero would mean no limit.
    let longest = longest.as_millis().max(1);
    Ok(client
        .batch_execute(&format!(
            "SET statement_timeout = '{longest}ms'; SET idle_in_transaction_session_timeout = '15s';
             SET idle_session_timeout = '15s'"
        ))
        .await?)
}

/// Waits at most `timeout` until no other import runs on this database. The lock ends with the connection.
///
/// # Errors
/// [`DbError::TimedOut`] if another import holds it for longer.
pub async fn lock_import(client: &Client, timeout: Duration) -> Result<(), DbError> {
    wait_for(client, IMPORT_LOCK, timeout).await?;
    Ok(client.batch_execute("SET lock_timeout = '5s'").await?)
}

async fn wait_for(client: &Client, lock: i64, timeout: Duration) -> Result<(), DbError> {
    client.batch_execute(&format!("SET lock_timeout = '{}ms'", timeout.as_millis().max(1))).await?;
    Statement::new("migrations.lock", "SELECT pg_advisory_lock(:lock)").bind("lock", &lock).run(client).await?;
    Ok(())
}

row! {
    /// One applied migration.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct AppliedMigration {
        pub version: i32 = "version",
        pub name: String = "name",
        /// The time, RFC 3339.
        pub applied_on: String = "applied_on",
        /// The checksum of its text, as refinery computes it.
        pub checksum: String = "checksum",
    }
}

/// The applied migrations, oldest first; empty before the first one.
pub async fn applied(client: &Client) -> Result<Vec<AppliedMigration>, DbError> {
    let sql = "SELECT to_regclass('refinery_schema_history') IS NOT NULL AS has_history";
    if !Statement::new("migrations.has_history", sql).run(client).await?.one()?.get::<bool>("has_history")? {
        return Ok(Vec::new());
    }
    Statement::new("migrations.applied", "SELECT {columns} FROM refinery_schema_history ORDER BY version")
        .fragment("columns", AppliedMigration::COLUMNS)
        .run(client)
        .await?
        .all()
}

/// Undoes one migration and removes it from the history, in one transaction.
///
/// # Errors
/// If a statement of `down` fails, or the version is not in the history; nothing is undone then.
pub async fn undo(client: &mut Client, version: i32, down: &str) -> Result<(), DbError> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(down).await?;
    let sql = "DELETE FROM refinery_schema_history WHERE version = :version RETURNING true";
    let forgotten = Statement::new("migrations.forget", sql).bind("version", &version).run(&transaction).await?;
    if forgotten.len() != 1 {
        return Err(DbError::other("the migration is not in the history"));
    }
    transaction.commit().await?;
    Ok(())
}
