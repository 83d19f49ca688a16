//! Ending sessions.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Client;
use super::refresh::REUSE;
use crate::db::audit::{Kind, Note, quoted};
use crate::db::{Columns, DbError, Param, Refusal, Scope};

/// Who ends a session, and when.
#[derive(Debug)]
pub struct End<'a> {
    /// Who asks.
    pub client: &'a Client,
    /// Now.
    pub at: Timestamp,
    /// The id of the event.
    pub event: Uuid,
}

impl End<'_> {
    /// As `$1` to `$4`.
    fn params(&self) -> [Param<'_>; 4] {
        [
            (&self.event, Type::UUID),
            (&self.at, Type::TIMESTAMPTZ),
            (&self.client.ip, Type::TEXT),
            (&self.client.agent, Type::TEXT),
        ]
    }

    fn note(kind: &str) -> Note<'_> {
        Note { id: "$1", at: "$2", kind, ip: "$3", agent: "$4", ..Note::default() }
    }
}

/// Ends the session that a token proves to hold. Answers whether it was live. A client that signs out with an old refresh
/// token has nothing newer: somebody else has, and the event says so.
///
/// # Errors
/// As [`Scope::query`].
pub async fn sign_out(db: &Scope<'_>, session: Uuid, generation: Option<i64>, end: &End<'_>) -> Result<bool, DbError> {
    let kind = format!(
        "CASE revoke_reason WHEN '{REUSE}' THEN {} ELSE {} END",
        quoted(Kind::RefreshTokenReused),
        quoted(Kind::SignedOut)
    );
    let noted = Note { user: "ended.user_id", session: "ended.id", from: "ended", ..End::note(&kind) }.sql();
    let sql = format!(
        "WITH ended AS (
             UPDATE sessions SET revoked_at = $2, revoke_reason = CASE
                 WHEN generation > $6 AND NOT (generation = $6 + 1
                     AND (confirmed_generation < generation OR settle_until > $2)) THEN '{REUSE}'
                 ELSE 'signed_out' END
             WHERE id = $5 AND revoked_at IS NULL
             RETURNING id, user_id, revoke_reason
         ), noted AS ({noted})
         SELECT true FROM ended"
    );
    let [event, at, ip, agent] = end.params();
    let outcome = db.query(&sql, &[event, at, ip, agent, (&session, Type::UUID), (&generation, Type::INT8)]).await?;
    Ok(outcome.retried || !outcome.rows.is_empty())
}

/// Ends a token of the old backend, which has no session: it opens no request from now on.
///
/// # Errors
/// As [`Scope::query`].
pub async fn end_legacy_token(
    db: &Scope<'_>,
    user: Uuid,
    token: Uuid,
    expires_at: Timestamp,
    end: &End<'_>,
) -> Result<(), DbError> {
    let noted = Note { user: "ended.user_id", from: "ended", ..End::note(&quoted(Kind::SignedOut)) }.sql();
    // Nothing of an account that is gone.
    let sql = format!(
        "WITH ended AS (
             INSERT INTO ended_legacy_tokens (id, user_id, expires_at)
             SELECT $5, u.id, $7 FROM users u WHERE u.id = $6
             ON CONFLICT (id) DO NOTHING
             RETURNING user_id
         ), noted AS ({noted})
         SELECT true FROM ended"
    );
    let [event, at, ip, agent] = end.params();
    let params = [event, at, ip, agent, (&token, Type::UUID), (&user, Type::UUID), (&expires_at, Type::TIMESTAMPTZ)];
    db.query(&sql, &params).await.map(drop)
}

/// Ends a session of a user by its id. Answers whether there was a live one; a run after a lost answer counts
/// as the first.
///
/// # Errors
/// As [`Scope::query`].
pub async fn revoke_own(db: &Scope<'_>, owner: Uuid, session: Uuid, end: &End<'_>) -> Result<bool, DbError> {
    let noted =
        Note { user: "ended.user_id", session: "ended.id", from: "ended", ..End::note(&quoted(Kind::SessionRevoked)) }
            .sql();
    let sql = format!(
        "WITH ended AS (
             UPDATE sessions SET revoked_at = $2, revoke_reason = 'revoked_by_user'
             WHERE id = $5 AND user_id = $6 AND revoked_at IS NULL
               AND idle_expires_at > $2 AND absolute_expires_at > $2
             RETURNING id, user_id
         ), noted AS ({noted})
         SELECT true FROM ended"
    );
    let [event, at, ip, agent] = end.params();
    match db.query(&sql, &[event, at, ip, agent, (&session, Type::UUID), (&owner, Type::UUID)]).await {
        Ok(outcome) => Ok(outcome.retried || !outcome.rows.is_empty()),
        Err(error @ DbError::RefusedAgain(Refusal::Revoked)) => {
            let sql = "SELECT EXISTS (SELECT FROM sessions s WHERE s.id = $1 AND s.revoked_at = $2)";
            if was_done(db, sql, session, end.at).await? { Ok(true) } else { Err(error) }
        }
        Err(error) => Err(error),
    }
}

/// Ends every session of a user, and the tokens of the old backend. Answers how many sessions were live; none if
/// that answer was lost.
///
/// # Errors
/// As [`Scope::query`].
pub async fn revoke_all(db: &Scope<'_>, owner: Uuid, end: &End<'_>) -> Result<Option<i64>, DbError> {
    let noted = Note {
        user: "account.id",
        details: "jsonb_build_object('revoked', ended.sessions)",
        from: "account, ended",
        ..End::note(&quoted(Kind::SessionsRevoked))
    }
    .sql();
    // Writing the account's row locks it: no sign-in comes in between.
    let sql = format!(
        "WITH account AS (
             UPDATE users u SET legacy_revoked_at = $2 WHERE u.id = $5 RETURNING u.id
         ), ended AS MATERIALIZED (
             SELECT app.end_sessions(account.id, NULL, $2, 'signed_out_everywhere') AS sessions FROM account
         ), noted AS ({noted})
         SELECT sessions FROM ended"
    );
    let [event, at, ip, agent] = end.params();
    match db.query(&sql, &[event, at, ip, agent, (&owner, Type::UUID)]).await {
        Ok(outcome) => outcome.rows.first().map_or(Ok(None), |row| Columns::of(row).take().map(Some)),
        Err(error @ DbError::RefusedAgain(Refusal::Revoked)) => {
            let sql = "SELECT EXISTS (SELECT FROM users u WHERE u.id = $1 AND u.legacy_revoked_at = $2)";
            if was_done(db, sql, owner, end.at).await? { Ok(None) } else { Err(error) }
        }
        Err(error) => Err(error),
    }
}

/// Whether the first run, whose answer was lost, did what the second one was refused for: then it left its time.
async fn was_done(db: &Scope<'_>, sql: &str, id: Uuid, at: Timestamp) -> Result<bool, DbError> {
    let outcome = db.as_nobody().query(sql, &[(&id, Type::UUID), (&at, Type::TIMESTAMPTZ)]).await?;
    outcome.rows.first().map_or(Ok(false), |row| Columns::of(row).take())
}
