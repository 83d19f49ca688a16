//! Why an account is banned.

use super::{Invalid, without_nul};

/// A reason its user may read: 1 to 500 characters after trimming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanReason(String);

impl BanReason {
    /// Trims the text.
    ///
    /// # Errors
    /// If it is blank, longer than 500 characters, or contains NUL.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        without_nul(text)?;
        let trimmed = text.trim();
        match trimmed.chars().take(501).count() {
            0 => Err(Invalid::new("must not be empty")),
            1..=500 => Ok(Self(trimmed.to_owned())),
            _ => Err(Invalid::new("must be at most 500 characters long")),
        }
    }

    /// The trimmed text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
