//! The time, id and origin of an audit event.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::RequestOrigin;

/// What a statement that changes an account needs for its audit event.
#[derive(Clone, Debug)]
pub struct AuditContext {
    /// The time of the change, in whole microseconds.
    pub at: Timestamp,
    /// The id of the event. It is generated before the first attempt, so that a retry adds no second event.
    pub event_id: Uuid,
    pub origin: Arc<RequestOrigin>,
}
