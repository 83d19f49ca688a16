//! Identifiers. They are generated before the first attempt of a write, so that a retry writes the same row.

use uuid::{NoContext, Timestamp, Uuid};

use crate::clock::Clock;

/// A generator of UUIDv7 (RFC 9562 §5.7), which are ordered by time, so that inserts touch few pages of an index.
#[derive(Clone, Debug)]
pub struct Ids(Clock);

impl Ids {
    /// A generator that takes the time from `clock`.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self(clock)
    }

    /// Generates an id.
    #[must_use]
    pub fn next(&self) -> Uuid {
        let now = self.0.now();
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, nanos))
    }
}
