//! The sessions a person can see.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{Columns, DbError, Scope};

/// A live session.
#[derive(Debug)]
pub struct SessionRow {
    /// Its id.
    pub id: Uuid,
    /// When somebody signed in.
    pub created_at: Timestamp,
    /// When it was last refreshed.
    pub last_used_at: Timestamp,
    /// When it ends unless it is refreshed.
    pub expires_at: Timestamp,
    /// The address somebody signed in from.
    pub ip: Option<String>,
    /// The program that signed in.
    pub user_agent: Option<String>,
}

/// The live sessions of a user, last used first.
///
/// # Errors
/// As [`Scope::query`].
pub async fn list(db: &Scope<'_>, owner: Uuid, at: Timestamp) -> Result<Vec<SessionRow>, DbError> {
    const SQL: &str = "
        SELECT id, created_at, last_used_at, least(idle_expires_at, absolute_expires_at), created_ip, user_agent
        FROM sessions
        WHERE user_id = $1 AND revoked_at IS NULL AND idle_expires_at > $2 AND absolute_expires_at > $2
        ORDER BY last_used_at DESC, id DESC";
    let outcome = db.query(SQL, &[(&owner, Type::UUID), (&at, Type::TIMESTAMPTZ)]).await?;
    let read = |row: &tokio_postgres::Row| {
        let mut columns = Columns::of(row);
        Ok(SessionRow {
            id: columns.take()?,
            created_at: columns.take()?,
            last_used_at: columns.take()?,
            expires_at: columns.take()?,
            ip: columns.take()?,
            user_agent: columns.take()?,
        })
    };
    outcome.rows.iter().map(read).collect()
}
