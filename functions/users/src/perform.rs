//! What every change of an account has in common.

use shared::App;
use shared::db::health;
use shared::db::sessions::Client;
use shared::db::users::admin::{self, Acted, Action, Change, Target};
use shared::error::{ApiError, Code};
use shared::http::{CurrentAdmin, Json, PathId};

use crate::view::{User, UserBody};

/// What a request says, or why it cannot be read: that is told to administrators alone. The database decides who is one,
/// and is asked here only if there will be no statement that asks it.
pub(crate) async fn told<T>(app: &App, admin: CurrentAdmin, read: Result<T, ApiError>) -> Result<T, ApiError> {
    if read.is_err() {
        health::ping(&app.db.scope(admin)).await?;
    }
    read
}

/// Changes the account of the path, and notes who did it.
pub(crate) async fn change(
    app: &App,
    admin: CurrentAdmin,
    client: &Client,
    id: PathId,
    change: Change,
) -> Result<Json<UserBody>, ApiError> {
    let missing = || ApiError::of(Code::UserNotFound);
    let now = app.clock.now();
    let action = Action {
        // An id that is none is nobody's; who asks is still to be checked.
        target: Target::Id(id.0.unwrap_or_default()),
        actor: Some(admin.id()),
        client,
        at: now,
        event: app.ids.next(),
        change,
    };
    match admin::act(&app.write_scope(admin), &action).await? {
        Acted::Done(row) => Ok(Json(User::of(row, now).into())),
        Acted::Missing => Err(missing()),
        Acted::LastAdmin => Err(ApiError::of(Code::LastAdmin)),
    }
}
