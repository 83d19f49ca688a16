//! `POST /api/v1/auth/signin`; `/login` is an alias

use std::time::Duration;

use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;
use shared::App;
use shared::db::sessions::{self, VerifiedCredentials};
use shared::db::users::{self, PauseVerdict, SignInAttempt, SignInFailure, SignInGate, SignInPermit, SignInState};
use shared::domain::{AuditContext, Email, Password};
use shared::error::{ApiError, Code};
use shared::http::cookie::BrowserCookie;
use shared::http::{Field, Fields, Json};
use shared::passwords::{self, PasswordVerdict};
use utoipa::ToSchema;

use crate::account_status;
use crate::token_response::{self, SessionState};
use crate::view::TokenBody;

/// Who wants to sign in.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SignIn {
    /// The account's address.
    #[serde(default)]
    #[schema(value_type = String, required, example = "ada@example.com")]
    email: Field<String>,
    /// The account's password.
    #[serde(default)]
    #[schema(value_type = String, required, example = "correct horse battery", format = Password)]
    password: Field<String>,
    /// Whether to keep the refresh token in a cookie that scripts cannot read, instead of in the answer. For
    /// pages of an allowed origin.
    #[serde(default)]
    #[schema(value_type = Option<bool>, example = false)]
    refresh_cookie: Field<bool>,
}

/// Sign in
///
/// A wrong password and an unknown address get the same answer after the same time.
#[utoipa::path(
    post, path = "/api/v1/auth/signin", tag = "auth", request_body = SignIn,
    responses(
        (status = 200, description = "The account and its tokens", body = TokenBody),
        (status = 401, description = "invalid_credentials, account_disabled"),
        (status = 403, description = "account_banned, origin_not_allowed"),
        (status = 429, description = "rate_limited, too_many_failures"),
    )
)]
pub(crate) async fn sign_in(
    State(app): State<App>,
    context: AuditContext,
    browser: BrowserCookie,
    Json(body): Json<SignIn>,
) -> Result<(HeaderMap, Json<TokenBody>), ApiError> {
    let mut fields = Fields::default();
    let email = fields.required("/email", body.email);
    let password = fields.required("/password", body.password);
    let to_cookie = fields.optional("/refresh_cookie", body.refresh_cookie).unwrap_or_default();
    let (Some(email), Some(password)) = (email, password) else { return Err(fields.into_error()) };
    fields.finish()?;
    let cookie = if to_cookie { Some(&browser) } else { None };
    cookie.map_or(Ok(()), BrowserCookie::check)?;
    let request = SignInRequest { email: &email, password: &password, cookie };
    // Another sign-in may replace an outdated hash while this one verifies it. Then this one reads the account and
    // verifies once more. The second time belongs to the same attempt, so it takes no rate limit permits.
    let mut state = None;
    for _ in 0..2 {
        if let Some(response) = try_sign_in(&app, &context, &request, &mut state).await? {
            return Ok(response);
        }
    }
    Err(invalid_credentials())
}

/// A sign-in request whose fields are present.
struct SignInRequest<'a> {
    email: &'a str,
    password: &'a str,
    /// The cookie for the refresh token, if the client asked for it.
    cookie: Option<&'a BrowserCookie>,
}

fn invalid_credentials() -> ApiError {
    ApiError::new(Code::InvalidCredentials, "Invalid email or password")
}

/// `None`: the stored password changed during verification. On the second call, `state` is the result of the first.
async fn try_sign_in(
    app: &App,
    context: &AuditContext,
    request: &SignInRequest<'_>,
    state: &mut Option<SignInState>,
) -> Result<Option<(HeaderMap, Json<TokenBody>)>, ApiError> {
    let settings = app.settings();
    let (db, context) = (app.anonymous(), context.next(app));
    // A malformed email address belongs to no account. It takes the same time as a wrong password.
    let email = Email::find(request.email).ok();
    let account_name = email.as_ref().map_or(request.email, Email::as_str);
    let account = passwords::account_key(&settings.passwords, account_name).map_err(ApiError::internal)?;
    let limits = settings.limits.as_ref();
    let attempt = SignInAttempt {
        email: email.as_ref(),
        account: &account,
        limits: limits.filter(|_| state.is_none()),
        context: &context,
    };
    let (found, failures) = match users::begin_sign_in(&db, &attempt).await? {
        SignInPermit::RateLimited(refused) => return Err(ApiError::limited(refused)),
        SignInPermit::Granted { found, state: current } => (found, *state.get_or_insert(current)),
    };
    let (user, stored) = found.map(|found| (found.user, found.password)).unzip();
    let stored = stored.flatten();
    let verdict = passwords::verify(&settings.passwords, Password::new(request.password), stored.clone()).await;
    let verdict = verdict.map_err(ApiError::internal)?;

    let fail = async |reason, error| {
        let user = user.as_ref().map(|user| user.id);
        let failure = SignInFailure { user, account: &account, state: failures, reason };
        users::note_failed_sign_in(&db, &failure, &context.next(app)).await?;
        Err(error)
    };
    // While sign-ins to the account are paused, a right password gets the same response as a wrong one, as late.
    let is_admitted = match (failures.gate, &verdict) {
        (SignInGate::Open, PasswordVerdict::Right | PasswordVerdict::Outdated(_)) => true,
        (gate, _) => {
            let is_cleared = failures.unknown_paused && is_pause_cleared(app, &account).await?;
            gate == SignInGate::Paused && is_cleared
        }
    };
    let refusal = || failures.paused.map_or_else(invalid_credentials, ApiError::limited);
    let rehashed = match verdict {
        PasswordVerdict::Wrong => {
            return fail(if user.is_some() { "wrong_password" } else { "unknown_account" }, refusal()).await;
        }
        PasswordVerdict::Right => None,
        PasswordVerdict::Outdated(newer) => Some(newer),
    };
    if !is_admitted {
        return fail("too_many_failures", refusal()).await;
    }
    let context = context.next(app);
    let (Some(found), Some(verified)) = (&user, stored) else { return Err(invalid_credentials()) };
    if let Err(error) = account_status::check(found, context.at) {
        return fail(error.code().as_str(), error).await;
    }
    let session = token_response::new_session(app, &context);
    let credentials = VerifiedCredentials {
        user: found.id,
        verified: &verified,
        rehashed: rehashed.as_ref(),
        account: &account,
        limit: limits.map(|limits| limits.sign_in_address),
    };
    if !sessions::insert(&db, &credentials, &session).await? {
        return Ok(None);
    }
    let Some(user) = user else { return Err(invalid_credentials()) };
    let session = SessionState { id: session.id, generation: 0, expires_at: session.idle_expires_at, is_new: true };
    let tokens = token_response::sign_tokens(app, &settings, user, &session, context.at)?;
    let (headers, body) = token_response::respond(tokens, request.cookie, context.at);
    Ok(Some((headers, Json(body))))
}

/// How often [`is_pause_cleared`] polls: for two seconds in total.
const POLLS: u32 = 20;
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Waits until the sign-ins that paused an account have ended, and returns whether one of them succeeded. An attempt
/// counts as failed until it succeeds, so several correct ones at the same time can pause an account. The first of them
/// to succeed clears the count.
async fn is_pause_cleared(app: &App, account: &str) -> Result<bool, ApiError> {
    for _ in 0..POLLS {
        match users::check_pause(&app.anonymous(), account).await? {
            PauseVerdict::Cleared => return Ok(true),
            PauseVerdict::Paused => return Ok(false),
            PauseVerdict::Undecided => tokio::time::sleep(POLL_INTERVAL).await,
        }
    }
    Ok(false)
}
