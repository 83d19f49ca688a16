//! The sessions that a user can see.

use jiff::Timestamp;
use uuid::Uuid;

use crate::db::rows::row;
use crate::db::{DbError, FromRow as _, ReadScope, Statement};

row! {
    /// A live session.
    #[derive(Debug)]
    pub struct SessionRow {
        pub id: Uuid = "s.id",
        /// The time of the sign-in.
        pub created_at: Timestamp = "s.created_at",
        /// The time of the last refresh.
        pub last_used_at: Timestamp = "s.last_used_at",
        /// When it expires without a refresh.
        pub expires_at: Timestamp = "least(s.idle_expires_at, s.absolute_expires_at)",
        /// The IP address of the sign-in.
        pub ip: Option<String> = "s.created_ip",
        /// The user agent of the sign-in.
        pub user_agent: Option<String> = "s.user_agent",
    }
}

/// The live sessions of a user, the last used one first.
pub async fn list(db: &ReadScope<'_>, owner: Uuid, at: Timestamp) -> Result<Vec<SessionRow>, DbError> {
    Statement::new(
        "sessions.list",
        "SELECT {columns} FROM sessions s
         WHERE s.user_id = :owner AND s.revoked_at IS NULL AND s.idle_expires_at > :at AND s.absolute_expires_at > :at
         ORDER BY s.last_used_at DESC, s.id DESC",
    )
    .fragment("columns", SessionRow::COLUMNS)
    .bind("owner", &owner)
    .bind("at", &at)
    .run(db)
    .await?
    .all()
}
