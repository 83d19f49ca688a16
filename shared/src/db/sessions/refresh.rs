//! The rotation of a session's refresh token.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{Client, IDLE, SETTLE};
use crate::config::{Limit, Policy, Refused};
use crate::db::audit::{Kind, Note};
use crate::db::users::{COLUMNS, UserRow, standing};
use crate::db::{Columns, DbError, Scope};

/// A refresh token was presented.
#[derive(Debug)]
pub struct Presented<'a> {
    /// The session the token names.
    pub session: Uuid,
    /// The generation the token names.
    pub generation: i64,
    /// Now.
    pub at: Timestamp,
    /// Who presents it.
    pub client: &'a Client,
    /// Whether a superseded token ends the session wherever it comes from.
    pub strict: bool,
    /// The id of the event, if there is one to note.
    pub event: Uuid,
    /// None if nothing is limited.
    pub limit: Option<Limit>,
}

/// What became of a presented refresh token.
#[derive(Debug)]
pub enum Refreshed {
    /// The session goes on with the token of this generation.
    Granted {
        /// Whose session it is.
        user: UserRow,
        /// The generation of the token to hand out: the presented one's successor, or itself.
        generation: i64,
        /// When the session ends if it is not refreshed.
        expires_at: Timestamp,
    },
    /// A newer token has settled; the session lives.
    Superseded,
    /// An old token looks stolen; the session was ended.
    Reused,
    /// The token is newer than the session.
    Ahead,
    /// The session had been ended.
    Revoked,
    /// The session had run out.
    Expired,
    /// The account is disabled.
    Disabled,
    /// The account is banned.
    Banned,
    /// Too many refreshes of this session.
    Limited(Refused),
}

/// The newest token, and its settle window is over: time for a successor.
const ROTATES: &str = "s.generation = $2 AND s.settle_until <= $3";
/// The parent of a token that never arrived.
const UNCONFIRMED: &str = "s.generation = $2 + 1 AND s.confirmed_generation < s.generation";
/// A token whose successor has arrived and settled, or older. Also in [`sign_out`](super::sign_out).
const SUPERSEDED: &str = "s.generation > $2 AND NOT (s.generation = $2 + 1
    AND (s.confirmed_generation < s.generation OR s.settle_until > $3))";
/// From outside the network of the last rotation.
const OUTSIDE: &str = "s.rotated_network IS DISTINCT FROM $4";
/// What looks like theft: any old token if the settings are strict; one from another network and another program than the
/// last rotation's; or one from another network after an earlier one was told to read its storage again, which an honest
/// client does at once. Laptops move and browsers update: neither alone is theft.
const STOLEN: &str = "($9 OR s.rotated_network IS DISTINCT FROM $4
    AND (s.rotated_family <> $14 OR s.superseded_at < $3 - interval '10 seconds'))";

/// Which rule applied, told from what it left behind: a grant always leaves an open settle window, and the
/// presented token as the newest or its parent.
const VERDICT: &str = "CASE
    WHEN a.revoked_at IS NOT NULL AND a.revoke_reason = $8 AND a.generation > $2 THEN 'reused'
    WHEN a.revoked_at IS NOT NULL THEN 'revoked'
    WHEN NOT a.is_active THEN 'disabled'
    WHEN a.banned THEN 'banned'
    WHEN a.idle_expires_at <= $3 OR a.absolute_expires_at <= $3 THEN 'expired'
    WHEN a.generation < $2 THEN 'ahead'
    WHEN a.generation <= $2 + 1 AND a.settle_until > $3 THEN 'granted'
    ELSE 'superseded' END";

/// What is worth noting: a stolen token, a tab that slept, and an answer given again to somewhere else than
/// rotated – after a rotation the row names the presenter itself.
fn noted_kind() -> String {
    format!(
        "CASE WHEN verdict = 'reused' AND revoked_at = $3 THEN '{}' WHEN verdict = 'superseded' THEN '{}'
              WHEN verdict = 'granted' AND (rotated_network IS DISTINCT FROM $4 OR rotated_agent IS DISTINCT FROM $5)
              THEN '{}' END",
        Kind::RefreshTokenReused.as_str(),
        Kind::RefreshTokenSuperseded.as_str(),
        Kind::RefreshedElsewhere.as_str(),
    )
}

