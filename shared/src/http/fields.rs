//! Collects what is wrong with a body, so that a person sees all of it at once.

use crate::domain::Invalid;
use crate::error::{ApiError, Code, FieldError};

/// The refused fields of one body.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    /// Keeps the refusal, if it is one.
    pub fn check<T>(&mut self, pointer: &str, parsed: Result<T, Invalid>) -> Option<T> {
        parsed.map_err(|invalid| self.refuse(pointer, invalid.to_string())).ok()
    }

    /// Adds a refusal.
    pub fn refuse(&mut self, pointer: &str, detail: impl Into<String>) {
        self.0.push(FieldError { pointer: pointer.to_owned(), detail: detail.into() });
    }

    /// Succeeds if nothing was refused.
    ///
    /// # Errors
    /// 422 with every refusal.
    pub fn finish(self) -> Result<(), ApiError> {
        if self.0.is_empty() { Ok(()) } else { Err(self.into_error()) }
    }

    /// The refusals as one problem.
    #[must_use]
    pub fn into_error(self) -> ApiError {
        let line = |error: &FieldError| format!("{}: {}", error.pointer.trim_start_matches('/'), error.detail);
        let detail = self.0.iter().map(line).collect::<Vec<_>>().join("; ");
        self.0.into_iter().fold(ApiError::new(Code::ValidationFailed, detail), ApiError::at)
    }
}
