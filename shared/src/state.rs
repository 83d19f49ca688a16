//! What a handler may use.

use std::sync::Arc;

use crate::clock::Clock;
use crate::config::{Live, Settings};
use crate::db::{Caller, Database, Scope};
use crate::ids::Ids;
use crate::metrics::Metrics;

/// The running function: cheap to clone, the same for every request.
#[derive(Clone, Debug)]
pub struct App {
    /// The settings in force; they change when the secret does.
    pub live: Arc<Live>,
    /// The database, as this function's role.
    pub db: Database,
    /// The time.
    pub clock: Clock,
    /// New identifiers.
    pub ids: Ids,
    /// What operators count.
    pub metrics: Metrics,
}

impl App {
    /// The database for a write by `caller`, which takes one of their permits.
    pub fn write_scope(&self, caller: impl Into<Caller>) -> Scope<'_> {
        self.db.scope(caller).limited(self.settings().limits.map(|limits| limits.writes))
    }

    /// The settings as they are now.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.live.current()
    }
}
