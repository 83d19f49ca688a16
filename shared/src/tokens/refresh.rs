//! Refresh tokens, which are derived from a session and its generation and never stored.
//!
//! A token is `rt1.` + base64url(session id ‖ generation ‖ HMAC-SHA-256 of both). The key is not in the database, so a
//! leaked database reveals no token, a forged token costs no query, and the next token can be derived again for a
//! client that lost the response. RFC 9700 §4.14.2 asks for rotation; this rotates without a stored row per token.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use uuid::Uuid;

use super::TokenError;
use crate::keys::MacKeys;

const PREFIX: &str = "rt1.";
/// The bytes of the session id and the generation.
const PAYLOAD: usize = 16 + 8;
/// The bytes of an HMAC-SHA-256.
const MAC: usize = 32;

/// The content of a refresh token with a valid MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// The id of the session.
    pub session: Uuid,
    /// How many times the session has rotated its token before this one; at least 0.
    pub generation: i64,
}

impl RefreshToken {
    /// Verifies the MAC of a token and reads it.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] if the token is malformed, [`TokenError::UnknownKey`] if no key of `keys` gives its MAC.
    pub fn verify(keys: &MacKeys, token: &str) -> Result<Self, TokenError> {
        let bytes = Self::decode(token).ok_or(TokenError::Invalid)?;
        let (payload, mac) = bytes.split_at(PAYLOAD);
        keys.iter().find(|(_, key)| hmac::verify(key, payload, mac).is_ok()).ok_or(TokenError::UnknownKey)?;
        let (session, generation) = payload.split_at(16);
        let session = Uuid::from_slice(session).map_err(|_| TokenError::Invalid)?;
        let generation = generation.try_into().map_err(|_| TokenError::Invalid)?;
        Ok(Self { session, generation: i64::from_be_bytes(generation) })
    }

    fn decode(token: &str) -> Option<[u8; PAYLOAD + MAC]> {
        let encoded = token.strip_prefix(PREFIX)?;
        let mut bytes = [0; PAYLOAD + MAC];
        let length = URL_SAFE_NO_PAD.decode_slice(encoded, &mut bytes).ok()?;
        (length == bytes.len()).then_some(bytes)
    }
}

/// Derives the refresh token with the active key; `None` without one. The same input gives the same token.
#[must_use]
pub fn derive(keys: &MacKeys, token: RefreshToken) -> Option<SecretString> {
    let (_, key) = keys.active()?;
    let mut bytes = [0; PAYLOAD + MAC];
    bytes[..16].copy_from_slice(token.session.as_bytes());
    bytes[16..PAYLOAD].copy_from_slice(&token.generation.to_be_bytes());
    let mac = hmac::sign(key, &bytes[..PAYLOAD]);
    bytes[PAYLOAD..].copy_from_slice(mac.as_ref());
    Some(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)).into())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn ring(secret: u8) -> MacKeys {
        let mut bytes = [secret; 32];
        bytes[0] = 0;
        let key = URL_SAFE_NO_PAD.encode(bytes);
        MacKeys::parse(&format!(r#"{{"keys":[{{"kty":"oct","kid":"r{secret}","k":"{key}"}}]}}"#)).unwrap()
    }

    const TOKEN: RefreshToken = RefreshToken { session: Uuid::from_u128(7), generation: 3 };

    #[test]
    fn a_token_says_what_it_was_made_of() {
        let text = derive(&ring(1), TOKEN).unwrap();
        assert_eq!(text.expose_secret().len(), 4 + 75);
        assert_eq!(RefreshToken::verify(&ring(1), text.expose_secret()), Ok(TOKEN));
    }

    #[test]
    fn the_same_generation_is_the_same_token() {
        let (one, two) = (derive(&ring(1), TOKEN).unwrap(), derive(&ring(1), TOKEN).unwrap());
        assert_eq!(one.expose_secret(), two.expose_secret());
    }

    #[test]
    fn another_key_makes_a_forgery() {
        let text = derive(&ring(1), TOKEN).unwrap();
        assert_eq!(RefreshToken::verify(&ring(2), text.expose_secret()), Err(TokenError::UnknownKey));
    }

    #[test]
    fn any_changed_character_makes_a_forgery() {
        let text = derive(&ring(1), TOKEN).unwrap();
        let text = text.expose_secret();
        for position in 0..text.len() {
            let mut changed = text.to_owned().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            assert!(RefreshToken::verify(&ring(1), std::str::from_utf8(&changed).unwrap()).is_err(), "{position}");
        }
        for wrong in ["", "rt1.", &text[..78], &format!("{text}A"), &format!("{text}="), "rt2.AAAA"] {
            assert_eq!(RefreshToken::verify(&ring(1), wrong), Err(TokenError::Invalid), "{wrong}");
        }
    }
}
