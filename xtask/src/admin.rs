//! `cargo xtask admin`: changes accounts, by invoking the maintenance function.

use clap::Subcommand;
use local::Result;

use crate::function;

#[derive(Subcommand)]
pub(crate) enum AdminCommand {
    /// Make a user an administrator, the first one for example
    Grant {
        /// The email address of the account
        email: String,
    },
    /// Make an administrator an ordinary user
    Revoke {
        /// The email address of the account
        email: String,
    },
    /// Clear the failed sign-ins of an account, so that its user can sign in again
    Unlock {
        /// The email address of the account
        email: String,
    },
    /// Delete an account and all its data
    Delete {
        /// The email address of the account
        email: String,
    },
    /// Free an email address: replace it in its account with a placeholder, so that its owner can sign up
    Release {
        /// The email address
        email: String,
    },
}

impl AdminCommand {
    pub(crate) fn run(&self) -> Result<()> {
        let (action, email) = match self {
            Self::Grant { email } => ("grant_admin", email),
            Self::Revoke { email } => ("revoke_admin", email),
            Self::Unlock { email } => ("unlock_sign_in", email),
            Self::Delete { email } => ("delete_account", email),
            Self::Release { email } => ("release_address", email),
        };
        // Escape the argument for JSON: it may contain quotes.
        let email = email.replace('\\', "\\\\").replace('"', "\\\"");
        if email.chars().any(char::is_control) {
            return Err(local::ToolError::new(
                "this is not an email address",
                "as in cargo xtask admin grant ada@example.com",
            ));
        }
        function::invoke("maintenance", &format!(r#"{{"action":"{action}","email":"{email}"}}"#), "warn")
    }
}
