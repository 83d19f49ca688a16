//! What a person calls themselves.

use super::{Invalid, without_nul};

/// A display name: 1 to 255 characters after trimming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Trims the text; blank text is no name.
    ///
    /// # Errors
    /// If it is longer than 255 characters, or contains NUL.
    pub fn parse(text: &str) -> Result<Option<Self>, Invalid> {
        without_nul(text)?;
        let trimmed = text.trim();
        match trimmed.chars().take(256).count() {
            0 => Ok(None),
            1..=255 => Ok(Some(Self(trimmed.to_owned()))),
            _ => Err(Invalid::new("must be at most 255 characters long")),
        }
    }

    /// The trimmed text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
