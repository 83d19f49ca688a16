//! The health endpoints, and what every function's layers do, called in process.

mod config;
mod database;
mod index;
mod layers;

use shared::config::Function;
use testkit::Api;

/// The function with a database of its own.
async fn api() -> Api {
    Api::start(Function::Health, health::routes).await
}
