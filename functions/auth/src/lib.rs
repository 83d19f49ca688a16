//! Accounts, sessions and tokens: the list of routes.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod account {
    pub(crate) mod change_password;
    pub(crate) mod delete;
    pub(crate) mod get;
    pub(crate) mod sign_up;
}
mod events {
    pub(crate) mod list;
}
mod health {
    pub(crate) mod check;
}
mod keys {
    pub(crate) mod get;
}
mod session {
    pub(crate) mod list;
    pub(crate) mod refresh;
    pub(crate) mod revoke;
    pub(crate) mod sign_in;
    pub(crate) mod sign_out;
    pub(crate) mod sign_out_everywhere;
}

mod account_status;
mod new_password;
mod password_confirmation;
mod refresh_token;
mod token_response;
mod view;

use axum::Router;
use shared::App;
use shared::http::openapi::{self, Alias};
use shared::http::routes::{delete, deprecated, get, get_with_query, post};
use utoipa::OpenApi;

/// Every route of this function.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/auth/signup", post(account::sign_up::sign_up))
        .route("/api/v1/auth/me", get(account::get::get_me))
        .route("/api/v1/auth/change-password", post(account::change_password::change_password))
        .route("/api/v1/auth/account", delete(account::delete::delete_account))
        .route("/api/v1/auth/signin", post(session::sign_in::sign_in))
        .route("/api/v1/auth/refresh", post(session::refresh::refresh))
        .route("/api/v1/auth/signout", post(session::sign_out::sign_out))
        .route("/api/v1/auth/logout-all", post(session::sign_out_everywhere::logout_all))
        .route("/api/v1/auth/sessions", get(session::list::list_sessions))
        .route("/api/v1/auth/sessions/{id}", delete(session::revoke::revoke_session))
        .route("/api/v1/auth/events", get_with_query(events::list::list_events))
        .route("/.well-known/jwks.json", get(keys::get::get_jwks))
        .route("/health/auth", get(health::check::check_authentication))
        .merge(deprecated(aliases()))
}

/// Aliases of sign-in, sign-out and refresh, which existing clients call.
fn aliases() -> Router<App> {
    Router::new()
        .route("/api/v1/auth/login", post(session::sign_in::sign_in))
        .route("/api/v1/auth/logout", post(session::sign_out::sign_out))
        .route("/api/auth/login", post(session::sign_in::sign_in))
        .route("/api/auth/logout", post(session::sign_out::sign_out))
        .route("/api/auth/refresh", post(session::refresh::refresh))
}

/// The OpenAPI document of these routes.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    for alias in &ALIASES {
        openapi::add_alias(&mut document, alias);
    }
    document
}

#[derive(OpenApi)]
#[openapi(paths(
    account::sign_up::sign_up,
    account::get::get_me,
    account::change_password::change_password,
    account::delete::delete_account,
    session::sign_in::sign_in,
    session::refresh::refresh,
    session::sign_out::sign_out,
    session::sign_out_everywhere::logout_all,
    session::list::list_sessions,
    session::revoke::revoke_session,
    events::list::list_events,
    keys::get::get_jwks,
    health::check::check_authentication
))]
struct Document;

const ALIASES: [Alias; 5] = [
    Alias {
        original: "/api/v1/auth/signin",
        path: "/api/v1/auth/login",
        operation_id: "login",
        description: Some("The same as `/api/v1/auth/signin`."),
    },
    Alias {
        original: "/api/v1/auth/signout",
        path: "/api/v1/auth/logout",
        operation_id: "logout",
        description: Some("The same as `/api/v1/auth/signout`."),
    },
    Alias {
        original: "/api/v1/auth/signin",
        path: "/api/auth/login",
        operation_id: "login_unversioned",
        description: Some("The same as `/api/v1/auth/signin`."),
    },
    Alias {
        original: "/api/v1/auth/signout",
        path: "/api/auth/logout",
        operation_id: "logout_unversioned",
        description: Some("The same as `/api/v1/auth/signout`."),
    },
    Alias {
        original: "/api/v1/auth/refresh",
        path: "/api/auth/refresh",
        operation_id: "refresh_unversioned",
        description: None,
    },
];
