//! Ed25519 keys, which sign and verify access tokens.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::Serialize;

use super::{DEVELOPMENT_PREFIX, JwkSet, SecretBytes, debug_key_ids};

/// Private Ed25519 keys (RFC 8037), which sign access tokens.
#[derive(Clone, Default)]
pub struct SigningKeys {
    active: Option<(String, EncodingKey)>,
    public: Vec<PublicKey>,
}

/// Public Ed25519 keys, which verify access tokens.
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
    /// Reads a JWK set; `None` unless every key is an Ed25519 key with its private part and exactly one is active.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let keys = JwkSet::parse(text)?;
        let active = JwkSet::one_active(&keys)?;
        let mut ring = Self::default();
        for (index, jwk) in keys.into_iter().enumerate() {
            let seed = jwk.d.as_ref().and_then(SecretBytes::decode).filter(|_| jwk.is_ed25519())?;
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

    /// The id and the key that signs new tokens; `None` for an empty ring.
    #[must_use]
    pub fn active(&self) -> Option<(&str, &EncodingKey)> {
        self.active.as_ref().map(|(kid, key)| (kid.as_str(), key))
    }

    /// The public parts of all keys.
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
    /// Reads a JWK set; `None` unless every key is a public Ed25519 key. A key with a private part is refused: the
    /// functions that use this setting must not have private keys.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let keys = JwkSet::parse(text)?.into_iter().map(|jwk| match (jwk.is_ed25519(), jwk.d, jwk.x) {
            (true, None, Some(x)) => PublicKey::new(jwk.kid, x),
            _ => None,
        });
        keys.collect::<Option<Vec<_>>>().map(Self)
    }

    /// The key with the id `kid`, whatever its status.
    #[must_use]
    pub fn get(&self, kid: &str) -> Option<&DecodingKey> {
        self.0.iter().find(|key| key.kid == kid).map(|key| &key.key)
    }

    /// The keys as `/.well-known/jwks.json` publishes them.
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
        self.0.iter().any(|key| key.kid.starts_with(DEVELOPMENT_PREFIX))
    }
}

debug_key_ids!(SigningKeys, self => self.public.iter().map(|key| &key.kid));
debug_key_ids!(VerificationKeys, self => self.0.iter().map(|key| &key.kid));
