//! The health endpoints, and the layers that every function has, called in process.

mod config;
mod database;
mod index;
mod layers;

use shared::config::Function;
use testkit::Api;

/// The function with its own database.
async fn api() -> Api {
    Api::start(Function::Health, health::routes).await
}
