//! Health checks: the list of routes. Requests that match no route of any function come here too.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod health {
    pub(crate) mod alive;
    pub(crate) mod config;
    pub(crate) mod database;
}
mod index {
    pub(crate) mod get;
}
mod unmatched;

use axum::Router;
use axum::routing::any;
use shared::App;
use shared::http::routes::get;
use utoipa::OpenApi;

/// Every route of this function.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(index::get::get_index))
        .route("/health", get(health::alive::check_alive))
        .route("/health/db", get(health::database::check_database))
        .route("/health/config", get(health::config::check_config))
        .route("/{*path}", any(unmatched::unmatched))
}

/// The OpenAPI document of these routes.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

#[derive(OpenApi)]
#[openapi(paths(
    index::get::get_index,
    health::alive::check_alive,
    health::database::check_database,
    health::config::check_config
))]
struct Document;
