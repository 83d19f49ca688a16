//! `tasks`: what people have to do. Every statement names the owner; row-level security holds besides.

mod list;

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{Columns, DbError, Param, Scope};
use crate::domain::{Description, DueDatetime, Priority, Title};

pub use list::{Page, Selection, SortBy, SortOrder, list, list_sql};

/// A stored task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRow {
    /// UUIDv7, or what the old backend gave.
    pub id: Uuid,
    /// Whose task it is.
    pub user_id: Uuid,
    /// What is to be done.
    pub title: String,
    /// More about it.
    pub description: Option<String>,
    /// When it is due.
    pub due_datetime: Option<Timestamp>,
    /// Its field of the matrix.
    pub priority: Priority,
    /// Whether it is done.
    pub is_completed: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The columns of [`TaskRow`], of `tasks t`.
const COLUMNS: &str =
    "t.id, t.user_id, t.title, t.description, t.due_datetime, t.priority, t.is_completed, t.created_at, t.updated_at";

impl TaskRow {
    fn read(columns: &mut Columns<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: columns.take()?,
            user_id: columns.take()?,
            title: columns.take()?,
            description: columns.take()?,
            due_datetime: columns.take()?,
            priority: Priority::from_rank(columns.take()?)
                .ok_or_else(|| DbError::other("an unknown priority is stored"))?,
            is_completed: columns.take()?,
            created_at: columns.take()?,
            updated_at: columns.take()?,
        })
    }
}

/// A task to make.
#[derive(Debug)]
pub struct NewTask {
    /// Its id.
    pub id: Uuid,
    /// What is to be done.
    pub title: Title,
    /// More about it.
    pub description: Option<Description>,
    /// When it is due.
    pub due_datetime: Option<DueDatetime>,
    /// Its field of the matrix.
    pub priority: Priority,
    /// Whether it is done already.
    pub is_completed: bool,
    /// Now.
    pub created_at: Timestamp,
}

/// What is to change; `None` leaves a field as it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TaskChange {
    /// The new title.
    pub title: Option<Title>,
    /// The new description; `Some(None)` clears it.
    pub description: Option<Option<Description>>,
    /// The new due date; `Some(None)` clears it.
    pub due_datetime: Option<Option<DueDatetime>>,
    /// The new priority.
    pub priority: Option<Priority>,
    /// Whether it is done now.
    pub is_completed: Option<bool>,
}

/// Makes a task; none if its owner has stored `most` already.
///
/// # Errors
/// As [`Scope::query`]; on `tasks_user_id_fkey` or `task_counts_user_id_fkey` if the account has just
/// been deleted.
pub async fn insert(db: &Scope<'_>, owner: Uuid, task: &NewTask, most: i64) -> Result<Option<TaskRow>, DbError> {
    // Run twice with the same id, the second run waits for the first one and returns what it inserted, although there may
    // be no room any more.
    let sql = format!(
        "INSERT INTO tasks AS t (id, user_id, title, description, due_datetime, priority, is_completed,
                                 completed_at, created_at, updated_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, CASE WHEN $7 THEN $8 END, $8, $8
         WHERE app.has_room($9) OR EXISTS (SELECT FROM tasks mine WHERE mine.id = $1 AND mine.user_id = $2)
         ON CONFLICT (id) DO UPDATE SET id = excluded.id WHERE t.user_id = excluded.user_id
         RETURNING {COLUMNS}"
    );
    let NewTask { id, title, description, due_datetime, priority, is_completed, created_at } = task;
    let outcome = db
        .query(
            &sql,
            &[
                (id, Type::UUID),
                (&owner, Type::UUID),
                (&title.as_str(), Type::TEXT),
                (&description.as_ref().map(Description::as_str), Type::TEXT),
                (&due_datetime.map(DueDatetime::timestamp), Type::TIMESTAMPTZ),
                (&priority.rank(), Type::INT2),
                (is_completed, Type::BOOL),
                (created_at, Type::TIMESTAMPTZ),
                (&most, Type::INT8),
            ],
        )
        .await?;
    outcome.rows.first().map(|row| TaskRow::read(&mut Columns::of(row))).transpose()
}

/// Finds a user's task.
///
/// # Errors
/// As [`Scope::query`].
pub async fn find(db: &Scope<'_>, owner: Uuid, id: Uuid) -> Result<Option<TaskRow>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM tasks t WHERE t.id = $1 AND t.user_id = $2 AND t.deleted_at IS NULL");
    let outcome = db.query(&sql, &[(&id, Type::UUID), (&owner, Type::UUID)]).await?;
    outcome.rows.first().map(|row| TaskRow::read(&mut Columns::of(row))).transpose()
}

/// Changes a user's task. `updated_at` moves only if a field gets another value.
///
/// # Errors
/// As [`Scope::query`].
pub async fn update(
    db: &Scope<'_>,
    owner: Uuid,
    id: Uuid,
    change: &TaskChange,
    at: Timestamp,
) -> Result<Option<TaskRow>, DbError> {
    const CHANGED: &str = "(t.title, t.description, t.due_datetime, t.priority, t.is_completed) IS DISTINCT FROM
        (coalesce($3, t.title), CASE WHEN $4 THEN $5 ELSE t.description END,
         CASE WHEN $6 THEN $7 ELSE t.due_datetime END, coalesce($8, t.priority), coalesce($9, t.is_completed))";
    let sql = format!(
        "UPDATE tasks t SET
             title = coalesce($3, t.title),
             description = CASE WHEN $4 THEN $5 ELSE t.description END,
             due_datetime = CASE WHEN $6 THEN $7 ELSE t.due_datetime END,
             priority = coalesce($8, t.priority),
             is_completed = coalesce($9, t.is_completed),
             completed_at = CASE WHEN NOT coalesce($9, t.is_completed) THEN NULL
                                 WHEN t.is_completed THEN t.completed_at
                                 ELSE $10 END,
             version = t.version + CASE WHEN {CHANGED} THEN 1 ELSE 0 END,
             updated_at = CASE WHEN {CHANGED} THEN $10 ELSE t.updated_at END
         WHERE t.id = $1 AND t.user_id = $2 AND t.deleted_at IS NULL
         RETURNING {COLUMNS}"
    );
    let TaskChange { title, description, due_datetime, priority, is_completed } = change;
    let params: [Param<'_>; 10] = [
        (&id, Type::UUID),
        (&owner, Type::UUID),
        (&title.as_ref().map(Title::as_str), Type::TEXT),
        (&description.is_some(), Type::BOOL),
        (&description.as_ref().and_then(Option::as_ref).map(Description::as_str), Type::TEXT),
        (&due_datetime.is_some(), Type::BOOL),
        (&due_datetime.flatten().map(DueDatetime::timestamp), Type::TIMESTAMPTZ),
        (&priority.map(Priority::rank), Type::INT2),
        (is_completed, Type::BOOL),
        (&at, Type::TIMESTAMPTZ),
    ];
    let outcome = db.query(&sql, &params).await?;
    outcome.rows.first().map(|row| TaskRow::read(&mut Columns::of(row))).transpose()
}

/// Deletes a user's task. Answers whether there was one; a run after a lost answer counts as the first.
///
/// # Errors
/// As [`Scope::query`].
pub async fn delete(db: &Scope<'_>, owner: Uuid, id: Uuid) -> Result<bool, DbError> {
    const SQL: &str = "DELETE FROM tasks WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL RETURNING true";
    let outcome = db.query(SQL, &[(&id, Type::UUID), (&owner, Type::UUID)]).await?;
    Ok(outcome.retried || !outcome.rows.is_empty())
}
