//! What is asked of a password that is about to be set, beyond its form.

use shared::config::Settings;
use shared::domain::NewPassword;
use shared::error::ApiError;
use shared::passwords;

/// Refuses a password that is known from a breach, if the settings say where to ask.
pub(crate) async fn refuse_breached(
    settings: &Settings,
    pointer: &str,
    password: &NewPassword,
) -> Result<(), ApiError> {
    let Some(url) = &settings.breached_passwords else { return Ok(()) };
    if passwords::is_breached(url, password.as_password()).await {
        let detail = "has appeared in a data breach, so attackers try it; choose another one, and change it wherever else you use it";
        return Err(ApiError::invalid(pointer, detail));
    }
    Ok(())
}
