//! `POST /api/v1/auth/signin`, and `/login` by its other name

use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;
use shared::App;
use shared::db::audit::{self, Failure, Kind};
use shared::db::sessions::{self, Client, SignedIn};
use shared::db::users::{self, Attempt, Permitted};
use shared::domain::{Email, Password};
use shared::error::{ApiError, Code};
use shared::http::cookie::BrowserCookie;
use shared::http::{Json, client};
use shared::passwords::{self, Verdict};
use utoipa::ToSchema;

use crate::issue::{self, Session};
use crate::standing;
use crate::view::SignedInBody;

/// Who wants to sign in.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SignIn {
    /// The account's address.
    #[schema(example = "ada@example.com")]
    email: String,
    /// The account's password.
    #[schema(example = "correct horse battery", format = Password)]
    password: String,
    /// Whether to keep the refresh token in a cookie that scripts cannot read, instead of in the answer. For
    /// pages of an allowed origin.
    #[serde(default)]
    refresh_cookie: bool,
}

/// Sign in
///
/// A wrong password and an unknown address get the same answer after the same time.
#[utoipa::path(
    post, path = "/signin", tag = "auth", request_body = SignIn,
    responses(
        (status = 200, description = "The account and its tokens", body = SignedInBody),
        (status = 401, description = "invalid_credentials, account_disabled"),
        (status = 403, description = "account_banned, origin_not_allowed"),
        (status = 429, description = "rate_limited, too_many_failures"),
    )
)]
pub(crate) async fn sign_in(
    State(app): State<App>,
    client::From(client): client::From,
    browser: BrowserCookie,
    Json(body): Json<SignIn>,
) -> Result<(HeaderMap, Json<SignedInBody>), ApiError> {
    open_session(&app, &client, &browser, body).await
}

/// Sign in
///
/// The same as `/api/v1/auth/signin`.
#[utoipa::path(
    post, path = "/login", tag = "auth", request_body = SignIn,
    responses(
        (status = 200, description = "The account and its tokens", body = SignedInBody),
        (status = 401, description = "invalid_credentials, account_disabled"),
        (status = 403, description = "account_banned, origin_not_allowed"),
        (status = 429, description = "rate_limited, too_many_failures"),
    )
)]
pub(crate) async fn login(
    State(app): State<App>,
    client::From(client): client::From,
    browser: BrowserCookie,
    Json(body): Json<SignIn>,
) -> Result<(HeaderMap, Json<SignedInBody>), ApiError> {
    open_session(&app, &client, &browser, body).await
}

async fn open_session(
    app: &App,
    client: &Client,
    browser: &BrowserCookie,
    body: SignIn,
) -> Result<(HeaderMap, Json<SignedInBody>), ApiError> {
    if body.refresh_cookie {
        browser.check()?;
    }
    // Another sign-in may replace an outdated hash while this one verifies it: then it is looked at once more.
    // The second look is part of the same try, and takes no permits.
    for is_first in [true, false] {
        if let Some(answer) = try_to_open_session(app, client, &body, is_first).await? {
            return Ok(answer);
        }
    }
    Err(wrong())
}

fn wrong() -> ApiError {
    ApiError::new(Code::InvalidCredentials, "Invalid email or password")
}

/// None if the account changed while its password was verified.
async fn try_to_open_session(
    app: &App,
    client: &Client,
    body: &SignIn,
    is_first: bool,
) -> Result<Option<(HeaderMap, Json<SignedInBody>)>, ApiError> {
    let settings = app.settings();
    let db = app.db.anonymous();
    // What is no address belongs to no account, and costs as much as any wrong answer.
    let email = Email::parse(&body.email).ok();
    let named = email.as_ref().map_or(body.email.as_str(), Email::as_str);
    let account = passwords::account_key(&settings, named).map_err(ApiError::internal)?;
    let attempt = Attempt {
        email: email.as_ref(),
        account: &account,
        client,
        at: app.clock.now(),
        event: app.ids.next(),
        limits: settings.limits.as_ref().filter(|_| is_first),
    };
    let found = match users::begin_sign_in(&db, &attempt).await? {
        Permitted::Refused(refused) => return Err(ApiError::limited(refused)),
        Permitted::Found(found) => found,
    };
    let (user, stored) = found.map(|found| (found.user, found.password)).unzip();
    let stored = stored.flatten();
    let verdict = passwords::verify(&settings, Password::new(&body.password), stored.clone()).await;
    let verdict = verdict.map_err(ApiError::internal)?;

    let now = app.clock.now();
    let fail = async |reason, error| {
        let (kind, user) = (Kind::SignInFailed, user.as_ref().map(|user| user.id));
        let failure = Failure { kind, user, client, at: now, event: app.ids.next(), reason: Some(reason) };
        audit::note_failure(&db, &failure).await?;
        Err(error)
    };
    let rehashed = match verdict {
        Verdict::Wrong => {
            return fail(if user.is_some() { "wrong_password" } else { "unknown_account" }, wrong()).await;
        }
        Verdict::Right => None,
        Verdict::Outdated(newer) => Some(newer),
    };
    let (Some(found), Some(verified)) = (&user, stored) else { return Err(wrong()) };
    if let Err(error) = standing::check(found, now) {
        return fail(error.code().as_str(), error).await;
    }
    let session = issue::new_session(app, client, now);
    let signed_in = SignedIn { user: found.id, verified: &verified, rehashed: rehashed.as_ref(), account: &account };
    if !sessions::insert(&db, &signed_in, &session).await? {
        return Ok(None);
    }
    let Some(user) = user else { return Err(wrong()) };
    let session = Session { id: session.id, generation: 0, expires_at: session.idle_expires_at, is_new: true };
    let tokens = issue::tokens(app, &settings, user, &session, now)?;
    let (headers, body) = issue::answer(tokens, body.refresh_cookie, now);
    Ok(Some((headers, Json(body))))
}
