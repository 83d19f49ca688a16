//! Accounts to look at.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Role;
use crate::db::users::{COLUMNS, UserRow};
use crate::db::{Columns, DbError, Scope};
use crate::domain::Email;

/// Which accounts to list.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only the account of this address.
    pub email: Option<Email>,
    /// Only accounts with this text in address or name, whatever its case.
    pub search: Option<String>,
    /// Only `user` or `admin`.
    pub role: Option<Role>,
    /// Only enabled, or only disabled accounts.
    pub is_active: Option<bool>,
    /// Only accounts that are banned now, or only others.
    pub banned: Option<bool>,
}

/// Accounts, newest first, from behind `after`.
///
/// # Errors
/// As [`Scope::query`].
pub async fn list(
    db: &Scope<'_>,
    filter: &Filter,
    after: Option<(Timestamp, Uuid)>,
    limit: i64,
    at: Timestamp,
) -> Result<Vec<UserRow>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM users u
         WHERE ($1::text[] IS NULL OR u.email = ANY ($1))
           AND ($2::text IS NULL OR u.email LIKE $2 OR lower(u.name) LIKE $2)
           AND ($3::text IS NULL OR u.role = $3)
           AND ($4::boolean IS NULL OR u.is_active = $4)
           AND ($5::boolean IS NULL OR $5 = (u.banned_at IS NOT NULL AND coalesce(u.banned_until > $6, true)))
           AND ($7::timestamptz IS NULL OR (u.created_at, u.id) < ($7, $8))
         ORDER BY u.created_at DESC, u.id DESC
         LIMIT $9"
    );
    let Filter { email, search, role, is_active, banned } = filter;
    let pattern = search.as_ref().map(|text| format!("%{}%", escape(&text.to_lowercase())));
    let (time, id) = after.unzip();
    let outcome = db
        .query(
            &sql,
            &[
                (&email.as_ref().map(Email::spellings), Type::TEXT_ARRAY),
                (&pattern, Type::TEXT),
                (&role.map(Role::as_str), Type::TEXT),
                (is_active, Type::BOOL),
                (banned, Type::BOOL),
                (&at, Type::TIMESTAMPTZ),
                (&time, Type::TIMESTAMPTZ),
                (&id, Type::UUID),
                (&limit, Type::INT8),
            ],
        )
        .await?;
    outcome.rows.iter().map(|row| UserRow::read(&mut Columns::of(row))).collect()
}

/// Text in which nothing has a meaning for `LIKE`.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
