//! `GET /api/tasks/{id}` and `GET /api/v1/tasks/{id}`

use axum::extract::State;
use shared::App;
use shared::db::tasks;
use shared::error::{ApiError, Code};
use shared::http::{CurrentUser, IdPath, Json, PathId};

use crate::edition::Edition;
use crate::view::TaskBody;

/// Get a task
///
/// Tells one task of the caller. A task of somebody else is 404, like one that never was.
#[utoipa::path(
    get, path = "/tasks/{id}", tag = "tasks", params(IdPath), security(("bearer" = [])),
    responses(
        (status = 200, description = "The task", body = TaskBody),
        (status = 404, description = "task_not_found"),
    )
)]
pub(crate) async fn get_task(
    user: CurrentUser,
    edition: Edition,
    State(app): State<App>,
    id: PathId,
) -> Result<Json<TaskBody>, ApiError> {
    let row = tasks::find(&app.read(user), user.id(), edition.task_id(id)?).await?;
    let row = row.ok_or_else(|| ApiError::of(Code::TaskNotFound))?;
    Ok(Json(TaskBody::new(row, None)))
}
