//! `POST /api/v1/auth/signin`, and `/login` by its other name

use axum::extract::State;
use serde::Deserialize;
use shared::App;
use shared::db::sessions::{self, Client, SignedIn};
use shared::db::users;
use shared::domain::{Email, Password};
use shared::error::{ApiError, Code};
use shared::http::{Json, client};
use shared::passwords::{self, Verdict};
use utoipa::ToSchema;

use crate::issue::{self, Session};
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
}

/// Sign in
///
/// A wrong password and an unknown address get the same answer after the same time.
#[utoipa::path(
    post, path = "/signin", tag = "auth", request_body = SignIn,
    responses(
        (status = 200, description = "The account and its tokens", body = SignedInBody),
        (status = 401, description = "invalid_credentials, account_disabled"),
    )
)]
pub(crate) async fn sign_in(
    State(app): State<App>,
    client::From(client): client::From,
    Json(body): Json<SignIn>,
) -> Result<Json<SignedInBody>, ApiError> {
    open_session(&app, &client, body).await.map(Json)
}

/// Sign in
///
/// The same as `/api/v1/auth/signin`.
#[utoipa::path(
    post, path = "/login", tag = "auth", request_body = SignIn,
    responses(
        (status = 200, description = "The account and its tokens", body = SignedInBody),
        (status = 401, description = "invalid_credentials, account_disabled"),
    )
)]
pub(crate) async fn login(
    State(app): State<App>,
    client::From(client): client::From,
    Json(body): Json<SignIn>,
) -> Result<Json<SignedInBody>, ApiError> {
    open_session(&app, &client, body).await.map(Json)
}

async fn open_session(app: &App, client: &Client, body: SignIn) -> Result<SignedInBody, ApiError> {
    // Another sign-in may replace an outdated hash while this one verifies it: then it is looked at once more.
    for _ in 0..2 {
        if let Some(signed_in) = try_to_open_session(app, client, &body).await? {
            return Ok(signed_in);
        }
    }
    Err(wrong())
}

fn wrong() -> ApiError {
    ApiError::new(Code::InvalidCredentials, "Invalid email or password")
}

/// None if the account changed while its password was verified.
async fn try_to_open_session(app: &App, client: &Client, body: &SignIn) -> Result<Option<SignedInBody>, ApiError> {
    let settings = app.settings();
    let db = app.db.anonymous();
    // What is no address belongs to no account, and costs as much as any wrong answer.
    let found = match Email::parse(&body.email) {
        Ok(email) => users::find_credentials(&db, &email).await?,
        Err(_) => None,
    };
    let (user, stored) = found.map(|found| (found.user, found.password)).unzip();
    let stored = stored.flatten();
    let verdict = passwords::verify(&settings, Password::new(&body.password), stored.clone()).await;
    let rehashed = match verdict.map_err(ApiError::internal)? {
        Verdict::Wrong => return Err(wrong()),
        Verdict::Right => None,
        Verdict::Outdated(newer) => Some(newer),
    };
    let (Some(user), Some(verified)) = (user, stored) else { return Err(wrong()) };
    if !user.is_active {
        return Err(ApiError::of(Code::AccountDisabled));
    }
    let now = app.clock.now();
    let session = issue::new_session(app, client, now);
    let signed_in = SignedIn { user: user.id, verified: &verified, rehashed: rehashed.as_ref() };
    if !sessions::insert(&db, &signed_in, &session).await? {
        return Ok(None);
    }
    let session = Session { id: session.id, generation: 0, expires_at: session.idle_expires_at, is_new: true };
    Ok(Some(issue::tokens(app, &settings, user, &session, now)?.into()))
}
