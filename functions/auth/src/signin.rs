//! `POST /api/v1/auth/signin`, and `/login` by its other name

use std::time::Duration;

use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;
use shared::App;
use shared::db::sessions::{self, VerifiedCredentials};
use shared::db::users::{self, PauseVerdict, SignInAttempt, SignInFailure, SignInGate, SignInPermit, SignInStanding};
use shared::domain::{AuditContext, Email, Password};
use shared::error::{ApiError, Code};
use shared::http::cookie::BrowserCookie;
use shared::http::{Field, Fields, Json};
use shared::passwords::{self, Verdict};
use utoipa::ToSchema;

use crate::issue::{self, Session};
use crate::standing;
use crate::view::SignedInBody;

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
    context: AuditContext,
    browser: BrowserCookie,
    Json(body): Json<SignIn>,
) -> Result<(HeaderMap, Json<SignedInBody>), ApiError> {
    open_session(&app, &context, &browser, body).await
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
    context: AuditContext,
    browser: BrowserCookie,
    Json(body): Json<SignIn>,
) -> Result<(HeaderMap, Json<SignedInBody>), ApiError> {
    open_session(&app, &context, &browser, body).await
}

async fn open_session(
    app: &App,
    context: &AuditContext,
    browser: &BrowserCookie,
    body: SignIn,
) -> Result<(HeaderMap, Json<SignedInBody>), ApiError> {
    let mut fields = Fields::default();
    let email = fields.required("/email", body.email);
    let password = fields.required("/password", body.password);
    let to_cookie = fields.optional("/refresh_cookie", body.refresh_cookie).unwrap_or_default();
    let (Some(email), Some(password)) = (email, password) else { return Err(fields.into_error()) };
    fields.finish()?;
    let cookie = if to_cookie { Some(browser) } else { None };
    cookie.map_or(Ok(()), BrowserCookie::check)?;
    let given = SignInInput { email: &email, password: &password, cookie };
    // Another sign-in may replace an outdated hash while this one verifies it: then it is looked at once more.
    // The second look is part of the same try, and takes no permits.
    let mut standing = None;
    for _ in 0..2 {
        if let Some(answer) = try_to_open_session(app, context, &given, &mut standing).await? {
            return Ok(answer);
        }
    }
    Err(wrong())
}

/// What a request to sign in says.
struct SignInInput<'a> {
    email: &'a str,
    password: &'a str,
    /// Where the refresh token shall go, if it shall go into the cookie.
    cookie: Option<&'a BrowserCookie>,
}

fn wrong() -> ApiError {
    ApiError::new(Code::InvalidCredentials, "Invalid email or password")
}

/// None if the account changed while its password was verified. `standing` is what the first look found, if this is the
/// second.
async fn try_to_open_session(
    app: &App,
    context: &AuditContext,
    given: &SignInInput<'_>,
    standing: &mut Option<SignInStanding>,
) -> Result<Option<(HeaderMap, Json<SignedInBody>)>, ApiError> {
    let settings = app.settings();
    let (db, context) = (app.anonymous(), context.next(app));
    // What is no address belongs to no account, and costs as much as any wrong answer.
    let email = Email::find(given.email).ok();
    let named = email.as_ref().map_or(given.email, Email::as_str);
    let account = passwords::account_key(&settings.passwords, named).map_err(ApiError::internal)?;
    let limits = settings.limits.as_ref();
    let attempt = SignInAttempt {
        email: email.as_ref(),
        account: &account,
        limits: limits.filter(|_| standing.is_none()),
        context: &context,
    };
    let (found, before) = match users::begin_sign_in(&db, &attempt).await? {
        SignInPermit::RateLimited(refused) => return Err(ApiError::limited(refused)),
        SignInPermit::Granted { found, standing: now } => (found, *standing.get_or_insert(now)),
    };
    let (user, stored) = found.map(|found| (found.user, found.password)).unzip();
    let stored = stored.flatten();
    let verdict = passwords::verify(&settings.passwords, Password::new(given.password), stored.clone()).await;
    let verdict = verdict.map_err(ApiError::internal)?;

    let fail = async |reason, error| {
        let user = user.as_ref().map(|user| user.id);
        let failure = SignInFailure { user, account: &account, standing: before, reason };
        users::note_failed_sign_in(&db, &failure, &context.next(app)).await?;
        Err(error)
    };
    // A right password that is not let in gets the answer of a wrong one, after the same time.
    let is_let_in = match (before.gate, &verdict) {
        (SignInGate::Open, Verdict::Right | Verdict::Outdated(_)) => true,
        (gate, _) => {
            let is_cleared = before.unknown_paused && is_pause_cleared(app, &account).await?;
            gate == SignInGate::Paused && is_cleared
        }
    };
    let refusal = || before.paused.map_or_else(wrong, ApiError::limited);
    let rehashed = match verdict {
        Verdict::Wrong => {
            return fail(if user.is_some() { "wrong_password" } else { "unknown_account" }, refusal()).await;
        }
        Verdict::Right => None,
        Verdict::Outdated(newer) => Some(newer),
    };
    if !is_let_in {
        return fail("too_many_failures", refusal()).await;
    }
    let context = context.next(app);
    let (Some(found), Some(verified)) = (&user, stored) else { return Err(wrong()) };
    if let Err(error) = standing::check(found, context.at) {
        return fail(error.code().as_str(), error).await;
    }
    let session = issue::new_session(app, &context);
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
    let Some(user) = user else { return Err(wrong()) };
    let session = Session { id: session.id, generation: 0, expires_at: session.idle_expires_at, is_new: true };
    let tokens = issue::tokens(app, &settings, user, &session, context.at)?;
    let (headers, body) = issue::answer(tokens, given.cookie, context.at);
    Ok(Some((headers, Json(body))))
}

/// How often, and how long in between, to look whether sign-ins that are under way turn out right.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Whether one of the sign-ins that paused an account turns out right. An attempt counts as failed until it succeeds, so
/// several right ones at the same moment can pause an account; the first of them to succeed clears the count.
async fn is_pause_cleared(app: &App, account: &str) -> Result<bool, ApiError> {
    for _ in 0..LOOKS {
        match users::judge_pause(&app.anonymous(), account).await? {
            PauseVerdict::Cleared => return Ok(true),
            PauseVerdict::Paused => return Ok(false),
            PauseVerdict::Undecided => tokio::time::sleep(BETWEEN_LOOKS).await,
        }
    }
    Ok(false)
}
