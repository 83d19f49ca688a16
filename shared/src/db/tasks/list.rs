//! Lists of tasks: a page and a count in one statement.

use uuid::Uuid;

use super::TaskRow;
use crate::db::{DbError, FromRow as _, ReadScope, Statement};
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

/// Which of a user's tasks to list.
#[derive(Clone, Copy, Debug)]
pub struct Selection {
    pub priority: Option<Priority>,
    /// Only completed, or only open tasks.
    pub is_completed: Option<bool>,
    pub sort_by: SortBy,
    pub sort_order: SortOrder,
    /// The size of the page, 1 to 100.
    pub limit: i64,
    /// How many tasks come before the page.
    pub offset: i64,
}

/// A page of a user's tasks.
#[derive(Debug)]
pub struct Page {
    /// The tasks in the requested order.
    pub tasks: Vec<TaskRow>,
    /// How many tasks match the filters on all pages.
    pub total: i64,
}

/// Lists a page of a user's tasks and counts all of them, in one statement.
pub async fn list(db: &ReadScope<'_>, owner: Uuid, selection: &Selection) -> Result<Page, DbError> {
    let Selection { priority, is_completed, limit, offset, .. } = selection;
    // The sum of offset and limit must not overflow. An offset that large is past the last page anyway.
    let offset = (*offset).min(i64::MAX - limit);
    let rows = Statement::new("tasks.list", list_sql(selection))
        .fragment("columns", TaskRow::COLUMNS)
        .bind("owner", &owner)
        .bind("is_completed", is_completed)
        .bind("priority", &priority.map(Priority::rank))
        .bind("limit", limit)
        .bind("offset", &offset)
        .run(db)
        .await?;
    let mut page = Page { tasks: Vec::with_capacity(rows.len()), total: 0 };
    if let Some(record) = rows.first() {
        page.total = record.get("total")?;
    }
    for record in rows.iter() {
        // Past the last page there is one row with the count and no task.
        if record.get("is_task")? {
            page.tasks.push(record.read()?);
        }
    }
    Ok(page)
}

/// The text of [`list`]'s statement, with the fragment `{columns}` of [`TaskRow`]. A filter that is not used is left
/// out, so that PostgreSQL does not plan for it.
///
/// The first page reads its rows in the order of an index. It is one query without sub-queries, because PostgreSQL
/// plans each sub-query separately; if the user has no task, there is no row. A later page is a deferred join: first
/// the ids of the page, then their rows. Its count is returned even past the last page.
#[must_use]
pub fn list_sql(selection: &Selection) -> String {
    let completed = if selection.is_completed.is_some() { " AND is_completed = :is_completed" } else { "" };
    let prioritised = if selection.priority.is_some() { " AND priority = :priority" } else { "" };
    let mine = format!("user_id = :owner AND deleted_at IS NULL{completed}{prioritised}");
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
    // The sort key of a row of `tasks`.
    let key = |table: &str| match selection.sort_by {
        SortBy::Title => format!("coalesce({table}.title_key, left(app.sort_key({table}.title), 255) COLLATE \"C\")"),
        _ => format!("{table}.{column}"),
    };
    let first_page = selection.offset == 0;
    let (columns, part) = if first_page {
        ("mine.*".to_owned(), "LIMIT :limit")
    } else {
        (format!("mine.id, {} AS {column}", key("mine")), "LIMIT :limit OFFSET :offset")
    };
    // Scanning the ascending index backwards yields NULLS FIRST, so `DESC NULLS LAST` cannot use it. Dated and undated
    // tasks are two index scans, one after the other.
    let in_two_scans = (selection.sort_by, selection.sort_order) == (SortBy::DueDatetime, SortOrder::Desc);
    let last = if in_two_scans { " NULLS LAST" } else { "" };
    let order = |table: &str, key: &str| format!("{key} {direction}{last}, {table}.id {direction}");
    let plain = |filter: &str, part: &str| {
        let order = format!("{} {direction}, mine.id {direction}", key("mine"));
        format!("SELECT {columns} FROM tasks mine WHERE {mine}{filter} ORDER BY {order} {part}")
    };
    let page = if in_two_scans {
        format!(
            "SELECT * FROM (({}) UNION ALL ({})) dated ORDER BY {} {part}",
            plain(" AND due_datetime IS NOT NULL", "LIMIT :limit + :offset"),
            plain(" AND due_datetime IS NULL", "LIMIT :limit + :offset"),
            order("dated", "dated.due_datetime"),
        )
    } else {
        plain("", part)
    };
    let count = format!("SELECT count(*) AS total FROM tasks WHERE {mine}");
    if first_page && !in_two_scans {
        format!(
            "SELECT {{columns}}, ({count}) AS total, true AS is_task FROM tasks t WHERE {mine} ORDER BY {} {part}",
            order("t", &key("t"))
        )
    } else if first_page {
        format!(
            "SELECT {{columns}}, ({count}) AS total, true AS is_task FROM ({page}) t ORDER BY {}",
            order("t", &key("t"))
        )
    } else {
        format!(
            "SELECT {{columns}}, counted.total, t.id IS NOT NULL AS is_task
             FROM ({count}) counted LEFT JOIN (({page}) page JOIN tasks t ON t.id = page.id) ON true
             ORDER BY {}",
            order("page", &format!("page.{column}")),
        )
    }
}
