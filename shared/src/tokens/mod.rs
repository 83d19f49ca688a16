//! Tokens: what a client shows to prove who it is, and the keys behind them.

mod access;
mod keys;
mod legacy;
mod refresh;

pub use access::{Claims, Identity, Proof, TokenError, sign, verify, verify_for_sign_out};
pub use keys::{MacKeys, PublicJwk, SigningKeys, VerificationKeys};
pub use refresh::{RefreshToken, derive as derive_refresh_token};
