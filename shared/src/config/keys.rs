//! Reads keys and the legacy secret, and refuses weak ones in production.

use secrecy::{ExposeSecret, SecretString};

use super::Function;
use super::reader::Reader;
use crate::keys::{SigningKeys, VerificationKeys, is_placeholder};

/// `JWT_SIGNING_KEYS` and `JWT_PUBLIC_KEYS`. Auth reads the private keys and derives the public keys from them.
pub(super) fn access_token_keys(
    read: &mut Reader<'_>,
    function: Function,
) -> (Option<SigningKeys>, Option<VerificationKeys>) {
    const PRIVATE: &str = "a JWK set with Ed25519 keys, one of them active (`cargo xtask keys generate` prints one)";
    const PUBLIC: &str = "a JWK set with public Ed25519 keys (`cargo xtask keys jwks` prints one)";
    match function {
        Function::Auth => {
            let signing_keys = read.required(&["JWT_SIGNING_KEYS"], PRIVATE, SigningKeys::parse);
            let verification_keys = signing_keys.as_ref().map(SigningKeys::verification_keys);
            (signing_keys, verification_keys)
        }
        Function::Tasks | Function::Users => {
            (None, read.required(&["JWT_PUBLIC_KEYS"], PUBLIC, VerificationKeys::parse))
        }
        // Health verifies the tokens of administrators. Without keys it accepts no token, and still reports its checks.
        Function::Health => (None, read.optional(&["JWT_PUBLIC_KEYS"], PUBLIC, VerificationKeys::parse)),
        _ => (None, None),
    }
}

/// Refuses each key ring that is weak: with a placeholder or a key that was generated for a developer's machine.
pub(super) fn refuse_weak_keys<const N: usize>(read: &mut Reader<'_>, rings: [(&'static str, bool); N]) {
    for (name, _) in rings.into_iter().filter(|(_, weak)| *weak) {
        let expected = "keys of your own, neither placeholders nor generated for development, in production";
        read.refuse(&[name], expected);
    }
}

/// `BETTER_AUTH_SECRET`
pub(super) fn legacy_secret(read: &mut Reader<'_>, function: Function, production: bool) -> Option<SecretString> {
    if !matches!(function, Function::Auth | Function::Tasks | Function::Users) {
        return None;
    }
    let secret = read.optional(&["BETTER_AUTH_SECRET"], "text", |text| Some(SecretString::from(text)));
    if production && let Some(secret) = &secret {
        let secret = secret.expose_secret();
        if secret.len() < 32 {
            read.refuse(&["BETTER_AUTH_SECRET"], "at least 32 bytes, in production");
        }
        if is_placeholder(secret) {
            read.refuse(&["BETTER_AUTH_SECRET"], "a secret of your own and no placeholder, in production");
        }
    }
    secret
}
