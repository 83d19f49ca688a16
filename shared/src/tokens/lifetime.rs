//! The lifetime of a token. It is checked against our own clock and not by the JWT library, so that tests can set the
//! time of the check.

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;

use super::TokenError;

/// The largest accepted difference between the clocks of issuer and verifier.
pub(super) const LEEWAY: SignedDuration = SignedDuration::from_secs(5);

/// The claims that bound the lifetime, in seconds since 1970, with fractions (RFC 7519 §2, NumericDate).
#[derive(Deserialize)]
pub(super) struct Lifetime {
    pub(super) exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    iat: Option<f64>,
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

/// The library's validation rules without those about time and audience.
pub(super) fn rules_without_time(algorithm: Algorithm, required: &[&str]) -> Validation {
    let mut rules = Validation::new(algorithm);
    rules.set_required_spec_claims(required);
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    rules
}
