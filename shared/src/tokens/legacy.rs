//! Legacy tokens, the access tokens of the old backend: JWTs with HS256, the claim `user_id`, and no session.

use aws_lc_rs::digest::{SHA256, digest};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use uuid::Uuid;

use super::TokenError;
use super::lifetime::{LEEWAY, Lifetime, rules_without_time};
use crate::domain::{Identity, Proof};

#[derive(Deserialize)]
struct Claims {
    #[serde(flatten)]
    lifetime: Lifetime,
    /// A UUID with or without hyphens; both mean the same 128 bits.
    user_id: Uuid,
}

/// Checks the signature of a token, but not its lifetime.
pub(super) fn authenticate(secret: &SecretString, token: &str) -> Result<(Identity, Lifetime), TokenError> {
    let key = DecodingKey::from_secret(secret.expose_secret().as_bytes());
    let rules = rules_without_time(Algorithm::HS256, &["exp"]);
    let claims: Claims = jsonwebtoken::decode(token, &key, &rules).map_err(|_| TokenError::Invalid)?.claims;
    let mut id = [0; 16];
    id.copy_from_slice(&digest(&SHA256, token.as_bytes()).as_ref()[..16]);
    let expires_at = SignedDuration::try_from_secs_f64(claims.lifetime.exp + LEEWAY.as_secs_f64());
    let expires_at = expires_at.ok().and_then(|since| Timestamp::from_duration(since).ok()).unwrap_or(Timestamp::MAX);
    let proof = Proof::LegacyToken { id: Uuid::from_bytes(id), expires_at };
    Ok((Identity { user: claims.user_id, proof }, claims.lifetime))
}
