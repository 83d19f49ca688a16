//! The tables of the backend this one replaces, and what was taken over from them. The old tables are only read.

mod compare;
mod source;
mod store;

use jiff::Timestamp;
use tokio_postgres::Client;
use uuid::Uuid;

use super::DbError;
use super::users::admin::Role;
use crate::domain::{Email, Name, Priority, Title};
use crate::passwords::StoredPassword;

pub use compare::{count, count_passwords, count_without_id, same_addresses, same_ids, verify};
pub use source::{Source, tasks, users, users_by_id};
pub use store::{Taken, forget_problems, known_tasks, known_users, note_problems, store_tasks, store_users};

/// One of the two kinds of rows that are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A row of `"user"`.
    User,
    /// A row of `task`.
    Task,
}

impl Kind {
    /// The name in `legacy_rows`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Task => "task",
        }
    }

    /// The old table, as SQL.
    const fn table(self) -> &'static str {
        match self {
            Self::User => "public.\"user\"",
            Self::Task => "public.task",
        }
    }
}

/// A moment as the old table has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// None.
    Missing,
    /// One that we can store.
    At(Timestamp),
    /// Infinite, or beyond the year 9999.
    OutOfRange,
}

/// A user as the old tables have them.
#[derive(Debug)]
pub struct OldUser {
    /// A UUID, or 32 hexadecimal digits.
    pub id: String,
    /// As it was typed.
    pub email: Option<String>,
    /// As it was typed.
    pub name: Option<String>,
    /// A bcrypt or `salt:sha256` hash.
    pub password: Option<String>,
    /// How many other hashes of theirs there are.
    pub other_passwords: i64,
    /// Whether the account may be used.
    pub is_active: Option<bool>,
    /// Whether the address was confirmed.
    pub email_verified: bool,
    /// `user` or `admin`, if the old table knows roles.
    pub role: Option<String>,
    /// Whether the account is banned.
    pub banned: bool,
    /// Why.
    pub ban_reason: Option<String>,
    /// Until when.
    pub ban_expires: Moment,
    /// When it was made.
    pub created_at: Moment,
    /// When it last changed.
    pub updated_at: Moment,
}

/// A task as the old table has it.
#[derive(Debug)]
pub struct OldTask {
    /// A UUID, or 32 hexadecimal digits.
    pub id: String,
    /// Likewise.
    pub user_id: Option<String>,
    /// As it was typed.
    pub title: Option<String>,
    /// As it was typed.
    pub description: Option<String>,
    /// When it is due.
    pub due_datetime: Moment,
    /// The label of an enum, in upper or lower case.
    pub priority: Option<String>,
    /// Whether it is done.
    pub is_completed: Option<bool>,
    /// When it was made.
    pub created_at: Moment,
    /// When it last changed.
    pub updated_at: Moment,
}

/// A user to take over.
#[derive(Debug)]
pub struct ImportedUser {
    /// The same 128 bits as before.
    pub id: Uuid,
    /// The address.
    pub email: Email,
    /// The display name.
    pub name: Option<Name>,
    /// The password, hashed as the old backend did.
    pub password: Option<StoredPassword>,
    /// Whether the account may be used.
    pub is_active: bool,
    /// Whether the address was confirmed.
    pub email_verified: bool,
    /// What it may do.
    pub role: Role,
    /// Its ban: why, and until when.
    pub ban: Option<(String, Option<Timestamp>)>,
    /// Whether a newer account has its address, and loses it.
    pub takes_address_over: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A task to take over.
#[derive(Debug)]
pub struct ImportedTask {
    /// The same 128 bits as before.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// What is to be done.
    pub title: Title,
    /// More about it.
    pub description: Option<String>,
    /// When it is due.
    pub due_datetime: Option<Timestamp>,
    /// Its field of the matrix.
    pub priority: Priority,
    /// Whether it is done.
    pub is_completed: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Something about a row of the old tables.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// Which table.
    pub source: Kind,
    /// The row's id as the old table spells it.
    pub legacy_id: String,
    /// What is wrong, in a sentence without personal data.
    pub problem: String,
    /// Whether the row was left out; else it was taken over with a change.
    pub skipped: bool,
}

/// Lets the owner see and add rows of users and tasks in this connection.
///
/// # Errors
/// As any statement.
pub async fn prepare(client: &Client) -> Result<(), DbError> {
    let sql = "SET row_security = on; SET app.importing = 'on'; SET statement_timeout = '5min'; SET TIME ZONE 'UTC'";
    Ok(client.batch_execute(sql).await?)
}
