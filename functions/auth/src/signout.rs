//! `POST /api/v1/auth/signout`, and `/logout` by its other name

use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;
use shared::App;
use shared::db::sessions;
use shared::error::ApiError;
use shared::http::{Body, Json, MessageBody, bearer, session_to_end};
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
/// Ends the session of the bearer token, expired or not, and that of the refresh token. Succeeds with
/// neither, and with any body, because clients call it with nothing.
#[utoipa::path(
    post, path = "/signout", tag = "auth", request_body = Option<SignOut>, security((), ("bearer" = [])),
    responses((status = 200, description = "Signed out", body = MessageBody))
)]
pub(crate) async fn sign_out(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<MessageBody>, ApiError> {
    end_session(&app, &headers, &body.bytes).await
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
    headers: HeaderMap,
    body: Body,
) -> Result<Json<MessageBody>, ApiError> {
    end_session(&app, &headers, &body.bytes).await
}

/// Whatever the body is, the session of the bearer token must end: a body that says nothing is no body.
async fn end_session(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Json<MessageBody>, ApiError> {
    let body: SignOut = serde_json::from_slice(body).unwrap_or_default();
    let bearer = match bearer(headers) {
        Ok(Some(token)) => session_to_end(app, token).await,
        _ => None,
    };
    let refresh = match &body.refresh_token {
        Some(token) => presented::read(app, token).await.ok().map(|token| token.session),
        None => None,
    };
    let refresh = refresh.filter(|session| Some(*session) != bearer);
    for session in [bearer, refresh].into_iter().flatten() {
        sessions::revoke(&app.db.anonymous(), session, app.clock.now(), "signed_out").await?;
    }
    Ok(Json(MessageBody::done("Successfully signed out")))
}
