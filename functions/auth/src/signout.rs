//! `POST /api/v1/auth/signout`, and `/logout` by its other name

use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;
use shared::App;
use shared::db::sessions::{self, Client, End};
use shared::error::ApiError;
use shared::http::cookie::BrowserCookie;
use shared::http::{Body, Json, MessageBody, bearer, client, session_to_end};
use utoipa::ToSchema;

use crate::presented;

/// Which session to end, if not that of the bearer token.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct SignOut {
    /// A refresh token of the session.
    #[schema(example = "rt1.AZmP…")]
    refresh_token: Option<String>,
}

/// Sign out
///
/// Ends the session of the bearer token, expired or not, and that of the refresh token in the body or the
/// cookie. Succeeds with neither, and with any body, because clients call it with nothing.
#[utoipa::path(
    post, path = "/signout", tag = "auth", request_body = Option<SignOut>, security((), ("bearer" = [])),
    responses((status = 200, description = "Signed out", body = MessageBody))
)]
pub(crate) async fn sign_out(
    State(app): State<App>,
    client::From(client): client::From,
    browser: BrowserCookie,
    headers: HeaderMap,
    body: Body,
) -> Result<(HeaderMap, Json<MessageBody>), ApiError> {
    end_session(&app, &client, &browser, &headers, &body.bytes).await
}

/// Sign out
///
/// The same as `/api/v1/auth/signout`.
#[utoipa::path(
    post, path = "/logout", tag = "auth", request_body = Option<SignOut>, security((), ("bearer" = [])),
    responses((status = 200, description = "Signed out", body = MessageBody))
)]
pub(crate) async fn logout(
    State(app): State<App>,
    client::From(client): client::From,
    browser: BrowserCookie,
    headers: HeaderMap,
    body: Body,
) -> Result<(HeaderMap, Json<MessageBody>), ApiError> {
    end_session(&app, &client, &browser, &headers, &body.bytes).await
}

/// Whatever the body is, the session of the bearer token must end: a body that says nothing is no body.
async fn end_session(
    app: &App,
    client: &Client,
    browser: &BrowserCookie,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(HeaderMap, Json<MessageBody>), ApiError> {
    let body: SignOut = serde_json::from_slice(body).unwrap_or_default();
    let bearer = match bearer(headers) {
        Ok(Some(token)) => session_to_end(app, token).await,
        _ => None,
    };
    // A page of another origin can make the browser send its cookie, and must not end its session.
    let cookie = browser.token().ok().flatten();
    let mut sessions: Vec<_> = bearer.into_iter().collect();
    for token in [body.refresh_token.as_deref(), cookie].into_iter().flatten() {
        sessions.extend(presented::read(app, token).await.ok().map(|token| token.session));
    }
    sessions.sort_unstable();
    sessions.dedup();
    for session in sessions {
        let end = End { client, at: app.clock.now(), event: app.ids.next() };
        sessions::sign_out(&app.db.anonymous(), session, &end).await?;
    }
    let headers = if cookie.is_some() { browser.take_back() } else { HeaderMap::new() };
    Ok((headers, Json(MessageBody::done("Successfully signed out"))))
}
