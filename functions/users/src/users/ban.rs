//! `POST /api/v1/users/{id}/ban`

use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use shared::App;
use shared::db::users::admin::AccountChange;
use shared::domain::{AuditContext, BanReason, parse_time};
use shared::error::ApiError;
use shared::http::{Body, CurrentAdmin, Field, Fields, IdPath, Json, PathId};
use utoipa::ToSchema;

use super::change::{change_user, check_admin_if_invalid};
use super::view::UserBody;

/// A ban to impose.
#[derive(Deserialize, ToSchema)]
#[schema(as = ImposeBan)]
pub(crate) struct BanUser {
    /// Why, for the user to read; 1 to 500 characters.
    #[serde(default)]
    #[schema(value_type = String, required, example = "Sends spam", min_length = 1, max_length = 500)]
    reason: Field<String>,
    /// Until when, RFC 3339; left out for good.
    #[serde(default)]
    #[schema(value_type = Option<Timestamp>, example = "2030-01-01T00:00:00Z")]
    until: Field<String>,
}

/// Ban an account
///
/// Ends its sessions at once, and keeps it from signing in. A second ban replaces the first. The last administrator cannot be banned.
#[utoipa::path(
    post, path = "/api/v1/users/{id}/ban", tag = "users", params(IdPath), request_body = BanUser, security(("bearer" = [])),
    responses(
        (status = 200, description = "The account as it is now", body = UserBody),
        (status = 403, description = "admin_required"),
        (status = 404, description = "user_not_found"),
        (status = 409, description = "last_admin"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(crate) async fn ban_user(
    admin: CurrentAdmin,
    State(app): State<App>,
    context: AuditContext,
    id: PathId,
    body: Result<Body, ApiError>,
) -> Result<Json<UserBody>, ApiError> {
    let change = body.and_then(|body| read(&body, app.clock.now()));
    let change = check_admin_if_invalid(&app, admin, change).await?;
    change_user(&app, admin, &context, id, change).await
}

fn read(body: &Body, now: Timestamp) -> Result<AccountChange, ApiError> {
    let body: BanUser = body.json()?;
    let mut fields = Fields::default();
    let reason = fields.required("/reason", body.reason);
    let reason = reason.and_then(|text| fields.check("/reason", BanReason::parse(&text)));
    let until = fields.optional("/until", body.until);
    let until = until.and_then(|text| fields.check("/until", parse_time(&text)));
    if until.is_some_and(|until| until <= now) {
        fields.refuse("/until", "must be a time in the future");
    }
    let Some(reason) = reason else { return Err(fields.into_error()) };
    fields.finish()?;
    Ok(AccountChange::Ban { until, reason })
}
