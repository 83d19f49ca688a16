//! What a handler may use.

use std::sync::Arc;

use crate::clock::Clock;
use crate::config::{LiveSettings, Settings};
use crate::db::{AnonymousScope, Caller, Database, ReadScope, WriteScope};
use crate::domain::{AuditContext, RequestOrigin};
use crate::ids::Ids;
use crate::metrics::Metrics;

/// The running function: cheap to clone, the same for every request.
#[derive(Clone, Debug)]
pub struct App {
    /// The settings in force; they change when the secret does.
    pub live: Arc<LiveSettings>,
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
    /// The database for a statement that reads, as `caller`.
    pub fn read(&self, caller: impl Into<Caller>) -> ReadScope<'_> {
        self.db.read(caller)
    }

    /// The database for a statement that writes, as `caller`. It takes one of the caller's permits for writes.
    pub fn write(&self, caller: impl Into<Caller>) -> WriteScope<'_> {
        self.db.write(caller, self.settings().limits.map(|limits| limits.writes))
    }

    /// The database for a statement that writes without one of the caller's permits: because it ends sessions, which nobody may
    /// delay, or because it takes a permit of another limit.
    pub fn write_unlimited(&self, caller: impl Into<Caller>) -> WriteScope<'_> {
        self.db.write(caller, None)
    }

    /// The database for a statement before there is a caller.
    #[must_use]
    pub fn anonymous(&self) -> AnonymousScope<'_> {
        self.db.anonymous()
    }

    /// A context for the next audit event: the current time and a new id.
    #[must_use]
    pub fn audit_context(&self, origin: Arc<RequestOrigin>) -> AuditContext {
        AuditContext { at: self.clock.now(), event_id: self.ids.next(), origin }
    }

    /// The settings as they are now.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.live.current()
    }
}

impl AuditContext {
    /// The context of another event of the same request: the current time and a new id.
    #[must_use]
    pub fn next(&self, app: &App) -> Self {
        app.audit_context(Arc::clone(&self.origin))
    }
}
