//! `POST /api/v1/auth/signup`

use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;
use shared::App;
use shared::db::users::{self, NewUser, SignUpAttempt, SignUpPermit};
use shared::domain::{AuditContext, Email, Name, NewPassword};
use shared::error::{ApiError, Code};
use shared::http::cookie::BrowserCookie;
use shared::http::{Created, Field, Fields, Json};
use shared::passwords;
use utoipa::ToSchema;

use crate::new_password;
use crate::token_response::{self, SessionState};
use crate::view::TokenBody;

/// An account to make.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SignUp {
    /// The address to sign in with.
    #[serde(default)]
    #[schema(value_type = String, required, example = "ada@example.com", max_length = 254)]
    email: Field<String>,
    /// 8 to 128 characters, none of the common ones, neither the address nor the name.
    #[serde(default)]
    #[schema(value_type = String, required, example = "correct horse battery", format = Password, min_length = 8, max_length = 128)]
    password: Field<String>,
    /// What to call the person.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "Ada", max_length = 255)]
    name: Field<String>,
    /// Whether to keep the refresh token in a cookie that scripts cannot read, instead of in the answer. For
    /// pages of an allowed origin.
    #[serde(default)]
    #[schema(value_type = Option<bool>, example = false)]
    refresh_cookie: Field<bool>,
}

/// Sign up
///
/// Makes an account and signs in to it.
#[utoipa::path(
    post, path = "/api/v1/auth/signup", tag = "auth", request_body = SignUp,
    responses(
        (status = 201, description = "The account and its tokens", body = TokenBody),
        (status = 403, description = "origin_not_allowed"),
        (status = 409, description = "email_taken"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(crate) async fn sign_up(
    State(app): State<App>,
    context: AuditContext,
    browser: BrowserCookie,
    Json(body): Json<SignUp>,
) -> Result<(HeaderMap, Created<TokenBody>), ApiError> {
    let mut fields = Fields::default();
    let email = fields.required("/email", body.email);
    let email = email.and_then(|text| fields.check("/email", Email::parse(&text)));
    let password = fields.required("/password", body.password);
    let password = password.and_then(|text| fields.check("/password", NewPassword::parse(&text)));
    let name = fields.optional("/name", body.name);
    let name = fields.check("/name", name.as_deref().map_or(Ok(None), Name::parse));
    let to_cookie = fields.optional("/refresh_cookie", body.refresh_cookie).unwrap_or_default();
    let (Some(email), Some(password), Some(name)) = (email, password, name) else { return Err(fields.into_error()) };
    fields.finish()?;
    let cookie = if to_cookie { Some(&browser) } else { None };
    cookie.map_or(Ok(()), BrowserCookie::check)?;

    let taken = || ApiError::of(Code::EmailTaken);
    let (db, settings) = (app.anonymous(), app.settings());
    let limit = settings.limits.map(|limits| limits.sign_up);
    let attempt = SignUpAttempt { email: &email, limit, context: &context };
    match users::begin_sign_up(&db, &attempt).await? {
        SignUpPermit::RateLimited(refused) => return Err(ApiError::limited(refused)),
        SignUpPermit::EmailTaken => return Err(taken()),
        SignUpPermit::Granted => {}
    }
    new_password::refuse_guessable("/password", &password, email.as_str(), name.as_ref().map(Name::as_str)).await?;
    new_password::refuse_breached(&settings, "/password", &password).await?;
    let password =
        passwords::hash(&settings.passwords, password.as_password().clone()).await.map_err(ApiError::internal)?;

    let context = context.next(&app);
    let account = passwords::account_key(&settings.passwords, email.as_str()).map_err(ApiError::internal)?;
    let user =
        NewUser { id: app.ids.next(), email: &email, name: name.as_ref(), password: &password, account: &account };
    let session = token_response::new_session(&app, &context);
    let row = users::insert_with_session(&db, &user, &session).await;
    let row = row.map_err(|error| if error.is_on("users_email_key") { taken() } else { error.into() })?;

    let session = SessionState { id: session.id, generation: 0, expires_at: session.idle_expires_at, is_new: true };
    let tokens = token_response::sign_tokens(&app, &settings, row, &session, context.at)?;
    let (headers, body) = token_response::respond(tokens, cookie, context.at);
    Ok((headers, Created { location: None, body }))
}
