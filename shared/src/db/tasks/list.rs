//! Lists of tasks: a page and a count in one statement.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{COLUMNS, TaskRow};
use crate::db::{Columns, DbError, Scope};
use crate::domain::Priority;

/// What a list is ordered by. Ties are broken by id, so that every order is total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, utoipa::ToSchema)]
#[schema(rename_all = "snake_case", default = "created_at")]
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
    /// The alphabet, without regard to case; an accented letter comes right behind its plain one.
    Title,
}

/// Which way a list is ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, utoipa::ToSchema)]
#[schema(rename_all = "snake_case", default = "desc")]
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
        // Past the last page the count stands alone, beside a task of nulls.
        if columns.take::<bool>()? {
            page.tasks.push(TaskRow::read(&mut columns)?);
        }
    }
    Ok(page)
}

/// The statement of [`list`]. A filter that is not asked for is left out, so that it is not planned.
///
/// The first page reads its rows in the order of an index, as one query because each one within another is planned
/// by itself; without any row there is no task. A later page is a deferred join, ids first and then their rows,
/// beside a count that is there even past the last page.
#[must_use]
pub fn list_sql(selection: &Selection) -> String {
    let done = if selection.is_completed.is_some() { " AND is_completed = $2" } else { "" };
    let urgent = if selection.priority.is_some() { " AND priority = $3" } else { "" };
    let mine = format!("user_id = $1 AND deleted_at IS NULL{done}{urgent}");
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
    // What rows of `tasks` are ordered by.
    let key = |table: &str| match selection.sort_by {
        SortBy::Title => format!("coalesce({table}.title_key, left(app.sort_key({table}.title), 255) COLLATE \"C\")"),
        _ => format!("{table}.{column}"),
    };
    let first_page = selection.offset == 0;
    let (columns, part) = if first_page {
        ("mine.*".to_owned(), "LIMIT $4")
    } else {
        (format!("mine.id, {} AS {column}", key("mine")), "LIMIT $4 OFFSET $5")
    };
    // NULLS LAST is no property of an ascending index read backwards: dated and undated tasks come from it apart.
    let apart = (selection.sort_by, selection.sort_order) == (SortBy::DueDatetime, SortOrder::Desc);
    let last = if apart { " NULLS LAST" } else { "" };
    let order = |table: &str, key: &str| format!("{key} {direction}{last}, {table}.id {direction}");
    let plain = |filter: &str, part: &str| {
        let order = format!("{} {direction}, mine.id {direction}", key("mine"));
        format!("SELECT {columns} FROM tasks mine WHERE {mine}{filter} ORDER BY {order} {part}")
    };
    let page = if apart {
        format!(
            "SELECT * FROM (({}) UNION ALL ({})) dated ORDER BY {} {part}",
            plain(" AND due_datetime IS NOT NULL", "LIMIT $4 + $5"),
            plain(" AND due_datetime IS NULL", "LIMIT $4 + $5"),
            order("dated", "dated.due_datetime"),
        )
    } else {
        plain("", part)
    };
    let count = format!("SELECT count(*) AS total FROM tasks WHERE {mine}");
    if first_page && !apart {
        format!("SELECT ({count}), true, {COLUMNS} FROM tasks t WHERE {mine} ORDER BY {} {part}", order("t", &key("t")))
    } else if first_page {
        format!("SELECT ({count}), true, {COLUMNS} FROM ({page}) t ORDER BY {}", order("t", &key("t")))
    } else {
        format!(
            "SELECT counted.total, t.id IS NOT NULL, {COLUMNS}
             FROM ({count}) counted LEFT JOIN (({page}) page JOIN tasks t ON t.id = page.id) ON true
             ORDER BY {}",
            order("page", &format!("page.{column}")),
        )
    }
}
