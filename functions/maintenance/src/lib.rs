//! The scheduled purge, and the commands that operators invoke on accounts.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod operate;
mod purge;

use serde::{Deserialize, Serialize};
use shared::App;
use shared::db::users::admin::{AccountChange, UserRole};
use shared::lambda::Invocation;

pub use operate::{AccountRole, CommandError, DeletedAccount, ReleasedAddress};
pub use purge::PurgeReport;

/// A command, as the payload of an invocation.
#[derive(Clone, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Deletes expired rows.
    Purge,
    /// Gives an account the role `admin`.
    GrantAdmin {
        /// The email address of the account.
        email: String,
    },
    /// Gives an account the role `user`.
    RevokeAdmin {
        /// The email address of the account.
        email: String,
    },
    /// Clears the failed sign-ins of an account.
    UnlockSignIn {
        /// The email address of the account.
        email: String,
    },
    /// Deletes an account with its tasks and sessions.
    DeleteAccount {
        /// The email address of the account.
        email: String,
    },
    /// Frees an email address, so that its owner can sign up with it. The account stays, with a placeholder instead.
    ReleaseAddress {
        /// The email address to free.
        email: String,
    },
}

/// Leaves out email addresses, so that no log contains them.
impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Purge => "Purge",
            Self::GrantAdmin { .. } => "GrantAdmin(…)",
            Self::RevokeAdmin { .. } => "RevokeAdmin(…)",
            Self::UnlockSignIn { .. } => "UnlockSignIn(…)",
            Self::DeleteAccount { .. } => "DeleteAccount(…)",
            Self::ReleaseAddress { .. } => "ReleaseAddress(…)",
        })
    }
}

/// The result of a command, which the invocation returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum CommandOutput {
    /// Of [`Command::Purge`].
    Purge(PurgeReport),
    /// Of [`Command::DeleteAccount`].
    Deleted(DeletedAccount),
    /// Of [`Command::ReleaseAddress`].
    Released(ReleasedAddress),
    /// Of the other commands.
    Role(AccountRole),
}

/// Runs a command.
///
/// # Errors
/// A sentence for the operator.
pub async fn handle(
    app: App,
    invocation: Invocation,
    command: Command,
) -> Result<CommandOutput, Box<dyn std::error::Error + Send + Sync>> {
    app.live.keep_fresh().await;
    let (email, change) = match command {
        Command::Purge => return Ok(CommandOutput::Purge(purge::run(&app, &invocation).await?)),
        Command::GrantAdmin { email } => (email, AccountChange::SetRole(UserRole::Admin)),
        Command::RevokeAdmin { email } => (email, AccountChange::SetRole(UserRole::User)),
        Command::UnlockSignIn { email } => (email, AccountChange::UnlockSignIn),
        Command::DeleteAccount { email } => {
            return Ok(CommandOutput::Deleted(operate::delete_account(&app, &email).await?));
        }
        Command::ReleaseAddress { email } => {
            return Ok(CommandOutput::Released(operate::release_address(&app, &email).await?));
        }
    };
    Ok(CommandOutput::Role(operate::change_account(&app, &email, change).await?))
}
