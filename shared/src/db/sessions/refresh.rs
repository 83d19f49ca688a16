//! The rotation of a session's refresh token.

use jiff::Timestamp;
use uuid::Uuid;

use super::{IDLE_LIFETIME, REUSE, SUPERSEDED};
use crate::db::audit::{EventKind, Note};
use crate::db::permits::Permit;
use crate::db::users::{USABLE, UserRow};
use crate::db::{AnonymousScope, DbError, FromRow as _, Statement};
use crate::domain::{AuditContext, Limit, LimitExceeded, LimitName};

/// A refresh token that a client presents.
#[derive(Debug)]
pub struct RefreshAttempt<'a> {
    /// The session that the token names.
    pub session: Uuid,
    /// The generation that the token names.
    pub generation: i64,
    /// Whether a superseded token ends the session wherever it comes from.
    pub strict: bool,
    /// The rate limit of refreshes; `None` if rate limits are off.
    pub limit: Option<Limit>,
    pub context: &'a AuditContext,
}

/// What the database decided about a presented refresh token.
#[derive(Debug)]
pub enum RefreshVerdict {
    /// The session continues with the token of this generation.
    Granted {
        user: UserRow,
        /// The presented generation or its successor.
        generation: i64,
        /// When the session expires without another refresh.
        expires_at: Timestamp,
    },
    /// The token is superseded; the session continues.
    Superseded,
    /// A superseded token looked stolen; the session was ended.
    Reused,
    /// The token is newer than the session: the database was restored from a backup.
    Ahead,
    /// The session had been ended before.
    Revoked,
    /// The session had expired before.
    Expired,
    /// The account is disabled.
    Disabled,
    /// The account is banned.
    Banned,
    /// The session has used up its permits for refreshes.
    RateLimited(LimitExceeded),
}

/// Whether the token is the newest and its settle window is over: then the session rotates.
const ROTATES: &str = "s.generation = :generation AND s.settle_until <= :at";
/// Whether the token is the parent of an unconfirmed token.
const UNCONFIRMED: &str = "s.generation = :generation + 1 AND s.confirmed_generation < s.generation";
/// Whether the token comes from another network than the last rotation.
const OTHER_NETWORK: &str = "s.rotated_network IS DISTINCT FROM :network";
/// Whether a superseded token looks stolen: if the settings are strict, if it comes from another network and another
/// agent family than the last rotation, or if it comes from another network more than 10 s after the first superseded
/// token from another network did. An honest client reads its storage again within seconds. Networks and browsers
/// change, so neither alone is theft.
const STOLEN: &str = "(:strict OR {other_network}
    AND (s.rotated_family <> :family OR s.superseded_at < :at - interval '10 seconds'))";

/// The rule that applied, derived from the updated row: after a grant the settle window is open, and the presented
/// token is the newest or its parent.
const VERDICT: &str = "CASE
    WHEN a.revoked_at IS NOT NULL AND a.revoke_reason = :reuse AND a.generation > :generation THEN 'reused'
    WHEN a.revoked_at IS NOT NULL THEN 'revoked'
    WHEN NOT a.is_active THEN 'disabled'
    WHEN a.banned THEN 'banned'
    WHEN a.idle_expires_at <= :at OR a.absolute_expires_at <= :at THEN 'expired'
    WHEN a.generation < :generation THEN 'ahead'
    WHEN a.generation <= :generation + 1 AND a.settle_until > :at THEN 'granted'
    ELSE 'superseded' END";

/// The kind of the audit event; null for none. Events: a token that looks stolen, a superseded token, and a successor
/// that is returned to another network or user agent than the one that rotated. (A rotation stores its own network and
/// user agent, so it has no event.)
fn event_kind() -> String {
    format!(
        "CASE WHEN verdict = 'reused' AND revoked_at = :at THEN {} WHEN verdict = 'superseded' THEN {}
              WHEN verdict = 'granted'
                   AND (rotated_network IS DISTINCT FROM :network OR rotated_agent IS DISTINCT FROM :agent)
              THEN {} END",
        EventKind::RefreshTokenReused.sql(),
        EventKind::RefreshTokenSuperseded.sql(),
        EventKind::RefreshedElsewhere.sql(),
    )
}

