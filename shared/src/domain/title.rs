//! The title of a task.

use super::Invalid;
use super::text::{BLANK, trimmed};

/// The title of a task: 1 to 255 characters (Unicode scalar values) after trimming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// The largest length in characters.
    pub const MAX: usize = 255;

    /// Trims white space and checks the length.
    ///
    /// # Errors
    /// If it has no visible character, is longer than 255 characters, or has control characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        trimmed(text, Self::MAX)?.map(|text| Self(text.to_owned())).ok_or(BLANK)
    }

    /// The trimmed text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_around_a_title_is_dropped() {
        assert_eq!(Title::parse("  buy milk\n").unwrap().as_str(), "buy milk");
    }

    #[test]
    fn length_counts_characters_and_not_bytes() {
        assert!(Title::parse(&"ü".repeat(255)).is_ok());
        assert_eq!(Title::parse(&"ü".repeat(256)), Err(Invalid::new("must be at most 255 characters long")));
    }

    #[test]
    fn blank_titles_and_control_characters_are_refused() {
        assert_eq!(Title::parse(" \t "), Err(Invalid::new("must not be empty")));
        assert_eq!(Title::parse("\u{200b}"), Err(Invalid::new("must not be empty")));
        for text in ["a\0b", "a\u{1b}b", "a\u{7f}b"] {
            assert!(Title::parse(text).is_err(), "{text:?}");
        }
    }
}
