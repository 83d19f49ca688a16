//! `GET /.well-known/jwks.json`

use axum::Json;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse};
use http::header::CACHE_CONTROL;
use serde::Serialize;
use shared::App;
use shared::tokens::PublicJwk;
use utoipa::ToSchema;

/// The public keys that verify access tokens (RFC 7517).
#[derive(Serialize, ToSchema)]
pub(crate) struct Jwks {
    /// The keys: next, active and retired ones.
    keys: Vec<PublicJwk>,
}

/// Public keys
///
/// The keys that verify access tokens, as a JSON Web Key Set (RFC 7517). Whoever verifies tokens elsewhere may keep them
/// as long as `Cache-Control` says.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "auth",
    responses((status = 200, description = "The keys", body = Jwks, headers(("Cache-Control" = String, description = "How long the keys may be kept"))))
)]
pub(crate) async fn get_jwks(State(app): State<App>) -> impl IntoResponse {
    let keys = app.settings().access_tokens.verification_keys.published();
    (AppendHeaders([(CACHE_CONTROL, "public, max-age=300")]), Json(Jwks { keys }))
}
