//! The description of a task.

use super::Invalid;
use super::text::without_controls;

/// Free text about a task, at most 10,000 characters, stored without trimming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    /// The largest length in characters (Unicode scalar values).
    pub const MAX: usize = 10_000;

    /// Checks the text and keeps it unchanged.
    ///
    /// # Errors
    /// If it is longer than 10,000 characters, or has control characters.
    pub fn parse(text: String) -> Result<Self, Invalid> {
        without_controls(&text)?;
        if text.chars().take(Self::MAX + 1).count() > Self::MAX {
            return Err(Invalid::new("must be at most 10,000 characters long"));
        }
        Ok(Self(text))
    }

    /// The unchanged text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
