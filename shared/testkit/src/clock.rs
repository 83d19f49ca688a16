//! A clock that tests control.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use shared::clock::Clock;

/// A clock that changes only when a test moves it.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<AtomicI64>);

impl Default for TestClock {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(1_773_144_000_000_000)))
    }
}

impl TestClock {
    /// The clock for the code under test.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let shared = self.clone();
        Clock::new(move || shared.now())
    }

    /// The current time; 2026-03-10T12:00:00Z at the start.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).expect("tests stay in range")
    }

    /// Moves the time, forward or backward.
    pub fn advance(&self, by: SignedDuration) {
        let micros = i64::try_from(by.as_micros()).expect("tests stay in range");
        self.0.fetch_add(micros, Ordering::SeqCst);
    }

    /// Moves the time by whole seconds.
    pub fn advance_seconds(&self, seconds: i64) {
        self.advance(SignedDuration::from_secs(seconds));
    }
}
