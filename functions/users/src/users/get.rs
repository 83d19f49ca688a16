//! `GET /api/v1/users/{id}`

use axum::extract::State;
use shared::App;
use shared::db::users;
use shared::error::{ApiError, Code};
use shared::http::{CurrentAdmin, IdPath, Json, PathId};

use super::view::{User, UserBody};

/// Get an account
///
/// Tells one account, for administrators.
#[utoipa::path(
    get, path = "/api/v1/users/{id}", tag = "users", params(IdPath), security(("bearer" = [])),
    responses(
        (status = 200, description = "The account", body = UserBody),
        (status = 403, description = "admin_required"),
        (status = 404, description = "user_not_found"),
    )
)]
pub(crate) async fn get_user(
    admin: CurrentAdmin,
    State(app): State<App>,
    PathId(id): PathId,
) -> Result<Json<UserBody>, ApiError> {
    let db = app.read(admin);
    // The nil id matches no account. The statement still runs, because it checks the caller's role.
    let row = users::find(&db, id.unwrap_or_default()).await?;
    let row = row.ok_or_else(|| ApiError::of(Code::UserNotFound))?;
    Ok(Json(User::of(row, app.clock.now()).into()))
}
