//! `GET /api/v1/tasks/{id}`

use axum::extract::State;
use shared::App;
use shared::db::tasks::{self, TaskRow};
use shared::error::{ApiError, Code};
use shared::http::{CurrentUser, IdPath, Json, PathId};
use uuid::Uuid;

use super::fields::task_id;
use super::view::TaskBody;

/// Get a task
///
/// Tells one task of the caller. A task of somebody else is 404, like one that never was.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}", tag = "tasks", params(IdPath), security(("bearer" = [])),
    responses(
        (status = 200, description = "The task", body = TaskBody),
        (status = 404, description = "task_not_found"),
    )
)]
pub(crate) async fn get_task(
    user: CurrentUser,
    State(app): State<App>,
    id: PathId,
) -> Result<Json<TaskBody>, ApiError> {
    Ok(Json(TaskBody::new(find_task(&app, user, task_id(id)?).await?, None)))
}

/// Reads a task of the user; 404 without such a task.
pub(crate) async fn find_task(app: &App, user: CurrentUser, id: Uuid) -> Result<TaskRow, ApiError> {
    let row = tasks::find(&app.read(user), user.id(), id).await?;
    row.ok_or_else(|| ApiError::of(Code::TaskNotFound))
}
