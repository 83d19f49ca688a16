//! Verifies an access token of either scheme: of this backend (`access`) or of the old one (`legacy`). The algorithm in
//! the header selects the scheme; each scheme accepts one algorithm (RFC 8725 §3.1).

use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use secrecy::SecretString;

use super::lifetime::Lifetime;
use super::{TokenError, access, legacy};
use crate::domain::Identity;
use crate::keys::{SigningKeys, VerificationKeys};

/// The settings that sign and verify access tokens.
#[derive(Clone, Debug, Default)]
pub struct AccessTokenSettings {
    /// `JWT_ISSUER`, the claim `iss`.
    pub issuer: String,
    /// `JWT_AUDIENCE`, the claim `aud`.
    pub audience: String,
    /// Private keys from `JWT_SIGNING_KEYS`; empty in every function but auth.
    pub signing_keys: SigningKeys,
    /// Public keys from `JWT_PUBLIC_KEYS`; in auth, those of the private keys.
    pub verification_keys: VerificationKeys,
    /// `BETTER_AUTH_SECRET`, which verifies legacy tokens; `None` to accept none.
    pub legacy_secret: Option<SecretString>,
}

/// Verifies a token at the time `now`: type, key, signature, issuer, audience and lifetime.
///
/// # Errors
/// See [`TokenError`]; it reveals no more than a client may know.
pub fn verify(settings: &AccessTokenSettings, token: &str, now: Timestamp) -> Result<Identity, TokenError> {
    let (identity, lifetime) = authenticate(settings, token)?;
    lifetime.check(now)?;
    Ok(identity)
}

/// Verifies everything except the lifetime. An expired token may end its session, but allows nothing else.
///
/// # Errors
/// As [`verify`], except [`TokenError::Expired`].
pub fn verify_for_sign_out(settings: &AccessTokenSettings, token: &str) -> Result<Identity, TokenError> {
    authenticate(settings, token).map(|(identity, _)| identity)
}

fn authenticate(settings: &AccessTokenSettings, token: &str) -> Result<(Identity, Lifetime), TokenError> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
    match header.alg {
        // Extensions that a token declares critical must be understood, and we know none (RFC 7515 §4.1.11).
        _ if header.crit.is_some() => Err(TokenError::Invalid),
        Algorithm::EdDSA => access::authenticate(settings, &header, token),
        Algorithm::HS256 => legacy::authenticate(settings.legacy_secret.as_ref().ok_or(TokenError::Invalid)?, token),
        _ => Err(TokenError::Invalid),
    }
}
