//! Finds, installs and runs what development and tests need on this machine: PostgreSQL, PgBouncer,
//! cargo-lambda and Python tools. Independent of the product, and quick to build; only the feature `lambda`, an emulator of
//! Lambda's Runtime API, brings tokio and hyper.

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
    /// An error with the step that helps.
    pub fn new(problem: impl Into<String>, next: impl Into<String>) -> Self {
        Self { problem: problem.into(), next: next.into() }
    }
}

/// A result with a [`ToolError`].
pub type Result<T> = std::result::Result<T, ToolError>;
