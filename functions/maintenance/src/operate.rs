//! What operators do to an account, noted like the actions of administrators.

use serde::Serialize;
use std::sync::Arc;

use shared::App;
use shared::db::maintenance::{self, AccountRemoval};
use shared::db::users::admin::{AccountChange, AccountTarget, Action, ActionResult, act};
use shared::db::{DatabaseRole, DbError};
use shared::domain::{Email, Invalid};
use uuid::Uuid;

/// An account as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Operated {
    /// The account.
    pub user_id: Uuid,
    /// `user` or `admin`.
    pub role: String,
}

/// An account that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeletedAccount {
    /// The account.
    pub deleted_user_id: Uuid,
}

/// An account whose address is free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReleasedAddress {
    /// The account.
    pub user_id: Uuid,
    /// What its user signs in with from now on.
    pub placeholder: String,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    /// There is no such account.
    #[error("there is no account with this address")]
    Missing,
    /// Nobody would be left to administer.
    #[error("this is the last administrator; make another one first")]
    LastAdmin,
    /// What was given is no address.
    #[error("the address {0}")]
    Address(#[from] Invalid),
    /// The database refused.
    #[error("the database refused: {0}")]
    Database(#[from] DbError),
}

pub(crate) async fn run(app: &App, email: &str, change: AccountChange) -> Result<Operated, OperateError> {
    let context = app.audit_context(Arc::default());
    let action = Action { target: AccountTarget::Email(Email::find(email)?), actor: None, change, context: &context };
    let database = app.db.with_role(DatabaseRole::Admin);
    match act(&database.anonymous(), &action).await? {
        ActionResult::Done(row) => Ok(Operated { user_id: row.id, role: row.role }),
        ActionResult::Missing => Err(OperateError::Missing),
        ActionResult::LastAdmin => Err(OperateError::LastAdmin),
    }
}

pub(crate) async fn delete_account(app: &App, email: &str) -> Result<DeletedAccount, OperateError> {
    let (email, context) = (Email::find(email)?, app.audit_context(Arc::default()));
    match maintenance::delete_account(&app.anonymous(), &email, &context).await? {
        AccountRemoval::Done(user) => Ok(DeletedAccount { deleted_user_id: user }),
        AccountRemoval::Missing => Err(OperateError::Missing),
        AccountRemoval::LastAdmin => Err(OperateError::LastAdmin),
    }
}

pub(crate) async fn release_address(app: &App, email: &str) -> Result<ReleasedAddress, OperateError> {
    let (email, context) = (Email::find(email)?, app.audit_context(Arc::default()));
    let released = maintenance::release_address(&app.anonymous(), &email, &context).await?;
    let (user_id, placeholder) = released.ok_or(OperateError::Missing)?;
    Ok(ReleasedAddress { user_id, placeholder })
}
