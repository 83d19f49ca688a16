//! `GET /api/v1/auth/me`

use axum::extract::State;
use shared::App;
use shared::db::users;
use shared::error::{ApiError, Code};
use shared::http::{CurrentUser, Json};

use crate::view::MeBody;

/// Who am I
///
/// Tells the account that the access token belongs to.
#[utoipa::path(
    get, path = "/api/v1/auth/me", tag = "auth", security(("bearer" = [])),
    responses((status = 200, description = "The account", body = MeBody))
)]
pub(crate) async fn get_me(user: CurrentUser, State(app): State<App>) -> Result<Json<MeBody>, ApiError> {
    let row = users::find(&app.read(user), user.id()).await?;
    let row = row.ok_or_else(|| ApiError::of(Code::SessionRevoked))?;
    Ok(Json(row.into()))
}
