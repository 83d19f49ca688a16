//! `sessions`: one row per sign-in, and the rotation of its refresh token.

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::users::{COLUMNS, UserRow};
use super::{Columns, DbError, Scope};
use crate::passwords::StoredPassword;

/// How long a session lives without being refreshed.
pub const IDLE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How long a session lives at all.
pub const ABSOLUTE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long the parent of the newest refresh token still yields the newest one. Also in `app.open_request`.
pub const SETTLE: SignedDuration = SignedDuration::from_secs(60);

/// Where a request came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// The address that API Gateway saw.
    pub ip: Option<String>,
    /// Its IPv4 /24 or IPv6 /64.
    pub network: Option<String>,
    /// The user agent, at most 256 characters.
    pub agent: Option<String>,
}

/// A session to open.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// Its id.
    pub id: Uuid,
    /// Now.
    pub created_at: Timestamp,
    /// Now + [`IDLE`].
    pub idle_expires_at: Timestamp,
    /// Now + [`ABSOLUTE`].
    pub absolute_expires_at: Timestamp,
    /// Who opens it.
    pub client: &'a Client,
}

/// What signing in has found out before it opens a session.
#[derive(Debug)]
pub struct SignedIn<'a> {
    /// The account.
    pub user: Uuid,
    /// The stored password that was verified.
    pub verified: &'a StoredPassword,
    /// What to store instead, if that is outdated.
    pub rehashed: Option<&'a StoredPassword>,
}

/// Opens a session, and replaces an outdated password hash. Answers false if the account is not what was
/// verified any more: its password was changed meanwhile, or it was disabled or deleted.
///
/// # Errors
/// As [`Scope::query`].
pub async fn insert(db: &Scope<'_>, signed_in: &SignedIn<'_>, session: &NewSession<'_>) -> Result<bool, DbError> {
    // The lock makes a change of password wait, or this statement wait for it and look again.
    const SQL: &str = "
        WITH account AS (
            SELECT u.id FROM users u
            WHERE u.id = $2 AND u.is_active AND u.password_hash IN ($11, $8)
            FOR NO KEY UPDATE
        ), rehashed AS (
            UPDATE users u SET password_hash = $8, pepper_id = $9 FROM account WHERE u.id = account.id AND $8 IS NOT NULL
        ), opened AS (
            INSERT INTO sessions (id, user_id, settle_until, idle_expires_at, absolute_expires_at, created_ip,
                                  user_agent, rotated_network, rotated_agent, created_at, last_used_at)
            SELECT $1, account.id, $3, $4, $5, $6, $7, $10, $7, $3, $3 FROM account
            ON CONFLICT (id) DO NOTHING
        )
        SELECT true FROM account";
    let SignedIn { user, verified, rehashed } = signed_in;
    let NewSession { id, created_at, idle_expires_at, absolute_expires_at, client } = session;
    let (hash, pepper_id) = rehashed.map(|stored| (&stored.hash, stored.pepper_id.as_ref())).unzip();
    let outcome = db
        .query(
            SQL,
            &[
                (id, Type::UUID),
                (user, Type::UUID),
                (created_at, Type::TIMESTAMPTZ),
                (idle_expires_at, Type::TIMESTAMPTZ),
                (absolute_expires_at, Type::TIMESTAMPTZ),
                (&client.ip, Type::TEXT),
                (&client.agent, Type::TEXT),
                (&hash, Type::TEXT),
                (&pepper_id.flatten(), Type::TEXT),
                (&client.network, Type::TEXT),
                (&verified.hash, Type::TEXT),
            ],
        )
        .await?;
    Ok(!outcome.rows.is_empty())
}

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
    /// An old token came from elsewhere; the session was ended.
    Reused,
    /// The token is newer than the session.
    Ahead,
    /// The session had been ended.
    Revoked,
    /// The session had run out.
    Expired,
    /// The account is disabled.
    Disabled,
}

/// The session takes part in rotation.
const LIVE: &str = "s.revoked_at IS NULL AND u.is_active AND s.idle_expires_at > $3 AND s.absolute_expires_at > $3";
/// The newest token, and its settle window is over: time for a successor.
const ROTATES: &str = "s.generation = $2 AND s.settle_until <= $3";
/// The parent of a token that never arrived.
const UNCONFIRMED: &str = "s.generation = $2 + 1 AND s.confirmed_generation < s.generation";
/// A token whose successor has arrived and settled, or older.
const SUPERSEDED: &str = "s.generation > $2 AND NOT (s.generation = $2 + 1
    AND (s.confirmed_generation < s.generation OR s.settle_until > $3))";