/// Rotates the session, returns the newest token again, or ends the session. The UPDATE decides by the latest
/// version of the session's row, after waiting for its lock: READ COMMITTED reads the latest version only of the row
/// that is updated, so do not move the reading out of the UPDATE.
pub async fn refresh(db: &AnonymousScope<'_>, attempt: &RefreshAttempt<'_>) -> Result<RefreshVerdict, DbError> {
    let RefreshAttempt { session, generation, strict, limit, context } = attempt;
    let kind = event_kind();
    let note = Note {
        user: "judged.id",
        session: ":session",
        details: "jsonb_build_object('generation', :generation::bigint, 'newest', judged.generation)",
        from: &format!("judged WHERE {kind} IS NOT NULL"),
        ..Note::of_sql(kind.clone())
    };
    let permit = Permit {
        key: ":session::text",
        user: "(SELECT user_id FROM sessions WHERE id = :session)",
        session: ":session",
        ..Permit::of(LimitName::Refresh, *limit)
    };
    let rows = Statement::new(
        "sessions.refresh",
        "WITH {permit}, updated AS (
             UPDATE sessions s SET
                 generation = CASE WHEN {live} AND {rotates} THEN s.generation + 1 ELSE s.generation END,
                 confirmed_generation = CASE WHEN {live} AND {rotates} THEN :generation ELSE s.confirmed_generation END,
                 settle_until = CASE WHEN {live} AND ({rotates} OR {unconfirmed}) THEN :at + app.settle_window()
                                ELSE s.settle_until END,
                 idle_expires_at = CASE WHEN {live} AND {rotates} THEN least(:idle_expires_at, s.absolute_expires_at)
                                   ELSE s.idle_expires_at END,
                 rotated_network = CASE WHEN {live} AND {rotates} THEN :network ELSE s.rotated_network END,
                 rotated_agent = CASE WHEN {live} AND {rotates} THEN :agent ELSE s.rotated_agent END,
                 rotated_family = CASE WHEN {live} AND {rotates} THEN :family ELSE s.rotated_family END,
                 superseded_at = CASE WHEN {live} AND {rotates} THEN NULL
                                      WHEN {live} AND {superseded} AND {other_network} THEN coalesce(s.superseded_at, :at)
                                      ELSE s.superseded_at END,
                 last_used_at = CASE WHEN {live} AND {rotates} THEN :at ELSE s.last_used_at END,
                 revoked_at = CASE WHEN {live} AND {superseded} AND {stolen} THEN :at ELSE s.revoked_at END,
                 revoke_reason = CASE WHEN {live} AND {superseded} AND {stolen} THEN :reuse ELSE s.revoke_reason END
             FROM users u, permit
             WHERE s.id = :session AND u.id = s.user_id AND permit.wait IS NULL
             RETURNING {columns}, s.generation, s.settle_until, s.idle_expires_at, s.absolute_expires_at, s.revoked_at,
                       s.revoke_reason, s.rotated_network, s.rotated_agent,
                       coalesce(u.is_active AND NOT ({usable}), false) AS banned
         ), judged AS (
             SELECT a.*, {verdict} AS verdict FROM updated a
         ), {note}
         SELECT {columns}, permit.wait, u.verdict, u.generation, u.idle_expires_at
         FROM permit LEFT JOIN judged u ON true",
    )
    .fragment("columns", UserRow::COLUMNS)
    .fragment("usable", USABLE)
    .fragment("live", "s.revoked_at IS NULL AND {usable} AND s.idle_expires_at > :at AND s.absolute_expires_at > :at")
    .fragment("rotates", ROTATES)
    .fragment("unconfirmed", UNCONFIRMED)
    .fragment("superseded", SUPERSEDED)
    .fragment("other_network", OTHER_NETWORK)
    .fragment("stolen", STOLEN)
    .fragment("verdict", VERDICT)
    .permit(&permit, context)
    .note(&note, context)
    .bind("session", session)
    .bind("generation", generation)
    .bind("strict", strict)
    .bind("idle_expires_at", &(context.at + IDLE_LIFETIME))
    .bind("network", &context.origin.network)
    .bind("family", &context.origin.agent_family)
    .bind("reuse", &REUSE)
    .run(db)
    .await?;
    let record = rows.one()?;
    if let Some(refused) = permit.refusal(record)? {
        return Ok(RefreshVerdict::RateLimited(refused));
    }
    let verdict: Option<&str> = record.get("verdict")?;
    Ok(match verdict {
        Some("granted") => RefreshVerdict::Granted {
            user: record.read()?,
            generation: record.get("generation")?,
            expires_at: record.get("idle_expires_at")?,
        },
        Some("superseded") => RefreshVerdict::Superseded,
        Some("reused") => RefreshVerdict::Reused,
        Some("ahead") => RefreshVerdict::Ahead,
        Some("expired") => RefreshVerdict::Expired,
        Some("disabled") => RefreshVerdict::Disabled,
        Some("banned") => RefreshVerdict::Banned,
        // The session ended, or its row was purged.
        _ => RefreshVerdict::Revoked,
    })
}
