//! `GET /api/v1/tasks`

use axum::extract::State;
use shared::App;
use shared::db::tasks::{self, Selection, SortBy, SortOrder};
use shared::domain::Priority;
use shared::error::{ApiError, Code};
use shared::http::{CurrentUser, Json, Query};
use utoipa::IntoParams;

use super::view::{TaskPage, TaskPageBody};

/// The query parameters, for the document only: the handler reads them one by one.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documentation only")]
pub(crate) struct ListTasks {
    /// Only this priority.
    priority: Option<Priority>,
    /// Only done (`true`) or only open (`false`) tasks.
    completed: Option<bool>,
    /// As `completed`.
    is_completed: Option<bool>,
    /// At most so many.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Leave out so many from the start.
    #[param(minimum = 0, default = 0)]
    offset: Option<i64>,
    /// `created_at`, `updated_at`, `due_datetime`, `priority` (in the order of the matrix) or `title` (without
    /// regard to case, an accented letter right behind its plain one). Tasks
    /// without a due date come last in both directions.
    #[param(inline)]
    sort_by: Option<SortBy>,
    /// `asc` or `desc`.
    #[param(inline)]
    sort_order: Option<SortOrder>,
}

pub(crate) const COLUMNS: [(&str, SortBy); 5] = [
    ("created_at", SortBy::CreatedAt),
    ("updated_at", SortBy::UpdatedAt),
    ("due_datetime", SortBy::DueDatetime),
    ("priority", SortBy::Priority),
    ("title", SortBy::Title),
];

pub(crate) const ORDERS: [(&str, SortOrder); 2] = [("asc", SortOrder::Asc), ("desc", SortOrder::Desc)];

/// List tasks
///
/// A page of your tasks, and how many there are. Equal sort keys are ordered by id, so pages never overlap.
#[utoipa::path(
    get, path = "/api/v1/tasks", tag = "tasks", params(ListTasks), security(("bearer" = [])),
    responses(
        (status = 200, description = "The page", body = TaskPageBody),
        (status = 422, description = "validation_failed"),
    )
)]
pub(crate) async fn list_tasks(
    user: CurrentUser,
    State(app): State<App>,
    mut query: Query,
) -> Result<Json<TaskPageBody>, ApiError> {
    let unknown = Code::ValidationFailed;
    let priority = query.choice("priority", &Priority::ALL.map(|priority| (priority.as_str(), priority)), unknown)?;
    let completed = query.boolean("completed")?;
    let is_completed = query.boolean("is_completed")?;
    if let (Some(one), Some(other)) = (completed, is_completed)
        && one != other
    {
        return Err(ApiError::invalid("/query/is_completed", "contradicts completed"));
    }
    let limit = query.number("limit", 1..=100, 50)?;
    let offset = query.number("offset", 0..=i64::MAX, 0)?;
    let sort_by = query.choice("sort_by", &COLUMNS, unknown)?.unwrap_or_default();
    let sort_order = query.choice("sort_order", &ORDERS, unknown)?.unwrap_or_default();
    query.finish()?;

    let is_completed = completed.or(is_completed);
    let selection = Selection { priority, is_completed, sort_by, sort_order, limit, offset };
    let page = tasks::list(&app.read(user), user.id(), &selection).await?;
    Ok(Json(TaskPage::new(page, limit, offset).into()))
}
