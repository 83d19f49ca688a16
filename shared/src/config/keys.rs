//! What production refuses of keys and secrets.

use secrecy::{ExposeSecret, SecretString};

use super::Function;
use super::reader::Reader;
use crate::keys::is_placeholder;

/// Refuses the rings that have a key from a template or from a developer's machine.
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
