//! `users`: one row per account.

pub mod admin;
mod delete;
mod password;
mod sign_in;
mod sign_up;

use jiff::Timestamp;
use uuid::Uuid;

use super::rows::row;
use super::{DbError, Executor, FromRow as _, Record, Statement};
use crate::domain::StoredPassword;

pub use delete::{AccountDeletion, delete};
pub use password::{ConfirmationPermit, PasswordChange, change_password, find_to_confirm};
pub use sign_in::{
    PauseVerdict, SignInAttempt, SignInFailure, SignInGate, SignInPermit, SignInState, begin_sign_in, check_pause,
    note_failed_sign_in,
};
pub use sign_up::{NewUser, SignUpAttempt, SignUpPermit, begin_sign_up, insert_with_session};

row! {
    /// An account without its secrets.
    #[derive(Clone, Debug)]
    pub struct UserRow {
        /// UUIDv7, or the id from the old backend.
        pub id: Uuid = "u.id",
        /// The normalised email address.
        pub email: String = "u.email",
        /// The display name.
        pub name: Option<String> = "u.name",
        /// `user` or `admin`.
        pub role: String = "u.role",
        /// Whether the account is enabled; a ban is separate.
        pub is_active: bool = "u.is_active",
        pub email_verified: bool = "u.email_verified",
        pub created_at: Timestamp = "u.created_at",
        /// The last change of the account.
        pub updated_at: Timestamp = "u.updated_at",
        /// The start of the latest ban, which may have ended.
        pub banned_at: Option<Timestamp> = "u.banned_at",
        /// The end of the latest ban; `None` if it has no end.
        pub banned_until: Option<Timestamp> = "u.banned_until",
        /// The reason of the latest ban, for the user to read.
        pub ban_reason: Option<String> = "u.ban_reason",
    }
}

/// A ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    pub at: Timestamp,
    /// The end; `None` if the ban has no end.
    pub until: Option<Timestamp>,
    /// The reason, for the user to read.
    pub reason: String,
}

impl UserRow {
    /// The ban that is in force at the time `now`.
    #[must_use]
    pub fn ban(&self, now: Timestamp) -> Option<Ban> {
        let (at, reason) = Option::zip(self.banned_at, self.ban_reason.clone())?;
        let ban = Ban { at, until: self.banned_until, reason };
        ban.until.is_none_or(|until| until > now).then_some(ban)
    }
}

/// Whether the account `u` is enabled and not banned at `:at`.
pub(super) const USABLE: &str = "u.is_active AND (u.banned_at IS NULL OR coalesce(u.banned_until <= :at, false))";

/// An account with its password, for signing in.
#[derive(Debug)]
pub struct Credentials {
    pub user: UserRow,
    /// `None` if the account signs in by other means.
    pub password: Option<StoredPassword>,
}

impl Credentials {
    /// The columns in addition to those of [`UserRow`], from `users u`.
    const COLUMNS: &'static str = "u.id IS NOT NULL AS is_found, u.password_hash, u.pepper_id";

    /// Reads the account of a row; `None` if the row has no account.
    fn read(record: Record<'_>) -> Result<Option<Box<Self>>, DbError> {
        if !record.get("is_found")? {
            return Ok(None);
        }
        let (hash, pepper_id): (Option<String>, _) = (record.get("password_hash")?, record.get("pepper_id")?);
        let password = hash.map(|hash| StoredPassword { hash, pepper_id });
        Ok(Some(Box::new(Self { user: record.read()?, password })))
    }
}

/// Finds an account by its id.
pub async fn find(db: &impl Executor, id: Uuid) -> Result<Option<UserRow>, DbError> {
    Statement::new("users.find", "SELECT {columns} FROM users u WHERE u.id = :id")
        .fragment("columns", UserRow::COLUMNS)
        .bind("id", &id)
        .run(db)
        .await?
        .optional()
}
