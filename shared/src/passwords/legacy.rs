//! Legacy hashes, the password hashes of the old backend. The next sign-in replaces them.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use super::HashCost;
use crate::domain::Password;

/// The largest bcrypt cost that is computed, which takes about a second.
const MAX_BCRYPT_COST: u32 = 14;

/// A legacy hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LegacyHash<'a> {
    /// `$2a$…` or `$2b$…`.
    Bcrypt { stored: &'a str, cost: u32 },
    /// `salt:sha256`, in hexadecimal digits.
    SaltedSha256 { salt: &'a str, digest: [u8; 32] },
}

impl<'a> LegacyHash<'a> {
    /// Reads a stored hash; `None` if it is of another kind or too costly.
    pub(super) fn parse(stored: &'a str) -> Option<Self> {
        if let Some(rest) = stored.strip_prefix("$2a$").or_else(|| stored.strip_prefix("$2b$")) {
            let (cost, hash) = rest.split_once('$')?;
            let plain = hash.len() == 53 && hash.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'.' || c == b'/');
            let cost: u32 = cost.parse().ok().filter(|_| cost.len() == 2)?;
            return ((4..=MAX_BCRYPT_COST).contains(&cost) && plain).then_some(Self::Bcrypt { stored, cost });
        }
        let (salt, hex) = stored.rsplit_once(':')?;
        let mut digest = [0; 32];
        if salt.is_empty() || salt.len() > 128 || hex.len() != 64 || !hex.is_ascii() {
            return None;
        }
        for (byte, pair) in digest.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|c| c.is_ascii_hexdigit()))?;
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self::SaltedSha256 { salt, digest })
    }

    /// What the hash costs to verify.
    pub(super) fn cost(self) -> HashCost {
        match self {
            Self::Bcrypt { cost, .. } => HashCost::Bcrypt(cost),
            Self::SaltedSha256 { .. } => HashCost::Sha256,
        }
    }

    /// Whether the hash matches a password as it was typed: the old backend did not normalise.
    pub(super) fn matches(self, password: &[u8]) -> bool {
        match self {
            Self::Bcrypt { stored, .. } => bcrypt::verify(password, stored).unwrap_or(false),
            Self::SaltedSha256 { salt, digest: expected } => {
                // Versions of the old backend differ in the order of password and salt.
                let after = digest(&SHA256, &[password, salt.as_bytes()].concat());
                let before = digest(&SHA256, &[salt.as_bytes(), password].concat());
                let is = |found: &[u8]| verify_slices_are_equal(found, &expected).is_ok();
                is(after.as_ref()) | is(before.as_ref())
            }
        }
    }
}

/// Takes as long as verifying a password against a bcrypt hash of this cost.
pub(super) fn decoy(cost: u32, password: &Password) {
    let spent = bcrypt::hash_with_salt(password.expose_typed(), cost, [0; 16]);
    std::hint::black_box(spent.is_ok());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bcrypt_and_salted_sha256_hashes_are_verified() {
        // Created with Python's bcrypt and hashlib.
        for stored in [
            "$2b$04$or6w7XltRZoby3flwzBiZuxE7cNcj2GCWj8XWnpepNJo8aq42Lkeu",
            "$2a$04$8uYmJWwiUhrhrHGqgIb.6O28KgbdZi1FZZ56hbiRzsPT2UDClyjB.",
            "00112233445566778899aabbccddeeff:75c09df64ee17ea8eb609e35add95ddf76b6f6c56143dbf514285efaa6d1609a",
            "00112233445566778899aabbccddeeff:82C4A00827CA8A6B9DDE5CA9589EF0E26F6A1006D22108E58F09F7EFAE6F97FE",
        ] {
            let parsed = LegacyHash::parse(stored).unwrap();
            assert!(parsed.matches(b"correct horse") && !parsed.matches(b"wrong horse"), "{stored}");
        }
    }

    #[test]
    fn other_kinds_and_costs_beyond_the_cap_are_none() {
        let body = "a".repeat(53);
        let hex = "0".repeat(64);
        for stored in [
            String::new(),
            format!("$2b$15${body}"),
            format!("$2b$31${body}"),
            format!("$2b$03${body}"),
            format!("$2b$4${body}"),
            format!("$2y$10${body}"),
            format!("$2b$10${body}a"),
            format!("$2b$10${}", "ä".repeat(26)),
            format!(":{hex}"),
            format!("salt:{}", &hex[1..]),
            format!("salt:{}", "+0".repeat(32)),
            format!("salt:{}", "é".repeat(32)),
            format!("{}:{hex}", "s".repeat(129)),
            "salt".to_owned(),
        ] {
            assert_eq!(LegacyHash::parse(&stored), None, "{stored}");
        }
    }
}
