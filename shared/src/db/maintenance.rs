//! What operators do beyond what administrators may, and what the scheduled purge deletes: a table is walked in the order of its key, so that each statement looks at a
//! bounded number of rows, and no index is needed that requests would have to keep up to date.

use jiff::Timestamp;
use tokio_postgres::types::{FromSql, Type};
use uuid::Uuid;

use super::{Columns, DbError, Param, Scope};
use crate::domain::Email;

/// How many rows one statement looks at.
const ROWS: i64 = 5_000;

/// The tables with rows that expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// Sessions that ended before a time.
    Sessions,
    /// Buckets that were full again before a time.
    RateLimits,
    /// Failed sign-ins before a time; of accounts that are blocked until somebody lifts it, a year before.
    SignInFailures,
    /// Addresses last used before a time.
    SignInAddresses,
    /// Events from before a time.
    AuditEvents,
    /// Signed-out tokens of the old backend that had expired before a time.
    EndedLegacyTokens,
}

/// One statement's worth of purging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purged {
    /// How many rows were deleted.
    pub deleted: i64,
    /// Where to go on; none at the end of the table.
    pub next: Option<String>,
}

impl Batch {
    /// The table, its key as one text that sorts like the key does, and which rows `t` have expired.
    const fn sql(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Sessions => {
                ("sessions", "t.id", "(t.revoked_at < $1 OR t.idle_expires_at < $1 OR t.absolute_expires_at < $1)")
            }
            Self::RateLimits => ("rate_limits", "t.bucket, t.key", "t.full_at <= $1"),
            Self::SignInFailures => (
                "sign_in_failures",
                "t.account",
                "(t.failed_at < $1 AND (greatest(t.failures, t.unknown_failures, t.known_failures) < 100
                   OR t.failed_at < $1 - interval '1 year'))",
            ),
            Self::SignInAddresses => ("sign_in_addresses", "t.user_id, t.address", "t.last_used_at < $1"),
            Self::EndedLegacyTokens => ("ended_legacy_tokens", "t.id", "t.expires_at <= $1"),
            // In the order of their age: only what is deleted is looked at.
            Self::AuditEvents => ("audit_events", "t.occurred_at, t.id", "t.occurred_at < $1"),
        }
    }

    /// The types of the key.
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

/// Deletes the expired among the next rows behind `from`. What changes meanwhile is left to the next run.
///
/// # Errors
/// As [`Scope::query`].
pub async fn purge(db: &Scope<'_>, batch: Batch, before: Timestamp, from: Option<&str>) -> Result<Purged, DbError> {
    let (table, key, expired) = batch.sql();
    let from_key: Vec<String> =
        batch.key().iter().enumerate().map(|(index, kind)| format!("($2::jsonb->>{index})::{kind}")).collect();
    let from_key = from_key.join(", ");
    let within = if batch == Batch::AuditEvents { expired } else { "true" };
    // By place in the table, which needs no plan that could be wrong; what has moved meanwhile is left to the next run.
    let sql = format!(
        "WITH looked_at AS MATERIALIZED (
             SELECT t.ctid AS place, {expired} AS expired, jsonb_build_array({key})::text AS key,
                    row_number() OVER (ORDER BY {key}) AS number
             FROM {table} t
             WHERE ($2::jsonb IS NULL OR ({key}) > ({from_key})) AND {within}
             ORDER BY {key} LIMIT $3
         ), gone AS (
             DELETE FROM {table} t
             WHERE t.ctid = ANY (ARRAY(SELECT place FROM looked_at WHERE looked_at.expired)) AND {expired}
             RETURNING 1
         )
         SELECT (SELECT count(*) FROM gone), (SELECT key FROM looked_at WHERE number = $3)"
    );
    let from: Option<serde_json::Value> = from.and_then(|from| serde_json::from_str(from).ok());
    let outcome = db.query(&sql, &[(&before, Type::TIMESTAMPTZ), (&from, Type::JSONB), (&ROWS, Type::INT8)]).await?;
    let row = outcome.rows.first().ok_or_else(|| DbError::other("the purge has no row"))?;
    let mut columns = Columns::of(row);
    Ok(Purged { deleted: columns.take()?, next: columns.take()? })
}

/// What became of an account that an operator wants to be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountRemoval {
    /// It is gone, with everything that was its own.
    Gone(Uuid),
    /// There is none with this address.
    Missing,
    /// It is the only administrator's.
    LastAdmin,
}

/// Deletes an account with everything that is its own, as its user can.
///
/// # Errors
/// As [`Scope::query`].
pub async fn delete_account(
    db: &Scope<'_>,
    email: &Email,
    at: Timestamp,
    event: Uuid,
) -> Result<AccountRemoval, DbError> {
    let sql = "SELECT d.who, d.is_gone FROM app.delete_account($1, $2, $3) d";
    Ok(match operate(db, sql, email, at, event).await? {
        Some((user, true)) => AccountRemoval::Gone(user),
        Some((_, false)) => AccountRemoval::LastAdmin,
        None => AccountRemoval::Missing,
    })
}

/// Gives an account a placeholder in place of its address. Answers which account, and the placeholder; none if no account
/// has the address.
///
/// # Errors
/// As [`Scope::query`].
pub async fn release_address(
    db: &Scope<'_>,
    email: &Email,
    at: Timestamp,
    event: Uuid,
) -> Result<Option<(Uuid, String)>, DbError> {
    let sql = "SELECT r.who, r.placeholder FROM app.release_address($1, $2, $3, 'operator') r";
    operate(db, sql, email, at, event).await
}

/// Calls a function that does something to the account of an address: which account, and what became of it; none if there
/// is no such account.
async fn operate<T: for<'a> FromSql<'a>>(
    db: &Scope<'_>,
    sql: &str,
    email: &Email,
    at: Timestamp,
    event: Uuid,
) -> Result<Option<(Uuid, T)>, DbError> {
    const ANSWER_LOST: &str =
        "the connection was lost, and a second attempt found no such account: the first may have done it";
    let spellings = email.spellings();
    let params: [Param<'_>; 3] = [(&spellings, Type::TEXT_ARRAY), (&at, Type::TIMESTAMPTZ), (&event, Type::UUID)];
    let outcome = db.query(sql, &params).await?;
    let row = outcome.rows.first().ok_or_else(|| DbError::other("the function has no row"))?;
    let mut columns = Columns::of(row);
    match Option::zip(columns.take()?, columns.take()?) {
        None if outcome.retried => Err(DbError::other(ANSWER_LOST)),
        found => Ok(found),
    }
}
