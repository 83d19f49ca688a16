//! Questions about an old table as a whole: how many rows it has, which say the same, what became of them.

use std::collections::HashSet;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::{Kind, Source};
use crate::db::DbError;

/// How many rows of an old table have no id.
///
/// # Errors
/// As any statement.
pub async fn count_without_id(client: &Client, kind: Kind) -> Result<i64, DbError> {
    let sql = format!("SELECT count(*) FROM {} t WHERE t.id IS NULL", kind.table());
    Ok(client.query_typed_one(&sql, &[]).await?.try_get(0)?)
}

/// How many rows an old table has.
///
/// # Errors
/// As any statement.
pub async fn count(client: &Client, kind: Kind) -> Result<i64, DbError> {
    let sql = format!("SELECT count(*) FROM {}", kind.table());
    Ok(client.query_typed_one(&sql, &[]).await?.try_get(0)?)
}

/// The ids of users whose address another, older user has in another case.
///
/// # Errors
/// As any statement.
pub async fn same_addresses(client: &Client, source: &Source) -> Result<HashSet<String>, DbError> {
    let oldest = source.kind("user", "created_at").map_or("", |_| "t.created_at NULLS LAST,");
    placed_behind(client, Kind::User, "lower(btrim(t.email, E' \\t\\n\\r\\f\\x0b'))", oldest).await
}

/// The ids of rows that spell the same 128 bits as another one.
///
/// # Errors
/// As any statement.
pub async fn same_ids(client: &Client, source: &Source, kind: Kind) -> Result<HashSet<String>, DbError> {
    if source.has_text_ids(kind) {
        placed_behind(client, kind, "lower(replace(t.id::text, '-', ''))", "").await
    } else {
        Ok(HashSet::new())
    }
}

/// The ids of all rows but the first of each key.
async fn placed_behind(client: &Client, kind: Kind, key: &str, order: &str) -> Result<HashSet<String>, DbError> {
    let table = kind.table();
    let sql = format!(
        "SELECT id FROM (
             SELECT t.id::text AS id, first_value(t.id::text) OVER (PARTITION BY {key} ORDER BY {order} t.id) AS first
             FROM {table} t WHERE {key} IS NOT NULL AND t.id IS NOT NULL
         ) placed WHERE id <> first"
    );
    let rows = client.query_typed(&sql, &[]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// How many rows of an old table were taken over, each id once, and how many left out for a reason that was noted.
///
/// # Errors
/// As any statement.
pub async fn verify(client: &Client, kind: Kind) -> Result<(i64, i64), DbError> {
    let table = kind.table();
    let id = "CASE WHEN t.id::text ~* '^([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$' THEN t.id::text::uuid END";
    let sql = format!(
        "SELECT count(DISTINCT id) FILTER (WHERE NOT left_out AND taken), count(*) FILTER (WHERE left_out) FROM (
             SELECT t.id, EXISTS (SELECT FROM legacy_rows l WHERE l.source = $1 AND l.id = {id}) AS taken,
                    EXISTS (SELECT FROM legacy_problems p
                            WHERE p.source = $1 AND p.legacy_id = left(t.id::text, 200) AND p.skipped)
                    OR t.id IS NULL AS left_out
             FROM {table} t
         ) looked_up"
    );
    let row = client.query_typed_one(&sql, &[(&kind.as_str(), Type::TEXT)]).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// How many accounts have a password hash of the old backend.
///
/// # Errors
/// As any statement.
pub async fn count_passwords(client: &Client) -> Result<i64, DbError> {
    let row = client.query_typed_one("SELECT app.count_legacy_passwords()", &[]).await?;
    Ok(row.try_get(0)?)
}
