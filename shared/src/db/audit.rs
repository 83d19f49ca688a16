//! `audit_events`: what happened to accounts, added in the statement that did it.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::sessions::Client;
use super::{Columns, DbError, Scope};

/// What can happen. The names are stable: clients show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The account was made.
    SignedUp,
    /// A session was opened.
    SignedIn,
    /// A sign-in was refused, after its password was looked at.
    SignInFailed,
    /// A session was ended by its owner, where it was open.
    SignedOut,
    /// One session was ended.
    SessionRevoked,
    /// All sessions were ended.
    SessionsRevoked,
    /// The password was changed.
    PasswordChanged,
    /// An old refresh token looked stolen, or was signed out with; the session was ended.
    RefreshTokenReused,
    /// An old refresh token came; its client was told to read its storage again.
    RefreshTokenSuperseded,
    /// A refresh token was answered again, to another network or program than rotated it.
    RefreshedElsewhere,
    /// A password could not be confirmed.
    PasswordRefused,
    /// The role was changed.
    RoleChanged,
    /// The account was banned.
    Banned,
    /// The ban was lifted.
    Unbanned,
    /// The account was enabled.
    Activated,
    /// The account was disabled.
    Deactivated,
    /// Failed sign-ins were forgiven.
    SignInUnlocked,
    /// The account was deleted.
    AccountDeleted,
    /// An operator took the account's address away.
    AddressReleased,
    /// A limit refused something.
    RateLimited,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 20] = [
        Self::SignedUp,
        Self::SignedIn,
        Self::SignInFailed,
        Self::SignedOut,
        Self::SessionRevoked,
        Self::SessionsRevoked,
        Self::PasswordChanged,
        Self::RefreshTokenReused,
        Self::RefreshTokenSuperseded,
        Self::RefreshedElsewhere,
        Self::PasswordRefused,
        Self::RoleChanged,
        Self::Banned,
        Self::Unbanned,
        Self::Activated,
        Self::Deactivated,
        Self::SignInUnlocked,
        Self::AccountDeleted,
        Self::AddressReleased,
        Self::RateLimited,
    ];

    /// The name in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedUp => "signed_up",
            Self::SignedIn => "signed_in",
            Self::SignInFailed => "sign_in_failed",
            Self::SignedOut => "signed_out",
            Self::SessionRevoked => "session_revoked",
            Self::SessionsRevoked => "sessions_revoked",
            Self::PasswordChanged => "password_changed",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::RefreshTokenSuperseded => "refresh_token_superseded",
            Self::RefreshedElsewhere => "refreshed_elsewhere",
            Self::PasswordRefused => "password_refused",
            Self::RoleChanged => "role_changed",
            Self::Banned => "banned",
            Self::Unbanned => "unbanned",
            Self::Activated => "activated",
            Self::Deactivated => "deactivated",
            Self::SignInUnlocked => "sign_in_unlocked",
            Self::AccountDeleted => "account_deleted",
            Self::AddressReleased => "address_released",
            Self::RateLimited => "rate_limited",
        }
    }
}

/// An event as SQL expressions, to be added once per row of another part of the same statement. Nothing of it
/// comes from outside but through parameters.
pub(super) struct Note<'a> {
    /// The parameter with the event's id, made before the first try so that a second try adds nothing.
    pub(super) id: &'a str,
    pub(super) at: &'a str,
    /// The kind, as SQL text.
    pub(super) kind: &'a str,
    pub(super) user: &'a str,
    pub(super) actor: &'a str,
    pub(super) session: &'a str,
    pub(super) ip: &'a str,
    pub(super) agent: &'a str,
    pub(super) details: &'a str,
    /// The part whose rows are noted, with its conditions; without one the event is noted once.
    pub(super) from: &'a str,
}

impl Default for Note<'_> {
    fn default() -> Self {
        let null = "NULL";
        Self {
            id: null,
            at: null,
            kind: null,
            user: null,
            actor: null,
            session: null,
            ip: null,
            agent: null,
            details: "'{}'",
            from: "(VALUES (1)) AS once",
        }
    }
}

