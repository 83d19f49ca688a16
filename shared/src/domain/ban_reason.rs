//! Why an account is banned.

use super::Invalid;
use super::text::{BLANK, trimmed};

/// A reason its user may read: 1 to 500 characters after trimming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanReason(String);

impl BanReason {
    /// Trims the text.
    ///
    /// # Errors
    /// If it is blank, longer than 500 characters, or has control characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        trimmed(text, 500)?.map(|text| Self(text.to_owned())).ok_or(BLANK)
    }

    /// The trimmed text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