/// Presented where the last rotation was not.
const ELSEWHERE: &str = "($9 OR s.rotated_network IS DISTINCT FROM $4 OR s.rotated_agent IS DISTINCT FROM $5)";

/// Rotates a refresh token, or answers a repeated one again, or ends the session: one UPDATE, which under
/// READ COMMITTED judges the latest version of the row after waiting for its lock. Do not move the reading
/// into a CTE: it would judge the version before the wait.
///
/// # Errors
/// As [`Scope::query`].
pub async fn refresh(db: &Scope<'_>, presented: &Presented<'_>) -> Result<Refreshed, DbError> {
    let sql = format!(
        "UPDATE sessions s SET
             generation = CASE WHEN {LIVE} AND {ROTATES} THEN s.generation + 1 ELSE s.generation END,
             confirmed_generation = CASE WHEN {LIVE} AND {ROTATES} THEN $2 ELSE s.confirmed_generation END,
             settle_until = CASE WHEN {LIVE} AND ({ROTATES} OR {UNCONFIRMED}) THEN $6 ELSE s.settle_until END,
             idle_expires_at = CASE WHEN {LIVE} AND {ROTATES} THEN least($7, s.absolute_expires_at)
                               ELSE s.idle_expires_at END,
             rotated_network = CASE WHEN {LIVE} AND {ROTATES} THEN $4 ELSE s.rotated_network END,
             rotated_agent = CASE WHEN {LIVE} AND {ROTATES} THEN $5 ELSE s.rotated_agent END,
             last_used_at = CASE WHEN {LIVE} AND {ROTATES} THEN $3 ELSE s.last_used_at END,
             revoked_at = CASE WHEN {LIVE} AND {SUPERSEDED} AND {ELSEWHERE} THEN $3 ELSE s.revoked_at END,
             revoke_reason = CASE WHEN {LIVE} AND {SUPERSEDED} AND {ELSEWHERE} THEN $8 ELSE s.revoke_reason END
         FROM users u
         WHERE s.id = $1 AND u.id = s.user_id
         RETURNING s.generation, s.settle_until, s.idle_expires_at, s.absolute_expires_at, s.revoked_at,
                   s.revoke_reason, {COLUMNS}"
    );
    let Presented { session, generation, at, client, strict } = presented;
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
            ],
        )
        .await?;
    let Some(row) = outcome.rows.first() else { return Ok(Refreshed::Revoked) };
    let mut columns = Columns::of(row);
    let after = After {
        generation: columns.take()?,
        settle_until: columns.take()?,
        idle_expires_at: columns.take()?,
        absolute_expires_at: columns.take()?,
        revoked_at: columns.take()?,
        revoke_reason: columns.take()?,
    };
    Ok(after.judge(presented, UserRow::read(&mut columns)?))
}

/// The reason a session was ended for when an old refresh token came from elsewhere.
const REUSE: &str = "refresh_token_reused";

/// The row as the update left it.
struct After {
    generation: i64,
    settle_until: Timestamp,
    idle_expires_at: Timestamp,
    absolute_expires_at: Timestamp,
    revoked_at: Option<Timestamp>,
    revoke_reason: Option<String>,
}

impl After {
    /// Which rule applied can be told from what it left behind: a grant always leaves an open settle window,
    /// and the presented token as the newest or its parent.
    fn judge(self, presented: &Presented<'_>, user: UserRow) -> Refreshed {
        let Presented { generation, at, .. } = presented;
        if self.revoked_at.is_some() {
            let reused = self.revoke_reason.as_deref() == Some(REUSE) && *generation < self.generation;
            return if reused { Refreshed::Reused } else { Refreshed::Revoked };
        }
        if !user.is_active {
            return Refreshed::Disabled;
        }
        if self.idle_expires_at <= *at || self.absolute_expires_at <= *at {
            return Refreshed::Expired;
        }
        if *generation > self.generation {
            return Refreshed::Ahead;
        }
        if self.settle_until > *at && *generation + 1 >= self.generation {
            return Refreshed::Granted { user, generation: self.generation, expires_at: self.idle_expires_at };
        }
        Refreshed::Superseded
    }
}

/// Ends a session by its id. Answers whether it was live.
///
/// # Errors
/// As [`Scope::query`].
pub async fn revoke(db: &Scope<'_>, session: Uuid, at: Timestamp, reason: &str) -> Result<bool, DbError> {
    const SQL: &str = "
        UPDATE sessions SET revoked_at = $2, revoke_reason = $3
        WHERE id = $1 AND revoked_at IS NULL
        RETURNING true";
    let outcome = db.query(SQL, &[(&session, Type::UUID), (&at, Type::TIMESTAMPTZ), (&reason, Type::TEXT)]).await?;
    Ok(outcome.retried || !outcome.rows.is_empty())
}
