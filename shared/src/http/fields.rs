//! Collects the errors of a body, so that the response reports all of them.

use super::Field;
use crate::domain::Invalid;
use crate::error::{ApiError, Code, FieldError};

/// The errors of one body.
#[derive(Debug, Default)]
pub struct Fields {
    errors: Vec<FieldError>,
    /// The code of the response if there is only one error.
    alone: Option<Code>,
}

impl Fields {
    /// The value of a required field.
    pub fn required<T>(&mut self, pointer: &str, field: Field<T>) -> Option<T> {
        if field.is_absent() {
            self.refuse(pointer, "is required");
        }
        self.present(pointer, field)
    }

    /// The value of an optional field; null means the same as a missing field.
    pub fn optional<T>(&mut self, pointer: &str, field: Field<T>) -> Option<T> {
        self.nullable(pointer, field).flatten()
    }

    /// The value of an optional field that must not be null.
    pub fn present<T>(&mut self, pointer: &str, field: Field<T>) -> Option<T> {
        let value = self.nullable(pointer, field)?;
        if value.is_none() {
            self.refuse(pointer, "must not be null");
        }
        value
    }

    /// The value of an optional field: `None` if it is missing, `Some(None)` for null.
    pub fn nullable<T>(&mut self, pointer: &str, field: Field<T>) -> Option<Option<T>> {
        match field {
            Field::Absent => None,
            Field::Null => Some(None),
            Field::Value(value) => Some(Some(value)),
            Field::Invalid(detail) => {
                self.refuse(pointer, detail);
                None
            }
        }
    }

    /// The parsed value; an error is added to the list.
    pub fn check<T>(&mut self, pointer: &str, parsed: Result<T, Invalid>) -> Option<T> {
        parsed.map_err(|invalid| self.refuse(pointer, invalid.to_string())).ok()
    }

    /// As [`Fields::check`], with the code `alone` for the response if this is the only error.
    pub fn check_with_code<T>(&mut self, pointer: &str, parsed: Result<T, Invalid>, alone: Code) -> Option<T> {
        if parsed.is_err() {
            self.alone = Some(alone);
        }
        self.check(pointer, parsed)
    }

    /// Adds an error.
    pub fn refuse(&mut self, pointer: &str, detail: impl Into<String>) {
        self.errors.push(FieldError { pointer: pointer.to_owned(), detail: detail.into() });
    }

    /// Succeeds if there is no error.
    ///
    /// # Errors
    /// 422 with every error.
    pub fn finish(self) -> Result<(), ApiError> {
        if self.errors.is_empty() { Ok(()) } else { Err(self.into_error()) }
    }

    /// Converts the errors to one problem.
    #[must_use]
    pub fn into_error(self) -> ApiError {
        let line = |error: &FieldError| match error.pointer.trim_start_matches('/') {
            "" => error.detail.clone(),
            name => format!("{name}: {}", error.detail),
        };
        let detail = self.errors.iter().map(line).collect::<Vec<_>>().join("; ");
        let code = self.alone.filter(|_| self.errors.len() == 1).unwrap_or(Code::ValidationFailed);
        self.errors.into_iter().fold(ApiError::new(code, detail), ApiError::at)
    }
}
