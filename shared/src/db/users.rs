//! `users`: one row per account.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::sessions::NewSession;
use super::{Columns, DbError, Scope};
use crate::domain::{Email, Name};
use crate::passwords::StoredPassword;

/// An account without its secrets.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// UUIDv7, or what the old backend gave.
    pub id: Uuid,
    /// Normalised address.
    pub email: String,
    /// Display name.
    pub name: Option<String>,
    /// `user` or `admin`.
    pub role: String,
    /// Whether the account may sign in.
    pub is_active: bool,
    /// Whether the address was confirmed.
    pub email_verified: bool,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The columns of [`UserRow`], of `users u`.
pub(super) const COLUMNS: &str =
    "u.id, u.email, u.name, u.role, u.is_active, u.email_verified, u.created_at, u.updated_at";

impl UserRow {
    pub(super) fn read(columns: &mut Columns<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: columns.take()?,
            email: columns.take()?,
            name: columns.take()?,
            role: columns.take()?,
            is_active: columns.take()?,
            email_verified: columns.take()?,
            created_at: columns.take()?,
            updated_at: columns.take()?,
        })
    }
}

/// An account to make.
#[derive(Debug)]
pub struct NewUser<'a> {
    /// Its id.
    pub id: Uuid,
    /// Its address.
    pub email: &'a Email,
    /// Its display name.
    pub name: Option<&'a Name>,
    /// Its password.
    pub password: &'a StoredPassword,
    /// Now.
    pub created_at: Timestamp,
}

/// An account with its password, for signing in.
#[derive(Debug)]
pub struct Credentials {
    /// The account.
    pub user: UserRow,
    /// None if it signs in by other means.
    pub password: Option<StoredPassword>,
}

/// Finds an account by its address.
///
/// # Errors
/// As [`Scope::query`].
pub async fn find_credentials(db: &Scope<'_>, email: &Email) -> Result<Option<Credentials>, DbError> {
    let sql = format!("SELECT {COLUMNS}, u.password_hash, u.pepper_id FROM users u WHERE u.email = $1");
    let outcome = db.query(&sql, &[(&email.as_str(), Type::TEXT)]).await?;
    let read = |row: &Row| {
        let mut columns = Columns::of(row);
        let user = UserRow::read(&mut columns)?;
        let (hash, pepper_id): (Option<String>, _) = (columns.take()?, columns.take()?);
        Ok(Credentials { user, password: hash.map(|hash| StoredPassword { hash, pepper_id }) })
    };
    outcome.rows.first().map(read).transpose()
}

/// Finds an account by its id.
///
/// # Errors
/// As [`Scope::query`].
pub async fn find(db: &Scope<'_>, id: Uuid) -> Result<Option<UserRow>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM users u WHERE u.id = $1");
    let outcome = db.query(&sql, &[(&id, Type::UUID)]).await?;
    outcome.rows.first().map(|row| UserRow::read(&mut Columns::of(row))).transpose()
}

/// Makes an account and its first session in one statement.
///
/// # Errors
/// On `users_email_key` if the address is taken.
pub async fn insert_with_session(
    db: &Scope<'_>,
    user: &NewUser<'_>,
    session: &NewSession<'_>,
) -> Result<UserRow, DbError> {
    // Run twice with the same ids, the second run waits for the first one and returns what it inserted.
    let sql = format!(
        "WITH opened AS (
             INSERT INTO sessions (id, user_id, settle_until, idle_expires_at, absolute_expires_at, created_ip,
                                   user_agent, rotated_network, rotated_agent, created_at, last_used_at)
             VALUES ($7, $1, $6, $8, $9, $10, $11, $12, $11, $6, $6)
             ON CONFLICT (id) DO NOTHING
         )
         INSERT INTO users AS u (id, email, name, password_hash, pepper_id, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)
         ON CONFLICT (id) DO UPDATE SET id = excluded.id
         RETURNING {COLUMNS}"
    );
    let NewUser { id, email, name, password, created_at } = user;
    let NewSession { id: session_id, idle_expires_at, absolute_expires_at, client, .. } = session;
    let outcome = db
        .query(
            &sql,
            &[
                (id, Type::UUID),
                (&email.as_str(), Type::TEXT),
                (&name.map(Name::as_str), Type::TEXT),
                (&password.hash, Type::TEXT),
                (&password.pepper_id, Type::TEXT),
                (created_at, Type::TIMESTAMPTZ),
                (session_id, Type::UUID),
                (idle_expires_at, Type::TIMESTAMPTZ),
                (absolute_expires_at, Type::TIMESTAMPTZ),
                (&client.ip, Type::TEXT),
                (&client.agent, Type::TEXT),
                (&client.network, Type::TEXT),
            ],
        )
        .await?;
    let row = outcome.rows.first().ok_or_else(|| DbError::other("the account was not inserted"))?;
    UserRow::read(&mut Columns::of(row))
}
