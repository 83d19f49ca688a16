//! The state that every handler can use.

use std::sync::Arc;

use crate::clock::Clock;
use crate::config::{Live, Settings};
use crate::db::{Caller, Database, Scope};
use crate::ids::Ids;
use crate::metrics::Metrics;

/// The state of the running function, which all requests share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// The current settings, which change when the secret changes.
    pub live: Arc<Live>,
    /// The database, with the role of this function.
    pub db: Database,
    /// The source of the time.
    pub clock: Clock,
    /// The generator of new ids.
    pub ids: Ids,
    /// The metrics for operators.
    pub metrics: Metrics,
}

impl App {
    /// The database for a write by `caller`, which takes a permit of the write limit.
    pub fn write_scope(&self, caller: impl Into<Caller>) -> Scope<'_> {
        self.db.scope(caller).limited(self.settings().limits.map(|limits| limits.writes))
    }

    /// The current settings.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.live.current()
    }
}
