//! `GET /`

use serde::Serialize;
use shared::http::Json;
use utoipa::ToSchema;

/// What this is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Index {
    /// The name of the service.
    #[schema(example = "Task backend")]
    name: &'static str,
    /// Its version.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// The docs page.
    #[schema(example = "/api/docs")]
    docs: &'static str,
    /// The OpenAPI document.
    #[schema(example = "/api/openapi.json")]
    openapi: &'static str,
    /// The health check.
    #[schema(example = "/health")]
    health: &'static str,
}

/// What is this
///
/// Tells the name and version of the service, and where its document, its docs page and its health check are.
#[utoipa::path(
    get, path = "/", tag = "health",
    responses((status = 200, description = "Name, version and links", body = Index))
)]
pub(crate) async fn get_index() -> Json<Index> {
    Json(Index {
        name: "Task backend",
        version: env!("CARGO_PKG_VERSION"),
        docs: "/api/docs",
        openapi: "/api/openapi.json",
        health: "/health",
    })
}
