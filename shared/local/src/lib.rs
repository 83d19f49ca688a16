//! Finds, installs and runs what development and tests need on this machine: PostgreSQL, PgBouncer,
//! cargo-lambda and Python tools. Knows nothing of the product and depends on nothing heavy; the feature `lambda`,
//! an emulator of Lambda's Runtime API, brings tokio and hyper.

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

/// What went wrong, and what to do next, in one sentence each.
#[derive(Debug, thiserror::Error)]
#[error("{problem}\n  next: {next}")]
pub struct Failure {
    problem: String,
    next: String,
}

impl Failure {
    /// A failure with the step that helps.
    pub fn new(problem: impl Into<String>, next: impl Into<String>) -> Self {
        Self { problem: problem.into(), next: next.into() }
    }
}

/// A result whose error tells a person what to do.
pub type Result<T> = std::result::Result<T, Failure>;
