//! Access tokens of the backend this one replaces: HS256, the user in `user_id`, no session.

use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::ExposeSecret;
use serde::Deserialize;
use uuid::Uuid;

use super::access::{Identity, Lifetime, TokenError, validation};
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
    Ok((Identity { user: claims.user_id, session: None }, claims.lifetime))
}
