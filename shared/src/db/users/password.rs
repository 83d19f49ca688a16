//! A user's own password: confirmed before what cannot be undone, and changed.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{COLUMNS, Credentials, Permitted};
use crate::config::{Limit, Policy, Refused};
use crate::db::audit::{Kind, Note, quoted};
use crate::db::sessions::Client;
use crate::db::{Columns, DbError, Refusal, Scope};
use crate::passwords::StoredPassword;

/// A user is about to confirm their password.
#[derive(Debug)]
pub struct Confirming<'a> {
    /// The account.
    pub user: Uuid,
    /// The session, or the token of the old backend, which has permits of its own: a thief of it uses up those, and
    /// nobody else's.
    pub holder: Option<Uuid>,
    /// Who asks.
    pub client: &'a Client,
    /// Now.
    pub at: Timestamp,
    /// The id of the event if this is the first refusal of its window.
    pub event: Uuid,
    /// None if nothing is limited.
    pub limit: Option<Limit>,
}

/// Takes a permit for a guess, and finds the account's password.
///
/// # Errors
/// As [`Scope::query`].
pub async fn find_to_confirm(db: &Scope<'_>, confirming: &Confirming<'_>) -> Result<Permitted, DbError> {
    let sql = format!(
        "SELECT p.wait, u.id IS NOT NULL, {COLUMNS}, u.password_hash, u.pepper_id
         FROM app.take_permit('password', coalesce($8::text, $1::text), $2, $3, $4, $5, $1, NULL, $6, $7) p
         LEFT JOIN users u ON u.id = $1 AND p.wait IS NULL"
    );
    let Confirming { user, holder, client, at, event, limit } = confirming;
    let (burst, every) = Limit::params(*limit);
    let outcome = db
        .query(
            &sql,
            &[
                (user, Type::UUID),
                (at, Type::TIMESTAMPTZ),
                (&burst, Type::INT4),
                (&every, Type::FLOAT8),
                (event, Type::UUID),
                (&client.ip, Type::TEXT),
                (&client.agent, Type::TEXT),
                (&holder.map(|holder| holder.to_string()), Type::TEXT),
            ],
        )
        .await?;
    let row = outcome.rows.first().ok_or_else(|| DbError::other("the permit has no row"))?;
    let mut columns = Columns::of(row);
    if let (Some(wait), Some(limit)) = (columns.take()?, *limit) {
        return Ok(Permitted::Refused(Refused { policy: Policy::Password, limit, wait }));
    }
    let found: bool = columns.take()?;
    Ok(Permitted::Found(if found { Some(Box::new(Credentials::read(&mut columns)?)) } else { None }))
}

/// A password to set.
#[derive(Debug)]
pub struct NewHash<'a> {
    /// The account.
    pub user: Uuid,
    /// The session that goes on; none for a token of the old backend.
    pub session: Option<Uuid>,
    /// The stored password that was confirmed.
    pub verified: &'a StoredPassword,
    /// What to store instead.
    pub hashed: &'a StoredPassword,
    /// Who changes it.
    pub client: &'a Client,
    /// Now.
    pub at: Timestamp,
    /// The id of the event.
    pub event: Uuid,
}

/// Changes a password, ends the user's other sessions, and forgets where else they have signed in: who had the old
/// password may have been there. Answers how many sessions; none if the password was changed
/// meanwhile, or the account deleted.
///
/// # Errors
/// As [`Scope::query`].
pub async fn change_password(db: &Scope<'_>, new: &NewHash<'_>) -> Result<Option<i64>, DbError> {
    let noted = Note {
        id: "$7",
        at: "$6",
        kind: &quoted(Kind::PasswordChanged),
        user: "changed.id",
        session: "$2",
        ip: "$8",
        agent: "$9",
        details: "jsonb_build_object('revoked', ended.sessions)",
        from: "changed, ended",
        ..Note::default()
    }
    .sql();
    let sql = format!(
        "WITH changed AS (
             UPDATE users u SET password_hash = $4, pepper_id = $5, updated_at = $6, legacy_revoked_at = $6
             WHERE u.id = $1 AND u.password_hash IN ($3, $4)
             RETURNING u.id
         ), ended AS MATERIALIZED (
             SELECT app.end_sessions(changed.id, $2, $6, 'password_changed') AS sessions FROM changed
         ), forgotten AS (
             DELETE FROM sign_in_addresses a USING changed WHERE a.user_id = changed.id AND a.address <> $10
         ), noted AS ({noted})
         SELECT sessions FROM ended"
    );
    let NewHash { user, session, verified, hashed, client, at, event } = new;
    let outcome = db
        .query(
            &sql,
            &[
                (user, Type::UUID),
                (session, Type::UUID),
                (&verified.hash, Type::TEXT),
                (&hashed.hash, Type::TEXT),
                (&hashed.pepper_id, Type::TEXT),
                (at, Type::TIMESTAMPTZ),
                (event, Type::UUID),
                (&client.ip, Type::TEXT),
                (&client.agent, Type::TEXT),
                (&client.address(), Type::TEXT),
            ],
        )
        .await;
    let outcome = match outcome {
        // A token of the old backend ends with the change that it has made; how many sessions did is lost.
        Err(error @ DbError::RefusedAgain(Refusal::Revoked)) => {
            return if has_password(&db.as_nobody(), *user, hashed).await? { Ok(Some(0)) } else { Err(error) };
        }
        outcome => outcome?,
    };
    outcome.rows.first().map(|row| Columns::of(row).take()).transpose()
}

/// Whether an account has this password.
async fn has_password(db: &Scope<'_>, user: Uuid, stored: &StoredPassword) -> Result<bool, DbError> {
    let sql = "SELECT EXISTS (SELECT FROM users u WHERE u.id = $1 AND u.password_hash = $2)";
    let outcome = db.query(sql, &[(&user, Type::UUID), (&stored.hash, Type::TEXT)]).await?;
    outcome.rows.first().map_or(Ok(false), |row| Columns::of(row).take())
}
