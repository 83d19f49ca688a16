//! Accounts, sessions and tokens: the list of routes.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod health;
mod issue;
mod jwks;
mod me;
mod presented;
mod refresh;
mod signin;
mod signout;
mod signup;
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
        .routes(routes!(me::get_me));
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