/// Rotates a refresh token, or answers a repeated one again, or ends the session. The UPDATE judges the latest
/// version of the row after waiting for its lock, which READ COMMITTED does for the row that is updated and for
/// no other: do not move the reading out of it.
///
/// # Errors
/// As [`Scope::query`].
pub async fn refresh(db: &Scope<'_>, presented: &Presented<'_>) -> Result<Refreshed, DbError> {
    let standing = standing("$3");
    let live = format!("s.revoked_at IS NULL AND {standing} AND s.idle_expires_at > $3 AND s.absolute_expires_at > $3");
    let kind = noted_kind();
    let noted = Note {
        id: "$10",
        at: "$3",
        kind: &kind,
        user: "judged.id",
        session: "$1",
        ip: "$13",
        agent: "$5",
        details: "jsonb_build_object('generation', $2::bigint, 'newest', judged.generation)",
        from: &format!("judged WHERE {kind} IS NOT NULL"),
        ..Note::default()
    }
    .sql();
    let sql = format!(
        "WITH permit AS MATERIALIZED (
             SELECT p.wait FROM app.take_permit(
                 'refresh', $1::text, $3, $11, $12, $10, (SELECT user_id FROM sessions WHERE id = $1), $1, $13, $5) p
         ), updated AS (
             UPDATE sessions s SET
                 generation = CASE WHEN {live} AND {ROTATES} THEN s.generation + 1 ELSE s.generation END,
                 confirmed_generation = CASE WHEN {live} AND {ROTATES} THEN $2 ELSE s.confirmed_generation END,
                 settle_until = CASE WHEN {live} AND ({ROTATES} OR {UNCONFIRMED}) THEN $6 ELSE s.settle_until END,
                 idle_expires_at = CASE WHEN {live} AND {ROTATES} THEN least($7, s.absolute_expires_at)
                                   ELSE s.idle_expires_at END,
                 rotated_network = CASE WHEN {live} AND {ROTATES} THEN $4 ELSE s.rotated_network END,
                 rotated_agent = CASE WHEN {live} AND {ROTATES} THEN $5 ELSE s.rotated_agent END,
                 rotated_family = CASE WHEN {live} AND {ROTATES} THEN $14 ELSE s.rotated_family END,
                 superseded_at = CASE WHEN {live} AND {ROTATES} THEN NULL
                                      WHEN {live} AND {SUPERSEDED} AND {OUTSIDE} THEN coalesce(s.superseded_at, $3)
                                      ELSE s.superseded_at END,
                 last_used_at = CASE WHEN {live} AND {ROTATES} THEN $3 ELSE s.last_used_at END,
                 revoked_at = CASE WHEN {live} AND {SUPERSEDED} AND {STOLEN} THEN $3 ELSE s.revoked_at END,
                 revoke_reason = CASE WHEN {live} AND {SUPERSEDED} AND {STOLEN} THEN $8 ELSE s.revoke_reason END
             FROM users u, permit
             WHERE s.id = $1 AND u.id = s.user_id AND permit.wait IS NULL
             RETURNING s.generation, s.settle_until, s.idle_expires_at, s.absolute_expires_at, s.revoked_at,
                       s.revoke_reason, s.rotated_network, s.rotated_agent,
                       coalesce(u.is_active AND NOT ({standing}), false) AS banned, {COLUMNS}
         ), judged AS (
             SELECT a.*, {VERDICT} AS verdict FROM updated a
         ), noted AS ({noted})
         SELECT permit.wait, u.verdict, u.generation, u.idle_expires_at, {COLUMNS}
         FROM permit LEFT JOIN judged u ON true"
    );
    let Presented { session, generation, at, client, strict, event, limit } = presented;
    let (burst, every) = Limit::params(*limit);
    let outcome = db
        .query(
            &sql,
            &[
                (session, Type::UUID),
                (generation, Type::INT8),
                (at, Type::TIMESTAMPTZ),
                (&client.network, Type::TEXT),
                (&client.agent, Type::TEXT),
                (&(*at + SETTLE), Type::TIMESTAMPTZ),
                (&(*at + IDLE), Type::TIMESTAMPTZ),
                (&REUSE, Type::TEXT),
                (strict, Type::BOOL),
                (event, Type::UUID),
                (&burst, Type::INT4),
                (&every, Type::FLOAT8),
                (&client.ip, Type::TEXT),
                (&client.family, Type::TEXT),
            ],
        )
        .await?;
    let row = outcome.rows.first().ok_or_else(|| DbError::other("the permit has no row"))?;
    let mut columns = Columns::of(row);
    if let (Some(wait), Some(limit)) = (columns.take()?, *limit) {
        return Ok(Refreshed::Limited(Refused { policy: Policy::Refresh, limit, wait }));
    }
    let verdict: Option<&str> = columns.take()?;
    Ok(match verdict {
        Some("granted") => {
            let (generation, expires_at) = (columns.take()?, columns.take()?);
            Refreshed::Granted { user: UserRow::read(&mut columns)?, generation, expires_at }
        }
        Some("superseded") => Refreshed::Superseded,
        Some("reused") => Refreshed::Reused,
        Some("ahead") => Refreshed::Ahead,
        Some("expired") => Refreshed::Expired,
        Some("disabled") => Refreshed::Disabled,
        Some("banned") => Refreshed::Banned,
        // Ended, or purged since.
        _ => Refreshed::Revoked,
    })
}

/// The reason a session was ended for when an old refresh token looked stolen.
pub(super) const REUSE: &str = "refresh_token_reused";
