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

use shared::http::{Routes, openapi};
use shared::routes;

/// Every route of this function.
#[must_use]
pub fn routes<R: Routes>() -> R {
    let account = R::none()
        .add(routes!(signup::sign_up))
        .add(routes!(signin::sign_in))
        .add(routes!(signout::sign_out))
        .add(routes!(me::get_me))
        .add(routes!(sessions::list_sessions))
        .add(routes!(revoke_session::revoke_session))
        .add(routes!(logout_all::logout_all))
        .add(routes!(change_password::change_password))
        .add(routes!(delete_account::delete_account))
        .add(routes!(events::list_events));
    let unversioned = both::<R>().document(|document| openapi::rename(document, "_unversioned"));
    R::none()
        .nest("/api/v1/auth", account.merge(both()))
        .nest("/api/auth", unversioned)
        .add(routes!(jwks::get_jwks))
        .add(routes!(health::check_authentication))
}

/// What both generations of clients call.
fn both<R: Routes>() -> R {
    R::none().add(routes!(signin::login)).add(routes!(refresh::refresh)).add(routes!(signout::logout))
}
