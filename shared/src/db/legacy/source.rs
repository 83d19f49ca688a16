//! Reading the old tables, in both of their generations.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::{Kind, Moment, OldTask, OldUser};
use crate::db::{Columns, DbError};

/// The columns of the old tables, by table and name, with their types.
#[derive(Clone, Debug)]
pub struct Source(HashMap<(String, String), String>);

impl Source {
    /// Looks for the old tables; none if there is no `"user"` with addresses, or no `task`.
    ///
    /// # Errors
    /// As any statement.
    pub async fn find(client: &Client) -> Result<Option<Self>, DbError> {
        let sql = "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns
                   WHERE table_schema = 'public' AND table_name IN ('user', 'account', 'task')";
        let rows = client.query_typed(sql, &[]).await?;
        let mut found = HashMap::new();
        for row in &rows {
            let mut columns = Columns::of(row);
            found.insert((columns.take()?, columns.take()?), columns.take()?);
        }
        let source = Self(found);
        let whole = [("user", "id"), ("user", "email"), ("task", "id"), ("task", "user_id"), ("task", "title")];
        let whole = whole.into_iter().all(|(table, column)| source.kind(table, column).is_some());
        let passwords = source.kind("user", "hashed_password").is_some() || source.has_accounts();
        Ok((whole && passwords).then_some(source))
    }

    fn kind(&self, table: &str, column: &str) -> Option<&str> {
        self.0.get(&(table.to_owned(), column.to_owned())).map(String::as_str)
    }

    fn has_accounts(&self) -> bool {
        ["user_id", "provider_id", "password"].into_iter().all(|column| self.kind("account", column).is_some())
    }

    fn has_text_ids(&self, kind: Kind) -> bool {
        self.kind(kind.as_str(), "id") != Some("uuid")
    }

    /// A column as text, or null if the table has none of this name.
    fn text(&self, table: &str, column: &str) -> String {
        self.kind(table, column).map_or("NULL::text".to_owned(), |_| format!("t.{column}::text"))
    }

    /// A column as a truth value, with what an absent column or null means.
    fn flag(&self, table: &str, column: &str, otherwise: bool) -> String {
        self.kind(table, column).map_or(otherwise.to_string(), |_| format!("coalesce(t.{column}, {otherwise})"))
    }

    /// A column as microseconds since 1970, and whether it has a value. A time without a zone is UTC.
    fn moment(&self, table: &str, column: &str) -> String {
        match self.kind(table, column) {
            Some(kind) if kind.starts_with("timestamp") => format!(
                "CASE WHEN isfinite(t.{column}) THEN (extract(epoch FROM t.{column}) * 1000000)::bigint END, t.{column} IS NOT NULL"
            ),
            Some(_) => format!("NULL::bigint, t.{column} IS NOT NULL"),
            None => "NULL::bigint, false".to_owned(),
        }
    }

    /// The rows behind `$1` in the order of their ids, at most `$2`.
    fn page(&self, kind: Kind) -> String {
        let id_type = if self.has_text_ids(kind) { "text" } else { "uuid" };
        let table = kind.table();
        format!(
            "(SELECT * FROM {table} t WHERE $1::text IS NULL OR t.id > $1::text::{id_type} ORDER BY t.id LIMIT $2) t"
        )
    }
}

fn moment(columns: &mut Columns<'_>) -> Result<Moment, DbError> {
    let (micros, is_set): (Option<i64>, bool) = (columns.take()?, columns.take()?);
    Ok(match micros.map(Timestamp::from_microsecond) {
        Some(Ok(moment)) => Moment::At(moment),
        None if !is_set => Moment::Missing,
        _ => Moment::OutOfRange,
    })
}

/// The next users behind `after`, in the order of their ids.
///
/// # Errors
/// As any statement.
pub async fn users(client: &Client, source: &Source, after: Option<&str>, limit: i64) -> Result<Vec<OldUser>, DbError> {
    let (password, join) = if source.kind("user", "hashed_password").is_some() {
        ("t.hashed_password::text", "")
    } else {
        // A row each at most, however often an account may stand there.
        (
            "a.password::text",
            "LEFT JOIN LATERAL (SELECT max(account.password) AS password FROM public.account
                 WHERE account.user_id::text = t.id::text AND account.provider_id = 'credential') a ON true",
        )
    };
    let sql = format!(
        "SELECT t.id::text, t.email::text, {}, {password}, {}, {}, {}, {}, {}, {}, {}, {}
         FROM {} {join}",
        source.text("user", "name"),
        source.flag("user", "is_active", true),
        source.flag("user", "email_verified", false),
        source.text("user", "role"),
        source.flag("user", "banned", false),
        source.text("user", "ban_reason"),
        source.moment("user", "ban_expires"),
        source.moment("user", "created_at"),
        source.moment("user", "updated_at"),
        source.page(Kind::User),
    );
    let rows = client.query_typed(&sql, &[(&after, Type::TEXT), (&limit, Type::INT8)]).await?;
    let read = |row: &Row| {
        let mut columns = Columns::of(row);
        Ok(OldUser {
            id: columns.take()?,
            email: columns.take()?,
            name: columns.take()?,
            password: columns.take()?,
            is_active: columns.take()?,
            email_verified: columns.take()?,
            role: columns.take()?,
            banned: columns.take()?,
            ban_reason: columns.take()?,
            ban_expires: moment(&mut columns)?,
            created_at: moment(&mut columns)?,
            updated_at: moment(&mut columns)?,
        })
    };
    rows.iter().map(read).collect()
}

