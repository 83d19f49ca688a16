//! Identifiers, made by us before the first try of a write so that a retry is the same write.

use uuid::{NoContext, Timestamp, Uuid};

use crate::clock::Clock;

/// A source of UUIDv7 (RFC 9562 §5.7): ordered by time, which keeps index writes local.
#[derive(Clone, Debug)]
pub struct Ids(Clock);

impl Ids {
    /// Ids stamped with the time of `clock`.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self(clock)
    }

    /// The next id.
    #[must_use]
    pub fn next(&self) -> Uuid {
        let now = self.0.now();
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, nanos))
    }
}
