//! Making accounts.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{COLUMNS, UserRow};
use crate::config::{Limit, Policy, Refused};
use crate::db::audit::{Kind, Note, quoted};
use crate::db::permits::Permits;
use crate::db::sessions::{Client, NewSession};
use crate::db::{Columns, DbError, Scope};
use crate::domain::{Email, Name};
use crate::passwords::StoredPassword;

/// Somebody wants to sign up.
#[derive(Debug)]
pub struct BeginSignUp<'a> {
    /// The address of the account to make.
    pub email: &'a Email,
    /// Who asks.
    pub client: &'a Client,
    /// Now.
    pub at: Timestamp,
    /// The id of the event if this is the first refusal of its window.
    pub event: Uuid,
    /// None if nothing is limited.
    pub limit: Option<Limit>,
}

/// Whether the account may be made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Begun {
    /// Not now.
    Refused(Refused),
    /// The address has an account.
    Taken,
    /// It may.
    Free,
}

/// Takes the permit of a sign-up and looks whether the address is free.
///
/// # Errors
/// As [`Scope::query`].
pub async fn begin_sign_up(db: &Scope<'_>, begin: &BeginSignUp<'_>) -> Result<Begun, DbError> {
    const SQL: &str = "
        SELECT p.wait, p.level, EXISTS (SELECT FROM users u WHERE u.email = ANY ($1))
        FROM app.take_permits('sign_up', $2, $4, $5, $3, $6, NULL, NULL, $7, $8) p";
    let BeginSignUp { email, client, at, event, limit } = begin;
    let permits = Permits::of(*limit, client);
    let outcome = db
        .query(
            SQL,
            &[
                (&email.spellings(), Type::TEXT_ARRAY),
                (&permits.keys, Type::TEXT_ARRAY),
                (at, Type::TIMESTAMPTZ),
                (&permits.bursts, Type::INT4_ARRAY),
                (&permits.everys, Type::FLOAT8_ARRAY),
                (event, Type::UUID),
                (&client.ip, Type::TEXT),
                (&client.agent, Type::TEXT),
            ],
        )
        .await?;
    let row = outcome.rows.first().ok_or_else(|| DbError::other("the permit has no row"))?;
    let mut columns = Columns::of(row);
    let (wait, level): (Option<f64>, _) = (columns.take()?, columns.take()?);
    if let (Some(wait), Some(limit)) = (wait, permits.limit(level)) {
        return Ok(Begun::Refused(Refused { policy: Policy::SignUp, limit, wait }));
    }
    Ok(if columns.take()? { Begun::Taken } else { Begun::Free })
}

/// An account to make.
#[derive(Debug)]
pub struct NewUser<'a> {
    /// Its id.
    pub id: Uuid,
    /// Its address.
    pub email: &'a Email,
    /// Its display name.
    pub name: Option<&'a Name>,
    /// Its password.
    pub password: &'a StoredPassword,
    /// The keyed hash under which failed sign-ins were counted before there was an account.
    pub account: &'a str,
    /// Now.
    pub created_at: Timestamp,
}

/// Makes an account and its first session in one statement.
///
/// # Errors
/// On `users_email_key` if the address is taken.
pub async fn insert_with_session(
    db: &Scope<'_>,
    user: &NewUser<'_>,
    session: &NewSession<'_>,
) -> Result<UserRow, DbError> {
    let noted = Note {
        id: "$13",
        at: "$6",
        kind: &quoted(Kind::SignedUp),
        user: "$1",
        session: "$7",
        ip: "$10",
        agent: "$11",
        ..Note::default()
    }
    .sql();
    // Run twice with the same ids, the second run waits for the first one and returns what it inserted.
    let sql = format!(
        "WITH opened AS (
             INSERT INTO sessions (id, user_id, settle_until, idle_expires_at, absolute_expires_at, created_ip,
                                   user_agent, rotated_network, rotated_agent, rotated_family, created_at, last_used_at)
             VALUES ($7, $1, $6, $8, $9, $10, $11, $12, $11, $16, $6, $6)
             ON CONFLICT (id) DO NOTHING
         ), known AS (
             INSERT INTO sign_in_addresses (user_id, address, last_used_at)
             SELECT $1, $14, $6 WHERE $10::text IS NOT NULL
             ON CONFLICT (user_id, address) DO NOTHING
         ), cleared AS (
             DELETE FROM sign_in_failures f WHERE f.account = $15
         ), noted AS ({noted})
         INSERT INTO users AS u (id, email, name, password_hash, pepper_id, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)
         ON CONFLICT (id) DO UPDATE SET id = excluded.id
         RETURNING {COLUMNS}"
    );
    let NewUser { id, email, name, password, account, created_at } = user;
    let NewSession { id: session_id, idle_expires_at, absolute_expires_at, client, event, .. } = session;
    let outcome = db
        .query(
            &sql,
            &[
                (id, Type::UUID),
                (&email.as_str(), Type::TEXT),
                (&name.map(Name::as_str), Type::TEXT),
                (&password.hash, Type::TEXT),
                (&password.pepper_id, Type::TEXT),
                (created_at, Type::TIMESTAMPTZ),
                (session_id, Type::UUID),
                (idle_expires_at, Type::TIMESTAMPTZ),
                (absolute_expires_at, Type::TIMESTAMPTZ),
                (&client.ip, Type::TEXT),
                (&client.agent, Type::TEXT),
                (&client.network, Type::TEXT),
                (event, Type::UUID),
                (&client.address(), Type::TEXT),
                (account, Type::TEXT),
                (&client.family, Type::TEXT),
            ],
        )
        .await?;
    let row = outcome.rows.first().ok_or_else(|| DbError::other("the account was not inserted"))?;
    UserRow::read(&mut Columns::of(row))
}
