//! A user's own password: confirmation before critical actions, and change.

use uuid::Uuid;

use super::{Credentials, UserRow};
use crate::db::audit::{EventKind, Note};
use crate::db::permits::Permit;
use crate::db::{AnonymousScope, DbError, FromRow as _, RequestRefusal, Statement, WriteScope};
use crate::domain::{AuditContext, Limit, LimitExceeded, LimitName, StoredPassword};

/// Whether a user may confirm their password now.
#[derive(Debug)]
pub enum ConfirmationPermit {
    /// There is no permit left.
    RateLimited(LimitExceeded),
    /// The account, unless it was deleted.
    Granted(Option<Box<Credentials>>),
}

/// Takes a permit for one guess, and finds the account's password. `holder` is the session or the legacy token: each
/// has its own permits, so that a thief of one cannot use up the permits of another.
pub async fn find_to_confirm(
    db: &WriteScope<'_>,
    user: Uuid,
    holder: Option<Uuid>,
    limit: Option<Limit>,
    context: &AuditContext,
) -> Result<ConfirmationPermit, DbError> {
    let permit =
        Permit { key: "coalesce(:holder::text, :user::text)", user: ":user", ..Permit::of(LimitName::Password, limit) };
    let rows = Statement::new(
        "users.find_to_confirm",
        "WITH {permit}
         SELECT {columns}, {credentials}, permit.wait
         FROM permit LEFT JOIN users u ON u.id = :user AND permit.wait IS NULL",
    )
    .fragment("columns", UserRow::COLUMNS)
    .fragment("credentials", Credentials::COLUMNS)
    .permit(&permit, context)
    .bind("user", &user)
    .bind("holder", &holder)
    .run(db)
    .await?;
    let record = rows.one()?;
    if let Some(refused) = permit.refusal(record)? {
        return Ok(ConfirmationPermit::RateLimited(refused));
    }
    Credentials::read(record).map(ConfirmationPermit::Granted)
}

/// A password to set.
#[derive(Debug)]
pub struct PasswordChange<'a> {
    pub user: Uuid,
    /// The session that continues; `None` for a legacy token.
    pub session: Option<Uuid>,
    /// The stored password that was confirmed.
    pub verified: &'a StoredPassword,
    /// The hash that replaces it.
    pub hashed: &'a StoredPassword,
}

/// Changes a password, ends the user's other sessions, and forgets all other known IP addresses, because a thief may
/// have signed in from them. Returns how many sessions were ended; `None` if the password was changed meanwhile, or
/// the account deleted.
pub async fn change_password(
    db: &WriteScope<'_>,
    change: &PasswordChange<'_>,
    context: &AuditContext,
) -> Result<Option<i64>, DbError> {
    let PasswordChange { user, session, verified, hashed } = change;
    let note = Note {
        user: "changed.id",
        session: ":session",
        details: "jsonb_build_object('revoked', ended.sessions)",
        from: "changed, ended",
        ..Note::of(EventKind::PasswordChanged)
    };
    let result = Statement::new(
        "users.change_password",
        "WITH changed AS (
             UPDATE users u SET password_hash = :hash, pepper_id = :pepper_id, updated_at = :at, legacy_revoked_at = :at
             WHERE u.id = :user AND u.password_hash IN (:verified_hash, :hash)
             RETURNING u.id
         ), ended AS MATERIALIZED (
             SELECT app.end_sessions(changed.id, :session, :at, 'password_changed') AS sessions FROM changed
         ), forgotten AS (
             DELETE FROM sign_in_addresses a USING changed WHERE a.user_id = changed.id AND a.address <> :address
         ), {note}
         SELECT sessions FROM ended",
    )
    .note(&note, context)
    .bind("user", user)
    .bind("session", session)
    .bind("verified_hash", &verified.hash)
    .bind("hash", &hashed.hash)
    .bind("pepper_id", &hashed.pepper_id)
    .bind("address", &context.origin.address())
    .run(db)
    .await;
    match result {
        // A legacy token ends with the change; the number of ended sessions is lost.
        Err(error @ DbError::RetryRefused(RequestRefusal::SessionRevoked)) => {
            if has_password(&db.anonymous(), *user, hashed).await? { Ok(Some(0)) } else { Err(error) }
        }
        result => result?.first().map(|record| record.get("sessions")).transpose(),
    }
}

async fn has_password(db: &AnonymousScope<'_>, user: Uuid, stored: &StoredPassword) -> Result<bool, DbError> {
    let sql = "SELECT EXISTS (SELECT FROM users u WHERE u.id = :user AND u.password_hash = :hash) AS has_password";
    let statement = Statement::new("users.has_password", sql).bind("user", &user).bind("hash", &stored.hash);
    statement.run(db).await?.one()?.get("has_password")
}
