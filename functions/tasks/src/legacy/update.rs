//! `PUT /api/tasks/{id}`

use axum::extract::State;
use serde::Deserialize;
use shared::App;
use shared::db::tasks::TaskChange;
use shared::domain::{Description, Priority, Title};
use shared::error::{ApiError, Code};
use shared::http::{CurrentUser, Field, Fields, IdPath, Json, PathId};
use utoipa::ToSchema;

use crate::tasks::fields::parse_due_datetime;
use crate::tasks::update::{change_task, refuse_only_unknown};
use crate::tasks::view::TaskBody;

/// What is to change. Absent fields stay as they are; a body with fields of which none is known is refused.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdateTaskUnversioned)]
pub(super) struct UpdateTask {
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
    /// Not a field of this contract: it counts as an unknown field.
    #[serde(default)]
    #[schema(ignore)]
    completed: Field<bool>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: serde_json::Map<String, serde_json::Value>,
}

/// Update a task
///
/// Changes the fields that are sent; `updated_at` moves only if one of them gets another value.
#[utoipa::path(
    put, operation_id = "update_task_unversioned", path = "/api/tasks/{id}", tag = "tasks", params(IdPath), request_body = UpdateTask, security(("bearer" = [])),
    responses(
        (status = 200, description = "The task as it is now", body = TaskBody),
        (status = 400, description = "invalid_parameter"),
        (status = 404, description = "task_not_found"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(super) async fn update_task(
    user: CurrentUser,
    State(app): State<App>,
    id: PathId,
    Json(body): Json<UpdateTask>,
) -> Result<Json<TaskBody>, ApiError> {
    let id = id.uuid()?;
    let row = change_task(&app, user, id, &read(body)?).await?;
    Ok(Json(TaskBody::new(row, None)))
}

fn read(mut body: UpdateTask) -> Result<TaskChange, ApiError> {
    let mut fields = Fields::default();
    let title = fields.present("/title", body.title);
    let title = title.and_then(|text| fields.check("/title", Title::parse(&text)));
    let description = fields.nullable("/description", body.description);
    let description =
        description.and_then(|text| fields.check("/description", text.map(Description::parse).transpose()));
    let due_datetime = fields.nullable("/due_datetime", body.due_datetime);
    let due_datetime = due_datetime.and_then(|text| fields.check("/due_datetime", parse_due_datetime(text.as_deref())));
    let priority = fields.present("/priority", body.priority);
    let priority =
        priority.and_then(|text| fields.check_with_code("/priority", Priority::parse(&text), Code::InvalidParameter));
    let is_completed = fields.present("/is_completed", body.is_completed);
    fields.finish()?;
    if !body.completed.is_absent() {
        body.unknown.insert("completed".to_owned(), serde_json::Value::Null);
    }
    let change = TaskChange { title, description, due_datetime, priority, is_completed };
    refuse_only_unknown(&change, &body.unknown)?;
    Ok(change)
}
