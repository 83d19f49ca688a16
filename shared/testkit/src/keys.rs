//! The settings and keys of a function under test.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::built;

fn seed(byte: u8) -> [u8; 32] {
    let mut seed = [byte; 32];
    seed[0] = byte.wrapping_add(1);
    seed
}

fn ed25519(kid: &str, byte: u8, status: &str) -> Value {
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed(byte)).expect("a seed of 32 bytes");
    let (x, d) = (URL_SAFE_NO_PAD.encode(pair.public_key()), URL_SAFE_NO_PAD.encode(seed(byte)));
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x, "d": d, "status": status })
}

fn octets(kid: &str, byte: u8) -> Value {
    json!({ "keys": [{ "kty": "oct", "kid": kid, "k": URL_SAFE_NO_PAD.encode(seed(byte)), "status": "active" }] })
}

fn public(keys: &Value) -> Value {
    let mut keys = keys.clone();
    for key in keys["keys"].as_array_mut().expect("a set") {
        key.as_object_mut().expect("a key").remove("d");
    }
    keys
}

/// The private and the public key set of functions under test.
#[must_use]
pub fn jwt_keys() -> (Value, Value) {
    let private = json!({ "keys": [ed25519("test-active", 1, "active"), ed25519("test-retired", 2, "retired")] });
    let public = public(&private);
    (private, public)
}

/// The key sets after a rotation: a new active key, and the previous one as retired.
#[must_use]
pub fn other_jwt_keys() -> (Value, Value) {
    let private = json!({ "keys": [ed25519("test-newer", 3, "active"), ed25519("test-active", 1, "retired")] });
    let public = public(&private);
    (private, public)
}

/// Every setting that a function needs, except the database.
#[must_use]
pub fn settings() -> BTreeMap<String, String> {
    let (private, public) = jwt_keys();
    [
        ("ENVIRONMENT", "development".to_owned()),
        ("JWT_SIGNING_KEYS", private.to_string()),
        ("JWT_PUBLIC_KEYS", public.to_string()),
        ("REFRESH_TOKEN_KEYS", octets("test-refresh", 11).to_string()),
        ("PASSWORD_PEPPERS", octets("test-pepper", 21).to_string()),
        // Tests send more requests than users do. Tests of limits enable them.
        ("RATE_LIMITS", "off".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Creates a token with any header and claims. Signs it with the Ed25519 seed `secret` for `EdDSA`, with the key
/// `secret` for `HS256`, and not at all for other algorithms.
#[must_use]
pub fn forge(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = match header["alg"].as_str() {
        Some("EdDSA") => {
            let pair = Ed25519KeyPair::from_seed_unchecked(secret).expect("a seed of 32 bytes");
            pair.sign(message.as_bytes()).as_ref().to_vec()
        }
        Some("HS256") => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes()).as_ref().to_vec(),
        _ => Vec::new(),
    };
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Runs the program behind `cargo xtask keys` with an input, and returns its output.
///
/// # Panics
/// If the program is not built, or fails.
#[must_use]
pub fn keys(arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(built("keys"));
    let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("keys runs");
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("keys reads");
    let output = child.wait_with_output().expect("keys ends");
    assert!(output.status.success(), "keys fails with {arguments:?}");
    String::from_utf8(output.stdout).expect("keys prints text")
}
