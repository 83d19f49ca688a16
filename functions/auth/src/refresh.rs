//! `POST /api/v1/auth/refresh`

use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;
use shared::App;
use shared::db::sessions::{self, Client, Presented, Refreshed};
use shared::error::{ApiError, Code};
use shared::http::cookie::BrowserCookie;
use shared::http::{Json, client};
use utoipa::ToSchema;

use crate::issue::{self, Session};
use crate::presented;
use crate::view::SignedInBody;

/// What to trade for new tokens.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Refresh {
    /// The newest refresh token the client has stored; left out by browsers that have it in their cookie.
    #[schema(example = "rt1.AZmP…")]
    refresh_token: Option<String>,
}

/// Refresh
///
/// Trades a refresh token for new tokens. Sending it again, because the answer was lost or a second tab was
/// as quick, gives the same successor. A token from the cookie goes back into the cookie.
#[utoipa::path(
    post, path = "/refresh", tag = "auth", request_body = Refresh,
    responses(
        (status = 200, description = "The account and its new tokens", body = SignedInBody),
        (status = 401, description = "refresh_token_invalid, refresh_token_superseded, refresh_token_reused, refresh_token_ahead, session_revoked, session_expired, account_disabled"),
        (status = 403, description = "account_banned, origin_not_allowed"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(crate) async fn refresh(
    State(app): State<App>,
    client::From(client): client::From,
    browser: BrowserCookie,
    Json(body): Json<Refresh>,
) -> Result<(HeaderMap, Json<SignedInBody>), (HeaderMap, ApiError)> {
    exchange(&app, &client, &browser, &body).await.map_err(|error| {
        // A cookie that will never yield anything again is taken back.
        let is_dead = matches!(
            error.code(),
            Code::RefreshTokenInvalid
                | Code::RefreshTokenReused
                | Code::RefreshTokenAhead
                | Code::SessionRevoked
                | Code::SessionExpired
        );
        (if is_dead && body.refresh_token.is_none() { browser.take_back() } else { HeaderMap::new() }, error)
    })
}

async fn exchange(
    app: &App,
    client: &Client,
    browser: &BrowserCookie,
    body: &Refresh,
) -> Result<(HeaderMap, Json<SignedInBody>), ApiError> {
    let (token, from_cookie) = match &body.refresh_token {
        Some(token) => (token.as_str(), false),
        None => match browser.token()? {
            Some(token) => (token, true),
            None => return Err(ApiError::invalid("/refresh_token", "is required")),
        },
    };
    let token = presented::read(app, token).await;
    let token = token.map_err(|_| ApiError::of(Code::RefreshTokenInvalid))?;
    let settings = app.settings();
    let now = app.clock.now();
    let presented = Presented {
        session: token.session,
        generation: token.generation,
        at: now,
        client,
        strict: settings.strict_reuse,
        event: app.ids.next(),
        limit: settings.limits.map(|limits| limits.refresh),
    };
    Err(ApiError::of(match sessions::refresh(&app.db.anonymous(), &presented).await? {
        Refreshed::Granted { user, generation, expires_at } => {
            let session = Session { id: token.session, generation, expires_at, is_new: false };
            let tokens = issue::tokens(app, &settings, user, &session, now)?;
            let (headers, body) = issue::answer(tokens, from_cookie, now);
            return Ok((headers, Json(body)));
        }
        Refreshed::Limited(refused) => return Err(ApiError::limited(refused)),
        Refreshed::Superseded => Code::RefreshTokenSuperseded,
        Refreshed::Reused => Code::RefreshTokenReused,
        Refreshed::Ahead => Code::RefreshTokenAhead,
        Refreshed::Revoked => Code::SessionRevoked,
        Refreshed::Expired => Code::SessionExpired,
        Refreshed::Disabled => Code::AccountDisabled,
        Refreshed::Banned => Code::AccountBanned,
    }))
}
