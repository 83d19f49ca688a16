//! What runs, and where it stands.

use std::fmt;

use serde::Serialize;

/// The functions of the backend, as far as their settings differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
    /// Every function.
    pub const ALL: [Self; 7] =
        [Self::Auth, Self::Tasks, Self::Users, Self::Health, Self::Docs, Self::Migrate, Self::Maintenance];

    /// Its name, which is that of its folder, its binary and its metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Tasks => "tasks",
            Self::Users => "users",
            Self::Health => "health",
            Self::Docs => "docs",
            Self::Migrate => "migrate",
            Self::Maintenance => "maintenance",
        }
    }

    /// Whether it starts although its settings are wrong: to tell them, or to tell CloudFormation.
    pub(super) const fn starts_with_problems(self) -> bool {
        matches!(self, Self::Health | Self::Migrate)
    }

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
