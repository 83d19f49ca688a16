//! `PUT /api/tasks/{id}`, `PUT` and `PATCH /api/v1/tasks/{id}`

use axum::extract::State;
use serde::Deserialize;
use shared::App;
use shared::db::tasks::{self, TaskChange};
use shared::domain::{Description, DueDatetime, Invalid, Priority, Title};
use shared::error::{ApiError, Code};
use shared::http::{CurrentUser, Fields, IdPath, Json, Patch, PathId};
use utoipa::ToSchema;

use crate::edition::Edition;
use crate::view::TaskBody;

/// What is to change. Absent fields stay as they are.
#[derive(Deserialize, ToSchema)]
pub(crate) struct UpdateTask {
    /// The new title; 1 to 255 characters after trimming.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "Buy oat milk", nullable = false, min_length = 1, max_length = 255)]
    title: Patch<String>,
    /// The new description; null clears it.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 5000)]
    description: Patch<String>,
    /// The new due date; null and the empty string clear it.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "2026-12-24T17:00:00Z")]
    due_datetime: Patch<String>,
    /// The new priority.
    #[serde(default)]
    #[schema(value_type = Option<Priority>, nullable = false)]
    priority: Patch<String>,
    /// Whether it is done.
    #[serde(default)]
    #[schema(value_type = Option<bool>, nullable = false)]
    is_completed: Patch<bool>,
}

/// Update a task
///
/// Changes the fields that are sent; `updated_at` moves only if one of them gets another value.
#[utoipa::path(
    put, path = "/tasks/{id}", tag = "tasks", params(IdPath), request_body = UpdateTask, security(("bearer" = [])),
    responses(
        (status = 200, description = "The task as it is now", body = TaskBody),
        (status = 404, description = "task_not_found"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(crate) async fn update_task(
    user: CurrentUser,
    edition: Edition,
    State(app): State<App>,
    id: PathId,
    Json(body): Json<UpdateTask>,
) -> Result<Json<TaskBody>, ApiError> {
    change(user, edition, &app, id, body).await
}

/// Update a task
///
/// A JSON merge patch (RFC 7396): changes the fields that are sent.
#[utoipa::path(
    patch, path = "/tasks/{id}", tag = "tasks", params(IdPath), security(("bearer" = [])),
    request_body(content((UpdateTask = "application/merge-patch+json"), (UpdateTask = "application/json"))),
    responses(
        (status = 200, description = "The task as it is now", body = TaskBody),
        (status = 404, description = "task_not_found"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(crate) async fn patch_task(
    user: CurrentUser,
    edition: Edition,
    State(app): State<App>,
    id: PathId,
    Json(body): Json<UpdateTask>,
) -> Result<Json<TaskBody>, ApiError> {
    change(user, edition, &app, id, body).await
}

async fn change(
    user: CurrentUser,
    edition: Edition,
    app: &App,
    id: PathId,
    body: UpdateTask,
) -> Result<Json<TaskBody>, ApiError> {
    let id = edition.task_id(id)?;
    let change = read(edition, body)?;
    let row = tasks::update(&app.write_scope(user), user.id(), id, &change, app.clock.now()).await?;
    let row = row.ok_or_else(|| ApiError::of(Code::TaskNotFound))?;
    Ok(Json(TaskBody::new(row, edition.message("Task updated successfully"))))
}

fn read(edition: Edition, body: UpdateTask) -> Result<TaskChange, ApiError> {
    let mut fields = Fields::default();
    let title = present(&mut fields, "/title", body.title);
    let title = title.and_then(|text| fields.check("/title", Title::parse(&text)));
    let description = body.description.into_option().and_then(|text| {
        let parsed = text.map(|text| Description::parse(text, edition.max_description())).transpose();
        fields.check("/description", parsed)
    });
    let due_datetime = body.due_datetime.into_option();
    let due_datetime = due_datetime.and_then(|text| fields.check("/due_datetime", due_or_none(text.as_deref())));
    let named = present(&mut fields, "/priority", body.priority);
    let is_completed = present(&mut fields, "/is_completed", body.is_completed);
    fields.finish()?;
    let priority = named.map(|text| priority(edition, &text)).transpose()?;
    Ok(TaskChange { title, description, due_datetime, priority, is_completed })
}

/// A field that may be absent but not null.
fn present<T>(fields: &mut Fields, pointer: &str, field: Patch<T>) -> Option<T> {
    match field {
        Patch::Absent => None,
        Patch::Value(value) => Some(value),
        Patch::Null => {
            fields.refuse(pointer, "must not be null");
            None
        }
    }
}

/// A priority by name; an unknown one is another code for each generation.
pub(crate) fn priority(edition: Edition, text: &str) -> Result<Priority, ApiError> {
    Priority::parse(text)
        .map_err(|invalid| ApiError::invalid("/priority", invalid.to_string()).with_code(edition.unknown_name()))
}

/// A due date; both generations of clients send the empty string for none.
pub(crate) fn due_or_none(text: Option<&str>) -> Result<Option<DueDatetime>, Invalid> {
    text.filter(|text| !text.is_empty()).map(DueDatetime::parse).transpose()
}
