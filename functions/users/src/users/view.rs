//! JSON shapes of accounts as administrators see them.

use jiff::Timestamp;
use serde::Serialize;
use shared::db::users::admin::UserRole;
use shared::db::users::{Ban as BanRow, UserRow};
use shared::http::{Data, Time};
use utoipa::ToSchema;
use uuid::Uuid;

/// An account.
#[derive(Serialize, ToSchema)]
#[schema(as = AdministeredUser)]
pub(crate) struct User {
    /// The account's id.
    id: Uuid,
    /// The account's address.
    #[schema(example = "ada@example.com")]
    email: String,
    /// The account's display name.
    #[schema(required, example = "Ada")]
    name: Option<String>,
    /// What the account may do.
    #[schema(value_type = UserRole, example = "user")]
    role: String,
    /// Whether the account is enabled.
    #[schema(example = true)]
    is_active: bool,
    /// Whether the address was confirmed.
    #[schema(example = false)]
    email_verified: bool,
    /// When the account was made.
    created_at: Time,
    /// When the account last changed.
    updated_at: Time,
    /// The ban that holds; null if none does.
    #[schema(required)]
    ban: Option<Ban>,
}

/// A ban.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ban {
    /// Since when.
    at: Time,
    /// Until when; null for good.
    #[schema(required)]
    until: Option<Time>,
    /// Why.
    #[schema(example = "Sends spam")]
    reason: String,
}

impl User {
    pub(crate) fn of(row: UserRow, now: Timestamp) -> Self {
        let ban =
            row.ban(now).map(|BanRow { at, until, reason }| Ban { at: at.into(), until: until.map(Time), reason });
        let UserRow {
            id,
            email,
            name,
            role,
            is_active,
            email_verified,
            created_at,
            updated_at,
            banned_at: _,
            banned_until: _,
            ban_reason: _,
        } = row;
        let (created_at, updated_at) = (created_at.into(), updated_at.into());
        Self { id, email, name, role, is_active, email_verified, created_at, updated_at, ban }
    }
}

/// A response with one account.
pub(crate) type UserBody = Data<User>;

/// A page of accounts, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Users {
    /// The accounts.
    pub(crate) users: Vec<User>,
    /// Where the next page starts; null on the last one.
    #[schema(required)]
    pub(crate) next_cursor: Option<String>,
}

/// A response with a page of accounts.
pub(crate) type UsersBody = Data<Users>;
