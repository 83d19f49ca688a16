//! Everything about tasks: the list of routes.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod complete;
mod create;
mod delete;
mod edition;
mod get;
mod list;
mod update;
mod view;

use shared::http::Routes;
use shared::routes;

use edition::Edition;

/// Every route of this function: one set of handlers, served to both generations of clients.
#[must_use]
pub fn routes<R: Routes>() -> R {
    let first = both::<R>().document(edition::document_first).extension(Edition::First).deprecated();
    let second = both::<R>().add(routes!(update::patch_task)).extension(Edition::Second);
    R::none().nest("/api", first).nest("/api/v1", second)
}

fn both<R: Routes>() -> R {
    R::none()
        .add(routes!(list::list_tasks(query), create::create_task))
        .add(routes!(get::get_task, update::update_task, delete::delete_task))
        .add(routes!(complete::complete_task))
}
