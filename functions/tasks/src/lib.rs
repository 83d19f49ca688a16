//! Tasks: the list of routes.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod legacy;
mod tasks {
    pub(crate) mod complete;
    pub(crate) mod create;
    pub(crate) mod delete;
    pub(crate) mod fields;
    pub(crate) mod get;
    pub(crate) mod list;
    pub(crate) mod patch;
    pub(crate) mod update;
    pub(crate) mod view;
}

use axum::Router;
use shared::App;
use shared::http::routes::{delete, get, get_with_query, patch, post, put};
use utoipa::OpenApi;

/// Every route of this function.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/tasks", get_with_query(tasks::list::list_tasks))
        .route("/api/v1/tasks", post(tasks::create::create_task))
        .route("/api/v1/tasks/{id}", get(tasks::get::get_task))
        .route("/api/v1/tasks/{id}", put(tasks::update::update_task))
        .route("/api/v1/tasks/{id}", patch(tasks::patch::patch_task))
        .route("/api/v1/tasks/{id}", delete(tasks::delete::delete_task))
        .route("/api/v1/tasks/{id}/complete", patch(tasks::complete::complete_task))
        .merge(legacy::routes())
}

/// The OpenAPI document of these routes.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.merge(legacy::document());
    document
}

#[derive(OpenApi)]
#[openapi(paths(
    tasks::list::list_tasks,
    tasks::create::create_task,
    tasks::get::get_task,
    tasks::update::update_task,
    tasks::patch::patch_task,
    tasks::delete::delete_task,
    tasks::complete::complete_task
))]
struct Document;
