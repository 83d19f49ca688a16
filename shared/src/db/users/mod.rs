//! `users`: one row per account.

pub mod admin;
mod delete;
mod password;
mod sign_in;
mod sign_up;

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{Columns, DbError, Scope};
use crate::config::Refused;
use crate::passwords::StoredPassword;

pub use delete::{Deleted, delete};
pub use password::{Confirming, NewHash, change_password, find_to_confirm};
pub use sign_in::{
    Attempt, Gate, PauseVerdict, SignInFailure, SignInPermit, SignInStanding, begin_sign_in, judge_pause,
    note_failed_sign_in,
};
pub use sign_up::{BeginSignUp, Begun, NewUser, begin_sign_up, insert_with_session};

/// An account without its secrets.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// UUIDv7, or what the old backend gave.
    pub id: Uuid,
    /// Normalised address.
    pub email: String,
    /// Display name.
    pub name: Option<String>,
    /// `user` or `admin`.
    pub role: String,
    /// Whether the account may be used, bans aside.
    pub is_active: bool,
    /// Whether the address was confirmed.
    pub email_verified: bool,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The newest ban, which may be over.
    pub ban: Option<Ban>,
}

/// A ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Since when.
    pub at: Timestamp,
    /// Until when; none means for good.
    pub until: Option<Timestamp>,
    /// Why, for the user to read.
    pub reason: String,
}

impl Ban {
    /// Whether it holds at that time.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

/// The columns of [`UserRow`], of `users u`.
pub(super) const COLUMNS: &str =
    "u.id, u.email, u.name, u.role, u.is_active, u.email_verified, u.created_at, u.updated_at,
     u.banned_at, u.banned_until, u.ban_reason";

/// Whether the account `u` may be used at the time of a parameter.
pub(super) fn standing(at: &str) -> String {
    format!("u.is_active AND (u.banned_at IS NULL OR coalesce(u.banned_until <= {at}, false))")
}

impl UserRow {
    pub(super) fn read(columns: &mut Columns<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: columns.take()?,
            email: columns.take()?,
            name: columns.take()?,
            role: columns.take()?,
            is_active: columns.take()?,
            email_verified: columns.take()?,
            created_at: columns.take()?,
            updated_at: columns.take()?,
            ban: {
                let (at, until, reason) = (columns.take()?, columns.take()?, columns.take()?);
                Option::zip(at, reason).map(|(at, reason)| Ban { at, until, reason })
            },
        })
    }
}

/// An account with its password, for signing in.
#[derive(Debug)]
pub struct Credentials {
    /// The account.
    pub user: UserRow,
    /// None if it signs in by other means.
    pub password: Option<StoredPassword>,
}

/// Whether a password may be looked at.
#[derive(Debug)]
pub enum Permitted {
    /// Not now.
    Refused(Refused),
    /// It may, and this is the account, if there is one.
    Found(Option<Box<Credentials>>),
}

impl Credentials {
    /// Reads [`COLUMNS`], `u.password_hash` and `u.pepper_id`.
    fn read(columns: &mut Columns<'_>) -> Result<Self, DbError> {
        let user = UserRow::read(columns)?;
        let (hash, pepper_id): (Option<String>, _) = (columns.take()?, columns.take()?);
        Ok(Self { user, password: hash.map(|hash| StoredPassword { hash, pepper_id }) })
    }
}

/// Finds an account by its id.
///
/// # Errors
/// As [`Scope::query`].
pub async fn find(db: &Scope<'_>, id: Uuid) -> Result<Option<UserRow>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM users u WHERE u.id = $1");
    let outcome = db.query(&sql, &[(&id, Type::UUID)]).await?;
    outcome.rows.first().map(|row| UserRow::read(&mut Columns::of(row))).transpose()
}
