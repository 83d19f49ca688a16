//! Verifies the password of a signed-in user, before actions that a stolen access token alone must not allow.

use shared::App;
use shared::config::Settings;
use shared::db::audit::{self, EventKind};
use shared::db::users::{self, ConfirmationPermit, UserRow};
use shared::domain::{AuditContext, Password, StoredPassword};
use shared::error::{ApiError, Code};
use shared::http::CurrentUser;
use shared::passwords::{self, PasswordVerdict};

/// Returns the user and the stored password that `given` matches. Wrong guesses are limited per session (or per legacy
/// token), so that a thief with the tokens of another session cannot use up the owner's guesses.
pub(crate) async fn confirm_password(
    app: &App,
    settings: &Settings,
    user: CurrentUser,
    context: &AuditContext,
    given: &str,
) -> Result<(UserRow, StoredPassword), ApiError> {
    let limit = settings.limits.map(|limits| limits.sign_in_account);
    let db = app.write_unlimited(user);
    let found = match users::find_to_confirm(&db, user.id(), user.holder(), limit, context).await? {
        ConfirmationPermit::RateLimited(refused) => return Err(ApiError::limited(refused)),
        ConfirmationPermit::Granted(found) => found.ok_or_else(|| ApiError::of(Code::SessionRevoked))?,
    };
    let stored = found.password;
    let verdict = passwords::verify(&settings.passwords, Password::new(given), stored.clone()).await;
    if let (PasswordVerdict::Right | PasswordVerdict::Outdated(_), Some(stored)) =
        (verdict.map_err(ApiError::internal)?, stored)
    {
        return Ok((found.user, stored));
    }
    let context = context.next(app);
    audit::note_failure(&app.anonymous(), EventKind::PasswordRefused, Some(user.id()), &context).await?;
    Err(ApiError::new(Code::InvalidCredentials, "The password is not right"))
}
