//! `POST /api/v1/users/{id}/ban`

use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use shared::App;
use shared::db::users::admin::Change;
use shared::domain::BanReason;
use shared::error::ApiError;
use shared::http::{CurrentAdmin, Fields, IdPath, Json, PathId, client};
use utoipa::ToSchema;

use crate::perform;
use crate::view::UserBody;

/// A ban to impose.
#[derive(Deserialize, ToSchema)]
#[schema(as = ImposeBan)]
pub(crate) struct Ban {
    /// Why, for the user to read; 1 to 500 characters.
    #[schema(example = "Sends spam", min_length = 1, max_length = 500)]
    reason: String,
    /// Until when, RFC 3339; left out for good.
    #[schema(value_type = Option<Timestamp>)]
    until: Option<String>,
}

/// Ban an account
///
/// Ends its sessions at once, and keeps it from signing in. A second ban replaces the first. The last administrator cannot be banned.
#[utoipa::path(
    post, path = "/users/{id}/ban", tag = "users", params(IdPath), request_body = Ban, security(("bearer" = [])),
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
    client::From(client): client::From,
    id: PathId,
    Json(body): Json<Ban>,
) -> Result<Json<UserBody>, ApiError> {
    let mut fields = Fields::default();
    let reason = fields.check("/reason", BanReason::parse(&body.reason));
    let now = app.clock.now();
    let parse = |text: &String| text.parse::<Timestamp>().ok().filter(|until| *until > now);
    let until = body.until.as_ref().map(parse);
    if until == Some(None) {
        fields.refuse("/until", "must be a time in the future, as in 2030-01-01T00:00:00Z");
    }
    let Some(reason) = reason else { return Err(fields.into_error()) };
    fields.finish()?;
    let until = until.flatten();
    perform::change(&app, admin, &client, id, Change::Ban { until, reason }).await
}
