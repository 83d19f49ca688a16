//! Changes an account and notes which administrator did it.

use shared::App;
use shared::db::health;
use shared::db::sessions::Client;
use shared::db::users::admin::{self, Acted, Action, Change, Target};
use shared::error::{ApiError, Code};
use shared::http::{CurrentAdmin, Json, PathId};

use super::view::UserBody;

/// Returns the parsed request. If it is invalid, checks first that the caller is an administrator: others get 403 and no
/// validation error. A valid request needs no check here, because its statement in the database makes the same check.
pub(super) async fn check_admin_if_invalid<T>(
    app: &App,
    admin: CurrentAdmin,
    request: Result<T, ApiError>,
) -> Result<T, ApiError> {
    if request.is_err() {
        health::ping(&app.db.scope(admin)).await?;
    }
    request
}

/// Changes the account with the id of the path.
pub(super) async fn change_user(
    app: &App,
    admin: CurrentAdmin,
    client: &Client,
    id: PathId,
    change: Change,
) -> Result<Json<UserBody>, ApiError> {
    let missing = || ApiError::of(Code::UserNotFound);
    let now = app.clock.now();
    let action = Action {
        // No account has the nil id. The statement runs even so, because it checks that the caller is an administrator.
        target: Target::Id(id.0.unwrap_or_default()),
        actor: Some(admin.id()),
        client,
        at: now,
        event: app.ids.next(),
        change,
    };
    match admin::act(&app.write_scope(admin), &action).await? {
        Acted::Done(row) => Ok(Json(UserBody::of(row, now))),
        Acted::Missing => Err(missing()),
        Acted::LastAdmin => Err(ApiError::of(Code::LastAdmin)),
    }
}
