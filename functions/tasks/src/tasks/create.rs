//! `POST /api/v1/tasks`

use axum::extract::State;
use serde::Deserialize;
use shared::App;
use shared::db::tasks::{self, NewTask, TaskRow};
use shared::domain::{Description, Priority, Title};
use shared::error::{ApiError, Code};
use shared::http::{Created, CurrentUser, Field, Fields, Json};
use utoipa::ToSchema;

use super::fields::{merge_completed, parse_due_datetime};
use super::view::TaskBody;

/// A task to create.
#[derive(Deserialize, ToSchema)]
pub(crate) struct CreateTask {
    /// What is to be done; 1 to 255 characters after trimming.
    #[serde(default)]
    #[schema(value_type = String, required, example = "Buy milk", min_length = 1, max_length = 255)]
    title: Field<String>,
    /// Its field of the matrix.
    #[serde(default)]
    #[schema(value_type = Priority, required, example = "urgent_important")]
    priority: Field<String>,
    /// More about it.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "The one with the blue label", max_length = 10_000)]
    description: Field<String>,
    /// When it is due: RFC 3339; without an offset it is UTC, a date alone is its midnight in UTC. The empty string
    /// means no date.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "2026-12-24T17:00:00Z")]
    due_datetime: Field<String>,
    /// Whether it is done already.
    #[serde(default)]
    #[schema(value_type = Option<bool>, example = false)]
    is_completed: Field<bool>,
    /// As `is_completed`; both together must agree.
    #[serde(default)]
    #[schema(value_type = Option<bool>, example = false)]
    completed: Field<bool>,
}

/// Create a task
///
/// Adds a task to the list of the caller. A list holds 100,000 tasks unless the operator set another number; one more is 409
/// `limit_reached`.
#[utoipa::path(
    post, path = "/api/v1/tasks", tag = "tasks", request_body = CreateTask, security(("bearer" = [])),
    responses(
        (status = 201, description = "The task", body = TaskBody, headers(("Location" = String, description = "Where the task is"))),
        (status = 409, description = "limit_reached"),
        (status = 429, description = "rate_limited"),
    )
)]
pub(crate) async fn create_task(
    user: CurrentUser,
    State(app): State<App>,
    Json(body): Json<CreateTask>,
) -> Result<Created<TaskBody>, ApiError> {
    let mut fields = Fields::default();
    let title = fields.required("/title", body.title).and_then(|text| fields.check("/title", Title::parse(&text)));
    let description = fields.optional("/description", body.description).map(Description::parse).transpose();
    let description = fields.check("/description", description);
    let due_datetime = fields.optional("/due_datetime", body.due_datetime);
    let due_datetime = fields.check("/due_datetime", parse_due_datetime(due_datetime.as_deref()));
    if matches!(body.priority, Field::Absent | Field::Null) {
        fields.refuse("/priority", "is required");
    }
    let priority = fields.optional("/priority", body.priority);
    let priority = priority.and_then(|text| fields.check("/priority", Priority::parse(&text)));
    let is_completed = fields.optional("/is_completed", body.is_completed);
    let completed = fields.optional("/completed", body.completed);
    let is_completed = merge_completed(&mut fields, is_completed, completed);
    let (Some(title), Some(description), Some(due_datetime), Some(priority)) =
        (title, description, due_datetime, priority)
    else {
        return Err(fields.into_error());
    };
    fields.finish()?;

    let task = NewTask {
        id: app.ids.next(),
        title,
        description,
        due_datetime,
        priority,
        is_completed: is_completed.unwrap_or_default(),
        created_at: app.clock.now(),
    };
    let row = insert_task(&app, user, &task).await?;
    let location = Some(format!("/api/v1/tasks/{}", task.id));
    Ok(Created { location, body: TaskBody::new(row, Some("Task created successfully")) })
}

/// Stores a new task of the user; 409 if the user already has as many as allowed.
pub(crate) async fn insert_task(app: &App, user: CurrentUser, task: &NewTask) -> Result<TaskRow, ApiError> {
    let max_tasks = app.settings().max_tasks;
    let row = tasks::insert(&app.write(user), user.id(), task, max_tasks).await.map_err(|error| {
        // The account was deleted between the check of its session and the write.
        if error.is_on("tasks_user_id_fkey") || error.is_on("task_counts_user_id_fkey") {
            ApiError::of(Code::SessionRevoked)
        } else {
            error.into()
        }
    })?;
    row.ok_or_else(|| {
        ApiError::new(Code::LimitReached, format!("An account may store {max_tasks} tasks; delete some of yours first"))
    })
}
