//! `DELETE /api/tasks/{id}`

use axum::extract::State;
use http::StatusCode;
use shared::App;
use shared::error::ApiError;
use shared::http::{CurrentUser, IdPath, PathId};

use crate::tasks::delete::remove_task;

/// Delete a task
///
/// Removes a task of the caller for good.
#[utoipa::path(
    delete, operation_id = "delete_task_unversioned", path = "/api/tasks/{id}", tag = "tasks", params(IdPath), security(("bearer" = [])),
    responses(
        (status = 204, description = "Deleted"),
        (status = 404, description = "task_not_found"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(super) async fn delete_task(user: CurrentUser, State(app): State<App>, id: PathId) -> Result<StatusCode, ApiError> {
    remove_task(&app, user, id.uuid()?).await?;
    Ok(StatusCode::NO_CONTENT)
}
