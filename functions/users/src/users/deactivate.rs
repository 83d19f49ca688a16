//! `POST /api/v1/users/{id}/deactivate`

use axum::extract::State;
use shared::App;
use shared::db::users::admin::AccountChange;
use shared::domain::AuditContext;
use shared::error::ApiError;
use shared::http::{CurrentAdmin, IdPath, Json, PathId};

use super::change::change_user;
use super::view::UserBody;

/// Disable an account
///
/// Ends its sessions at once. The last administrator cannot be disabled.
#[utoipa::path(
    post, path = "/api/v1/users/{id}/deactivate", tag = "users", params(IdPath), security(("bearer" = [])),
    responses(
        (status = 200, description = "The account as it is now", body = UserBody),
        (status = 403, description = "admin_required"),
        (status = 404, description = "user_not_found"),
        (status = 409, description = "last_admin"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(crate) async fn deactivate_user(
    admin: CurrentAdmin,
    State(app): State<App>,
    context: AuditContext,
    id: PathId,
) -> Result<Json<UserBody>, ApiError> {
    change_user(&app, admin, &context, id, AccountChange::Deactivate).await
}
