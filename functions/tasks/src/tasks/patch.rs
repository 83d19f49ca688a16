//! `PATCH /api/v1/tasks/{id}`

use axum::extract::State;
use shared::App;
use shared::error::ApiError;
use shared::http::{CurrentUser, IdPath, Json, PathId};

use super::update::{UpdateTask, apply};
use super::view::TaskBody;

/// Update a task
///
/// A JSON merge patch (RFC 7396): changes the fields that are sent. Also taken as `application/merge-patch+json`.
#[utoipa::path(
    patch, path = "/api/v1/tasks/{id}", tag = "tasks", params(IdPath), security(("bearer" = [])),
    request_body = UpdateTask,
    responses(
        (status = 200, description = "The task as it is now", body = TaskBody),
        (status = 404, description = "task_not_found"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(crate) async fn patch_task(
    user: CurrentUser,
    State(app): State<App>,
    id: PathId,
    Json(body): Json<UpdateTask>,
) -> Result<Json<TaskBody>, ApiError> {
    apply(user, &app, id, body).await
}
