//! Checks of a new password beyond its form: it is neither easily guessed nor known from a breach.

use shared::config::Settings;
use shared::domain::NewPassword;
use shared::error::ApiError;
use shared::passwords::{self, policy};

/// Refuses a password that is easily guessed. This takes a few milliseconds of CPU time on another thread, so take a
/// rate limit permit first.
pub(crate) async fn refuse_guessable(
    pointer: &str,
    password: &NewPassword,
    email: &str,
    name: Option<&str>,
) -> Result<(), ApiError> {
    let (password, email, name) = (password.clone(), email.to_owned(), name.map(str::to_owned));
    let result = tokio::task::spawn_blocking(move || policy::check(&password, &email, name.as_deref())).await;
    result.map_err(ApiError::internal)?.map_err(|invalid| ApiError::invalid(pointer, invalid.to_string()))
}

/// Refuses a password that is known from a breach, if the settings name a service to ask.
pub(crate) async fn refuse_breached(
    settings: &Settings,
    pointer: &str,
    password: &NewPassword,
) -> Result<(), ApiError> {
    let Some(url) = &settings.passwords.breached_passwords_url else { return Ok(()) };
    if passwords::is_breached(url, password.as_password()).await {
        let detail = "has appeared in a data breach, so attackers try it; choose another one, and change it wherever else you use it";
        return Err(ApiError::invalid(pointer, detail));
    }
    Ok(())
}
