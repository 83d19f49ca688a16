//! Creating accounts.

use uuid::Uuid;

use super::UserRow;
use crate::db::audit::{EventKind, Note};
use crate::db::permits::NetworkPermits;
use crate::db::sessions::{NewSession, open_session_part};
use crate::db::{AnonymousScope, DbError, FromRow as _, Statement};
use crate::domain::{AuditContext, Email, Limit, LimitExceeded, LimitName, Name, StoredPassword};

/// An attempt to sign up.
#[derive(Debug)]
pub struct SignUpAttempt<'a> {
    pub email: &'a Email,
    /// `None` if rate limits are off.
    pub limit: Option<Limit>,
    pub context: &'a AuditContext,
}

/// Whether the account may be created.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SignUpPermit {
    /// There is no permit left.
    RateLimited(LimitExceeded),
    /// An account has this email address.
    EmailTaken,
    /// It may be created.
    Granted,
}

/// Takes the permit of a sign-up and checks whether the email address is free.
pub async fn begin_sign_up(db: &AnonymousScope<'_>, attempt: &SignUpAttempt<'_>) -> Result<SignUpPermit, DbError> {
    let SignUpAttempt { email, limit, context } = attempt;
    let permits = NetworkPermits::of(*limit, &context.origin);
    let rows = Statement::new(
        "users.begin_sign_up",
        "SELECT p.wait, p.level, EXISTS (SELECT FROM users u WHERE u.email = ANY (:spellings)) AS is_taken
         FROM app.take_permits('sign_up', :networks, :network_bursts, :network_intervals, :at, :event_id, NULL, NULL, :ip,
                               :agent) p",
    )
    .context(context)
    .network_permits(&permits)
    .bind("spellings", &email.spellings())
    .run(db)
    .await?;
    let record = rows.one()?;
    if let (Some(wait), Some(limit)) = (record.get("wait")?, permits.limit(record.get("level")?)) {
        return Ok(SignUpPermit::RateLimited(LimitExceeded { name: LimitName::SignUp, limit, wait }));
    }
    Ok(if record.get("is_taken")? { SignUpPermit::EmailTaken } else { SignUpPermit::Granted })
}

/// An account to create.
#[derive(Debug)]
pub struct NewUser<'a> {
    pub id: Uuid,
    pub email: &'a Email,
    pub name: Option<&'a Name>,
    pub password: &'a StoredPassword,
    /// The keyed hash under which failed sign-ins were counted while there was no account.
    pub account: &'a str,
}

/// Creates an account and its first session in one statement.
///
/// # Errors
/// [`DbError::Constraint`] on `users_email_key` if the email address is taken.
pub async fn insert_with_session(
    db: &AnonymousScope<'_>,
    user: &NewUser<'_>,
    session: &NewSession<'_>,
) -> Result<UserRow, DbError> {
    let NewUser { id, email, name, password, account } = user;
    let note = Note { user: ":id", session: ":session", ..Note::of(EventKind::SignedUp) };
    // A retry with the same ids waits for the first attempt and returns the row that it inserted.
    let rows = Statement::new(
        "users.insert_with_session",
        "WITH {open_session}, known AS (
             INSERT INTO sign_in_addresses (user_id, address, last_used_at)
             SELECT :id, :address, :at WHERE :ip::text IS NOT NULL
             ON CONFLICT (user_id, address) DO NOTHING
         ), cleared AS (
             DELETE FROM sign_in_failures f WHERE f.account = :account
         ), {note}
         INSERT INTO users AS u (id, email, name, password_hash, pepper_id, created_at, updated_at)
         VALUES (:id, :email, :name, :hash, :pepper_id, :at, :at)
         ON CONFLICT (id) DO UPDATE SET id = excluded.id
         RETURNING {columns}",
    )
    .fragment("columns", UserRow::COLUMNS)
    .fragment("open_session", open_session_part(":id", "(VALUES (1)) AS once"))
    .note(&note, session.context)
    .session(session)
    .bind("id", id)
    .bind("email", &email.as_str())
    .bind("name", &name.map(Name::as_str))
    .bind("hash", &password.hash)
    .bind("pepper_id", &password.pepper_id)
    .bind("account", account)
    .bind("address", &session.context.origin.address())
    .run(db)
    .await?;
    rows.one()?.read()
}
