//! Counts and comparisons of a whole old table.

use std::collections::HashSet;

use tokio_postgres::Client;

use super::{LegacySchema, LegacyTable};
use crate::db::{DbError, Statement};

/// How many rows of an old table have no id.
pub async fn count_without_id(client: &Client, table: LegacyTable) -> Result<i64, DbError> {
    count_rows(client, "SELECT count(*) AS count FROM {table} t WHERE t.id IS NULL", table).await
}

/// How many rows an old table has.
pub async fn count(client: &Client, table: LegacyTable) -> Result<i64, DbError> {
    count_rows(client, "SELECT count(*) AS count FROM {table}", table).await
}

async fn count_rows(client: &Client, sql: &str, table: LegacyTable) -> Result<i64, DbError> {
    Statement::new("legacy.count", sql).fragment("table", table.sql()).run(client).await?.one()?.get("count")
}

/// The ids of users whose email address an older user also has, perhaps in another case.
pub async fn same_addresses(client: &Client, source: &LegacySchema) -> Result<HashSet<String>, DbError> {
    let oldest = source.kind("user", "created_at").map_or("", |_| "t.created_at NULLS LAST,");
    repeated_ids(client, LegacyTable::User, "lower(btrim(t.email, E' \\t\\n\\r\\f\\x0b'))", oldest).await
}

/// The ids of rows whose UUID an earlier row has in another spelling.
pub async fn same_ids(client: &Client, source: &LegacySchema, table: LegacyTable) -> Result<HashSet<String>, DbError> {
    if source.has_text_ids(table) {
        repeated_ids(client, table, "lower(replace(t.id::text, '-', ''))", "").await
    } else {
        Ok(HashSet::new())
    }
}

/// The ids of all rows except the first one of each key.
async fn repeated_ids(client: &Client, table: LegacyTable, key: &str, order: &str) -> Result<HashSet<String>, DbError> {
    let rows = Statement::new(
        "legacy.repeated_ids",
        "SELECT id FROM (
             SELECT t.id::text AS id, first_value(t.id::text) OVER (PARTITION BY {key} ORDER BY {order} t.id) AS first
             FROM {table} t WHERE {key} IS NOT NULL AND t.id IS NOT NULL
         ) ranked WHERE id <> first",
    )
    .fragment("table", table.sql())
    .fragment("key", key)
    .fragment("order", order)
    .run(client)
    .await?;
    rows.iter().map(|record| record.get("id")).collect()
}

/// How many rows of an old table were imported, counting each id once, and how many were skipped for a recorded reason.
pub async fn verify(client: &Client, table: LegacyTable) -> Result<(i64, i64), DbError> {
    let rows = Statement::new(
        "legacy.verify",
        "SELECT count(DISTINCT id) FILTER (WHERE NOT is_skipped AND is_imported) AS imported,
                count(*) FILTER (WHERE is_skipped) AS skipped
         FROM (
             SELECT t.id, EXISTS (SELECT FROM legacy_rows l WHERE l.source = :source AND l.id = {id}) AS is_imported,
                    EXISTS (SELECT FROM legacy_problems p
                            WHERE p.source = :source AND p.legacy_id = left(t.id::text, 200) AND p.skipped)
                    OR t.id IS NULL AS is_skipped
             FROM {table} t
         ) looked_up",
    )
    .fragment("table", table.sql())
    .fragment(
        "id",
        "CASE WHEN t.id::text ~* '^([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$' THEN t.id::text::uuid END",
    )
    .bind("source", &table.as_str())
    .run(client)
    .await?;
    let record = rows.one()?;
    Ok((record.get("imported")?, record.get("skipped")?))
}

/// How many accounts have a legacy hash.
pub async fn count_passwords(client: &Client) -> Result<i64, DbError> {
    let sql = "SELECT app.count_legacy_passwords() AS count";
    Statement::new("legacy.count_passwords", sql).run(client).await?.one()?.get("count")
}
