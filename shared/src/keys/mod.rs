//! Key rings: JWK sets (RFC 7517). Each key is next, active or retired. Access tokens use Ed25519 keys; refresh tokens
//! and password hashes use HMAC keys.

mod ed25519;
mod mac;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

pub use ed25519::{PublicJwk, SigningKeys, VerificationKeys};
pub use mac::MacKeys;

/// One key of a JWK set. `d` (private Ed25519 key) and `k` (HMAC key) are secret.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    kid: String,
    x: Option<String>,
    d: Option<SecretBytes>,
    k: Option<SecretBytes>,
    #[serde(default)]
    status: KeyStatus,
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Jwk>,
}

/// Where a key is in its rotation. Keys of every status verify; only the active key signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeyStatus {
    /// Published before it signs, so that every verifier knows it in time.
    Next,
    #[default]
    Active,
    /// Kept until the last token it signed has expired.
    Retired,
}

/// The key ids that `cargo xtask` generates for a developer's machine have this prefix; production refuses them.
const DEVELOPMENT_PREFIX: &str = "dev-";

/// Texts that secrets in tutorials and templates contain.
const PLACEHOLDERS: [&str; 10] = [
    "changeme",
    "change-me",
    "change_me",
    "change-in-production",
    "change_in_production",
    "your-secret",
    "your_secret",
    "your-super-secret",
    "placeholder",
    "example",
];

/// Whether a secret contains a text that tutorials and templates use; upper and lower case are equal.
pub(crate) fn is_placeholder(secret: &str) -> bool {
    let secret = secret.to_ascii_lowercase();
    PLACEHOLDERS.iter().any(|placeholder| secret.contains(placeholder))
}

/// A secret in base64url, wiped from memory on drop.
#[derive(Deserialize)]
struct SecretBytes(SecretString);

impl SecretBytes {
    fn decode(&self) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(self.0.expose_secret()).ok()
    }
}

impl JwkSet {
    /// Reads the keys of a set; `None` unless there is at least one, and their ids are distinct and have 1 to 64
    /// visible ASCII characters.
    fn parse(text: &str) -> Option<Vec<Jwk>> {
        let set: Self = serde_json::from_str(text).ok()?;
        let distinct: std::collections::HashSet<_> = set.keys.iter().map(|key| key.kid.as_str()).collect();
        let valid = !set.keys.is_empty()
            && distinct.len() == set.keys.len()
            && set
                .keys
                .iter()
                .all(|key| (1..=64).contains(&key.kid.len()) && key.kid.chars().all(|c| c.is_ascii_graphic()));
        valid.then_some(set.keys)
    }

    /// The index of the active key; `None` unless exactly one key is active.
    fn one_active(keys: &[Jwk]) -> Option<usize> {
        let mut active = keys.iter().enumerate().filter(|(_, key)| key.status == KeyStatus::Active);
        match (active.next(), active.next()) {
            (Some((index, _)), None) => Some(index),
            _ => None,
        }
    }
}

impl Jwk {
    fn is_ed25519(&self) -> bool {
        self.kty == "OKP" && self.crv.as_deref() == Some("Ed25519")
    }
}

/// Implements `Debug` for a key ring: the ids of its keys, and no key.
macro_rules! debug_key_ids {
    ($type:ident, $self:ident => $ids:expr) => {
        impl std::fmt::Debug for $type {
            fn fmt(&$self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($type), "{:?}"), $ids.collect::<Vec<_>>())
            }
        }
    };
}
use debug_key_ids;
