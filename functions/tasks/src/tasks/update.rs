//! `PUT /api/v1/tasks/{id}`

use axum::extract::State;
use serde::Deserialize;
use shared::App;
use shared::db::tasks::{self, TaskChange, TaskRow};
use shared::domain::{Description, Priority, Title};
use shared::error::{ApiError, Code};
use shared::http::{CurrentUser, Field, Fields, IdPath, Json, PathId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::fields::{merge_completed, parse_due_datetime, task_id};
use super::view::TaskBody;

/// What is to change. Absent fields stay as they are; a body with fields of which none is known is refused.
#[derive(Deserialize, ToSchema)]
pub(crate) struct UpdateTask {
    /// The new title; 1 to 255 characters after trimming.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "Buy oat milk", nullable = false, min_length = 1, max_length = 255)]
    title: Field<String>,
    /// The new description; null clears it.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "The one with the blue label", max_length = 10_000)]
    description: Field<String>,
    /// The new due date, read as when creating: a date alone is its midnight in UTC. Null and the empty string clear it.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "2026-12-24T17:00:00Z")]
    due_datetime: Field<String>,
    /// The new priority.
    #[serde(default)]
    #[schema(value_type = Option<Priority>, nullable = false)]
    priority: Field<String>,
    /// Whether it is done.
    #[serde(default)]
    #[schema(value_type = Option<bool>, example = true, nullable = false)]
    is_completed: Field<bool>,
    /// As `is_completed`, under `/api/v1` only; both together must agree.
    #[serde(default)]
    #[schema(value_type = Option<bool>, example = true, nullable = false)]
    completed: Field<bool>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: serde_json::Map<String, serde_json::Value>,
}

/// Update a task
///
/// Changes the fields that are sent; `updated_at` moves only if one of them gets another value.
#[utoipa::path(
    put, path = "/api/v1/tasks/{id}", tag = "tasks", params(IdPath), request_body = UpdateTask, security(("bearer" = [])),
    responses(
        (status = 200, description = "The task as it is now", body = TaskBody),
        (status = 404, description = "task_not_found"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(crate) async fn update_task(
    user: CurrentUser,
    State(app): State<App>,
    id: PathId,
    Json(body): Json<UpdateTask>,
) -> Result<Json<TaskBody>, ApiError> {
    apply(user, &app, id, body).await
}

/// Applies the body of a `PUT` or a `PATCH`: both change only the fields that are sent.
pub(super) async fn apply(
    user: CurrentUser,
    app: &App,
    id: PathId,
    body: UpdateTask,
) -> Result<Json<TaskBody>, ApiError> {
    let id = task_id(id)?;
    let row = change_task(app, user, id, &read(body)?).await?;
    Ok(Json(TaskBody::new(row, Some("Task updated successfully"))))
}

/// Changes a task of the user; 404 without such a task.
pub(crate) async fn change_task(
    app: &App,
    user: CurrentUser,
    id: Uuid,
    change: &TaskChange,
) -> Result<TaskRow, ApiError> {
    let row = tasks::update(&app.write(user), user.id(), id, change, app.clock.now()).await?;
    row.ok_or_else(|| ApiError::of(Code::TaskNotFound))
}

fn read(body: UpdateTask) -> Result<TaskChange, ApiError> {
    let mut fields = Fields::default();
    let title = fields.present("/title", body.title);
    let title = title.and_then(|text| fields.check("/title", Title::parse(&text)));
    let description = fields.nullable("/description", body.description);
    let description =
        description.and_then(|text| fields.check("/description", text.map(Description::parse).transpose()));
    let due_datetime = fields.nullable("/due_datetime", body.due_datetime);
    let due_datetime = due_datetime.and_then(|text| fields.check("/due_datetime", parse_due_datetime(text.as_deref())));
    let priority = fields.present("/priority", body.priority);
    let priority = priority.and_then(|text| fields.check("/priority", Priority::parse(&text)));
    let is_completed = fields.present("/is_completed", body.is_completed);
    let completed = fields.present("/completed", body.completed);
    let is_completed = merge_completed(&mut fields, is_completed, completed);
    fields.finish()?;
    let change = TaskChange { title, description, due_datetime, priority, is_completed };
    refuse_only_unknown(&change, &body.unknown)?;
    Ok(change)
}

/// Refuses a body that has fields, none of which is a field of a task.
pub(crate) fn refuse_only_unknown(
    change: &TaskChange,
    unknown: &serde_json::Map<String, serde_json::Value>,
) -> Result<(), ApiError> {
    if *change == TaskChange::default() && !unknown.is_empty() {
        let known = "title, description, due_datetime, priority, is_completed";
        return Err(ApiError::invalid("", format!("nothing to change: the fields of a task are {known}")));
    }
    Ok(())
}
