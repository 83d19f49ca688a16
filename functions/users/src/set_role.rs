//! `PUT /api/v1/users/{id}/role`

use axum::extract::State;
use serde::Deserialize;
use shared::App;
use shared::db::users::admin::{Change, Role};
use shared::error::ApiError;
use shared::http::{CurrentAdmin, IdPath, Json, PathId, client};
use utoipa::ToSchema;

use crate::perform;
use crate::view::UserBody;

/// The role to give.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SetRole {
    /// `user` or `admin`.
    #[schema(example = "admin")]
    role: String,
}

/// Set a role
///
/// Takes effect with the next request of the account. The last administrator cannot be demoted.
#[utoipa::path(
    put, path = "/users/{id}/role", tag = "users", params(IdPath), request_body = SetRole, security(("bearer" = [])),
    responses(
        (status = 200, description = "The account as it is now", body = UserBody),
        (status = 403, description = "admin_required"),
        (status = 404, description = "user_not_found"),
        (status = 409, description = "last_admin"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(crate) async fn set_role(
    admin: CurrentAdmin,
    State(app): State<App>,
    client::From(client): client::From,
    id: PathId,
    Json(body): Json<SetRole>,
) -> Result<Json<UserBody>, ApiError> {
    let role = match body.role.as_str() {
        "user" => Role::User,
        "admin" => Role::Admin,
        _ => return Err(ApiError::invalid("/role", "must be one of user, admin")),
    };
    perform::change(&app, admin, &client, id, Change::Role(role)).await
}
