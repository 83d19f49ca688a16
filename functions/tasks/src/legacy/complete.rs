//! `PATCH /api/tasks/{id}/complete`

use axum::extract::State;
use shared::App;
use shared::error::ApiError;
use shared::http::{CurrentUser, IdPath, Json, PathId};

use crate::tasks::complete::{CompleteTask, read};
use crate::tasks::update::change_task;
use crate::tasks::view::TaskBody;

/// Complete a task
///
/// Marks a task as done, or opens it again.
#[utoipa::path(
    patch, operation_id = "complete_task_unversioned", path = "/api/tasks/{id}/complete", tag = "tasks", params(IdPath), request_body = CompleteTask, security(("bearer" = [])),
    responses(
        (status = 200, description = "The task as it is now", body = TaskBody),
        (status = 400, description = "invalid_parameter"),
        (status = 404, description = "task_not_found"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(super) async fn complete_task(
    user: CurrentUser,
    State(app): State<App>,
    id: PathId,
    Json(body): Json<CompleteTask>,
) -> Result<Json<TaskBody>, ApiError> {
    let change = read(body)?;
    let row = change_task(&app, user, id.uuid()?, &change).await?;
    Ok(Json(TaskBody::new(row, None)))
}
