//! `POST /api/v1/auth/refresh`

use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;
use shared::App;
use shared::db::sessions::{self, RefreshAttempt, RefreshVerdict};
use shared::domain::AuditContext;
use shared::error::{ApiError, Code};
use shared::http::cookie::BrowserCookie;
use shared::http::{Body, Field, Fields, Json};
use utoipa::ToSchema;

use crate::refresh_token;
use crate::token_response::{self, SessionState};
use crate::view::TokenBody;

/// What to trade for new tokens.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct Refresh {
    /// The newest refresh token the client has stored; left out by browsers that have it in their cookie.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "rt1.AZmP…")]
    refresh_token: Field<String>,
}

/// Refresh
///
/// Trades a refresh token for new tokens. Sending it again, because the answer was lost or a second tab was
/// as quick, gives the same successor. A token from the cookie goes back into the cookie; then the body may be missing.
#[utoipa::path(
    post, path = "/api/v1/auth/refresh", tag = "auth", request_body = Refresh,
    responses(
        (status = 200, description = "The account and its new tokens", body = TokenBody),
        (status = 401, description = "refresh_token_missing, refresh_token_invalid, refresh_token_superseded, refresh_token_reused, refresh_token_ahead, session_revoked, session_expired, account_disabled"),
        (status = 403, description = "account_banned, origin_not_allowed"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(crate) async fn refresh(
    State(app): State<App>,
    context: AuditContext,
    browser: BrowserCookie,
    body: Body,
) -> Result<(HeaderMap, Json<TokenBody>), (HeaderMap, ApiError)> {
    let (token, from_cookie) = match read_request(&browser, &body) {
        Ok(RefreshRequest { token, from_cookie }) => (token, from_cookie),
        Err(error) => return Err((browser.delete_duplicates(), error)),
    };
    let cookie = if from_cookie { Some(&browser) } else { None };
    exchange(&app, &context, cookie, &token).await.map_err(|error| {
        // Delete a cookie whose token can never be refreshed again.
        let is_dead = matches!(
            error.code(),
            Code::RefreshTokenInvalid
                | Code::RefreshTokenReused
                | Code::RefreshTokenAhead
                | Code::SessionRevoked
                | Code::SessionExpired
        );
        (cookie.filter(|_| is_dead).map(BrowserCookie::delete).unwrap_or_default(), error)
    })
}

/// A refresh token, and where it came from.
struct RefreshRequest {
    token: String,
    from_cookie: bool,
}

/// Takes the token from the body, or else from the cookie. An invalid body is refused with its own error if there is a
/// cookie, and with `refresh_token_missing` if there is none.
fn read_request(browser: &BrowserCookie, body: &Body) -> Result<RefreshRequest, ApiError> {
    let read = || {
        if body.bytes.is_empty() {
            return Ok(None);
        }
        let mut fields = Fields::default();
        let token = fields.optional("/refresh_token", body.json::<Refresh>()?.refresh_token);
        fields.finish().map(|()| token)
    };
    let from_body = |token| Ok(RefreshRequest { token, from_cookie: false });
    match read() {
        Ok(Some(token)) if !token.is_empty() => from_body(token),
        given => match (browser.token()?, given) {
            (Some(token), given) => given.map(|_| RefreshRequest { token: token.to_owned(), from_cookie: true }),
            (None, Ok(Some(empty))) => from_body(empty),
            (None, _) => Err(ApiError::of(Code::RefreshTokenMissing)),
        },
    }
}

async fn exchange(
    app: &App,
    context: &AuditContext,
    cookie: Option<&BrowserCookie>,
    token: &str,
) -> Result<(HeaderMap, Json<TokenBody>), ApiError> {
    let token = refresh_token::verify(app, token).await;
    let token = token.map_err(|_| ApiError::of(Code::RefreshTokenInvalid))?;
    let settings = app.settings();
    // Reading the keys again may have taken a while.
    let context = context.next(app);
    let now = context.at;
    let attempt = RefreshAttempt {
        session: token.session,
        generation: token.generation,
        strict: settings.strict_reuse,
        limit: settings.limits.map(|limits| limits.refresh),
        context: &context,
    };
    Err(ApiError::of(match sessions::refresh(&app.anonymous(), &attempt).await? {
        RefreshVerdict::Granted { user, generation, expires_at } => {
            let session = SessionState { id: token.session, generation, expires_at, is_new: false };
            let tokens = token_response::sign_tokens(app, &settings, user, &session, now)?;
            let (headers, body) = token_response::respond(tokens, cookie, now);
            return Ok((headers, Json(body)));
        }
        RefreshVerdict::RateLimited(refused) => return Err(ApiError::limited(refused)),
        RefreshVerdict::Superseded => Code::RefreshTokenSuperseded,
        RefreshVerdict::Reused => Code::RefreshTokenReused,
        RefreshVerdict::Ahead => Code::RefreshTokenAhead,
        RefreshVerdict::Revoked => Code::SessionRevoked,
        RefreshVerdict::Expired => Code::SessionExpired,
        RefreshVerdict::Disabled => Code::AccountDisabled,
        RefreshVerdict::Banned => Code::AccountBanned,
    }))
}
