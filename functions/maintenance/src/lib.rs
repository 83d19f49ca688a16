//! The scheduled purge, and what operators do to accounts: what can be asked of this function.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod operate;
mod purge;

use serde::{Deserialize, Serialize};
use shared::App;
use shared::db::users::admin::{AccountChange, UserRole};
use shared::lambda::Invocation;

pub use operate::{DeletedAccount, OperateError, Operated, ReleasedAddress};
pub use purge::Purged;

/// What to do.
#[derive(Clone, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// Delete what has expired.
    Purge,
    /// Make an account an administrator's.
    GrantAdmin {
        /// Its address.
        email: String,
    },
    /// Make an administrator's account an ordinary one.
    RevokeAdmin {
        /// Its address.
        email: String,
    },
    /// Forgive the failed sign-ins of an account.
    UnlockSignIn {
        /// Its address.
        email: String,
    },
    /// Delete an account with everything that is its own.
    DeleteAccount {
        /// Its address.
        email: String,
    },
    /// Take an account's address away, so that its owner can sign up with it. The account stays, under a placeholder.
    ReleaseAddress {
        /// The address.
        email: String,
    },
}

/// Addresses stay out of logs.
impl std::fmt::Debug for Event {
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

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To [`Event::Purge`].
    Purged(Purged),
    /// To [`Event::DeleteAccount`].
    Deleted(DeletedAccount),
    /// To [`Event::ReleaseAddress`].
    Released(ReleasedAddress),
    /// To the others.
    Operated(Operated),
}

/// Answers an event.
///
/// # Errors
/// With a sentence for the operator.
pub async fn handle(
    app: App,
    invocation: Invocation,
    event: Event,
) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    app.live.keep_fresh().await;
    let (email, change) = match event {
        Event::Purge => return Ok(Answer::Purged(purge::run(&app, &invocation).await?)),
        Event::GrantAdmin { email } => (email, AccountChange::Role(UserRole::Admin)),
        Event::RevokeAdmin { email } => (email, AccountChange::Role(UserRole::User)),
        Event::UnlockSignIn { email } => (email, AccountChange::UnlockSignIn),
        Event::DeleteAccount { email } => return Ok(Answer::Deleted(operate::delete_account(&app, &email).await?)),
        Event::ReleaseAddress { email } => return Ok(Answer::Released(operate::release_address(&app, &email).await?)),
    };
    Ok(Answer::Operated(operate::run(&app, &email, change).await?))
}
