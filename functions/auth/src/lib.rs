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
        .add(routes!(events::list_events(query)));
    let current = account.add(routes!(refresh::refresh)).merge(aliases());
    let unversioned = aliases::<R>().add(routes!(refresh::refresh)).deprecated();
    let unversioned = unversioned.document(|document| openapi::rename(document, "_unversioned"));
    R::none()
        .nest("/api/v1/auth", current)
        .nest("/api/auth", unversioned)
        .add(routes!(jwks::get_jwks))
        .add(routes!(health::check_authentication))
}

/// Other names of signing in and out, which clients of both editions call.
fn aliases<R: Routes>() -> R {
    R::none().add(routes!(signin::login)).add(routes!(signout::logout)).deprecated()
}
