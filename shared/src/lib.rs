//! The code that all functions of the backend share: configuration, database, tokens, passwords, HTTP and the Lambda
//! event loop. `shared/tests/layers.rs` lists which module may import which.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod clock;
pub mod config;
pub mod db;
pub mod deadline;
pub mod domain;
pub mod error;
pub mod http;
pub mod ids;
mod keys;
pub mod lambda;
pub mod metrics;
pub mod passwords;
pub mod state;
pub mod tokens;

pub use error::ApiError;
pub use state::App;
