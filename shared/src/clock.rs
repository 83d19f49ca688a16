//! The source of the time. No other code reads the system clock, so that tests can set the time.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// The earliest time that the API accepts and returns: 0001-01-01T00:00Z.
pub const EARLIEST_TIME: Timestamp = Timestamp::constant(-62_135_596_800, 0);

/// A source of the time: the system clock in production, a clock under control in tests. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the only reader of the system clock")]
    pub fn system() -> Self {
        Self::new(Timestamp::now)
    }

    /// A clock that returns what `now` returns.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The current time in whole microseconds, the precision of PostgreSQL.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = (self.0)();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}
