//! What every function of the backend shares: configuration, database, tokens, HTTP and the Lambda loop.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod clock;
pub mod config;
pub mod db;
pub mod domain;
pub mod error;
pub mod http;
pub mod ids;
pub mod lambda;
pub mod metrics;
pub mod passwords;
pub mod state;
pub mod tokens;

pub use error::ApiError;
pub use state::App;