impl Note<'_> {
    /// The `INSERT`. Without a conflict target, which would ask row-level security for the right to read.
    pub(super) fn sql(&self) -> String {
        let Self { id, at, kind, user, actor, session, ip, agent, details, from } = self;
        format!(
            "INSERT INTO audit_events (id, occurred_at, kind, user_id, actor_id, session_id, ip, user_agent, details)
             SELECT {id}::uuid, {at}::timestamptz, {kind}, {user}::uuid, {actor}::uuid, {session}::uuid, {ip}::text,
                    {agent}::text, {details}::jsonb
             FROM {from}
             ON CONFLICT DO NOTHING"
        )
    }
}

/// The kind as SQL text.
pub(super) fn quoted(kind: Kind) -> String {
    format!("'{}'", kind.as_str())
}

/// A failure to note, which changes nothing else.
#[derive(Debug)]
pub struct Failure<'a> {
    /// What failed.
    pub kind: Kind,
    /// The account, if there is one.
    pub user: Option<Uuid>,
    /// Who tried.
    pub client: &'a Client,
    /// Now.
    pub at: Timestamp,
    /// The id of the event.
    pub event: Uuid,
    /// Why, if there is more to say than the kind.
    pub reason: Option<&'static str>,
}

/// Notes a failure; in the same round trip whether the account exists or not.
///
/// # Errors
/// As [`Scope::query`].
pub async fn note_failure(db: &Scope<'_>, failure: &Failure<'_>) -> Result<(), DbError> {
    let Failure { kind, user, client, at, event, reason } = failure;
    let sql = Note {
        id: "$1",
        at: "$2",
        kind: &quoted(*kind),
        // Nothing of an account that has just been deleted.
        user: "(SELECT u.id FROM users u WHERE u.id = $3)",
        ip: "$4",
        agent: "$5",
        details: "jsonb_strip_nulls(jsonb_build_object('reason', $6::text))",
        ..Note::default()
    }
    .sql();
    db.query(
        &sql,
        &[
            (event, Type::UUID),
            (at, Type::TIMESTAMPTZ),
            (user, Type::UUID),
            (&client.ip, Type::TEXT),
            (&client.agent, Type::TEXT),
            (reason, Type::TEXT),
        ],
    )
    .await?;
    Ok(())
}

/// A stored event.
#[derive(Debug)]
pub struct EventRow {
    /// Its id.
    pub id: Uuid,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// What happened.
    pub kind: String,
    /// Whether an administrator did it.
    pub by_administrator: bool,
    /// The session it is about.
    pub session_id: Option<Uuid>,
    /// Where the request came from, unless an administrator made it.
    pub ip: Option<String>,
    /// The program that made it, unless it was an administrator's.
    pub user_agent: Option<String>,
    /// More, depending on the kind.
    pub details: serde_json::Value,
}

/// The events of a user, newest first, from behind `after`.
///
/// # Errors
/// As [`Scope::query`].
pub async fn list(
    db: &Scope<'_>,
    owner: Uuid,
    after: Option<(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<EventRow>, DbError> {
    const SQL: &str = "
        SELECT id, occurred_at, kind, actor_id IS NOT NULL, session_id, CASE WHEN actor_id IS NULL THEN ip END,
               CASE WHEN actor_id IS NULL THEN user_agent END, details
        FROM audit_events
        WHERE user_id = $1 AND ($2::timestamptz IS NULL OR (occurred_at, id) < ($2, $3))
        ORDER BY occurred_at DESC, id DESC
        LIMIT $4";
    let (time, id) = after.unzip();
    let outcome = db
        .query(SQL, &[(&owner, Type::UUID), (&time, Type::TIMESTAMPTZ), (&id, Type::UUID), (&limit, Type::INT8)])
        .await?;
    let read = |row: &tokio_postgres::Row| {
        let mut columns = Columns::of(row);
        Ok(EventRow {
            id: columns.take()?,
            occurred_at: columns.take()?,
            kind: columns.take()?,
            by_administrator: columns.take()?,
            session_id: columns.take()?,
            ip: columns.take()?,
            user_agent: columns.take()?,
            details: columns.take()?,
        })
    };
    outcome.rows.iter().map(read).collect()
}
