//! `audit_events`: what happened to accounts. A statement that changes an account adds its event itself.

mod kind;
mod note;

use jiff::Timestamp;
use uuid::Uuid;

use super::rows::row;
use super::{AnonymousScope, DbError, FromRow as _, ReadScope, Statement};
use crate::domain::AuditContext;

pub use kind::EventKind;
pub(super) use note::Note;

/// Adds the audit event of a failure that changes nothing else. `user` is the account; `None` if there is none. The
/// statement is the same in both cases.
pub async fn note_failure(
    db: &AnonymousScope<'_>,
    kind: EventKind,
    user: Option<Uuid>,
    context: &AuditContext,
) -> Result<(), DbError> {
    // If the account has been deleted, the event has no user.
    let note = Note { user: "(SELECT u.id FROM users u WHERE u.id = :user)", ..Note::of(kind) };
    Statement::new("audit.note_failure", "WITH {note} SELECT true")
        .note(&note, context)
        .bind("user", &user)
        .run(db)
        .await?;
    Ok(())
}

row! {
    /// A stored event.
    #[derive(Debug)]
    pub struct EventRow {
        pub id: Uuid = "id",
        pub occurred_at: Timestamp = "occurred_at",
        /// The name of an [`EventKind`].
        pub kind: String = "kind",
        /// Whether an administrator caused the event.
        pub by_administrator: bool = "actor_id IS NOT NULL",
        /// The session that the event is about; `None` if it is not about a single session.
        pub session_id: Option<Uuid> = "session_id",
        /// The IP address of the request; `None` if an administrator sent it.
        pub ip: Option<String> = "CASE WHEN actor_id IS NULL THEN ip END",
        /// The user agent of the request; `None` if an administrator sent it.
        pub user_agent: Option<String> = "CASE WHEN actor_id IS NULL THEN user_agent END",
        /// An object whose fields depend on the kind.
        pub details: serde_json::Value = "details",
    }
}

/// The events of a user, newest first, at most `limit`. With `after` (time and id), only events older than that one.
pub async fn list(
    db: &ReadScope<'_>,
    owner: Uuid,
    after: Option<(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<EventRow>, DbError> {
    let (time, id) = after.unzip();
    Statement::new(
        "audit.list",
        "SELECT {columns} FROM audit_events
         WHERE user_id = :owner AND (:time::timestamptz IS NULL OR (audit_events.occurred_at, audit_events.id) < (:time, :id))
         ORDER BY audit_events.occurred_at DESC, audit_events.id DESC
         LIMIT :limit",
    )
    .fragment("columns", EventRow::COLUMNS)
    .bind("owner", &owner)
    .bind("time", &time)
    .bind("id", &id)
    .bind("limit", &limit)
    .run(db)
    .await?
    .all()
}
