//! Parses the fields that creating and updating a task have in common.

use shared::domain::{DueDatetime, Invalid};
use shared::error::{ApiError, Code};
use shared::http::{Fields, PathId};
use uuid::Uuid;

/// Parses `{id}`. A malformed UUID is 404, as no task has it.
pub(crate) fn task_id(id: PathId) -> Result<Uuid, ApiError> {
    id.0.ok_or_else(|| ApiError::of(Code::TaskNotFound))
}

/// Whether a task is done. Clients send it as `is_completed` or as `completed`; both together must agree.
pub(crate) fn merge_completed(
    fields: &mut Fields,
    is_completed: Option<bool>,
    completed: Option<bool>,
) -> Option<bool> {
    if let (Some(one), Some(other)) = (is_completed, completed)
        && one != other
    {
        fields.refuse("/completed", "contradicts is_completed");
    }
    is_completed.or(completed)
}

/// Parses a due date. The empty string means no due date.
pub(crate) fn parse_due_datetime(text: Option<&str>) -> Result<Option<DueDatetime>, Invalid> {
    text.filter(|text| !text.is_empty()).map(DueDatetime::parse).transpose()
}
