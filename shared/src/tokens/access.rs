//! Access tokens of this backend: JWTs that are signed with Ed25519 (RFC 9068, RFC 8037).

use jsonwebtoken::{Algorithm, Header};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::TokenError;
use super::lifetime::{Lifetime, rules_without_time};
use super::verify::AccessTokenSettings;
use crate::domain::{Identity, Proof};

/// The media type of access tokens (RFC 9068 §2.1).
const TYPE: &str = "at+jwt";

/// The claims of an access token. Existing clients read `user_id`, `email` and `name`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Claims {
    /// The issuer, from `JWT_ISSUER`.
    pub iss: String,
    /// The audience, from `JWT_AUDIENCE`.
    pub aud: String,
    /// The id of the user.
    pub sub: Uuid,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// When it expires, in seconds since 1970.
    pub exp: i64,
    /// The id of this token.
    pub jti: Uuid,
    /// The id of the session.
    pub sid: Uuid,
    /// The generation of the refresh token that was issued together with this token.
    #[serde(rename = "gen")]
    pub generation: i64,
    /// `user` or `admin`.
    pub role: String,
    /// The same as `sub`.
    pub user_id: Uuid,
    /// The normalised email address.
    pub email: String,
    /// The display name.
    pub name: Option<String>,
}

/// Leaves out the claims that identify a person, so that no log contains them.
impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claims").field("sid", &self.sid).field("gen", &self.generation).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct VerifiedClaims {
    #[serde(flatten)]
    lifetime: Lifetime,
    sub: Uuid,
    sid: Uuid,
    #[serde(rename = "gen")]
    generation: i64,
}

/// Signs `claims` with the active key; `None` if there is no active key or signing fails.
#[must_use]
pub fn sign(settings: &AccessTokenSettings, claims: &Claims) -> Option<String> {
    let (kid, key) = settings.signing_keys.active()?;
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(TYPE.to_owned());
    header.kid = Some(kid.to_owned());
    jsonwebtoken::encode(&header, claims, key).ok()
}

/// Checks type, key, signature, issuer and audience of a token, but not its lifetime.
pub(super) fn authenticate(
    settings: &AccessTokenSettings,
    header: &Header,
    token: &str,
) -> Result<(Identity, Lifetime), TokenError> {
    let kid = header.kid.as_ref().filter(|_| header.typ.as_deref() == Some(TYPE)).ok_or(TokenError::Invalid)?;
    let key = settings.verification_keys.get(kid).ok_or(TokenError::UnknownKey)?;
    let mut rules = rules_without_time(Algorithm::EdDSA, &["exp", "iss", "aud", "sub"]);
    rules.set_issuer(&[&settings.issuer]);
    rules.set_audience(&[&settings.audience]);
    rules.validate_aud = true;
    let claims: VerifiedClaims = jsonwebtoken::decode(token, key, &rules).map_err(|_| TokenError::Invalid)?.claims;
    let proof = Proof::Session { id: claims.sid, generation: claims.generation };
    Ok((Identity { user: claims.sub, proof }, claims.lifetime))
}
