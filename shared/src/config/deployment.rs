//! Which function runs, and in which environment.

use std::fmt;

pub use functions::Function;

/// The environment of a deployment (`ENVIRONMENT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// A developer's machine.
    Development,
    /// A deployment for rehearsals, without real users.
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
