//! Administration of accounts: the list of routes. Their database role cannot read passwords or tasks.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod users {
    pub(crate) mod activate;
    pub(crate) mod ban;
    pub(crate) mod deactivate;
    pub(crate) mod get;
    pub(crate) mod list;
    pub(crate) mod set_role;
    pub(crate) mod sign_out;
    pub(crate) mod unban;

    mod change;
    mod view;
}

use axum::Router;
use shared::App;
use shared::http::routes::{get, get_with_query, post, put};
use utoipa::OpenApi;

/// Every route of this function.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/users", get_with_query(users::list::list_users))
        .route("/api/v1/users/{id}", get(users::get::get_user))
        .route("/api/v1/users/{id}/role", put(users::set_role::set_role))
        .route("/api/v1/users/{id}/ban", post(users::ban::ban_user))
        .route("/api/v1/users/{id}/unban", post(users::unban::unban_user))
        .route("/api/v1/users/{id}/sign-out", post(users::sign_out::sign_out_user))
        .route("/api/v1/users/{id}/activate", post(users::activate::activate_user))
        .route("/api/v1/users/{id}/deactivate", post(users::deactivate::deactivate_user))
}

/// The OpenAPI document of these routes.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

#[derive(OpenApi)]
#[openapi(paths(
    users::list::list_users,
    users::get::get_user,
    users::set_role::set_role,
    users::ban::ban_user,
    users::unban::unban_user,
    users::sign_out::sign_out_user,
    users::activate::activate_user,
    users::deactivate::deactivate_user
))]
struct Document;
