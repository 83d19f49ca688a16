//! `POST /api/v1/auth/signup`

use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;
use shared::App;
use shared::db::users::{self, BeginSignUp, Begun, NewUser};
use shared::domain::{Email, Name, NewPassword};
use shared::error::{ApiError, Code};
use shared::http::cookie::BrowserCookie;
use shared::http::{Created, Fields, Json, client};
use shared::passwords::{self, policy};
use utoipa::ToSchema;

use crate::issue::{self, Session};
use crate::new_password;
use crate::view::SignedInBody;

/// An account to make.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SignUp {
    /// The address to sign in with.
    #[schema(example = "ada@example.com", max_length = 254)]
    email: String,
    /// 8 to 128 characters, none of the common ones, neither the address nor the name.
    #[schema(example = "correct horse battery", format = Password, min_length = 8, max_length = 128)]
    password: String,
    /// What to call the person.
    #[schema(example = "Ada", max_length = 255)]
    name: Option<String>,
    /// Whether to keep the refresh token in a cookie that scripts cannot read, instead of in the answer. For
    /// pages of an allowed origin.
    #[serde(default)]
    refresh_cookie: bool,
}

/// Sign up
///
/// Makes an account and signs in to it.
#[utoipa::path(
    post, path = "/signup", tag = "auth", request_body = SignUp,
    responses(
        (status = 201, description = "The account and its tokens", body = SignedInBody),
        (status = 403, description = "origin_not_allowed"),
        (status = 409, description = "email_taken"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(crate) async fn sign_up(
    State(app): State<App>,
    client::From(client): client::From,
    browser: BrowserCookie,
    Json(body): Json<SignUp>,
) -> Result<(HeaderMap, Created<SignedInBody>), ApiError> {
    if body.refresh_cookie {
        browser.check()?;
    }
    let mut fields = Fields::default();
    let email = fields.check("/email", Email::parse(&body.email));
    let password = fields.check("/password", NewPassword::parse(&body.password));
    let name = fields.check("/name", body.name.as_deref().map_or(Ok(None), Name::parse));
    let known = name.as_ref().and_then(|name| name.as_ref()).map(Name::as_str);
    let password = password.and_then(|password| {
        let guessable = policy::check(&password, email.as_ref().map_or("", Email::as_str), known);
        fields.check("/password", guessable.map(|()| password))
    });
    let (Some(email), Some(password), Some(name)) = (email, password, name) else { return Err(fields.into_error()) };

    let taken = || ApiError::of(Code::EmailTaken);
    let (db, settings) = (app.db.anonymous(), app.settings());
    let limit = settings.limits.map(|limits| limits.sign_up);
    let begin = BeginSignUp { email: &email, client: &client, at: app.clock.now(), event: app.ids.next(), limit };
    match users::begin_sign_up(&db, &begin).await? {
        Begun::Refused(refused) => return Err(ApiError::limited(refused)),
        Begun::Taken => return Err(taken()),
        Begun::Free => {}
    }
    new_password::refuse_breached(&settings, "/password", &password).await?;
    let password = passwords::hash(&settings, password.as_password().clone()).await.map_err(ApiError::internal)?;

    let now = app.clock.now();
    let account = passwords::account_key(&settings, email.as_str()).map_err(ApiError::internal)?;
    let user = NewUser {
        id: app.ids.next(),
        email: &email,
        name: name.as_ref(),
        password: &password,
        account: &account,
        created_at: now,
    };
    let session = issue::new_session(&app, &client, now);
    let row = users::insert_with_session(&db, &user, &session).await;
    let row = row.map_err(|error| if error.is_on("users_email_key") { taken() } else { error.into() })?;

    let session = Session { id: session.id, generation: 0, expires_at: session.idle_expires_at, is_new: true };
    let tokens = issue::tokens(&app, &settings, row, &session, now)?;
    let (headers, body) = issue::answer(tokens, body.refresh_cookie, now);
    Ok((headers, Created { location: None, body }))
}
