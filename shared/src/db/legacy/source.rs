//! Reads the old tables. Their first version has passwords in `"user"`, their second in `account`.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use tokio_postgres::Client;

use super::{LegacyTable, LegacyTask, LegacyTime, LegacyUser};
use crate::clock::EARLIEST_TIME;
use crate::db::{DbError, Record, Statement};

/// The columns of the old tables, by table and name, with their types.
#[derive(Clone, Debug)]
pub struct LegacySchema(HashMap<(String, String), String>);

impl LegacySchema {
    /// Finds the old tables; `None` if `"user"`, `task` or one of the columns that an import needs is missing.
    pub async fn find(client: &Client) -> Result<Option<Self>, DbError> {
        // The catalogue also lists tables that we may not read. Reading such a table fails later, with a clear error.
        let sql =
            "SELECT c.relname::text AS relation, a.attname::text AS attribute, format_type(a.atttypid, NULL) AS kind
                   FROM pg_attribute a
                   JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
                   WHERE c.relnamespace = to_regnamespace('public') AND c.relname IN ('user', 'account', 'task')
                     AND a.attnum > 0 AND NOT a.attisdropped";
        let mut found = HashMap::new();
        for record in Statement::new("legacy.find_tables", sql).run(client).await?.iter() {
            found.insert((record.get("relation")?, record.get("attribute")?), record.get("kind")?);
        }
        let source = Self(found);
        let whole = [("user", "id"), ("user", "email"), ("task", "id"), ("task", "user_id"), ("task", "title")];
        let whole = whole.into_iter().all(|(table, column)| source.kind(table, column).is_some());
        let passwords = source.kind("user", "hashed_password").is_some() || source.has_accounts();
        Ok((whole && passwords).then_some(source))
    }

    /// Why the tables cannot be read; empty if they can.
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
            let sql = format!("SELECT row_security_active('public.\"{table}\"') AS is_active");
            if Statement::new("legacy.row_security", sql).run(client).await?.one()?.get("is_active")? {
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

    pub(super) fn has_text_ids(&self, table: LegacyTable) -> bool {
        self.kind(table.as_str(), "id") != Some("uuid")
    }

    /// A column as text; null if the table has no such column.
    fn text(&self, table: &str, column: &str) -> String {
        let sql = self.kind(table, column).map_or("NULL::text".to_owned(), |_| format!("t.{column}::text"));
        format!("{sql} AS {column}")
    }

    /// A column as a boolean; `default` if the table has no such column or the row has null.
    fn flag(&self, table: &str, column: &str, default: bool) -> String {
        let sql = self.kind(table, column).map_or(default.to_string(), |_| format!("coalesce(t.{column}, {default})"));
        format!("{sql} AS {column}")
    }

    /// A column as a boolean that may be null; `default` if the table has no such column.
    fn nullable_flag(&self, table: &str, column: &str, default: bool) -> String {
        let sql = self.kind(table, column).map_or(default.to_string(), |_| format!("t.{column}"));
        format!("{sql} AS {column}")
    }

    /// A column as microseconds since 1970, and whether it has a value. A time without a zone is UTC.
    fn time(&self, table: &str, column: &str) -> String {
        match self.kind(table, column) {
            Some(_) => format!(
                "CASE WHEN isfinite(t.{column}) AND t.{column} < '100000-01-01'
                      THEN (extract(epoch FROM t.{column}) * 1000000)::bigint END AS {column},
                 t.{column} IS NOT NULL AS has_{column}"
            ),
            None => format!("NULL::bigint AS {column}, false AS has_{column}"),
        }
    }

    /// At most `:limit` rows after the id `:after`, in the order of their ids.
    fn page(&self, table: LegacyTable) -> String {
        let id_type = if self.has_text_ids(table) { "text" } else { "uuid" };
        let name = table.sql();
        format!(
            "(SELECT * FROM {name} t
              WHERE t.id IS NOT NULL AND (:after::text IS NULL OR t.id > :after::text::{id_type})
              ORDER BY t.id LIMIT :limit) t"
        )
    }
}

/// Reads the columns that [`LegacySchema::time`] selects.
fn time(record: Record<'_>, column: &str) -> Result<LegacyTime, DbError> {
    let micros: Option<i64> = record.get(column)?;
    Ok(match micros.map(Timestamp::from_microsecond) {
        // The API cannot return an earlier time.
        Some(Ok(time)) if time >= EARLIEST_TIME => LegacyTime::At(time),
        None if !record.get::<bool>(&format!("has_{column}"))? => LegacyTime::Missing,
        _ => LegacyTime::OutOfRange,
    })
}

