//! Access tokens of the backend this one replaces: HS256, the user in `user_id`, no session.

use aws_lc_rs::digest::{SHA256, digest};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::ExposeSecret;
use serde::Deserialize;
use uuid::Uuid;

use super::access::{Identity, LEEWAY, Lifetime, Proof, TokenError, validation};
use crate::config::Settings;

#[derive(Deserialize)]
struct Claims {
    #[serde(flatten)]
    lifetime: Lifetime,
    /// A UUID with or without hyphens; both spell the same 128 bits.
    user_id: Uuid,
}

/// Checks a token of the old backend but for the time; always refused if `BETTER_AUTH_SECRET` is not set.
pub(super) fn authenticate(settings: &Settings, token: &str) -> Result<(Identity, Lifetime), TokenError> {
    let secret = settings.legacy_secret.as_ref().ok_or(TokenError::Invalid)?;
    let key = DecodingKey::from_secret(secret.expose_secret().as_bytes());
    let rules = validation(Algorithm::HS256, &["exp"]);
    let claims: Claims = jsonwebtoken::decode(token, &key, &rules).map_err(|_| TokenError::Invalid)?.claims;
    let mut id = [0; 16];
    id.copy_from_slice(&digest(&SHA256, token.as_bytes()).as_ref()[..16]);
    let expires_at = SignedDuration::try_from_secs_f64(claims.lifetime.exp + LEEWAY.as_secs_f64());
    let expires_at = expires_at.ok().and_then(|since| Timestamp::from_duration(since).ok()).unwrap_or(Timestamp::MAX);
    let proof = Proof::LegacyToken { id: Uuid::from_bytes(id), expires_at };
    Ok((Identity { user: claims.user_id, proof }, claims.lifetime))
}
