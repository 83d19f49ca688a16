//! The OpenAPI document and the page that shows it: the list of routes.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod assets;
mod openapi;
mod page;
mod problems;

use axum::Router;
use shared::App;
use shared::http::routes::get;
use utoipa::OpenApi;

/// Every route of this function.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/openapi.json", get(openapi::get_openapi))
        .route("/api/docs", get(page::get_docs))
        .route("/api/docs/problems", get(problems::get_problems))
        .route("/api/docs/assets/{file}", get(assets::get_asset))
}

/// The OpenAPI document of these routes.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

#[derive(OpenApi)]
#[openapi(paths(openapi::get_openapi, page::get_docs, problems::get_problems, assets::get_asset))]
struct Document;
