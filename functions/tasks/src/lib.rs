//! Everything about tasks: the list of routes.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod complete;
mod create;
mod delete;
mod edition;
mod get;
mod list;
mod update;
mod view;

use axum::Extension;
use shared::App;
use shared::http::openapi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use edition::Edition;

/// Every route of this function: one set of handlers, served to both generations of clients.
#[must_use]
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::base())
        .nest("/api", edition::document_first(both().layer(Extension(Edition::First))))
        .nest("/api/v1", both().routes(routes!(update::patch_task)).layer(Extension(Edition::Second)))
}

fn both() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_tasks, create::create_task))
        .routes(routes!(get::get_task, update::update_task, delete::delete_task))
        .routes(routes!(complete::complete_task))
}
