//! Finds, installs and runs the programs that development and tests need: PostgreSQL, PgBouncer, cargo-lambda and
//! others. Independent of the product, and quick to build: only the feature `lambda`, an emulator of Lambda's Runtime
//! API, depends on tokio and hyper.

#[cfg(feature = "lambda")]
pub mod lambda;
pub mod packages;
mod paths;
pub mod postgres;
pub mod random;
pub mod service;
pub mod tools;
pub mod unprivileged;

pub use paths::{target, temporary, workspace};

/// An error for the developer: what went wrong and what to do next, one sentence each.
#[derive(Debug, thiserror::Error)]
#[error("{problem}\n  next: {next}")]
pub struct ToolError {
    problem: String,
    next: String,
}

impl ToolError {
    pub fn new(problem: impl Into<String>, next: impl Into<String>) -> Self {
        Self { problem: problem.into(), next: next.into() }
    }
}

/// A result with a [`ToolError`].
pub type Result<T> = std::result::Result<T, ToolError>;
