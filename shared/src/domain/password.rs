//! Passwords: as users type them, and as the database stores their hashes.

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

use super::Invalid;

/// A password to verify: any text. It is normalised to NFKC, so that keyboards that compose characters differently give
/// the same password (NIST SP 800-63B-4 §3.1.1.2).
#[derive(Clone, Debug)]
pub struct Password {
    normal: SecretString,
    typed: SecretString,
}

impl Password {
    /// The longest input that is hashed, in bytes.
    const MAX_BYTES: usize = 1024;

    /// Normalises the text. A text that is longer than any accepted password is cut, and never matches.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut normal: String = text.chars().take(Self::MAX_BYTES).nfkc().collect();
        if normal.len() > Self::MAX_BYTES {
            normal.truncate(normal.floor_char_boundary(Self::MAX_BYTES));
        }
        let typed: String = text.chars().take(Self::MAX_BYTES).collect();
        Self { normal: normal.into(), typed: typed.into() }
    }

    /// The normalised bytes, to hash.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.normal.expose_secret().as_bytes()
    }

    /// The bytes as they were typed, which the old backend hashed.
    #[must_use]
    pub fn expose_typed(&self) -> &[u8] {
        self.typed.expose_secret().as_bytes()
    }
}

/// A new password: 8 to 128 characters in NFKC. There are no rules about kinds of characters.
#[derive(Clone, Debug)]
pub struct NewPassword(Password);

impl NewPassword {
    /// Checks the length and the characters.
    ///
    /// # Errors
    /// If it is too short, too long, blank, or has control characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        super::text::without_controls(text)?;
        // Check before normalising, which can make a text 18 times as long.
        if text.chars().take(129).count() > 128 {
            return Err(Invalid::new("must be at most 128 characters long"));
        }
        let normal: String = text.nfkc().collect();
        match normal.chars().count() {
            0..8 => Err(Invalid::new("must be at least 8 characters long")),
            8..=128 if normal.trim().is_empty() => Err(Invalid::new("must not be only white space")),
            8..=128 if normal.len() <= Password::MAX_BYTES => {
                Ok(Self(Password { normal: normal.into(), typed: text.into() }))
            }
            _ => Err(Invalid::new("must be at most 128 characters long")),
        }
    }

    /// The password, to verify or hash.
    #[must_use]
    pub fn as_password(&self) -> &Password {
        &self.0
    }
}

/// The hash of a password, as the database stores it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredPassword {
    /// A PHC string, or a legacy hash.
    pub hash: String,
    /// The id of the pepper that was used; `None` for legacy hashes, which have no pepper.
    pub pepper_id: Option<String>,
}

/// Leaves out the hash, so that no log contains one.
impl std::fmt::Debug for StoredPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredPassword").field("pepper_id", &self.pepper_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_to_128_characters_are_a_password() {
        assert!(NewPassword::parse("1234567").is_err());
        assert!(NewPassword::parse("12345678").is_ok());
        assert!(NewPassword::parse(&"é".repeat(128)).is_ok());
        assert!(NewPassword::parse(&"é".repeat(129)).is_err());
        assert!(NewPassword::parse("         ").is_err());
    }

    #[test]
    fn composed_and_decomposed_characters_are_the_same_password() {
        let composed = NewPassword::parse("caf\u{e9} au lait").unwrap();
        assert_eq!(Password::new("cafe\u{301} au lait").expose(), composed.as_password().expose());
    }

    #[test]
    fn debug_output_hides_the_password() {
        assert!(!format!("{:?}", Password::new("correct horse")).contains("horse"));
    }
}
