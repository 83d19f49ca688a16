//! The legacy contract, `/api/tasks`: frozen, with its own request types. To end it, delete this folder and its tests.
//!
//! It differs from `/api/v1/tasks`: the priority may be left out, an unknown name (a priority, a sort key) as the only
//! error is 400 and not 422, a malformed id is 422 and not 404, a deletion returns 204, and responses have no message.

mod complete;
mod create;
mod delete;
mod get;
mod list;
mod update;

use axum::Router;
use shared::App;
use shared::http::openapi;
use shared::http::routes::{self, deprecated, get_with_query, patch, post, put};
use utoipa::OpenApi;

pub(crate) fn routes() -> Router<App> {
    let routes = Router::new()
        .route("/api/tasks", get_with_query(list::list_tasks))
        .route("/api/tasks", post(create::create_task))
        .route("/api/tasks/{id}", routes::get(get::get_task))
        .route("/api/tasks/{id}", put(update::update_task))
        .route("/api/tasks/{id}", routes::delete(delete::delete_task))
        .route("/api/tasks/{id}/complete", patch(complete::complete_task));
    deprecated(routes)
}

pub(crate) fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    openapi::deprecate(&mut document);
    document
}

#[derive(OpenApi)]
#[openapi(paths(
    list::list_tasks,
    create::create_task,
    get::get_task,
    update::update_task,
    delete::delete_task,
    complete::complete_task
))]
struct Document;
