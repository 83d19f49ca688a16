//! The sources of settings, in order of precedence: the process environment, the secret, `.env.local`, `.env`.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use env_file::EnvFileError;
use serde::{Serialize, Serializer};

/// A source of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The process environment.
    Environment,
    /// The JSON secret in Secrets Manager.
    Secret,
    /// The file `.env.local` in the folder of the workspace.
    EnvLocal,
    /// The file `.env` in the folder of the workspace.
    Env,
    /// The default value in the code.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "environment",
            Self::Secret => "secret",
            Self::EnvLocal => ".env.local",
            Self::Env => ".env",
            Self::Default => "default",
        })
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The sources in order of precedence, each with its values.
#[derive(Clone, Default)]
pub struct Sources(Vec<(Source, HashMap<String, String>)>);

impl Sources {
    /// The setting with the ARN of the secret to read.
    pub const SECRET_ARN: &str = "APP_SECRET_ARN";

    /// Only these values, as if from the process environment.
    #[must_use]
    pub fn environment(values: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(vec![(Source::Environment, values.into_iter().collect())])
    }

    /// The process environment, and the `.env` files of `folder` unless `APP_SECRET_ARN` is set, as in a deployment.
    ///
    /// # Errors
    /// If a file cannot be read or is malformed.
    #[expect(clippy::disallowed_methods, reason = "the only reader of the process environment")]
    pub fn process(folder: &Path) -> Result<Self, EnvFileError> {
        let values =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let mut sources = Self::environment(values);
        if sources.get(Self::SECRET_ARN).is_none() {
            for (source, file) in [(Source::EnvLocal, ".env.local"), (Source::Env, ".env")] {
                let values = env_file::read(&folder.join(file))?;
                if !values.is_empty() {
                    sources.0.push((source, values.into_iter().collect()));
                }
            }
        }
        Ok(sources)
    }

    /// Adds the values of a secret; values of the environment win.
    #[must_use]
    pub fn with_secret(mut self, values: HashMap<String, String>) -> Self {
        self.0.push((Source::Secret, values));
        self
    }

    /// The first value of the setting `name` that is not blank, trimmed, and its source.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<(&str, Source)> {
        self.0.iter().find_map(|(source, values)| {
            values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty()).map(|value| (value, *source))
        })
    }

    /// The names of the sources, separated by commas.
    pub(super) fn places(&self) -> String {
        self.0.iter().map(|(source, _)| source.to_string()).collect::<Vec<_>>().join(", ")
    }
}

/// Leaves out the values, so that no log contains them.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sources({})", self.places())
    }
}
