//! Verifies the password of a signed-in user, before actions that a stolen access token alone must not allow.

use shared::App;
use shared::config::Settings;
use shared::db::audit::{self, Failure, Kind};
use shared::db::sessions::Client;
use shared::db::users::{self, Confirming, Permitted, UserRow};
use shared::domain::Password;
use shared::error::{ApiError, Code};
use shared::http::CurrentUser;
use shared::passwords::{self, StoredPassword, Verdict};

/// Returns the user and the stored password that `given` matches. Wrong guesses are limited per session (per token for tokens
/// of the old backend), so that a thief with the tokens of another session cannot use up the owner's guesses.
pub(crate) async fn confirm_password(
    app: &App,
    settings: &Settings,
    user: CurrentUser,
    client: &Client,
    given: &str,
) -> Result<(UserRow, StoredPassword), ApiError> {
    let limit = settings.limits.map(|limits| limits.sign_in_account);
    let (at, event) = (app.clock.now(), app.ids.next());
    let confirming = Confirming { user: user.id(), holder: user.holder(), client, at, event, limit };
    let found = match users::find_to_confirm(&app.db.scope(user), &confirming).await? {
        Permitted::Refused(refused) => return Err(ApiError::limited(refused)),
        Permitted::Found(found) => found.ok_or_else(|| ApiError::of(Code::SessionRevoked))?,
    };
    let stored = found.password;
    let verdict = passwords::verify(settings, Password::new(given), stored.clone()).await;
    if let (Verdict::Right | Verdict::Outdated(_), Some(stored)) = (verdict.map_err(ApiError::internal)?, stored) {
        return Ok((found.user, stored));
    }
    let (kind, at, event) = (Kind::PasswordRefused, app.clock.now(), app.ids.next());
    let failure = Failure { kind, user: Some(user.id()), client, at, event, reason: None };
    audit::note_failure(&app.db.anonymous(), &failure).await?;
    Err(ApiError::new(Code::InvalidCredentials, "The password is not right"))
}
