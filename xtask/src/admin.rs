//! `cargo xtask admin`: what operators do to accounts, through the maintenance function's own code.

use clap::Subcommand;
use local::Result;

use crate::function;

#[derive(Subcommand)]
pub(crate) enum Admin {
    /// Make an account an administrator's; this is how the first one is made
    Grant {
        /// The account's address
        email: String,
    },
    /// Make an administrator's account an ordinary one
    Revoke {
        /// The account's address
        email: String,
    },
    /// Forgive the failed sign-ins of an account
    Unlock {
        /// The account's address
        email: String,
    },
    /// Delete an account with everything that is its own
    Delete {
        /// The account's address
        email: String,
    },
    /// Take an account's address away, so that its owner can sign up with it; the account stays, under a placeholder
    Release {
        /// The address
        email: String,
    },
}

impl Admin {
    pub(crate) fn run(&self) -> Result<()> {
        let (action, email) = match self {
            Self::Grant { email } => ("grant_admin", email),
            Self::Revoke { email } => ("revoke_admin", email),
            Self::Unlock { email } => ("unlock_sign_in", email),
            Self::Delete { email } => ("delete_account", email),
            Self::Release { email } => ("release_address", email),
        };
        // As JSON text: what is typed may hold quotes.
        let email = email.replace('\\', "\\\\").replace('"', "\\\"");
        if email.chars().any(char::is_control) {
            return Err(local::ToolError::new(
                "this is no email address",
                "as in cargo xtask admin grant ada@example.com",
            ));
        }
        function::invoke("maintenance", &format!(r#"{{"action":"{action}","email":"{email}"}}"#), "warn")
    }
}
