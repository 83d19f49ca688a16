//! `POST /api/v1/auth/signout`, and `/logout` by its other name

use std::collections::HashSet;

use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;
use shared::App;
use shared::db::sessions;
use shared::domain::{AuditContext, Proof};
use shared::error::ApiError;
use shared::http::cookie::BrowserCookie;
use shared::http::{Body, Field, Json, MessageBody, bearer, identity_to_end};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::presented;

/// Which session to end, if not that of the bearer token.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct SignOut {
    /// A refresh token of the session.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "rt1.AZmP…")]
    refresh_token: Field<String>,
}

/// Sign out
///
/// Ends the session of the bearer token, expired or not, and that of the refresh token in the body or the
/// cookie. Succeeds with neither, and with any body, because clients call it with nothing.
#[utoipa::path(
    post, path = "/signout", tag = "auth", request_body = SignOut, security((), ("bearer" = [])),
    responses((status = 200, description = "Signed out", body = MessageBody))
)]
pub(crate) async fn sign_out(
    State(app): State<App>,
    context: AuditContext,
    browser: BrowserCookie,
    headers: HeaderMap,
    body: Body,
) -> Result<(HeaderMap, Json<MessageBody>), ApiError> {
    end_session(&app, &context, &browser, &headers, &body.bytes).await
}

/// Sign out
///
/// The same as `/api/v1/auth/signout`.
#[utoipa::path(
    post, path = "/logout", tag = "auth", request_body = SignOut, security((), ("bearer" = [])),
    responses((status = 200, description = "Signed out", body = MessageBody))
)]
pub(crate) async fn logout(
    State(app): State<App>,
    context: AuditContext,
    browser: BrowserCookie,
    headers: HeaderMap,
    body: Body,
) -> Result<(HeaderMap, Json<MessageBody>), ApiError> {
    end_session(&app, &context, &browser, &headers, &body.bytes).await
}

/// Whatever the body is, the session of the bearer token must end: a body that says nothing is no body.
async fn end_session(
    app: &App,
    context: &AuditContext,
    browser: &BrowserCookie,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(HeaderMap, Json<MessageBody>), ApiError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let body: SignOut = serde_json::from_slice(body).unwrap_or_default();
    let db = app.anonymous();
    // Of two tokens of one session the refresh token says more, and comes first.
    let mut ends: Vec<(Uuid, Option<i64>)> = Vec::new();
    let given = if let Field::Value(token) = &body.refresh_token { Some(token.as_str()) } else { None };
    // A page of another origin can make the browser send its cookie, and must not end its session.
    for token in given.into_iter().chain(browser.all()) {
        let token = presented::read(app, token).await.ok();
        ends.extend(token.map(|token| (token.session, Some(token.generation))));
    }
    if let Ok(Some(token)) = bearer(headers) {
        match identity_to_end(app, token).await.map(|identity| (identity.user, identity.proof)) {
            Some((_, Proof::Session { id, .. })) => ends.push((id, None)),
            Some((user, Proof::LegacyToken { id, expires_at })) if expires_at > context.at => {
                sessions::end_legacy_token(&db, user, id, expires_at, &context.next(app)).await?;
            }
            _ => {}
        }
    }
    let mut seen = HashSet::new();
    for (session, generation) in ends.into_iter().filter(|(session, _)| seen.insert(*session)).collect::<Vec<_>>() {
        sessions::sign_out(&db, session, generation, &context.next(app)).await?;
    }
    let headers = if browser.all().next().is_some() { browser.take_back() } else { HeaderMap::new() };
    Ok((headers, Json(MessageBody::done("Successfully signed out"))))
}
