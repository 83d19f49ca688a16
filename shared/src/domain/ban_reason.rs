//! The reason of a ban.

use super::Invalid;
use super::text::{BLANK, trimmed};

/// The reason of a ban, which the banned user can read: 1 to 500 characters after trimming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanReason(String);

impl BanReason {
    /// Trims the text and checks its length.
    ///
    /// # Errors
    /// If it has no visible character, is longer than 500 characters, or has control characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        trimmed(text, 500)?.map(|text| Self(text.to_owned())).ok_or(BLANK)
    }

    /// The trimmed text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
