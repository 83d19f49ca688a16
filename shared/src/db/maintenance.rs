//! What operators may do and administrators may not, and the scheduled purge of expired rows. The purge reads a table
//! in the order of its key: each statement looks at a bounded number of rows, and needs no index that requests would
//! have to update.

use jiff::Timestamp;
use tokio_postgres::types::FromSql;
use uuid::Uuid;

use super::{AnonymousScope, DbError, Statement};
use crate::domain::{AuditContext, Email};

/// How many rows one statement reads.
const ROWS: i64 = 5_000;

/// The tables with rows that expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiringTable {
    /// Sessions that ended before a time.
    Sessions,
    /// Buckets that were full again before a time.
    RateLimits,
    /// Failed sign-ins before a time. A count that blocks its account until an operator unlocks it stays a year longer.
    SignInFailures,
    /// Known IP addresses last used before a time.
    SignInAddresses,
    /// Events from before a time.
    AuditEvents,
    /// Signed-out legacy tokens that had expired before a time.
    EndedLegacyTokens,
}

/// What one statement of a purge did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurgeStep {
    /// How many rows it deleted.
    pub deleted: i64,
    /// The key of the last row that it read; `None` at the end of the table.
    pub next: Option<String>,
}

impl ExpiringTable {
    /// The table, its key, and the condition for rows `t` that expired before `:before`.
    const fn sql(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Sessions => {
                ("sessions", "t.id", "(t.revoked_at < :before OR t.idle_expires_at < :before OR t.absolute_expires_at < :before)")
            }
            Self::RateLimits => ("rate_limits", "t.bucket, t.key", "t.full_at <= :before"),
            Self::SignInFailures => (
                "sign_in_failures",
                "t.account",
                "(t.failed_at < :before AND (t.failed_at < :before - interval '1 year'
                   OR app.pause_after(greatest(t.failures, t.unknown_failures, t.known_failures), t.failed_at) <> 'infinity'))",
            ),
            Self::SignInAddresses => ("sign_in_addresses", "t.user_id, t.address", "t.last_used_at < :before"),
            Self::EndedLegacyTokens => ("ended_legacy_tokens", "t.id", "t.expires_at <= :before"),
            // In the order of their age: the purge reads only the rows that it deletes.
            Self::AuditEvents => ("audit_events", "t.occurred_at, t.id", "t.occurred_at < :before"),
        }
    }

    /// The types of the key's columns.
    const fn key(self) -> &'static [&'static str] {
        match self {
            Self::Sessions | Self::EndedLegacyTokens => &["uuid"],
            Self::AuditEvents => &["timestamptz", "uuid"],
            Self::RateLimits => &["text", "text"],
            Self::SignInFailures => &["text"],
            Self::SignInAddresses => &["uuid", "text"],
        }
    }
}

/// Deletes the expired rows among the next 5,000 after `from`. Rows that change during the statement wait for the next
/// run.
pub async fn purge(
    db: &AnonymousScope<'_>,
    table: ExpiringTable,
    before: Timestamp,
    from: Option<&str>,
) -> Result<PurgeStep, DbError> {
    let (name, key, expired) = table.sql();
    let from_key: Vec<String> =
        table.key().iter().enumerate().map(|(index, kind)| format!("(:from::jsonb->>{index})::{kind}")).collect();
    let within = if table == ExpiringTable::AuditEvents { expired } else { "true" };
    let from: Option<serde_json::Value> = from.and_then(|from| serde_json::from_str(from).ok());
    // Rows are deleted by their `ctid`, for which PostgreSQL cannot choose a bad plan.
    let rows = Statement::new(
        "maintenance.purge",
        "WITH looked_at AS MATERIALIZED (
             SELECT t.ctid AS place, {expired} AS expired, jsonb_build_array({key})::text AS key,
                    row_number() OVER (ORDER BY {key}) AS number
             FROM {table} t
             WHERE (:from::jsonb IS NULL OR ({key}) > ({from_key})) AND {within}
             ORDER BY {key} LIMIT :rows
         ), gone AS (
             DELETE FROM {table} t
             WHERE t.ctid = ANY (ARRAY(SELECT place FROM looked_at WHERE looked_at.expired)) AND {expired}
             RETURNING 1
         )
         SELECT (SELECT count(*) FROM gone) AS deleted, (SELECT key FROM looked_at WHERE number = :rows) AS next",
    )
    .fragment("table", name)
    .fragment("key", key)
    .fragment("from_key", from_key.join(", "))
    .fragment("expired", expired)
    .fragment("within", within)
    .bind("before", &before)
    .bind("from", &from)
    .bind("rows", &ROWS)
    .run(db)
    .await?;
    let record = rows.one()?;
    Ok(PurgeStep { deleted: record.get("deleted")?, next: record.get("next")? })
}

/// The result of deleting an account as an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountRemoval {
    /// It was deleted with everything that belonged to it.
    Done(Uuid),
    /// No account has this email address.
    Missing,
    /// It is the account of the only administrator.
    LastAdmin,
}

/// Deletes an account and everything that belongs to it, as its user can.
pub async fn delete_account(
    db: &AnonymousScope<'_>,
    email: &Email,
    context: &AuditContext,
) -> Result<AccountRemoval, DbError> {
    let sql = "SELECT d.who, d.is_gone AS result FROM app.delete_account(:spellings, :at, :event_id) d";
    Ok(match operate(db, "maintenance.delete_account", sql, email, context).await? {
        Some((user, true)) => AccountRemoval::Done(user),
        Some((_, false)) => AccountRemoval::LastAdmin,
        None => AccountRemoval::Missing,
    })
}

/// Replaces the email address of an account with a placeholder. Returns the account's id and the placeholder; `None` if
/// no account has the email address.
pub async fn release_address(
    db: &AnonymousScope<'_>,
    email: &Email,
    context: &AuditContext,
) -> Result<Option<(Uuid, String)>, DbError> {
    let sql =
        "SELECT r.who, r.placeholder AS result FROM app.release_address(:spellings, :at, :event_id, 'operator') r";
    operate(db, "maintenance.release_address", sql, email, context).await
}

/// Calls an SQL function for the account with `email`. Returns the account's id and the result; `None` if there is
/// no such account.
async fn operate<T: for<'a> FromSql<'a>>(
    db: &AnonymousScope<'_>,
    name: &'static str,
    sql: &str,
    email: &Email,
    context: &AuditContext,
) -> Result<Option<(Uuid, T)>, DbError> {
    const ANSWER_LOST: &str =
        "the connection was lost, and a second attempt found no such account: the first may have done it";
    let rows = Statement::new(name, sql).context(context).bind("spellings", &email.spellings()).run(db).await?;
    let record = rows.one()?;
    match Option::zip(record.get("who")?, record.get("result")?) {
        None if rows.retried => Err(DbError::other(ANSWER_LOST)),
        found => Ok(found),
    }
}
