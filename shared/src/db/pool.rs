//! The connections of this instance.

use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{self, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult};
use deadpool_postgres::ClientWrapper;
use jiff::Timestamp;
use tokio::time::Instant;

use super::connect::{ConnectError, connect_current};
use super::scope::{AnonymousScope, Caller, ReadScope, WriteScope};
use super::{DatabaseRole, DatabaseUrl, DbError, UrlSource};
use crate::clock::Clock;
use crate::deadline;
use crate::domain::Limit;
use crate::ids::Ids;

/// A connection that was idle for longer is pinged before it is used: Neon may have suspended its compute, and Lambda
/// may have frozen this instance.
const PING_AFTER: Duration = Duration::from_secs(30);

/// A ping that takes longer counts as failed.
const PING_LIMIT: Duration = Duration::from_secs(2);

/// The connections of one instance, and the database role that its statements run as.
#[derive(Clone, Debug)]
pub struct Database {
    pool: Pool<Connections>,
    role: DatabaseRole,
    clock: Clock,
}

/// A connection, and when it was last used, by two clocks: the monotonic one may stop while an instance is frozen, and
/// the system's may jump.
#[derive(Debug)]
pub(super) struct Connection {
    client: ClientWrapper,
    url: DatabaseUrl,
    idle_since: (Instant, Timestamp),
}

#[derive(Debug)]
pub(super) struct Connections {
    urls: Arc<dyn UrlSource>,
    clock: Clock,
}

impl Database {
    /// A pool of at most `size` connections, opened when they are needed. Statements run as `role`.
    #[must_use]
    pub fn new(urls: Arc<dyn UrlSource>, clock: Clock, role: DatabaseRole, size: usize) -> Self {
        let builder = Pool::builder(Connections { urls, clock: clock.clone() }).max_size(size.max(1));
        let pool =
            builder.build().unwrap_or_else(|error| unreachable!("a pool without time-outs needs no runtime: {error}"));
        Self { pool, role, clock }
    }

    /// Runs statements that only read, as `caller`, whose session is checked in the same round trip.
    pub fn read(&self, caller: impl Into<Caller>) -> ReadScope<'_> {
        ReadScope::new(self, caller.into())
    }

    /// Runs statements that write, as `caller`. Each takes one of the caller's permits of `limit` in the same round
    /// trip; with `None` it takes no permit.
    pub fn write(&self, caller: impl Into<Caller>, limit: Option<Limit>) -> WriteScope<'_> {
        WriteScope::new(self, caller.into(), limit)
    }

    /// Runs statements before there is a caller, as a sign-in does.
    #[must_use]
    pub fn anonymous(&self) -> AnonymousScope<'_> {
        AnonymousScope::new(self)
    }

    /// The same connections, for statements of another database role.
    #[must_use]
    pub fn with_role(&self, role: DatabaseRole) -> Self {
        Self { role, ..self.clone() }
    }

    pub(super) fn role(&self) -> DatabaseRole {
        self.role
    }

    pub(super) fn ids(&self) -> Ids {
        Ids::new(self.clock.clone())
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Takes a connection out of the pool, or opens one.
    pub(super) async fn checkout(&self) -> Result<Checkout, DbError> {
        let object = tokio::time::timeout_at(deadline::database_deadline(), Box::pin(self.pool.get())).await;
        match object {
            Ok(Ok(object)) => Ok(Checkout { object: Some(object), clock: self.clock.clone() }),
            Ok(Err(PoolError::Backend(error))) => Err(DbError::Unavailable(error.into())),
            Ok(Err(error)) => Err(DbError::Other(error.into())),
            Err(elapsed) => Err(DbError::Unavailable(elapsed.into())),
        }
    }

    /// Closes every idle connection: one of them turned out to be dead, so the others may be dead too.
    pub(super) fn forget_idle(&self) {
        self.pool.retain(|_, _| false);
    }
}

impl managed::Manager for Connections {
    type Type = Connection;
    type Error = ConnectError;

    async fn create(&self) -> Result<Connection, ConnectError> {
        // Boxed: connecting is rare and its future is large. Inline, it would enlarge the future of every request.
        let (client, task, url) = Box::pin(connect_current(&*self.urls)).await?;
        Ok(Connection { client: ClientWrapper::new(client, task), url, idle_since: (Instant::now(), self.clock.now()) })
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<ConnectError> {
        if connection.client.is_closed() {
            return Err(RecycleError::message("closed"));
        }
        // The secret has changed, and may now name another database.
        if !self.urls.is_current(&connection.url) {
            return Err(RecycleError::message("of earlier settings"));
        }
        let (monotonic, wall) = connection.idle_since;
        // If the system's clock was set back, the idle time is unknown: ping.
        let by_wall = self.clock.now().duration_since(wall).try_into().unwrap_or(Duration::MAX);
        let idle = monotonic.elapsed().max(by_wall);
        if idle > PING_AFTER {
            let ping = tokio::time::timeout(PING_LIMIT, connection.client.simple_query("")).await;
            if !matches!(ping, Ok(Ok(_))) {
                return Err(RecycleError::message("did not answer a ping"));
            }
        }
        Ok(())
    }
}

/// A connection in use. Unless it is given back, it is closed when it is dropped: an interrupted request may have left
/// a transaction open.
#[derive(Debug)]
pub(super) struct Checkout {
    object: Option<Object<Connections>>,
    clock: Clock,
}

impl std::ops::Deref for Checkout {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        match &self.object {
            Some(connection) => &connection.client,
            None => unreachable!("only giving back and dropping take the connection out"),
        }
    }
}

impl Checkout {
    pub(super) fn give_back(mut self) {
        if let Some(mut object) = self.object.take() {
            object.idle_since = (Instant::now(), self.clock.now());
        }
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            drop(Object::take(object));
        }
    }
}
