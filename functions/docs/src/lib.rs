//! The OpenAPI document and the page that shows it: the list of routes.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod assets;
mod openapi;
mod page;
mod problems;

use shared::http::Routes;
use shared::routes;

/// Every route of this function.
#[must_use]
pub fn routes<R: Routes>() -> R {
    R::none()
        .add(routes!(openapi::get_openapi))
        .add(routes!(page::get_docs))
        .add(routes!(problems::get_problems))
        .add(routes!(assets::get_asset))
}
