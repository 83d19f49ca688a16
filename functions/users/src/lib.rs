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

use shared::App;
use shared::http::openapi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route of this function.
#[must_use]
pub fn routes() -> OpenApiRouter<App> {
    let users = OpenApiRouter::new()
        .routes(routes!(list::list_users))
        .routes(routes!(get::get_user))
        .routes(routes!(set_role::set_role))
        .routes(routes!(ban::ban_user))
        .routes(routes!(unban::unban_user))
        .routes(routes!(sign_out::sign_out_user))
        .routes(routes!(activate::activate_user))
        .routes(routes!(deactivate::deactivate_user));
    OpenApiRouter::with_openapi(openapi::base()).nest("/api/v1", users)
}
