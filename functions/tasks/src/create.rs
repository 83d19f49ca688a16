//! `POST /api/tasks`, `POST /api/v1/tasks`

use axum::extract::State;
use serde::Deserialize;
use shared::App;
use shared::db::tasks::{self, NewTask};
use shared::domain::{Description, Priority, Title};
use shared::error::{ApiError, Code};
use shared::http::{Created, CurrentUser, Fields, Json};
use utoipa::ToSchema;

use crate::edition::Edition;
use crate::update::{due_or_none, priority};
use crate::view::TaskBody;

/// A task to create.
#[derive(Deserialize, ToSchema)]
pub(crate) struct CreateTask {
    /// What is to be done; 1 to 255 characters after trimming.
    #[schema(example = "Buy milk", min_length = 1, max_length = 255)]
    title: String,
    /// Its field of the matrix.
    #[schema(value_type = Priority, example = "urgent_important")]
    priority: Option<String>,
    /// More about it.
    #[schema(example = "The one with the blue label", max_length = 5000)]
    description: Option<String>,
    /// When it is due: RFC 3339; without an offset it is UTC. The empty string means no date.
    #[schema(example = "2026-12-24T17:00:00Z")]
    due_datetime: Option<String>,
    /// Whether it is done already.
    #[serde(default)]
    is_completed: bool,
}

/// Create a task
#[utoipa::path(
    post, path = "/tasks", tag = "tasks", request_body = CreateTask, security(("bearer" = [])),
    responses(
        (status = 201, description = "The task", body = TaskBody, headers(("Location" = String, description = "Where the task is"))),
        (status = 429, description = "rate_limited"),
    )
)]
pub(crate) async fn create_task(
    user: CurrentUser,
    edition: Edition,
    State(app): State<App>,
    Json(body): Json<CreateTask>,
) -> Result<Created<TaskBody>, ApiError> {
    let mut fields = Fields::default();
    let title = fields.check("/title", Title::parse(&body.title));
    let description = body.description.map(|text| Description::parse(text, edition.max_description())).transpose();
    let description = fields.check("/description", description);
    let due_datetime = fields.check("/due_datetime", due_or_none(body.due_datetime.as_deref()));
    if body.priority.is_none() && edition == Edition::Second {
        fields.refuse("/priority", "is required");
    }
    let (Some(title), Some(description), Some(due_datetime)) = (title, description, due_datetime) else {
        return Err(fields.into_error());
    };
    fields.finish()?;
    let priority = body.priority.map(|text| priority(edition, &text)).transpose()?;

    let task = NewTask {
        id: app.ids.next(),
        title,
        description,
        due_datetime,
        priority: priority.unwrap_or(Priority::NotUrgentNotImportant),
        is_completed: body.is_completed,
        created_at: app.clock.now(),
    };
    let row = tasks::insert(&app.write_scope(user), user.id(), &task).await.map_err(|error| {
        // The account was deleted between the check of its session and the write.
        if error.is_on("tasks_user_id_fkey") { ApiError::of(Code::SessionRevoked) } else { error.into() }
    })?;
    let body = TaskBody::new(row, edition.message("Task created successfully"));
    Ok(Created { location: Some(edition.location(task.id)), body })
}
