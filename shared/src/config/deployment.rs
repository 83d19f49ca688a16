//! Which function runs, and in which environment.

use std::fmt;

use serde::Serialize;

/// The functions of the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Function {
    /// Accounts, sessions and tokens; the only function with private keys.
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
    /// The scheduled purge, and commands of operators about accounts; no HTTP.
    Maintenance,
}

impl Function {
    /// Every function, in the order of the enum.
    pub const ALL: [Self; 7] =
        [Self::Auth, Self::Tasks, Self::Users, Self::Health, Self::Docs, Self::Migrate, Self::Maintenance];

    /// The name of the function, which its folder, its binary and its metrics also have.
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

    /// Whether the function starts with wrong settings: health reports them, and migrate must respond to CloudFormation.
    pub(super) const fn starts_with_problems(self) -> bool {
        matches!(self, Self::Health | Self::Migrate)
    }

    /// Whether the function uses the pooled database URL.
    pub(super) const fn uses_database(self) -> bool {
        matches!(self, Self::Auth | Self::Tasks | Self::Users | Self::Health | Self::Maintenance)
    }
}

/// The environment of a deployment (`ENVIRONMENT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// A developer's machine.
    Development,
    /// A deployment for rehearsals, without users.
    Staging,
    /// A deployment with real users; refuses unsafe settings.
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
