//! `POST /api/v1/auth/change-password`

use axum::extract::State;
use serde::Deserialize;
use shared::App;
use shared::db::users::{self, PasswordChange};
use shared::domain::{AuditContext, NewPassword};
use shared::error::{ApiError, Code};
use shared::http::{CurrentUser, Field, Fields, Json};
use shared::passwords;
use utoipa::ToSchema;

use crate::new_password;
use crate::password_confirmation::confirm_password;
use crate::view::RevokedBody;

/// A password to change.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ChangePassword {
    /// The password until now.
    #[serde(default)]
    #[schema(value_type = String, required, example = "correct horse battery", format = Password)]
    current_password: Field<String>,
    /// The password from now on: 8 to 128 characters, none of the common ones, neither the address nor the name.
    #[serde(default)]
    #[schema(value_type = String, required, example = "seven unlikely penguins", format = Password, min_length = 8, max_length = 128)]
    new_password: Field<String>,
}

/// Change the password
///
/// Ends every other session in the same step.
#[utoipa::path(
    post, path = "/api/v1/auth/change-password", tag = "auth", request_body = ChangePassword, security(("bearer" = [])),
    responses(
        (status = 200, description = "How many other sessions have ended", body = RevokedBody),
        (status = 401, description = "invalid_credentials"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(crate) async fn change_password(
    user: CurrentUser,
    State(app): State<App>,
    context: AuditContext,
    Json(body): Json<ChangePassword>,
) -> Result<Json<RevokedBody>, ApiError> {
    let mut fields = Fields::default();
    let current = fields.required("/current_password", body.current_password);
    let password = fields.required("/new_password", body.new_password);
    let password = password.and_then(|text| fields.check("/new_password", NewPassword::parse(&text)));
    let (Some(current), Some(password)) = (current, password) else { return Err(fields.into_error()) };

    let settings = app.settings();
    let (row, verified) = confirm_password(&app, &settings, user, &context, &current).await?;
    new_password::refuse_guessable("/new_password", &password, &row.email, row.name.as_deref()).await?;
    new_password::refuse_breached(&settings, "/new_password", &password).await?;
    let hashed =
        passwords::hash(&settings.passwords, password.as_password().clone()).await.map_err(ApiError::internal)?;

    let change = PasswordChange { user: user.id(), session: user.session(), verified: &verified, hashed: &hashed };
    // The row is missing if another request has changed the password since it was confirmed.
    let revoked = users::change_password(&app.write_unlimited(user), &change, &context.next(&app)).await?;
    let revoked = revoked.ok_or_else(|| ApiError::new(Code::InvalidCredentials, "The password is not right"))?;
    Ok(Json(RevokedBody::new(revoked, "Password changed successfully")))
}
