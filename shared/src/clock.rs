//! The only caller of `now()`.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// The first moment of our era, 0001-01-01T00:00Z: what is older cannot be told in RFC 3339.
pub const OUR_ERA: Timestamp = Timestamp::constant(-62_135_596_800, 0);

/// Where the time comes from: the system in production, a hand-moved clock in tests.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where the time enters")]
    pub fn system() -> Self {
        Self::new(Timestamp::now)
    }

    /// A clock that answers with what `now` returns.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time in whole microseconds, which is what PostgreSQL stores.
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
