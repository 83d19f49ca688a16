//! Accounts, sessions and tokens: the list of routes.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod change_password;
mod confirm;
mod delete_account;
mod events;
mod health;
mod issue;
mod jwks;
mod logout_all;
mod me;
mod new_password;
mod presented;
mod refresh;
mod revoke_session;
mod sessions;
mod signin;
mod signout;
mod signup;
mod standing;
mod view;

use shared::App;
use shared::http::openapi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route of this function.
#[must_use]
pub fn routes() -> OpenApiRouter<App> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(signup::sign_up))
        .routes(routes!(signin::sign_in))
        .routes(routes!(signout::sign_out))
        .routes(routes!(me::get_me))
        .routes(routes!(sessions::list_sessions))
        .routes(routes!(revoke_session::revoke_session))
        .routes(routes!(logout_all::logout_all))
        .routes(routes!(change_password::change_password))
        .routes(routes!(delete_account::delete_account))
        .routes(routes!(events::list_events));
    let sessions = || {
        OpenApiRouter::new()
            .routes(routes!(signin::login))
            .routes(routes!(refresh::refresh))
            .routes(routes!(signout::logout))
    };
    OpenApiRouter::with_openapi(openapi::base())
        .nest("/api/v1/auth", v1.merge(sessions()))
        .nest("/api/auth", openapi::renamed(sessions(), "_unversioned"))
        .routes(routes!(jwks::get_jwks))
        .routes(routes!(health::check_authentication))
}
