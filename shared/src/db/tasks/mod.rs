//! `tasks`. Every statement names the owner; row-level security checks the owner independently.

mod list;

use jiff::Timestamp;
use tokio_postgres::types::{FromSql, Type};
use uuid::Uuid;

use super::rows::row;
use super::{DbError, FromRow as _, ReadScope, Statement, WriteScope};
use crate::domain::{Description, DueDatetime, Priority, Title};

pub use list::{Page, Selection, SortBy, SortOrder, list, list_sql};

row! {
    /// A stored task.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct TaskRow {
        /// UUIDv7, or the id from the old backend.
        pub id: Uuid = "t.id",
        pub user_id: Uuid = "t.user_id",
        pub title: String = "t.title",
        pub description: Option<String> = "t.description",
        pub due_datetime: Option<Timestamp> = "t.due_datetime",
        /// The quadrant of the Eisenhower matrix.
        pub priority: Priority = "t.priority",
        pub is_completed: bool = "t.is_completed",
        pub created_at: Timestamp = "t.created_at",
        /// When a field last got another value.
        pub updated_at: Timestamp = "t.updated_at",
    }
}

/// A priority is stored as its rank.
impl<'a> FromSql<'a> for Priority {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Self::from_rank(i16::from_sql(kind, raw)?).ok_or_else(|| "an unknown priority is stored".into())
    }

    fn accepts(kind: &Type) -> bool {
        <i16 as FromSql>::accepts(kind)
    }
}

/// A task to insert.
#[derive(Debug)]
pub struct NewTask {
    pub id: Uuid,
    pub title: Title,
    pub description: Option<Description>,
    pub due_datetime: Option<DueDatetime>,
    pub priority: Priority,
    pub is_completed: bool,
    /// The current time.
    pub created_at: Timestamp,
}

/// A change to a task; `None` leaves a field as it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TaskChange {
    pub title: Option<Title>,
    /// `Some(None)` clears the description.
    pub description: Option<Option<Description>>,
    /// `Some(None)` clears the due date.
    pub due_datetime: Option<Option<DueDatetime>>,
    pub priority: Option<Priority>,
    pub is_completed: Option<bool>,
}

/// Inserts a task; `None` if its owner has `max_tasks` tasks already.
///
/// # Errors
/// [`DbError::Constraint`] on `tasks_user_id_fkey` or `task_counts_user_id_fkey` if the account has just been deleted.
pub async fn insert(
    db: &WriteScope<'_>,
    owner: Uuid,
    task: &NewTask,
    max_tasks: i64,
) -> Result<Option<TaskRow>, DbError> {
    let NewTask { id, title, description, due_datetime, priority, is_completed, created_at } = task;
    // A retry with the same id waits for the first attempt and returns the row that it inserted, even if the limit has
    // been reached since.
    Statement::new(
        "tasks.insert",
        "INSERT INTO tasks AS t (id, user_id, title, description, due_datetime, priority, is_completed,
                                 completed_at, created_at, updated_at)
         SELECT :id, :owner, :title, :description, :due, :priority, :is_completed,
                CASE WHEN :is_completed THEN :created_at END, :created_at, :created_at
         WHERE app.has_room(:max_tasks) OR EXISTS (SELECT FROM tasks mine WHERE mine.id = :id AND mine.user_id = :owner)
         ON CONFLICT (id) DO UPDATE SET id = excluded.id WHERE t.user_id = excluded.user_id
         RETURNING {columns}",
    )
    .fragment("columns", TaskRow::COLUMNS)
    .bind("id", id)
    .bind("owner", &owner)
    .bind("title", &title.as_str())
    .bind("description", &description.as_ref().map(Description::as_str))
    .bind("due", &due_datetime.map(DueDatetime::timestamp))
    .bind("priority", &priority.rank())
    .bind("is_completed", is_completed)
    .bind("created_at", created_at)
    .bind("max_tasks", &max_tasks)
    .run(db)
    .await?
    .optional()
}

/// Finds a user's task.
pub async fn find(db: &ReadScope<'_>, owner: Uuid, id: Uuid) -> Result<Option<TaskRow>, DbError> {
    Statement::new(
        "tasks.find",
        "SELECT {columns} FROM tasks t WHERE t.id = :id AND t.user_id = :owner AND t.deleted_at IS NULL",
    )
    .fragment("columns", TaskRow::COLUMNS)
    .bind("id", &id)
    .bind("owner", &owner)
    .run(db)
    .await?
    .optional()
}

/// Changes a user's task; `None` if there is no such task. `updated_at` changes only if a field gets another value.
pub async fn update(
    db: &WriteScope<'_>,
    owner: Uuid,
    id: Uuid,
    change: &TaskChange,
    at: Timestamp,
) -> Result<Option<TaskRow>, DbError> {
    let TaskChange { title, description, due_datetime, priority, is_completed } = change;
    Statement::new(
        "tasks.update",
        "UPDATE tasks t SET
             title = {title},
             description = {description},
             due_datetime = {due},
             priority = {priority},
             is_completed = {is_completed},
             completed_at = CASE WHEN NOT {is_completed} THEN NULL
                                 WHEN t.is_completed THEN t.completed_at
                                 ELSE :at END,
             version = t.version + CASE WHEN {changed} THEN 1 ELSE 0 END,
             updated_at = CASE WHEN {changed} THEN :at ELSE t.updated_at END
         WHERE t.id = :id AND t.user_id = :owner AND t.deleted_at IS NULL
         RETURNING {columns}",
    )
    .fragment("columns", TaskRow::COLUMNS)
    .fragment(
        "changed",
        "(t.title, t.description, t.due_datetime, t.priority, t.is_completed)
         IS DISTINCT FROM ({title}, {description}, {due}, {priority}, {is_completed})",
    )
    .fragment("title", "coalesce(:title, t.title)")
    .fragment("description", "CASE WHEN :sets_description THEN :description ELSE t.description END")
    .fragment("due", "CASE WHEN :sets_due THEN :due ELSE t.due_datetime END")
    .fragment("priority", "coalesce(:priority, t.priority)")
    .fragment("is_completed", "coalesce(:is_completed, t.is_completed)")
    .bind("id", &id)
    .bind("owner", &owner)
    .bind("title", &title.as_ref().map(Title::as_str))
    .bind("sets_description", &description.is_some())
    .bind("description", &description.as_ref().and_then(Option::as_ref).map(Description::as_str))
    .bind("sets_due", &due_datetime.is_some())
    .bind("due", &due_datetime.flatten().map(DueDatetime::timestamp))
    .bind("priority", &priority.map(Priority::rank))
    .bind("is_completed", is_completed)
    .bind("at", &at)
    .run(db)
    .await?
    .optional()
}

/// Deletes a user's task. Returns whether it existed; true for a retry after a lost response, because the first attempt
/// may have deleted it.
pub async fn delete(db: &WriteScope<'_>, owner: Uuid, id: Uuid) -> Result<bool, DbError> {
    let sql = "DELETE FROM tasks WHERE id = :id AND user_id = :owner AND deleted_at IS NULL RETURNING true";
    let rows = Statement::new("tasks.delete", sql).bind("id", &id).bind("owner", &owner).run(db).await?;
    Ok(rows.retried || !rows.is_empty())
}
