//! Health checks: the list of routes. What fits no route of the API comes here too.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod alive;
mod config;
mod database;
mod index;
mod unmatched;

use shared::http::Routes;
use shared::routes;

/// Every route of this function.
#[must_use]
pub fn routes<R: Routes>() -> R {
    R::none()
        .add(routes!(index::get_index))
        .add(routes!(alive::check_alive))
        .add(routes!(database::check_database))
        .add(routes!(config::check_config))
        .otherwise(unmatched::unmatched)
}
