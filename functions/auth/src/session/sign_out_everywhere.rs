//! `POST /api/v1/auth/logout-all`

use axum::extract::State;
use http::HeaderMap;
use shared::App;
use shared::db::sessions;
use shared::domain::AuditContext;
use shared::error::ApiError;
use shared::http::cookie::BrowserCookie;
use shared::http::{CurrentUser, Json};

use crate::view::RevokedBody;

/// Sign out everywhere
///
/// Ends every session, this one too.
#[utoipa::path(
    post, path = "/api/v1/auth/logout-all", tag = "auth", security(("bearer" = [])),
    responses(
        (status = 200, description = "How many sessions have ended", body = RevokedBody),
    )
)]
pub(crate) async fn logout_all(
    user: CurrentUser,
    State(app): State<App>,
    context: AuditContext,
    browser: BrowserCookie,
) -> Result<(HeaderMap, Json<RevokedBody>), ApiError> {
    let revoked = sessions::revoke_all(&app.write_unlimited(user), user.id(), &context).await?;
    Ok((browser.delete(), Json(RevokedBody::new(revoked.unwrap_or_default(), "Successfully signed out everywhere"))))
}
