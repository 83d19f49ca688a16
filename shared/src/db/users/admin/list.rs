//! Lists accounts for administrators.

use jiff::Timestamp;
use uuid::Uuid;

use super::UserRole;
use crate::db::users::UserRow;
use crate::db::{DbError, FromRow as _, ReadScope, Statement};
use crate::domain::Email;

/// Which accounts to list.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only the account with this email address.
    pub email: Option<Email>,
    /// Only accounts whose email address or name contains this text, in upper or lower case.
    pub search: Option<String>,
    pub role: Option<UserRole>,
    /// Only enabled, or only disabled accounts.
    pub is_active: Option<bool>,
    /// Only accounts that are banned now, or only others.
    pub banned: Option<bool>,
}

/// Accounts, newest first, at most `limit`. With `after` (time and id), only accounts older than that one.
pub async fn list(
    db: &ReadScope<'_>,
    filter: &Filter,
    after: Option<(Timestamp, Uuid)>,
    limit: i64,
    at: Timestamp,
) -> Result<Vec<UserRow>, DbError> {
    let Filter { email, search, role, is_active, banned } = filter;
    let pattern = search.as_ref().map(|text| format!("%{}%", escape(&text.to_lowercase())));
    let (time, id) = after.unzip();
    Statement::new(
        "users.list",
        "SELECT {columns} FROM users u
         WHERE (:spellings::text[] IS NULL OR u.email = ANY (:spellings))
           AND (:pattern::text IS NULL OR u.email LIKE :pattern OR lower(u.name) LIKE :pattern)
           AND (:role::text IS NULL OR u.role = :role)
           AND (:is_active::boolean IS NULL OR u.is_active = :is_active)
           AND (:banned::boolean IS NULL OR :banned = (u.banned_at IS NOT NULL AND coalesce(u.banned_until > :at, true)))
           AND (:time::timestamptz IS NULL OR (u.created_at, u.id) < (:time, :id))
         ORDER BY u.created_at DESC, u.id DESC
         LIMIT :limit",
    )
    .fragment("columns", UserRow::COLUMNS)
    .bind("spellings", &email.as_ref().map(Email::spellings))
    .bind("pattern", &pattern)
    .bind("role", &role.map(UserRole::as_str))
    .bind("is_active", is_active)
    .bind("banned", banned)
    .bind("at", &at)
    .bind("time", &time)
    .bind("id", &id)
    .bind("limit", &limit)
    .run(db)
    .await?
    .all()
}

/// Escapes the special characters of a `LIKE` pattern.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
