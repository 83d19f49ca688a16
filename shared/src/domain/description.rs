//! A task's description.

use super::{Invalid, without_nul};

/// Free text about a task, kept as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    /// Takes text of at most `max` characters (Unicode scalar values).
    ///
    /// # Errors
    /// If it is longer, or contains NUL.
    pub fn parse(text: String, max: usize) -> Result<Self, Invalid> {
        without_nul(&text)?;
        if text.chars().take(max + 1).count() > max {
            return Err(Invalid(format!("must be at most {max} characters long").into()));
        }
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
