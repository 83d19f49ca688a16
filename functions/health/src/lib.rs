//! Health checks: the list of routes. What fits no route of the API comes here too.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod alive;
mod config;
mod database;
mod index;
mod unmatched;

use shared::App;
use shared::http::openapi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route of this function.
#[must_use]
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(index::get_index))
        .routes(routes!(alive::check_alive))
        .routes(routes!(database::check_database))
        .routes(routes!(config::check_config))
        .route("/{*path}", axum::routing::any(unmatched::unmatched))
}