/// The next tasks behind `after`, in the order of their ids.
///
/// # Errors
/// As any statement.
pub async fn tasks(client: &Client, source: &Source, after: Option<&str>, limit: i64) -> Result<Vec<OldTask>, DbError> {
    let sql = format!(
        "SELECT t.id::text, t.user_id::text, t.title::text, {}, {}, {}, {}, {}, {} FROM {}",
        source.text("task", "description"),
        source.moment("task", "due_datetime"),
        source.text("task", "priority"),
        source.flag("task", "is_completed", false),
        source.moment("task", "created_at"),
        source.moment("task", "updated_at"),
        source.page(Kind::Task),
    );
    let rows = client.query_typed(&sql, &[(&after, Type::TEXT), (&limit, Type::INT8)]).await?;
    let read = |row: &Row| {
        let mut columns = Columns::of(row);
        Ok(OldTask {
            id: columns.take()?,
            user_id: columns.take()?,
            title: columns.take()?,
            description: columns.take()?,
            due_datetime: moment(&mut columns)?,
            priority: columns.take()?,
            is_completed: columns.take()?,
            created_at: moment(&mut columns)?,
            updated_at: moment(&mut columns)?,
        })
    };
    rows.iter().map(read).collect()
}

/// How many rows an old table has.
///
/// # Errors
/// As any statement.
pub async fn count(client: &Client, kind: Kind) -> Result<i64, DbError> {
    let sql = format!("SELECT count(*) FROM {}", kind.table());
    Ok(client.query_typed_one(&sql, &[]).await?.try_get(0)?)
}

/// The ids of rows that say the same as an earlier one: users of one address in different cases, of whom the
/// oldest stays; and ids in different spellings of the same 128 bits, of which the first stays.
///
/// # Errors
/// As any statement.
pub async fn duplicates(client: &Client, source: &Source, kind: Kind) -> Result<HashSet<String>, DbError> {
    let table = kind.table();
    let mut found = HashSet::new();
    let mut keys = Vec::new();
    if kind == Kind::User {
        let oldest = source.kind("user", "created_at").map_or("", |_| "t.created_at NULLS LAST,");
        keys.push(("lower(btrim(t.email))", oldest));
    }
    if source.has_text_ids(kind) {
        keys.push(("lower(replace(t.id, '-', ''))", ""));
    }
    for (key, order) in keys {
        let sql = format!(
            "SELECT id FROM (
                 SELECT t.id::text AS id, row_number() OVER (PARTITION BY {key} ORDER BY {order} t.id) AS place
                 FROM {table} t
             ) placed WHERE place > 1"
        );
        for row in client.query_typed(&sql, &[]).await? {
            found.insert(row.try_get(0)?);
        }
    }
    Ok(found)
}

/// How many rows of an old table were taken over, and how many left out for a reason that was noted.
///
/// # Errors
/// As any statement.
pub async fn verify(client: &Client, kind: Kind) -> Result<(i64, i64), DbError> {
    let table = kind.table();
    let id = "CASE WHEN t.id::text ~* '^([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$' THEN t.id::text::uuid END";
    let sql = format!(
        "SELECT count(*) FILTER (WHERE NOT left_out AND taken), count(*) FILTER (WHERE left_out) FROM (
             SELECT EXISTS (SELECT FROM legacy_rows l WHERE l.source = $1 AND l.id = {id}) AS taken,
                    EXISTS (SELECT FROM legacy_problems p
                            WHERE p.source = $1 AND p.legacy_id = t.id::text AND p.skipped) AS left_out
             FROM {table} t
         ) looked_up"
    );
    let row = client.query_typed_one(&sql, &[(&kind.as_str(), Type::TEXT)]).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}
