//! Asks a user for their password before what a stolen access token must not do.

use shared::App;
use shared::config::Settings;
use shared::db::sessions::Client;
use shared::db::users::{self, Confirming, Permitted, UserRow};
use shared::domain::Password;
use shared::error::{ApiError, Code};
use shared::http::CurrentUser;
use shared::passwords::{self, StoredPassword, Verdict};

/// The user and the stored password that was confirmed. Guesses are limited, as those of signing in are.
pub(crate) async fn password(
    app: &App,
    settings: &Settings,
    user: CurrentUser,
    client: &Client,
    given: &str,
) -> Result<(UserRow, StoredPassword), ApiError> {
    let limit = settings.limits.map(|limits| limits.sign_in_account);
    let confirming =
        |event| Confirming { user: user.id(), session: user.session(), client, at: app.clock.now(), event, limit };
    let db = app.write_scope(user);
    let found = match users::find_to_confirm(&db, &confirming(app.ids.next())).await? {
        Permitted::Refused(refused) => return Err(ApiError::limited(refused)),
        Permitted::Found(found) => found.ok_or_else(|| ApiError::of(Code::SessionRevoked))?,
    };
    let stored = found.password;
    let verdict = passwords::verify(settings, Password::new(given), stored.clone()).await;
    if let (Verdict::Right | Verdict::Outdated(_), Some(stored)) = (verdict.map_err(ApiError::internal)?, stored) {
        return Ok((found.user, stored));
    }
    users::note_refused_password(&app.db.anonymous(), &confirming(app.ids.next())).await?;
    Err(ApiError::new(Code::InvalidCredentials, "The password is not right"))
}
