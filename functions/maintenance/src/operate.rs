//! The commands that change an account. Each writes an audit event, as the actions of administrators do.

use serde::Serialize;
use shared::App;
use shared::db::maintenance::{self, AccountRemoval};
use shared::db::sessions::Client;
use shared::db::users::admin::{Acted, Action, Change, Target, act};
use shared::db::{DbError, Role};
use shared::domain::{Email, Invalid};
use uuid::Uuid;

/// The role of an account after a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountRole {
    /// The id of the account.
    pub user_id: Uuid,
    /// `user` or `admin`.
    pub role: String,
}

/// A deleted account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeletedAccount {
    /// The id of the account.
    pub deleted_user_id: Uuid,
}

/// An account whose email address was freed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReleasedAddress {
    /// The id of the account.
    pub user_id: Uuid,
    /// The address that its user signs in with now.
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
    #[error("the database refused: {0}")]
    Database(#[from] DbError),
}

pub(crate) async fn change_account(app: &App, email: &str, change: Change) -> Result<AccountRole, CommandError> {
    let no_client = Client::default();
    let action = Action {
        target: Target::Email(Email::find(email)?),
        actor: None,
        client: &no_client,
        at: app.clock.now(),
        event: app.ids.next(),
        change,
    };
    let database = app.db.with_role(Role::Admin);
    match act(&database.anonymous(), &action).await? {
        Acted::Done(row) => Ok(AccountRole { user_id: row.id, role: row.role }),
        Acted::Missing => Err(CommandError::Missing),
        Acted::LastAdmin => Err(CommandError::LastAdmin),
    }
}

pub(crate) async fn delete_account(app: &App, email: &str) -> Result<DeletedAccount, CommandError> {
    let (email, now, event) = (Email::find(email)?, app.clock.now(), app.ids.next());
    match maintenance::delete_account(&app.db.anonymous(), &email, now, event).await? {
        AccountRemoval::Gone(user) => Ok(DeletedAccount { deleted_user_id: user }),
        AccountRemoval::Missing => Err(CommandError::Missing),
        AccountRemoval::LastAdmin => Err(CommandError::LastAdmin),
    }
}

pub(crate) async fn release_address(app: &App, email: &str) -> Result<ReleasedAddress, CommandError> {
    let (email, now, event) = (Email::find(email)?, app.clock.now(), app.ids.next());
    let released = maintenance::release_address(&app.db.anonymous(), &email, now, event).await?;
    let (user_id, placeholder) = released.ok_or(CommandError::Missing)?;
    Ok(ReleasedAddress { user_id, placeholder })
}
