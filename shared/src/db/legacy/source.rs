//! Reading the old tables, in both of their generations.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::{Kind, Moment, OldTask, OldUser};
use crate::clock::OUR_ERA;
use crate::db::{Columns, DbError, Param};

/// The columns of the old tables, by table and name, with their types.
#[derive(Clone, Debug)]
pub struct Source(HashMap<(String, String), String>);

impl Source {
    /// Looks for the old tables; none if there is no `"user"` with addresses, or no `task`.
    ///
    /// # Errors
    /// As any statement.
    pub async fn find(client: &Client) -> Result<Option<Self>, DbError> {
        // The catalogue shows tables that we may not read as well; reading them says so.
        let sql = "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL) FROM pg_attribute a
                   JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
                   WHERE c.relnamespace = to_regnamespace('public') AND c.relname IN ('user', 'account', 'task')
                     AND a.attnum > 0 AND NOT a.attisdropped";
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

    /// What keeps the tables from being read as they are; empty if nothing does.
    ///
    /// # Errors
    /// As any statement.
    pub async fn obstacles(&self, client: &Client) -> Result<Vec<String>, DbError> {
        let times = ["date", "timestamp without time zone", "timestamp with time zone"];
        let texts = ["text", "character varying", "character"];
        let ids = ["uuid", "text", "character varying", "character"];
        let expected = |column: &str| match column {
            "id" => &ids[..],
            "is_active" | "email_verified" | "banned" | "is_completed" => &["boolean"],
            "created_at" | "updated_at" | "due_datetime" | "ban_expires" => &times,
            "email" | "name" | "hashed_password" | "ban_reason" | "title" | "description" | "password" => &texts,
            _ => &[],
        };
        let mut obstacles = Vec::new();
        for ((table, column), kind) in &self.0 {
            let expected = expected(column);
            if !expected.is_empty()
                && !expected.contains(&kind.as_str())
                && (table != "account" || column == "password")
            {
                obstacles.push(format!("{table}.{column} has the type {kind}; expected {}", expected.join(" or ")));
            }
        }
        let tables: BTreeSet<&str> = self.0.keys().map(|(table, _)| table.as_str()).collect();
        for table in tables {
            let sql = format!("SELECT row_security_active('public.\"{table}\"')");
            if client.query_typed_one(&sql, &[]).await?.try_get(0)? {
                obstacles.push(format!("row-level security hides rows of {table} from the role that imports"));
            }
        }
        obstacles.sort();
        Ok(obstacles)
    }

    pub(super) fn kind(&self, table: &str, column: &str) -> Option<&str> {
        self.0.get(&(table.to_owned(), column.to_owned())).map(String::as_str)
    }

    fn has_accounts(&self) -> bool {
        ["user_id", "provider_id", "password"].into_iter().all(|column| self.kind("account", column).is_some())
    }

    pub(super) fn has_text_ids(&self, kind: Kind) -> bool {
        self.kind(kind.as_str(), "id") != Some("uuid")
    }

    /// A column as text, or null if the table has none of this name.
    fn text(&self, table: &str, column: &str) -> String {
        self.kind(table, column).map_or("NULL::text".to_owned(), |_| format!("t.{column}::text"))
    }

    /// A column as a truth value, with what an absent column or null means.
    fn flag(&self, table: &str, column: &str, otherwise: bool) -> String {
        format!("coalesce({}, {otherwise})", self.nullable_flag(table, column, otherwise))
    }

    /// A column as a truth value that may be missing from a row, with what an absent column means.
    fn nullable_flag(&self, table: &str, column: &str, otherwise: bool) -> String {
        self.kind(table, column).map_or(otherwise.to_string(), |_| format!("t.{column}"))
    }

    /// A column as microseconds since 1970, and whether it has a value. A time without a zone is UTC.
    fn moment(&self, table: &str, column: &str) -> String {
        match self.kind(table, column) {
            Some(_) => format!(
                "CASE WHEN isfinite(t.{column}) AND t.{column} < '100000-01-01'
                      THEN (extract(epoch FROM t.{column}) * 1000000)::bigint END,
                 t.{column} IS NOT NULL"
            ),
            None => "NULL::bigint, false".to_owned(),
        }
    }

    /// The rows behind `$1` in the order of their ids, at most `$2`.
    fn page(&self, kind: Kind) -> String {
        let id_type = if self.has_text_ids(kind) { "text" } else { "uuid" };
        let table = kind.table();
        format!(
            "(SELECT * FROM {table} t WHERE t.id IS NOT NULL AND ($1::text IS NULL OR t.id > $1::text::{id_type}) ORDER BY t.id LIMIT $2) t"
        )
    }
}

fn moment(columns: &mut Columns<'_>) -> Result<Moment, DbError> {
    let (micros, is_set): (Option<i64>, bool) = (columns.take()?, columns.take()?);
    Ok(match micros.map(Timestamp::from_microsecond) {
        // Nothing of ours is older than our era, and RFC 3339 cannot tell it.
        Some(Ok(moment)) if moment >= OUR_ERA => Moment::At(moment),
        None if !is_set => Moment::Missing,
        _ => Moment::OutOfRange,
    })
}

/// The next users behind `after`, in the order of their ids.
///
/// # Errors
/// As any statement.
pub async fn users(client: &Client, source: &Source, after: Option<&str>, limit: i64) -> Result<Vec<OldUser>, DbError> {
    select_users(client, source, &source.page(Kind::User), &[(&after, Type::TEXT), (&limit, Type::INT8)]).await
}

/// Users by their ids, the oldest first.
///
/// # Errors
/// As any statement.
pub async fn users_by_id(client: &Client, source: &Source, ids: &[String]) -> Result<Vec<OldUser>, DbError> {
    let created_at = source.kind("user", "created_at").map_or("NULL::timestamptz", |_| "t.created_at");
    let order = format!(
        "(SELECT * FROM public.\"user\" t WHERE t.id::text = ANY($1)) t ORDER BY {created_at} NULLS LAST, t.id"
    );
    select_users(client, source, &order, &[(&ids, Type::TEXT_ARRAY)]).await
}

/// The users of a `FROM` clause, with the passwords that stand beside them.
async fn select_users(
    client: &Client,
    source: &Source,
    from: &str,
    params: &[Param<'_>],
) -> Result<Vec<OldUser>, DbError> {
    let sql = format!(
        "SELECT t.id::text, t.email::text, {}, {}, {}, {}, {}, {}, {}, {}, {}, {} FROM {from}",
        source.text("user", "name"),
        source.text("user", "hashed_password"),
        source.nullable_flag("user", "is_active", true),
        source.flag("user", "email_verified", false),
        source.text("user", "role"),
        source.flag("user", "banned", false),
        source.text("user", "ban_reason"),
        source.moment("user", "ban_expires"),
        source.moment("user", "created_at"),
        source.moment("user", "updated_at"),
    );
    let rows = client.query_typed(&sql, params).await?;
    let read = |row: &Row| {
        let mut columns = Columns::of(row);
        Ok(OldUser {
            id: columns.take()?,
            email: columns.take()?,
            name: columns.take()?,
            password: columns.take()?,
            other_passwords: 0,
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
    let mut users: Vec<OldUser> = rows.iter().map(read).collect::<Result<_, DbError>>()?;
    if source.has_accounts() {
        add_passwords(client, &mut users).await?;
    }
    Ok(users)
}

/// Adds the passwords of `account` to users who have none beside their address.
async fn add_passwords(client: &Client, users: &mut [OldUser]) -> Result<(), DbError> {
    // However either table spells ids.
    let sql = "SELECT lower(replace(user_id::text, '-', '')), max(password::text), count(DISTINCT password)
               FROM public.account
               WHERE provider_id::text = 'credential' AND password IS NOT NULL
                 AND lower(replace(user_id::text, '-', '')) = ANY($1)
               GROUP BY 1";
    let plain = |id: &str| id.replace('-', "").to_lowercase();
    let ids: Vec<String> = users.iter().map(|user| plain(&user.id)).collect();
    let mut passwords: HashMap<String, (String, i64)> = HashMap::new();
    for row in client.query_typed(sql, &[(&ids, Type::TEXT_ARRAY)]).await? {
        passwords.insert(row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?));
    }
    for user in users.iter_mut().filter(|user| user.password.is_none()) {
        if let Some((password, different)) = passwords.remove(&plain(&user.id)) {
            user.password = Some(password);
            user.other_passwords = different - 1;
        }
    }
    Ok(())
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
        source.nullable_flag("task", "is_completed", false),
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
