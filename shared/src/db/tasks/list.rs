//! Lists of tasks: a page and a count in one statement.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{COLUMNS, TaskRow};
use crate::db::{Columns, DbError, Scope};
use crate::domain::Priority;

/// What a list is ordered by. Ties are broken by id, so that every order is total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortBy {
    /// When tasks were made.
    #[default]
    CreatedAt,
    /// When tasks last changed.
    UpdatedAt,
    /// When tasks are due; those without a due date come last in both directions.
    DueDatetime,
    /// The order of the matrix.
    Priority,
    /// The alphabet, as the database's collation has it.
    Title,
}

/// Which way a list is ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortOrder {
    /// Smallest first.
    Asc,
    /// Largest first.
    #[default]
    Desc,
}

/// Which part of a user's tasks to list.
#[derive(Clone, Copy, Debug)]
pub struct Selection {
    /// Only this priority.
    pub priority: Option<Priority>,
    /// Only done or only open tasks.
    pub is_completed: Option<bool>,
    /// The order.
    pub sort_by: SortBy,
    /// Its direction.
    pub sort_order: SortOrder,
    /// At most so many, 1 to 100.
    pub limit: i64,
    /// Leave out so many from the start.
    pub offset: i64,
}

/// A part of a user's tasks.
#[derive(Debug)]
pub struct Page {
    /// The tasks in the order asked for.
    pub tasks: Vec<TaskRow>,
    /// How many there are under the same filters.
    pub total: i64,
}

/// Lists a page of a user's tasks and counts all of them, in one statement.
///
/// # Errors
/// As [`Scope::query`].
pub async fn list(db: &Scope<'_>, owner: Uuid, selection: &Selection) -> Result<Page, DbError> {
    let Selection { priority, is_completed, limit, offset, .. } = selection;
    // Past the last page is past the last page; the sum of both must stay a number.
    let offset = (*offset).min(i64::MAX - limit);
    let outcome = db
        .query(
            &list_sql(selection),
            &[
                (&owner, Type::UUID),
                (is_completed, Type::BOOL),
                (&priority.map(Priority::rank), Type::INT2),
                (limit, Type::INT8),
                (&offset, Type::INT8),
            ],
        )
        .await?;
    let mut page = Page { tasks: Vec::with_capacity(outcome.rows.len()), total: 0 };
    for row in &outcome.rows {
        let mut columns = Columns::of(row);
        page.total = columns.take()?;
        // Past the last page there is the count alone, beside a task of nulls.
        if columns.take::<bool>()? {
            page.tasks.push(TaskRow::read(&mut columns)?);
        }
    }
    Ok(page)
}

/// The statement of [`list`]. The page is a deferred join: ids first, from an index, then the rows.
/// Parameters that are null drop out when the statement is planned, which happens with their values.
#[must_use]
pub fn list_sql(selection: &Selection) -> String {
    const MINE: &str = "user_id = $1 AND deleted_at IS NULL
        AND ($2 IS NULL OR is_completed = $2) AND ($3 IS NULL OR priority = $3)";
    let direction = match selection.sort_order {
        SortOrder::Asc => "ASC",
        SortOrder::Desc => "DESC",
    };
    let column = match selection.sort_by {
        SortBy::CreatedAt => "created_at",
        SortBy::UpdatedAt => "updated_at",
        SortBy::DueDatetime => "due_datetime",
        SortBy::Priority => "priority",
        SortBy::Title => "title",
    };
    let order = |table: &str| format!("{table}.{column} {direction} NULLS LAST, {table}.id {direction}");
    let plain = |filter: &str| {
        // Without NULLS LAST, which is no property of an index read backwards.
        format!("SELECT id, {column} FROM tasks WHERE {MINE} {filter} ORDER BY {column} {direction}, id {direction}")
    };
    let ids = match (selection.sort_by, selection.sort_order) {
        (SortBy::DueDatetime, SortOrder::Desc) => format!(
            "SELECT id, {column} FROM (
                 ({} LIMIT $4 + $5) UNION ALL ({} LIMIT $4 + $5)
             ) dated ORDER BY {} LIMIT $4 OFFSET $5",
            plain("AND due_datetime IS NOT NULL"),
            plain("AND due_datetime IS NULL"),
            order("dated"),
        ),
        _ => format!("{} LIMIT $4 OFFSET $5", plain("")),
    };
    format!(
        "SELECT counted.total, t.id IS NOT NULL, {COLUMNS}
         FROM (SELECT count(*) AS total FROM tasks WHERE {MINE}) counted
         LEFT JOIN (({ids}) page JOIN tasks t ON t.id = page.id) ON true
         ORDER BY {}",
        order("page"),
    )
}
