//! `PATCH /api/v1/tasks/{id}/complete`

use axum::extract::State;
use serde::Deserialize;
use shared::App;
use shared::db::tasks::{self, TaskChange};
use shared::error::{ApiError, Code};
use shared::http::{CurrentUser, Field, Fields, IdPath, Json, PathId};
use utoipa::ToSchema;

use super::fields::task_id;
use super::view::TaskBody;

/// Whether a task is done.
#[derive(Deserialize, ToSchema)]
pub(crate) struct CompleteTask {
    /// True if it is done, false to open it again.
    #[serde(default)]
    #[schema(value_type = bool, required, example = true)]
    completed: Field<bool>,
}

/// Complete a task
///
/// Marks a task as done, or opens it again.
#[utoipa::path(
    patch, path = "/api/v1/tasks/{id}/complete", tag = "tasks", params(IdPath), request_body = CompleteTask, security(("bearer" = [])),
    responses(
        (status = 200, description = "The task as it is now", body = TaskBody),
        (status = 404, description = "task_not_found"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(crate) async fn complete_task(
    user: CurrentUser,
    State(app): State<App>,
    id: PathId,
    Json(body): Json<CompleteTask>,
) -> Result<Json<TaskBody>, ApiError> {
    let change = read(body)?;
    let row = tasks::update(&app.write(user), user.id(), task_id(id)?, &change, app.clock.now()).await?;
    let row = row.ok_or_else(|| ApiError::of(Code::TaskNotFound))?;
    Ok(Json(TaskBody::new(row, Some("Task updated successfully"))))
}

pub(crate) fn read(body: CompleteTask) -> Result<TaskChange, ApiError> {
    let mut fields = Fields::default();
    let is_completed = fields.required("/completed", body.completed);
    fields.finish()?;
    Ok(TaskChange { is_completed, ..TaskChange::default() })
}
