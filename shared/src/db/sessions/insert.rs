//! Inserts the session of a verified sign-in.

use jiff::Timestamp;
use uuid::Uuid;

use super::MAX_PER_USER;
use crate::db::audit::{EventKind, Note};
use crate::db::permits::NetworkPermits;
use crate::db::users::USABLE;
use crate::db::{AnonymousScope, DbError, Statement};
use crate::domain::{AuditContext, Limit, StoredPassword};

/// A session to open, at the time of its audit context and from its origin.
#[derive(Debug)]
pub struct NewSession<'a> {
    pub id: Uuid,
    /// The time of the context + [`IDLE_LIFETIME`](super::IDLE_LIFETIME).
    pub idle_expires_at: Timestamp,
    /// The time of the context + [`ABSOLUTE_LIFETIME`](super::ABSOLUTE_LIFETIME).
    pub absolute_expires_at: Timestamp,
    pub context: &'a AuditContext,
}

/// What a sign-in has verified before it opens a session.
#[derive(Debug)]
pub struct VerifiedCredentials<'a> {
    pub user: Uuid,
    /// The stored password that was verified.
    pub verified: &'a StoredPassword,
    /// The new hash, if the stored one is outdated.
    pub rehashed: Option<&'a StoredPassword>,
    /// The keyed hash under which failed sign-ins were counted.
    pub account: &'a str,
    /// The rate limit of networks, whose permit is given back; `None` if rate limits are off.
    pub limit: Option<Limit>,
}

impl<'a> Statement<'a> {
    /// Binds what [`open_session_part`] needs.
    pub(in crate::db) fn session(self, session: &'a NewSession<'_>) -> Self {
        let origin = &session.context.origin;
        self.bind("session", &session.id)
            .bind("idle_expires_at", &session.idle_expires_at)
            .bind("absolute_expires_at", &session.absolute_expires_at)
            .bind("network", &origin.network)
            .bind("family", &origin.agent_family)
            .bind("max_sessions", &MAX_PER_USER)
    }
}

/// The part that inserts a session. `user` is an SQL expression for the account, over the rows of `from`.
pub(in crate::db) fn open_session_part(user: &str, from: &str) -> String {
    format!(
        "opened AS (
             INSERT INTO sessions (id, user_id, settle_until, idle_expires_at, absolute_expires_at, created_ip,
                                   user_agent, rotated_network, rotated_agent, rotated_family, created_at, last_used_at)
             SELECT :session, {user}, :at, :idle_expires_at, :absolute_expires_at, :ip, :agent, :network, :agent, :family,
                    :at, :at
             FROM {from}
             ON CONFLICT (id) DO NOTHING
             RETURNING id
         )"
    )
}

/// Opens a session. Also replaces an outdated password hash, resets the count of failed sign-ins, gives the permit of
/// the request's networks back, remembers the IP address, and ends the longest idle session if there are too many.
/// Returns false if the account has changed since it was verified: its password was changed, or it was disabled, banned
/// or deleted.
pub async fn insert(
    db: &AnonymousScope<'_>,
    credentials: &VerifiedCredentials<'_>,
    session: &NewSession<'_>,
) -> Result<bool, DbError> {
    let VerifiedCredentials { user, verified, rehashed, account, limit } = credentials;
    let note = Note { user: "account.id", session: ":session", from: "account", ..Note::of(EventKind::SignedIn) };
    let (hash, pepper_id) = rehashed.map(|stored| (&stored.hash, stored.pepper_id.as_ref())).unzip();
    let permits = NetworkPermits::of(*limit, &session.context.origin);
    // Lock the account: a password change waits for this statement, or this one waits and reads the new password.
    let rows = Statement::new(
        "sessions.insert",
        "WITH account AS MATERIALIZED (
             SELECT u.id FROM users u
             WHERE u.id = :user AND {usable} AND u.password_hash IN (:verified_hash, :hash)
             FOR NO KEY UPDATE
         ), rehashed AS (
             UPDATE users u SET password_hash = :hash, pepper_id = :pepper_id FROM account
             WHERE u.id = account.id AND :hash IS NOT NULL
         ), room AS MATERIALIZED (
             SELECT app.make_room(account.id, :session, :at, :max_sessions) FROM account
         ), {open_session}, cleared AS (
             DELETE FROM sign_in_failures f USING account WHERE f.account = :account
         ), known AS (
             INSERT INTO sign_in_addresses (user_id, address, last_used_at)
             SELECT account.id, :address, :at FROM account WHERE :ip::text IS NOT NULL
             ON CONFLICT (user_id, address) DO UPDATE SET last_used_at = excluded.last_used_at
         ), {note}
         SELECT (SELECT app.give_back_permits('sign_in_address', :networks, :network_intervals) FROM opened) FROM account",
    )
    .fragment("usable", USABLE)
    .fragment("open_session", open_session_part("account.id", "account, room"))
    .note(&note, session.context)
    .session(session)
    .network_permits(&permits)
    .bind("user", user)
    .bind("verified_hash", &verified.hash)
    .bind("hash", &hash)
    .bind("pepper_id", &pepper_id.flatten())
    .bind("account", account)
    .bind("address", &session.context.origin.address())
    .run(db)
    .await?;
    Ok(!rows.is_empty())
}
