//! `GET /api/tasks/{id}`

use axum::extract::State;
use shared::App;
use shared::error::ApiError;
use shared::http::{CurrentUser, IdPath, Json, PathId};

use crate::tasks::get::find_task;
use crate::tasks::view::TaskBody;

/// Get a task
///
/// Tells one task of the caller. A task of somebody else is 404, like one that never was.
#[utoipa::path(
    get, operation_id = "get_task_unversioned", path = "/api/tasks/{id}", tag = "tasks", params(IdPath), security(("bearer" = [])),
    responses(
        (status = 200, description = "The task", body = TaskBody),
        (status = 404, description = "task_not_found"),
    )
)]
pub(super) async fn get_task(
    user: CurrentUser,
    State(app): State<App>,
    id: PathId,
) -> Result<Json<TaskBody>, ApiError> {
    Ok(Json(TaskBody::new(find_task(&app, user, id.uuid()?).await?, None)))
}
