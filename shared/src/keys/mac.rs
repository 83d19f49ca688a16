//! HMAC-SHA-256 keys, for refresh tokens and for passwords.

use aws_lc_rs::hmac;

use super::{DEVELOPMENT_PREFIX, JwkSet, SecretBytes, debug_key_ids, is_placeholder};

/// Symmetric keys for HMAC-SHA-256. Those for passwords are called peppers.
#[derive(Clone, Default)]
pub struct MacKeys {
    active: usize,
    keys: Vec<(String, hmac::Key)>,
    /// Whether a key contains a placeholder text.
    placeholder: bool,
}

impl MacKeys {
    /// Reads a JWK set; `None` unless every key is `oct` with at least 32 bytes that are not all equal, and exactly one
    /// is active.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let set = JwkSet::parse(text)?;
        let active = JwkSet::one_active(&set)?;
        let mut placeholder = false;
        let keys = set.into_iter().map(|jwk| {
            let bytes = jwk.k.as_ref().and_then(SecretBytes::decode).filter(|_| jwk.kty == "oct")?;
            placeholder |= is_placeholder(&String::from_utf8_lossy(&bytes));
            let strong = bytes.len() >= 32 && bytes.iter().any(|byte| *byte != bytes[0]);
            strong.then(|| (jwk.kid, hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
        });
        let keys = keys.collect::<Option<_>>()?;
        Some(Self { active, keys, placeholder })
    }

    /// The id and the key for new values; `None` for an empty ring.
    #[must_use]
    pub fn active(&self) -> Option<(&str, &hmac::Key)> {
        self.keys.get(self.active).map(|(kid, key)| (kid.as_str(), key))
    }

    /// The key with the id `kid`, whatever its status.
    #[must_use]
    pub fn get(&self, kid: &str) -> Option<&hmac::Key> {
        self.iter().find(|(id, _)| *id == kid).map(|(_, key)| key)
    }

    /// Every id and key, in the order of the set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &hmac::Key)> {
        self.keys.iter().map(|(kid, key)| (kid.as_str(), key))
    }

    /// Whether a key contains a placeholder text or was generated for a developer's machine.
    pub(crate) fn has_weak_key(&self) -> bool {
        self.placeholder || self.keys.iter().any(|(kid, _)| kid.starts_with(DEVELOPMENT_PREFIX))
    }
}

debug_key_ids!(MacKeys, self => self.keys.iter().map(|(kid, _)| kid));
