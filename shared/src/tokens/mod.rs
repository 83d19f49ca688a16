//! Access tokens and refresh tokens: how they are signed, derived and verified.

mod access;
mod legacy;
mod lifetime;
mod refresh;
mod verify;

pub use crate::keys::{MacKeys, PublicJwk, SigningKeys, VerificationKeys};
pub use access::{Claims, sign};
pub use refresh::{RefreshToken, derive as derive_refresh_token};
pub use verify::{AccessTokenSettings, verify, verify_for_sign_out};

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Malformed, forged, not yet valid, or for another issuer or audience.
    #[error("the token is not valid")]
    Invalid,
    /// Signed with an unknown key, which may be newer than our settings: read them again.
    #[error("the token names an unknown key")]
    UnknownKey,
    /// Valid, but expired.
    #[error("the token has expired")]
    Expired,
}
