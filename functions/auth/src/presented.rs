//! A refresh token as a client presents it.

use shared::App;
use shared::config::Mismatch;
use shared::tokens::{RefreshToken, TokenError};

/// Reads a refresh token, with the keys read again if one we do not know made it.
pub(crate) async fn read(app: &App, token: &str) -> Result<RefreshToken, TokenError> {
    match RefreshToken::verify(&app.settings().refresh_keys, token) {
        Err(TokenError::UnknownKey) => {
            app.live.reread(Mismatch::Key).await;
            RefreshToken::verify(&app.settings().refresh_keys, token)
        }
        verdict => verdict,
    }
}
