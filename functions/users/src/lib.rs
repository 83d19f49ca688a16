//! Administration of accounts: the list of routes. The database role behind them sees no password and no task.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod activate;
mod ban;
mod deactivate;
mod get;
mod list;
mod perform;
mod set_role;
mod sign_out;
mod unban;
mod view;

use shared::http::Routes;
use shared::routes;

/// Every route of this function.
#[must_use]
pub fn routes<R: Routes>() -> R {
    let users = R::none()
        .add(routes!(list::list_users(query)))
        .add(routes!(get::get_user))
        .add(routes!(set_role::set_role))
        .add(routes!(ban::ban_user))
        .add(routes!(unban::unban_user))
        .add(routes!(sign_out::sign_out_user))
        .add(routes!(activate::activate_user))
        .add(routes!(deactivate::deactivate_user));
    R::none().nest("/api/v1", users)
}
