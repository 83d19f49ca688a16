//! `DELETE /api/v1/tasks/{id}`

use axum::extract::State;
use shared::App;
use shared::db::tasks;
use shared::error::{ApiError, Code};
use shared::http::{CurrentUser, IdPath, Json, MessageBody, PathId};
use uuid::Uuid;

use super::fields::task_id;

/// Delete a task
///
/// Removes a task of the caller for good.
#[utoipa::path(
    delete, path = "/api/v1/tasks/{id}", tag = "tasks", params(IdPath), security(("bearer" = [])),
    responses(
        (status = 200, description = "Deleted", body = MessageBody),
        (status = 404, description = "task_not_found"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(crate) async fn delete_task(
    user: CurrentUser,
    State(app): State<App>,
    id: PathId,
) -> Result<Json<MessageBody>, ApiError> {
    remove_task(&app, user, task_id(id)?).await?;
    Ok(Json(MessageBody::done("Task deleted successfully")))
}

/// Deletes a task of the user; 404 without such a task.
pub(crate) async fn remove_task(app: &App, user: CurrentUser, id: Uuid) -> Result<(), ApiError> {
    let is_deleted = tasks::delete(&app.write(user), user.id(), id).await?;
    if is_deleted { Ok(()) } else { Err(ApiError::of(Code::TaskNotFound)) }
}
