//! `GET /api/v1/users`

use axum::extract::State;
use jiff::Timestamp;
use shared::App;
use shared::db::users::admin::{self, Filter, UserRole};
use shared::domain::Email;
use shared::error::{ApiError, Code};
use shared::http::cursor::{self, Cursor};
use shared::http::{CurrentAdmin, Json, Query};
use utoipa::IntoParams;
use uuid::Uuid;

use super::change::check_admin_if_invalid;
use super::view::{User, Users, UsersBody};

/// The query parameters, for the document only: `read` reads them one by one.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documentation only")]
pub(crate) struct ListUsers {
    /// Only the account of this address.
    email: Option<String>,
    /// Only accounts with this text in address or name, whatever its case; 1 to 100 characters.
    #[param(min_length = 1, max_length = 100)]
    search: Option<String>,
    /// Only accounts of this role.
    #[param(inline)]
    role: Option<UserRole>,
    /// Only enabled (`true`) or only disabled (`false`) accounts.
    is_active: Option<bool>,
    /// Only accounts that are banned now (`true`), or only others (`false`).
    banned: Option<bool>,
    /// At most so many.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List accounts
///
/// Newest first. Filters combine.
#[utoipa::path(
    get, path = "/api/v1/users", tag = "users", params(ListUsers), security(("bearer" = [])),
    responses(
        (status = 200, description = "The page", body = UsersBody),
        (status = 403, description = "admin_required"),
        (status = 422, description = "validation_failed"),
    )
)]
pub(crate) async fn list_users(
    admin: CurrentAdmin,
    State(app): State<App>,
    query: Query,
) -> Result<Json<UsersBody>, ApiError> {
    let ListRequest { filter, limit, after } = check_admin_if_invalid(&app, admin, read(query)).await?;
    let now = app.clock.now();
    let rows = admin::list(&app.read(admin), &filter, after, limit + 1, now).await?;
    let (rows, next_cursor) = cursor::page(rows, limit, |row| Cursor { time: row.created_at, id: row.id });
    let users = rows.into_iter().map(|row| User::of(row, now)).collect();
    Ok(Json(Users { users, next_cursor }.into()))
}

/// The parsed query.
struct ListRequest {
    filter: Filter,
    limit: i64,
    after: Option<(Timestamp, Uuid)>,
}

fn read(mut query: Query) -> Result<ListRequest, ApiError> {
    let email = query.take("email")?.map(|text| Email::find(&text)).transpose();
    let email = email.map_err(|invalid| ApiError::invalid("/query/email", invalid.to_string()))?;
    let search = query.take("search")?;
    if search.as_ref().is_some_and(|text| text.is_empty() || text.chars().count() > 100 || text.contains('\0')) {
        return Err(ApiError::invalid("/query/search", "must be 1 to 100 characters long"));
    }
    let roles = UserRole::ALL.map(|role| (role.as_str(), role));
    let role = query.choice("role", &roles, Code::ValidationFailed)?;
    let is_active = query.boolean("is_active")?;
    let banned = query.boolean("banned")?;
    let limit = query.number("limit", 1..=100, 50)?;
    let after = Cursor::take(&mut query)?.map(|cursor| (cursor.time, cursor.id));
    query.finish()?;
    Ok(ListRequest { filter: Filter { email, search, role, is_active, banned }, limit, after })
}
