//! When, by which request and under which id an audit event happens.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::RequestOrigin;

/// What a statement that changes an account needs for its audit event.
#[derive(Clone, Debug)]
pub struct AuditContext {
    /// The time of the change, in whole microseconds.
    pub at: Timestamp,
    /// The id of the event. It is made before the first attempt, so that a second attempt adds no second event.
    pub event_id: Uuid,
    /// Where the request came from.
    pub origin: Arc<RequestOrigin>,
}
