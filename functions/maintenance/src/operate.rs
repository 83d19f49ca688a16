//! The commands that change an account. Each writes an audit event, as the actions of administrators do.

use std::sync::Arc;

use serde::Serialize;
use shared::App;
use shared::db::maintenance::{self, AccountRemoval};
use shared::db::users::admin::{self, AccountAction, AccountActionResult, AccountChange, AccountTarget};
use shared::db::{DatabaseRole, DbError};
use shared::domain::{Email, Invalid};
use uuid::Uuid;

/// The role of an account after a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountRole {
    pub user_id: Uuid,
    /// `user` or `admin`.
    pub role: String,
}

/// A deleted account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeletedAccount {
    pub deleted_user_id: Uuid,
}

/// An account whose email address was freed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReleasedAddress {
    pub user_id: Uuid,
    /// The email address of the account from now on.
    pub placeholder: String,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("there is no account with this address")]
    Missing,
    /// The command would leave no administrator.
    #[error("this is the last administrator; make another one first")]
    LastAdmin,
    /// The given text is not an email address.
    #[error("the address {0}")]
    Address(#[from] Invalid),
    #[error("the database failed: {0}")]
    Database(#[from] DbError),
}

pub(crate) async fn change_account(app: &App, email: &str, change: AccountChange) -> Result<AccountRole, CommandError> {
    let context = app.audit_context(Arc::default());
    let action =
        AccountAction { target: AccountTarget::Email(Email::find(email)?), actor: None, change, context: &context };
    let database = app.db.with_role(DatabaseRole::Admin);
    match admin::change_account(&database.anonymous(), &action).await? {
        AccountActionResult::Done(row) => Ok(AccountRole { user_id: row.id, role: row.role }),
        AccountActionResult::Missing => Err(CommandError::Missing),
        AccountActionResult::LastAdmin => Err(CommandError::LastAdmin),
    }
}

pub(crate) async fn delete_account(app: &App, email: &str) -> Result<DeletedAccount, CommandError> {
    let (email, context) = (Email::find(email)?, app.audit_context(Arc::default()));
    match maintenance::delete_account(&app.anonymous(), &email, &context).await? {
        AccountRemoval::Done(user) => Ok(DeletedAccount { deleted_user_id: user }),
        AccountRemoval::Missing => Err(CommandError::Missing),
        AccountRemoval::LastAdmin => Err(CommandError::LastAdmin),
    }
}

pub(crate) async fn release_address(app: &App, email: &str) -> Result<ReleasedAddress, CommandError> {
    let (email, context) = (Email::find(email)?, app.audit_context(Arc::default()));
    let released = maintenance::release_address(&app.anonymous(), &email, &context).await?;
    let (user_id, placeholder) = released.ok_or(CommandError::Missing)?;
    Ok(ReleasedAddress { user_id, placeholder })
}
