//! `POST /api/v1/auth/signout`; `/logout` is an alias

use std::collections::HashSet;

use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;
use shared::App;
use shared::db::sessions;
use shared::domain::{AuditContext, Proof};
use shared::error::ApiError;
use shared::http::cookie::BrowserCookie;
use shared::http::{Body, Field, Json, MessageBody, bearer, identity_for_sign_out};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::refresh_token;

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
    post, path = "/api/v1/auth/signout", tag = "auth", request_body = SignOut, security((), ("bearer" = [])),
    responses((status = 200, description = "Signed out", body = MessageBody))
)]
pub(crate) async fn sign_out(
    State(app): State<App>,
    context: AuditContext,
    browser: BrowserCookie,
    headers: HeaderMap,
    body: Body,
) -> Result<(HeaderMap, Json<MessageBody>), ApiError> {
    // The session of the bearer token must end even if the body is malformed, so such a body counts as none.
    let body = body.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body.bytes);
    let body: SignOut = serde_json::from_slice(body).unwrap_or_default();
    let db = app.anonymous();
    // A refresh token also has a generation, so it comes first: a bearer token of the same session is then skipped.
    let mut ends: Vec<(Uuid, Option<i64>)> = Vec::new();
    let given = if let Field::Value(token) = &body.refresh_token { Some(token.as_str()) } else { None };
    // `browser.all` is empty for a page of another origin: it can make the browser send the cookie, and must not sign
    // the user out.
    for token in given.into_iter().chain(browser.all()) {
        let token = refresh_token::verify(&app, token).await.ok();
        ends.extend(token.map(|token| (token.session, Some(token.generation))));
    }
    if let Ok(Some(token)) = bearer(&headers) {
        match identity_for_sign_out(&app, token).await.map(|identity| (identity.user, identity.proof)) {
            Some((_, Proof::Session { id, .. })) => ends.push((id, None)),
            Some((user, Proof::LegacyToken { id, expires_at })) if expires_at > context.at => {
                sessions::end_legacy_token(&db, user, id, expires_at, &context.next(&app)).await?;
            }
            _ => {}
        }
    }
    let mut seen = HashSet::new();
    for (session, generation) in ends.into_iter().filter(|(session, _)| seen.insert(*session)).collect::<Vec<_>>() {
        sessions::sign_out(&db, session, generation, &context.next(&app)).await?;
    }
    let headers = if browser.all().next().is_some() { browser.delete() } else { HeaderMap::new() };
    Ok((headers, Json(MessageBody::done("Successfully signed out"))))
}
