//! What every change of an account has in common.

use shared::App;
use shared::db::health;
use shared::db::users::admin::{self, AccountChange, AccountTarget, Action, ActionResult};
use shared::domain::AuditContext;
use shared::error::{ApiError, Code};
use shared::http::{CurrentAdmin, Json, PathId};

use crate::view::UserBody;

/// What a request says, or why it cannot be read: that is told to administrators alone. The database decides who is one,
/// and is asked here only if there will be no statement that asks it.
pub(crate) async fn told<T>(app: &App, admin: CurrentAdmin, read: Result<T, ApiError>) -> Result<T, ApiError> {
    if read.is_err() {
        health::ping(&app.read(admin)).await?;
    }
    read
}

/// Changes the account of the path, and notes who did it.
pub(crate) async fn change(
    app: &App,
    admin: CurrentAdmin,
    context: &AuditContext,
    id: PathId,
    change: AccountChange,
) -> Result<Json<UserBody>, ApiError> {
    let missing = || ApiError::of(Code::UserNotFound);
    let action = Action {
        // An id that is none is nobody's; who asks is still to be checked.
        target: AccountTarget::Id(id.0.unwrap_or_default()),
        actor: Some(admin.id()),
        change,
        context,
    };
    match admin::act(&app.write(admin), &action).await? {
        ActionResult::Done(row) => Ok(Json(UserBody::of(*row, context.at))),
        ActionResult::Missing => Err(missing()),
        ActionResult::LastAdmin => Err(ApiError::of(Code::LastAdmin)),
    }
}
