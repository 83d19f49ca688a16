//! Key rings: JWK sets (RFC 7517) in which every key is next, active or retired.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::config::PLACEHOLDERS;

/// One key of a set. `d` and `k` are secret.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    kid: String,
    x: Option<String>,
    d: Option<Seed>,
    k: Option<Seed>,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Jwk>,
}

/// What a key is used for. All three verify; only the active one signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// Published before it signs, so that every verifier knows it in time.
    Next,
    #[default]
    Active,
    /// Kept until the last token it signed has expired.
    Retired,
}

/// Keys made by `cargo xtask` for a developer's machine carry this prefix; production refuses them.
const DEVELOPMENT: &str = "dev-";

/// Base64url text of a secret, wiped when it is dropped.
#[derive(Deserialize)]
struct Seed(SecretString);

impl Seed {
    fn bytes(&self) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(self.0.expose_secret()).ok()
    }
}

impl Set {
    fn parse(text: &str) -> Option<Vec<Jwk>> {
        let set: Self = serde_json::from_str(text).ok()?;
        let distinct: std::collections::HashSet<_> = set.keys.iter().map(|key| key.kid.as_str()).collect();
        let whole = !set.keys.is_empty()
            && distinct.len() == set.keys.len()
            && set
                .keys
                .iter()
                .all(|key| (1..=64).contains(&key.kid.len()) && key.kid.chars().all(|c| c.is_ascii_graphic()));
        whole.then_some(set.keys)
    }

    fn one_active(keys: &[Jwk]) -> Option<usize> {
        let mut active = keys.iter().enumerate().filter(|(_, key)| key.status == Status::Active);
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

/// Private Ed25519 keys (RFC 8037) that sign access tokens.
#[derive(Clone, Default)]
pub struct SigningKeys {
    active: Option<(String, EncodingKey)>,
    public: Vec<PublicKey>,
}

/// Public Ed25519 keys that verify access tokens.
#[derive(Clone, Default)]
pub struct VerificationKeys(Vec<PublicKey>);

#[derive(Clone)]
struct PublicKey {
    kid: String,
    x: String,
    key: DecodingKey,
}

impl PublicKey {
    fn new(kid: String, x: String) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(&x).ok().filter(|bytes| bytes.len() == 32)?;
        Some(Self { kid, x, key: DecodingKey::from_ed_der(&bytes) })
    }
}

impl SigningKeys {
    /// Reads a JWK set; `None` unless every key is a whole Ed25519 pair and exactly one is active.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let keys = Set::parse(text)?;
        let active = Set::one_active(&keys)?;
        let mut ring = Self::default();
        for (index, jwk) in keys.into_iter().enumerate() {
            let seed = jwk.d.as_ref().and_then(Seed::bytes).filter(|_| jwk.is_ed25519())?;
            let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
            let x = URL_SAFE_NO_PAD.encode(pair.public_key());
            if jwk.x.as_ref().is_some_and(|given| *given != x) || seed.iter().all(|byte| *byte == seed[0]) {
                return None;
            }
            if index == active {
                ring.active = Some((jwk.kid.clone(), EncodingKey::from_ed_der(&pkcs8(&seed))));
            }
            ring.public.push(PublicKey::new(jwk.kid, x)?);
        }
        Some(ring)
    }

    /// The key that signs, with its id.
    #[must_use]
    pub fn active(&self) -> Option<(&str, &EncodingKey)> {
        self.active.as_ref().map(|(kid, key)| (kid.as_str(), key))
    }

    /// The public halves.
    #[must_use]
    pub fn verification_keys(&self) -> VerificationKeys {
        VerificationKeys(self.public.clone())
    }

    pub(crate) fn has_development_key(&self) -> bool {
        self.verification_keys().has_development_key()
    }
}

