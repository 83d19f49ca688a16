//! `DELETE /api/v1/auth/account`

use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;
use shared::App;
use shared::db::users::{self, AccountDeletion};
use shared::domain::{AuditContext, Email};
use shared::error::{ApiError, Code};
use shared::http::cookie::BrowserCookie;
use shared::http::{CurrentUser, Field, Fields, Json, MessageBody};
use shared::passwords;
use utoipa::ToSchema;

use crate::password_confirmation::confirm_password;

/// An account to delete.
#[derive(Deserialize, ToSchema)]
pub(crate) struct DeleteAccount {
    /// The account's password.
    #[serde(default)]
    #[schema(value_type = String, required, example = "correct horse battery", format = Password)]
    password: Field<String>,
}

/// Delete the account
///
/// Deletes the account, its tasks and its sessions at once, for good. What stays is that it happened, without
/// anything that tells whose account it was.
#[utoipa::path(
    delete, path = "/api/v1/auth/account", tag = "auth", request_body = DeleteAccount, security(("bearer" = [])),
    responses(
        (status = 200, description = "It is gone", body = MessageBody),
        (status = 401, description = "invalid_credentials"),
        (status = 409, description = "last_admin"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(crate) async fn delete_account(
    user: CurrentUser,
    State(app): State<App>,
    context: AuditContext,
    browser: BrowserCookie,
    Json(body): Json<DeleteAccount>,
) -> Result<(HeaderMap, Json<MessageBody>), ApiError> {
    let mut fields = Fields::default();
    let password = fields.required("/password", body.password);
    let Some(password) = password else { return Err(fields.into_error()) };
    let settings = app.settings();
    let (row, verified) = confirm_password(&app, &settings, user, &context, &password).await?;
    // Failed sign-ins are counted by the normalised email address, which may differ from the stored spelling.
    let email = Email::find(&row.email);
    let named = email.as_ref().map_or(row.email.as_str(), Email::as_str);
    let account = passwords::account_key(&settings.passwords, named).map_err(ApiError::internal)?;
    let (db, context) = (app.write_unlimited(user), context.next(&app));
    match users::delete(&db, user.id(), &verified, &account, &context).await? {
        AccountDeletion::Done => {}
        AccountDeletion::LastAdmin => return Err(ApiError::of(Code::LastAdmin)),
        AccountDeletion::Changed => return Err(ApiError::new(Code::InvalidCredentials, "The password is not right")),
    }
    Ok((browser.delete(), Json(MessageBody::done("Account deleted successfully"))))
}
