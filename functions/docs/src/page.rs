//! `GET /api/docs`

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};

/// Everything comes from this origin; scripts and styles only from files.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The docs page
///
/// Shows the OpenAPI document, and lets a person sign in and try calls.
#[utoipa::path(
    get, path = "/api/docs", tag = "docs",
    responses((status = 200, description = "The page", content_type = "text/html", body = String))
)]
pub(crate) async fn get_docs() -> Response {
    html(include_str!("../assets/index.html"))
}

/// A page under the strict policy.
pub(crate) fn html(text: impl Into<axum::body::Body>) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    ];
    (headers, text.into()).into_response()
}