/// The next users after the id `after`, in the order of their ids.
pub async fn users(
    client: &Client,
    source: &LegacySchema,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<LegacyUser>, DbError> {
    let statement = select_users(source, source.page(LegacyTable::User)).bind("after", &after).bind("limit", &limit);
    read_users(client, source, statement).await
}

/// Users by their ids, the oldest first.
pub async fn users_by_id(client: &Client, source: &LegacySchema, ids: &[String]) -> Result<Vec<LegacyUser>, DbError> {
    let created_at = source.kind("user", "created_at").map_or("NULL::timestamptz", |_| "t.created_at");
    let from = format!(
        "(SELECT * FROM public.\"user\" t WHERE t.id::text = ANY(:ids)) t ORDER BY {created_at} NULLS LAST, t.id"
    );
    read_users(client, source, select_users(source, from).bind("ids", &ids)).await
}

/// Selects the users of a `FROM` clause.
fn select_users<'a>(source: &LegacySchema, from: String) -> Statement<'a> {
    let columns = [
        source.text("user", "name"),
        source.text("user", "hashed_password"),
        source.nullable_flag("user", "is_active", true),
        source.flag("user", "email_verified", false),
        source.text("user", "role"),
        source.flag("user", "banned", false),
        source.text("user", "ban_reason"),
        source.time("user", "ban_expires"),
        source.time("user", "created_at"),
        source.time("user", "updated_at"),
    ];
    Statement::new("legacy.users", "SELECT t.id::text AS id, t.email::text AS email, {columns} FROM {from}")
        .fragment("columns", columns.join(", "))
        .fragment("from", from)
}

async fn read_users(
    client: &Client,
    source: &LegacySchema,
    statement: Statement<'_>,
) -> Result<Vec<LegacyUser>, DbError> {
    let read = |record: Record<'_>| {
        Ok(LegacyUser {
            id: record.get("id")?,
            email: record.get("email")?,
            name: record.get("name")?,
            password: record.get("hashed_password")?,
            other_passwords: 0,
            is_active: record.get("is_active")?,
            email_verified: record.get("email_verified")?,
            role: record.get("role")?,
            banned: record.get("banned")?,
            ban_reason: record.get("ban_reason")?,
            ban_expires: time(record, "ban_expires")?,
            created_at: time(record, "created_at")?,
            updated_at: time(record, "updated_at")?,
        })
    };
    let mut users: Vec<LegacyUser> = statement.run(client).await?.iter().map(read).collect::<Result<_, DbError>>()?;
    if source.has_accounts() {
        add_passwords(client, &mut users).await?;
    }
    Ok(users)
}

/// Adds the passwords of `account` to users who have none in `"user"`.
async fn add_passwords(client: &Client, users: &mut [LegacyUser]) -> Result<(), DbError> {
    let plain = |id: &str| id.replace('-', "").to_lowercase();
    let ids: Vec<String> = users.iter().map(|user| plain(&user.id)).collect();
    // The two tables may spell ids differently.
    let rows = Statement::new(
        "legacy.passwords",
        "SELECT lower(replace(user_id::text, '-', '')) AS id, max(password::text) AS password,
                count(DISTINCT password) AS different
         FROM public.account
         WHERE provider_id::text = 'credential' AND password IS NOT NULL
           AND lower(replace(user_id::text, '-', '')) = ANY(:ids)
         GROUP BY 1",
    )
    .bind("ids", &ids)
    .run(client)
    .await?;
    let mut passwords: HashMap<String, (String, i64)> = HashMap::new();
    for record in rows.iter() {
        passwords.insert(record.get("id")?, (record.get("password")?, record.get("different")?));
    }
    for user in users.iter_mut().filter(|user| user.password.is_none()) {
        if let Some((password, different)) = passwords.remove(&plain(&user.id)) {
            user.password = Some(password);
            user.other_passwords = different - 1;
        }
    }
    Ok(())
}

/// The next tasks after the id `after`, in the order of their ids.
pub async fn tasks(
    client: &Client,
    source: &LegacySchema,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<LegacyTask>, DbError> {
    let columns = [
        source.text("task", "description"),
        source.time("task", "due_datetime"),
        source.text("task", "priority"),
        source.nullable_flag("task", "is_completed", false),
        source.time("task", "created_at"),
        source.time("task", "updated_at"),
    ];
    let rows = Statement::new(
        "legacy.tasks",
        "SELECT t.id::text AS id, t.user_id::text AS user_id, t.title::text AS title, {columns} FROM {from}",
    )
    .fragment("columns", columns.join(", "))
    .fragment("from", source.page(LegacyTable::Task))
    .bind("after", &after)
    .bind("limit", &limit)
    .run(client)
    .await?;
    let read = |record: Record<'_>| {
        Ok(LegacyTask {
            id: record.get("id")?,
            user_id: record.get("user_id")?,
            title: record.get("title")?,
            description: record.get("description")?,
            due_datetime: time(record, "due_datetime")?,
            priority: record.get("priority")?,
            is_completed: record.get("is_completed")?,
            created_at: time(record, "created_at")?,
            updated_at: time(record, "updated_at")?,
        })
    };
    rows.iter().map(read).collect()
}
