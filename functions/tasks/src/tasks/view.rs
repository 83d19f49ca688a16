//! JSON shapes of tasks.

use serde::Serialize;
use shared::db::tasks::{Page, TaskRow};
use shared::domain::Priority;
use shared::http::{Data, Time, items_that_fit};
use utoipa::ToSchema;
use uuid::Uuid;

/// A task.
#[derive(Serialize, ToSchema)]
pub(crate) struct Task {
    /// The task's id.
    id: Uuid,
    /// Whose task it is.
    user_id: Uuid,
    /// What is to be done.
    #[schema(example = "Buy milk")]
    title: String,
    /// More about it.
    #[schema(required, example = "The one with the blue label")]
    description: Option<String>,
    /// When it is due.
    #[schema(required)]
    due_datetime: Option<Time>,
    /// Its field of the matrix.
    priority: Priority,
    /// Whether it is done.
    #[schema(example = false)]
    is_completed: bool,
    /// When it was made.
    created_at: Time,
    /// When it last changed.
    updated_at: Time,
}

impl From<TaskRow> for Task {
    fn from(row: TaskRow) -> Self {
        let TaskRow { id, user_id, title, description, due_datetime, priority, is_completed, created_at, updated_at } =
            row;
        let (due_datetime, created_at, updated_at) = (due_datetime.map(Time), Time(created_at), Time(updated_at));
        Self { id, user_id, title, description, due_datetime, priority, is_completed, created_at, updated_at }
    }
}

/// A response with one task. Only writes under `/api/v1` have a message.
pub(crate) type TaskBody = Data<Task, Option<&'static str>>;

/// A page of tasks.
#[derive(Serialize, ToSchema)]
pub(crate) struct TaskPage {
    /// The tasks in the order asked for.
    tasks: Vec<Task>,
    /// How many tasks there are under the same filters.
    #[schema(example = 1)]
    total_count: i64,
    /// The `limit` of the request; or the number of tasks on this page, where more would have made the answer too large.
    #[schema(example = 50)]
    limit: i64,
    /// The `offset` of the request.
    #[schema(example = 0)]
    offset: i64,
}

/// A response with a page of tasks.
pub(crate) type TaskPageBody = Data<TaskPage>;

impl TaskPage {
    pub(crate) fn new(page: Page, limit: i64, offset: i64) -> Self {
        let Page { tasks, total } = page;
        let text = |task: &TaskRow| task.title.len() + task.description.as_ref().map_or(0, String::len);
        let text = tasks.iter().map(text).sum();
        let (tasks, is_whole) = items_that_fit(tasks.into_iter().map(Task::from).collect::<Vec<_>>(), text);
        let limit = if is_whole { limit } else { i64::try_from(tasks.len()).unwrap_or(limit) };
        Self { tasks, total_count: total, limit, offset }
    }
}
