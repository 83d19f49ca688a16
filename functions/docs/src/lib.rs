//! The OpenAPI document and the page that shows it: the list of routes.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod assets;
mod openapi;
mod page;
mod problems;

use shared::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route of this function.
#[must_use]
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(shared::http::openapi::base())
        .routes(routes!(openapi::get_openapi))
        .routes(routes!(page::get_docs))
        .routes(routes!(problems::get_problems))
        .routes(routes!(assets::get_asset))
}
