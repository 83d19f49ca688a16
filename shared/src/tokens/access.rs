//! Access tokens: JWTs signed with Ed25519 (RFC 9068, RFC 8037).

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::legacy;
use crate::config::Settings;

/// How far clocks may differ.
pub(super) const LEEWAY: SignedDuration = SignedDuration::from_secs(5);

/// The media type of access tokens (RFC 9068 §2.1).
const TYPE: &str = "at+jwt";

/// What an access token says. `user_id`, `email` and `name` are read by existing clients.
#[derive(Clone, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// Audience.
    pub aud: String,
    /// The user's id.
    pub sub: Uuid,
    /// Issued at, in seconds since 1970.
    pub iat: i64,
    /// Expires at, in seconds since 1970.
    pub exp: i64,
    /// Names this token.
    pub jti: Uuid,
    /// The session's id.
    pub sid: Uuid,
    /// The generation of the refresh token that came with it.
    #[serde(rename = "gen")]
    pub generation: i64,
    /// `user` or `admin`.
    pub role: String,
    /// As `sub`.
    pub user_id: Uuid,
    /// The user's email address.
    pub email: String,
    /// The user's name.
    pub name: Option<String>,
}

/// The claims that name a person stay out of logs.
impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claims").field("sid", &self.sid).field("gen", &self.generation).finish_non_exhaustive()
    }
}

/// Who a verified token speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: Uuid,
    /// What must still be good for the token to be.
    pub proof: Proof,
}

/// What a token rests on. The database decides whether it is still good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A session.
    Session {
        /// The session.
        id: Uuid,
        /// The generation of the refresh token that came with the token.
        generation: i64,
    },
    /// The token itself, of the old backend, which has no sessions.
    LegacyToken {
        /// Names the token: half of its SHA-256.
        id: Uuid,
        /// When it expires by itself.
        expires_at: Timestamp,
    },
}

impl Proof {
    /// The session and the generation, if it is a session.
    #[must_use]
    pub fn session(self) -> Option<(Uuid, i64)> {
        match self {
            Self::Session { id, generation } => Some((id, generation)),
            Self::LegacyToken { .. } => None,
        }
    }

    /// The token of the old backend, if it is one.
    #[must_use]
    pub fn legacy_token(self) -> Option<Uuid> {
        match self {
            Self::Session { .. } => None,
            Self::LegacyToken { id, .. } => Some(id),
        }
    }
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Malformed, forged, not yet valid, or not for us.
    #[error("the token is not valid")]
    Invalid,
    /// Signed by a key we do not know; it may be newer than our settings.
    #[error("the token names an unknown key")]
    UnknownKey,
    /// Was valid once.
    #[error("the token has expired")]
    Expired,
}

/// What both kinds of token must carry to be judged by our clock. Seconds since 1970, which may have a fraction
/// (RFC 7519 §2, NumericDate).
#[derive(Deserialize)]
pub(super) struct Lifetime {
    pub(super) exp: f64,
    #[serde(default)]
    pub(super) nbf: Option<f64>,
    #[serde(default)]
    pub(super) iat: Option<f64>,
}

impl Lifetime {
    pub(super) fn check(&self, now: Timestamp) -> Result<(), TokenError> {
        let (now, leeway) = (now.as_duration().as_secs_f64(), LEEWAY.as_secs_f64());
        if self.nbf.into_iter().chain(self.iat).any(|start| start - leeway > now) {
            return Err(TokenError::Invalid);
        }
        if self.exp + leeway <= now { Err(TokenError::Expired) } else { Ok(()) }
    }
}

#[derive(Deserialize)]
struct Verified {
    #[serde(flatten)]
    lifetime: Lifetime,
    sub: Uuid,
    sid: Uuid,
    #[serde(rename = "gen")]
    generation: i64,
}

/// Signs `claims` with the active key; `None` if there is none or signing fails.
#[must_use]
pub fn sign(settings: &Settings, claims: &Claims) -> Option<String> {
    let (kid, key) = settings.signing_keys.active()?;
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(TYPE.to_owned());
    header.kid = Some(kid.to_owned());
    jsonwebtoken::encode(&header, claims, key).ok()
}

/// Judges a token at the time `now`: one algorithm per key, type, signature, issuer, audience and lifetime
/// (RFC 8725 §3). HS256 is only for tokens of the old backend, and only if its secret is set.
///
/// # Errors
/// Says no more than a client may know.
pub fn verify(settings: &Settings, token: &str, now: Timestamp) -> Result<Identity, TokenError> {
    let (identity, lifetime) = authenticate(settings, token)?;
    lifetime.check(now)?;
    Ok(identity)
}

/// Whose token this is, even if it has expired: good enough to end its session, and for nothing else.
///
/// # Errors
/// As [`verify`], but never because of the time.
pub fn verify_for_sign_out(settings: &Settings, token: &str) -> Result<Identity, TokenError> {
    authenticate(settings, token).map(|(identity, _)| identity)
}

/// Checks everything but the time.
fn authenticate(settings: &Settings, token: &str) -> Result<(Identity, Lifetime), TokenError> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
    if header.crit.is_some() {
        return Err(TokenError::Invalid);
    }
    match (header.alg, header.kid) {
        (Algorithm::EdDSA, Some(kid)) if header.typ.as_deref() == Some(TYPE) => {
            let key = settings.verification_keys.get(&kid).ok_or(TokenError::UnknownKey)?;
            let mut rules = validation(Algorithm::EdDSA, &["exp", "iss", "aud", "sub"]);
            rules.set_issuer(&[&settings.issuer]);
            rules.set_audience(&[&settings.audience]);
            rules.validate_aud = true;
            let claims: Verified = jsonwebtoken::decode(token, key, &rules).map_err(|_| TokenError::Invalid)?.claims;
            let proof = Proof::Session { id: claims.sid, generation: claims.generation };
            Ok((Identity { user: claims.sub, proof }, claims.lifetime))
        }
        (Algorithm::HS256, _) => legacy::authenticate(settings, token),
        _ => Err(TokenError::Invalid),
    }
}

/// The library's rules, with the time left to us because our clock can be set.
pub(super) fn validation(algorithm: Algorithm, required: &[&str]) -> Validation {
    let mut rules = Validation::new(algorithm);
    rules.set_required_spec_claims(required);
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    rules
}
