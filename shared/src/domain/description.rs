//! A task's description.

use super::Invalid;
use super::text::without_controls;

/// Free text about a task, kept as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    /// The longest description in characters (Unicode scalar values).
    pub const MAX: usize = 10_000;

    /// Takes text as it is.
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

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
