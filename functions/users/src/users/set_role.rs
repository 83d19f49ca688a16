//! `PUT /api/v1/users/{id}/role`

use axum::extract::State;
use serde::Deserialize;
use shared::App;
use shared::db::users::admin::{AccountChange, UserRole};
use shared::domain::AuditContext;
use shared::error::ApiError;
use shared::http::{Body, CurrentAdmin, Field, Fields, IdPath, Json, PathId};
use utoipa::ToSchema;

use super::change::{change_user, check_admin_if_invalid};
use super::view::UserBody;

/// The role to give.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SetRole {
    /// What the account may do from now on.
    #[serde(default)]
    #[schema(value_type = UserRole, required, example = "admin")]
    role: Field<String>,
}

/// Set a role
///
/// Takes effect with the next request of the account. The last administrator cannot be demoted.
#[utoipa::path(
    put, path = "/api/v1/users/{id}/role", tag = "users", params(IdPath), request_body = SetRole, security(("bearer" = [])),
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
    context: AuditContext,
    id: PathId,
    body: Result<Body, ApiError>,
) -> Result<Json<UserBody>, ApiError> {
    let role = check_admin_if_invalid(&app, admin, body.and_then(|body| read(&body))).await?;
    change_user(&app, admin, &context, id, AccountChange::SetRole(role)).await
}

fn read(body: &Body) -> Result<UserRole, ApiError> {
    let body: SetRole = body.json()?;
    let mut fields = Fields::default();
    let name = fields.required("/role", body.role);
    let role = name.and_then(|name| fields.check("/role", UserRole::parse(&name)));
    let Some(role) = role else { return Err(fields.into_error()) };
    fields.finish()?;
    Ok(role)
}
