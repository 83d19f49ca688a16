//! The tables of the old backend, and what was imported from them. The old tables are only read.

mod compare;
mod source;
mod store;

use jiff::Timestamp;
use tokio_postgres::Client;
use uuid::Uuid;

use super::DbError;
use super::users::admin::UserRole;
use crate::domain::{Email, Name, Priority, StoredPassword, Title};

pub use compare::{count, count_passwords, count_without_id, same_addresses, same_ids, verify};
pub use source::{LegacySchema, tasks, users, users_by_id};
pub use store::{
    KnownRows, delete_skipped_problems, known_tasks, known_users, record_problems, store_tasks, store_users,
};

/// One of the two old tables whose rows are imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LegacyTable {
    /// `"user"`.
    User,
    /// `task`.
    Task,
}

impl LegacyTable {
    /// The name in `legacy_rows`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Task => "task",
        }
    }

    /// The old table, as SQL.
    const fn sql(self) -> &'static str {
        match self {
            Self::User => "public.\"user\"",
            Self::Task => "public.task",
        }
    }
}

/// A time in an old table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegacyTime {
    /// Null.
    Missing,
    /// A time that we can store.
    At(Timestamp),
    /// Infinite, or not within the years 1 to 9999.
    OutOfRange,
}

/// A user of the old tables.
#[derive(Debug)]
pub struct LegacyUser {
    /// A UUID, or 32 hexadecimal digits.
    pub id: String,
    pub email: Option<String>,
    pub name: Option<String>,
    /// A bcrypt or `salt:sha256` hash.
    pub password: Option<String>,
    /// How many other password hashes the old tables have for this user.
    pub other_passwords: i64,
    /// Whether the account is enabled; `None` if the row has null.
    pub is_active: Option<bool>,
    /// Whether the email address was confirmed.
    pub email_verified: bool,
    /// `user` or `admin`; `None` if the old table has no roles.
    pub role: Option<String>,
    pub banned: bool,
    pub ban_reason: Option<String>,
    pub ban_expires: LegacyTime,
    pub created_at: LegacyTime,
    pub updated_at: LegacyTime,
}

/// A task of the old table.
#[derive(Debug)]
pub struct LegacyTask {
    /// A UUID, or 32 hexadecimal digits.
    pub id: String,
    pub user_id: Option<String>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub due_datetime: LegacyTime,
    /// The label of an enum, in upper or lower case.
    pub priority: Option<String>,
    pub is_completed: Option<bool>,
    pub created_at: LegacyTime,
    pub updated_at: LegacyTime,
}

/// A user to import.
#[derive(Debug)]
pub struct ImportedUser {
    /// The UUID from the old table.
    pub id: Uuid,
    pub email: Email,
    pub name: Option<Name>,
    /// The legacy hash.
    pub password: Option<StoredPassword>,
    /// Whether the account is enabled.
    pub is_active: bool,
    /// Whether the email address was confirmed.
    pub email_verified: bool,
    pub role: UserRole,
    /// The reason and the end of its ban; without an end it lasts forever.
    pub ban: Option<(String, Option<Timestamp>)>,
    /// Whether a newer account has this email address, and must give it up to this user.
    pub takes_address_over: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A task to import.
#[derive(Debug)]
pub struct ImportedTask {
    /// The UUID from the old table.
    pub id: Uuid,
    pub user_id: Uuid,
    pub title: Title,
    pub description: Option<String>,
    pub due_datetime: Option<Timestamp>,
    pub priority: Priority,
    pub is_completed: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A problem with a row of the old tables.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RowProblem {
    pub source: LegacyTable,
    /// The row's id as the old table spells it.
    pub legacy_id: String,
    /// What is wrong, as a sentence without personal data.
    pub problem: String,
    /// Whether the row was skipped; otherwise it was imported with a change.
    pub skipped: bool,
}

/// Prepares a connection of the database owner for an import: it may then read and insert all users and tasks, which
/// row-level security would otherwise hide.
pub async fn prepare(client: &Client) -> Result<(), DbError> {
    let sql = "SET row_security = on; SET app.importing = 'on'; SET statement_timeout = '5min'; SET TIME ZONE 'UTC'";
    Ok(client.batch_execute(sql).await?)
}
