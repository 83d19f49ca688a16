//! The display name of a user.

use super::Invalid;
use super::text::{BLANK, trimmed};

/// A display name: 1 to 255 characters after trimming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Trims the text. Empty text and white space mean no name: `None`.
    ///
    /// # Errors
    /// If it is longer than 255 characters, has control characters, or has only invisible characters.
    pub fn parse(text: &str) -> Result<Option<Self>, Invalid> {
        match trimmed(text, 255)? {
            Some(text) => Ok(Some(Self(text.to_owned()))),
            None if text.trim().is_empty() => Ok(None),
            None => Err(BLANK),
        }
    }

    /// The trimmed text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
