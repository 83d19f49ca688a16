//! Verifies the refresh token that a client sends.

use shared::App;
use shared::config::RereadReason;
use shared::tokens::{RefreshToken, TokenError};

/// Verifies a refresh token. If this instance does not know its key, reads the settings again: the keys may have been
/// rotated.
pub(crate) async fn verify(app: &App, token: &str) -> Result<RefreshToken, TokenError> {
    match RefreshToken::verify(&app.settings().refresh_keys, token) {
        Err(TokenError::UnknownKey) => {
            app.live.reread(RereadReason::Key).await;
            RefreshToken::verify(&app.settings().refresh_keys, token)
        }
        verdict => verdict,
    }
}