/// The PKCS#8 form of an Ed25519 seed (RFC 8410 §7).
fn pkcs8(seed: &[u8]) -> Vec<u8> {
    const PREFIX: [u8; 16] =
        [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    [PREFIX.as_slice(), seed].concat()
}

/// A public key as published (RFC 8037 §2).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PublicJwk {
    /// Always `OKP`.
    #[schema(example = "OKP")]
    pub kty: &'static str,
    /// Always `Ed25519`.
    #[schema(example = "Ed25519")]
    pub crv: &'static str,
    /// Always `EdDSA`.
    #[schema(example = "EdDSA")]
    pub alg: &'static str,
    /// Always `sig`.
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    pub usage: &'static str,
    /// Names the key in a token's header.
    #[schema(example = "a-01980a2b")]
    pub kid: String,
    /// The public key, base64url.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    pub x: String,
}

impl VerificationKeys {
    /// Reads a JWK set; `None` unless every key is a public Ed25519 key. A private part is refused: this
    /// setting is for functions that must not have one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let keys = Set::parse(text)?.into_iter().map(|jwk| match (jwk.is_ed25519(), jwk.d, jwk.x) {
            (true, None, Some(x)) => PublicKey::new(jwk.kid, x),
            _ => None,
        });
        keys.collect::<Option<Vec<_>>>().map(Self)
    }

    /// The key of this id.
    #[must_use]
    pub fn get(&self, kid: &str) -> Option<&DecodingKey> {
        self.0.iter().find(|key| key.kid == kid).map(|key| &key.key)
    }

    /// The keys as published.
    #[must_use]
    pub fn published(&self) -> Vec<PublicJwk> {
        let publish = |key: &PublicKey| PublicJwk {
            kty: "OKP",
            crv: "Ed25519",
            alg: "EdDSA",
            usage: "sig",
            kid: key.kid.clone(),
            x: key.x.clone(),
        };
        self.0.iter().map(publish).collect()
    }

    pub(crate) fn has_development_key(&self) -> bool {
        self.0.iter().any(|key| key.kid.starts_with(DEVELOPMENT))
    }
}

/// Symmetric keys for HMAC-SHA-256: of refresh tokens, and of passwords (where they are called peppers).
#[derive(Clone, Default)]
pub struct MacKeys {
    active: usize,
    keys: Vec<(String, hmac::Key)>,
    /// Whether one of them is text out of a template.
    placeholder: bool,
}

impl MacKeys {
    /// Reads a JWK set; `None` unless every key is `oct` with at least 32 bytes and exactly one is active.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let set = Set::parse(text)?;
        let active = Set::one_active(&set)?;
        let mut placeholder = false;
        let keys = set.into_iter().map(|jwk| {
            let bytes = jwk.k.as_ref().and_then(Seed::bytes).filter(|_| jwk.kty == "oct")?;
            let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
            placeholder |= PLACEHOLDERS.iter().any(|known| text.contains(known));
            let strong = bytes.len() >= 32 && bytes.iter().any(|byte| *byte != bytes[0]);
            strong.then(|| (jwk.kid, hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
        });
        let keys = keys.collect::<Option<_>>()?;
        Some(Self { active, keys, placeholder })
    }

    /// The key that new values are made with, and its id.
    #[must_use]
    pub fn active(&self) -> Option<(&str, &hmac::Key)> {
        self.keys.get(self.active).map(|(kid, key)| (kid.as_str(), key))
    }

    /// The key of this id.
    #[must_use]
    pub fn get(&self, kid: &str) -> Option<&hmac::Key> {
        self.iter().find(|(id, _)| *id == kid).map(|(_, key)| key)
    }

    /// All keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &hmac::Key)> {
        self.keys.iter().map(|(kid, key)| (kid.as_str(), key))
    }

    pub(crate) fn has_weak_key(&self) -> bool {
        self.placeholder || self.keys.iter().any(|(kid, _)| kid.starts_with(DEVELOPMENT))
    }
}

/// Key rings print the ids of their keys and nothing else.
macro_rules! debug_ids {
    ($type:ident, $self:ident => $ids:expr) => {
        impl fmt::Debug for $type {
            fn fmt(&$self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "{:?}"), $ids.collect::<Vec<_>>())
            }
        }
    };
}

debug_ids!(SigningKeys, self => self.public.iter().map(|key| &key.kid));
debug_ids!(VerificationKeys, self => self.0.iter().map(|key| &key.kid));
debug_ids!(MacKeys, self => self.keys.iter().map(|(kid, _)| kid));
