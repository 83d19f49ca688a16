//! Ending sessions.

use jiff::Timestamp;
use uuid::Uuid;

use super::{REUSE, SUPERSEDED};
use crate::db::audit::{EventKind, Note};
use crate::db::{AnonymousScope, DbError, RequestRefusal, Statement, WriteScope};
use crate::domain::AuditContext;

/// Ends the session of a valid access or refresh token; `generation` is that of a refresh token. Returns whether the
/// session was live. A client that signs out with a superseded refresh token has no newer one, so another client has
/// it, and the event is `refresh_token_reused`.
pub async fn sign_out(
    db: &AnonymousScope<'_>,
    session: Uuid,
    generation: Option<i64>,
    context: &AuditContext,
) -> Result<bool, DbError> {
    let (reused, signed_out) = (EventKind::RefreshTokenReused.sql(), EventKind::SignedOut.sql());
    let kind = format!("CASE revoke_reason WHEN :reuse THEN {reused} ELSE {signed_out} END");
    let note = Note { user: "ended.user_id", session: "ended.id", from: "ended", ..Note::of_sql(kind) };
    let rows = Statement::new(
        "sessions.sign_out",
        "WITH ended AS (
             UPDATE sessions s
             SET revoked_at = :at, revoke_reason = CASE WHEN {superseded} THEN :reuse ELSE 'signed_out' END
             WHERE s.id = :session AND s.revoked_at IS NULL
             RETURNING s.id, s.user_id, s.revoke_reason
         ), {note}
         SELECT true FROM ended",
    )
    .fragment("superseded", SUPERSEDED)
    .note(&note, context)
    .bind("session", &session)
    .bind("generation", &generation)
    .bind("reuse", &REUSE)
    .run(db)
    .await?;
    Ok(rows.retried || !rows.is_empty())
}

/// Ends a legacy token, which has no session; it is refused from now on.
pub async fn end_legacy_token(
    db: &AnonymousScope<'_>,
    user: Uuid,
    token: Uuid,
    expires_at: Timestamp,
    context: &AuditContext,
) -> Result<(), DbError> {
    let note = Note { user: "ended.user_id", from: "ended", ..Note::of(EventKind::SignedOut) };
    // Inserts nothing for an account that was deleted.
    Statement::new(
        "sessions.end_legacy_token",
        "WITH ended AS (
             INSERT INTO ended_legacy_tokens (id, user_id, expires_at)
             SELECT :token, u.id, :expires_at FROM users u WHERE u.id = :user
             ON CONFLICT (id) DO NOTHING
             RETURNING user_id
         ), {note}
         SELECT true FROM ended",
    )
    .note(&note, context)
    .bind("token", &token)
    .bind("expires_at", &expires_at)
    .bind("user", &user)
    .run(db)
    .await
    .map(drop)
}

/// Ends one session of a user. Returns whether it was live; true for a retry after a lost response, because the first
/// attempt may have ended it.
pub async fn revoke_own(
    db: &WriteScope<'_>,
    owner: Uuid,
    session: Uuid,
    context: &AuditContext,
) -> Result<bool, DbError> {
    let kind = EventKind::SessionRevoked;
    let note = Note { user: "ended.user_id", session: "ended.id", from: "ended", ..Note::of(kind) };
    let result = Statement::new(
        "sessions.revoke_own",
        "WITH ended AS (
             UPDATE sessions SET revoked_at = :at, revoke_reason = 'revoked_by_user'
             WHERE id = :session AND user_id = :owner AND revoked_at IS NULL
               AND idle_expires_at > :at AND absolute_expires_at > :at
             RETURNING id, user_id
         ), {note}
         SELECT true FROM ended",
    )
    .note(&note, context)
    .bind("session", &session)
    .bind("owner", &owner)
    .run(db)
    .await;
    match result {
        Ok(rows) => Ok(rows.retried || !rows.is_empty()),
        Err(error @ DbError::RetryRefused(RequestRefusal::SessionRevoked)) => {
            let sql = "SELECT EXISTS (SELECT FROM sessions s WHERE s.id = :id AND s.revoked_at = :at) AS done";
            if was_done(&db.anonymous(), sql, session, context.at).await? { Ok(true) } else { Err(error) }
        }
        Err(error) => Err(error),
    }
}

/// Ends every session of a user, and all their legacy tokens. Returns how many sessions were live; `None` if the
/// response was lost.
pub async fn revoke_all(db: &WriteScope<'_>, owner: Uuid, context: &AuditContext) -> Result<Option<i64>, DbError> {
    let note = Note {
        user: "account.id",
        details: "jsonb_build_object('revoked', ended.sessions)",
        from: "account, ended",
        ..Note::of(EventKind::SessionsRevoked)
    };
    // Writing the account's row locks it, so that no sign-in opens a session meanwhile.
    let result = Statement::new(
        "sessions.revoke_all",
        "WITH account AS (
             UPDATE users u SET legacy_revoked_at = :at WHERE u.id = :owner RETURNING u.id
         ), ended AS MATERIALIZED (
             SELECT app.end_sessions(account.id, NULL, :at, 'signed_out_everywhere') AS sessions FROM account
         ), {note}
         SELECT sessions FROM ended",
    )
    .note(&note, context)
    .bind("owner", &owner)
    .run(db)
    .await;
    match result {
        Ok(rows) => rows.first().map(|record| record.get("sessions")).transpose(),
        Err(error @ DbError::RetryRefused(RequestRefusal::SessionRevoked)) => {
            let sql = "SELECT EXISTS (SELECT FROM users u WHERE u.id = :id AND u.legacy_revoked_at = :at) AS done";
            if was_done(&db.anonymous(), sql, owner, context.at).await? { Ok(None) } else { Err(error) }
        }
        Err(error) => Err(error),
    }
}

/// Whether the first attempt took effect: it stored the time `at`.
async fn was_done(db: &AnonymousScope<'_>, sql: &str, id: Uuid, at: Timestamp) -> Result<bool, DbError> {
    Statement::new("sessions.was_done", sql).bind("id", &id).bind("at", &at).run(db).await?.one()?.get("done")
}
