//! `DELETE /api/tasks/{id}`, `DELETE /api/v1/tasks/{id}`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use shared::App;
use shared::db::tasks;
use shared::error::{ApiError, Code};
use shared::http::{CurrentUser, IdPath, Json, MessageBody, PathId};

use crate::edition::Edition;

/// Delete a task
///
/// Removes a task of the caller for good.
#[utoipa::path(
    delete, path = "/tasks/{id}", tag = "tasks", params(IdPath), security(("bearer" = [])),
    responses(
        (status = 200, description = "Deleted", body = MessageBody),
        (status = 404, description = "task_not_found"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(crate) async fn delete_task(
    user: CurrentUser,
    edition: Edition,
    State(app): State<App>,
    id: PathId,
) -> Result<Response, ApiError> {
    if !tasks::delete(&app.write(user), user.id(), edition.task_id(id)?).await? {
        return Err(ApiError::of(Code::TaskNotFound));
    }
    Ok(match edition {
        Edition::First => StatusCode::NO_CONTENT.into_response(),
        Edition::Second => Json(MessageBody::done("Task deleted successfully")).into_response(),
    })
}
