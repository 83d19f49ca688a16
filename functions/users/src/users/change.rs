//! Changes an account and records the administrator in the audit event.

use shared::App;
use shared::db::health;
use shared::db::users::admin::{self, AccountAction, AccountActionResult, AccountChange, AccountTarget};
use shared::domain::AuditContext;
use shared::error::{ApiError, Code};
use shared::http::{CurrentAdmin, Json, PathId};

use super::view::{User, UserBody};

/// Returns the parsed request. If it is invalid, checks first that the caller is an administrator: others get 403 and
/// no validation error. A valid request needs no check here, because its statement in the database makes the same
/// check.
pub(super) async fn check_admin_if_invalid<T>(
    app: &App,
    admin: CurrentAdmin,
    request: Result<T, ApiError>,
) -> Result<T, ApiError> {
    if request.is_err() {
        health::ping(&app.read(admin)).await?;
    }
    request
}

/// Changes the account with the id of the path.
pub(super) async fn change_user(
    app: &App,
    admin: CurrentAdmin,
    context: &AuditContext,
    id: PathId,
    change: AccountChange,
) -> Result<Json<UserBody>, ApiError> {
    let missing = || ApiError::of(Code::UserNotFound);
    let action = AccountAction {
        // The nil id matches no account. The statement still runs, because it checks the caller's role.
        target: AccountTarget::Id(id.0.unwrap_or_default()),
        actor: Some(admin.id()),
        change,
        context,
    };
    match admin::change_account(&app.write(admin), &action).await? {
        AccountActionResult::Done(row) => Ok(Json(User::of(*row, context.at).into())),
        AccountActionResult::Missing => Err(missing()),
        AccountActionResult::LastAdmin => Err(ApiError::of(Code::LastAdmin)),
    }
}
