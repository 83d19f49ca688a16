//! What runs, and where it stands.

use std::fmt;

use serde::Serialize;

/// The functions of the backend, as far as their settings differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Function {
    /// Accounts, sessions and tokens; the only one with private keys.
    Auth,
    /// Tasks; verifies tokens with public keys.
    Tasks,
    /// Administration of accounts; verifies tokens with public keys.
    Users,
    /// Health checks.
    Health,
    /// The OpenAPI document and its page.
    Docs,
    /// Migrations, over the direct database URL.
    Migrate,
    /// The scheduled purge, and what operators do to accounts; no HTTP.
    Maintenance,
}

impl Function {
    /// Whether it talks to the pooled database.
    pub(super) const fn uses_database(self) -> bool {
        matches!(self, Self::Auth | Self::Tasks | Self::Users | Self::Health | Self::Maintenance)
    }
}

/// Where this deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// A developer's machine.
    Development,
    /// As production, for rehearsal.
    Staging,
    /// Real users; refuses unsafe settings.
    Production,
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        })
    }
}
