//! The state that all handlers share: settings, database, clock, ids and metrics.

use std::sync::Arc;

use crate::clock::Clock;
use crate::config::{LiveSettings, Settings};
use crate::db::{AnonymousScope, Caller, Database, ReadScope, WriteScope};
use crate::domain::{AuditContext, RequestOrigin};
use crate::ids::Ids;
use crate::metrics::Metrics;

/// The running function; the same for every request. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// The settings in force; they change when the secret does.
    pub live: Arc<LiveSettings>,
    /// The database, with the database role of this function.
    pub db: Database,
    pub clock: Clock,
    pub ids: Ids,
    pub metrics: Metrics,
}

impl App {
    /// A scope for statements that only read, as `caller`.
    pub fn read(&self, caller: impl Into<Caller>) -> ReadScope<'_> {
        self.db.read(caller)
    }

    /// A scope for statements that write, as `caller`. Each takes one of the caller's write permits.
    pub fn write(&self, caller: impl Into<Caller>) -> WriteScope<'_> {
        self.db.write(caller, self.settings().limits.map(|limits| limits.writes))
    }

    /// A scope for statements that write without a write permit, because they end sessions, which no limit may delay,
    /// or take a permit of another limit.
    pub fn write_unlimited(&self, caller: impl Into<Caller>) -> WriteScope<'_> {
        self.db.write(caller, None)
    }

    /// A scope for statements before there is a caller, such as those of a sign-in.
    #[must_use]
    pub fn anonymous(&self) -> AnonymousScope<'_> {
        self.db.anonymous()
    }

    /// A context for the next audit event: the current time and a new id.
    #[must_use]
    pub fn audit_context(&self, origin: Arc<RequestOrigin>) -> AuditContext {
        AuditContext { at: self.clock.now(), event_id: self.ids.next(), origin }
    }

    /// The current settings.
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
