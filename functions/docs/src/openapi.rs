//! `GET /api/openapi.json`

use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

/// The committed document. `shared/conformance` compares it with the code.
const DOCUMENT: &str = include_str!("../openapi.json");

/// The OpenAPI document
///
/// This document. It comes from the code of the endpoints, so that it says what the deployed version does.
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "docs",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = Object))
)]
pub(crate) async fn get_openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "public, max-age=300")], DOCUMENT)
}
