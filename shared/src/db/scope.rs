//! Runs each statement of a request in its own transaction, in one round trip.
//!
//! `BEGIN; SET LOCAL ROLE …; SELECT app.open_request(…)`, the statement and `COMMIT` are written to one connection
//! without waiting in between, so a request takes one round trip, also through a pooler in transaction mode.
//! Each message costs a wake-up of the pooler and of the function, so everything that opens the transaction is one
//! message. Statements are unnamed and typed, so no state outlives the transaction.

use std::borrow::Cow;

use tokio::time::Instant;
use uuid::Uuid;

use super::attempt::{Attempt, AttemptFailure};
use super::executor::{Executor, WriteExecutor};
use super::pool::Database;
use super::statement::Param;
use super::{DbError, RequestRefusal, Rows, Statement, opening};
use crate::deadline;
use crate::domain::{Identity, Limit, LimitExceeded, LimitName, Proof};

/// The authenticated user of a request. `app.open_request` checks the session first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The owner of every row that the request may see.
    pub user: Uuid,
    /// The session or legacy token behind their access token.
    pub proof: Proof,
    /// Whether the user must be an administrator.
    pub as_admin: bool,
}

impl From<Identity> for Caller {
    fn from(identity: Identity) -> Self {
        Self { user: identity.user, proof: identity.proof, as_admin: false }
    }
}

/// Runs statements that only read, as a caller.
#[derive(Clone, Copy, Debug)]
pub struct ReadScope<'a>(Scope<'a>);

/// Runs statements that write, as a caller. Creating it requires a decision about the caller's write permits, so no
/// write can forget them.
#[derive(Clone, Copy, Debug)]
pub struct WriteScope<'a>(Scope<'a>);

/// Runs statements that come before there is a caller, such as those of a sign-in. They take their permits themselves.
#[derive(Clone, Copy, Debug)]
pub struct AnonymousScope<'a>(Scope<'a>);

impl<'a> ReadScope<'a> {
    pub(super) fn new(database: &'a Database, caller: Caller) -> Self {
        Self(Scope { database, caller: Some(caller), write_limit: None })
    }
}

impl<'a> WriteScope<'a> {
    pub(super) fn new(database: &'a Database, caller: Caller, write_limit: Option<Limit>) -> Self {
        Self(Scope { database, caller: Some(caller), write_limit })
    }

    /// The same database, without the caller.
    pub(super) fn anonymous(&self) -> AnonymousScope<'a> {
        AnonymousScope::new(self.0.database)
    }
}

impl<'a> AnonymousScope<'a> {
    pub(super) fn new(database: &'a Database) -> Self {
        Self(Scope { database, caller: None, write_limit: None })
    }
}

macro_rules! executors {
    ($($scope:ident)+) => {
        $(impl Executor for $scope<'_> {
            async fn execute(&self, name: &'static str, sql: &str, params: &[Param<'_>]) -> Result<Rows, DbError> {
                self.0.execute(name, sql, params).await
            }
        }

        impl<'a> AsRef<Scope<'a>> for $scope<'a> {
            fn as_ref(&self) -> &Scope<'a> {
                &self.0
            }
        })+
    };
}

executors!(ReadScope WriteScope AnonymousScope);

impl WriteExecutor for WriteScope<'_> {}
impl WriteExecutor for AnonymousScope<'_> {}

/// What the three kinds of scope have in common.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    pub(super) database: &'a Database,
    caller: Option<Caller>,
    /// The write limit, of which the opening takes a permit; `None` takes none.
    write_limit: Option<Limit>,
}

impl Scope<'_> {
    /// Runs one statement. If the connection turns out to be dead, or silent for too long, runs it once more on a fresh
    /// one: statements are written so that running twice has the effect of running once.
    async fn execute(&self, name: &'static str, sql: &str, params: &[Param<'_>]) -> Result<Rows, DbError> {
        let started = Instant::now();
        let result = match self.attempt(sql, params, Attempt::First).await {
            Ok(rows) => Ok(Rows::new(rows)),
            Err(AttemptFailure::Final(error)) => Err(error),
            Err(AttemptFailure::RateLimited { refused, first }) => {
                if first {
                    self.note_refusal(refused.limit).await;
                }
                Err(DbError::RequestRefused(RequestRefusal::RateLimited(refused)))
            }
            Err(AttemptFailure::Deadlock(error)) => {
                tracing::warn!(error = ?error, statement = name, "PostgreSQL ended this statement to break a deadlock; running it again");
                let rows = self.attempt(sql, params, Attempt::Last).await;
                rows.map(Rows::new).map_err(AttemptFailure::into_error)
            }
            Err(AttemptFailure::Connection { error, may_have_run }) => {
                tracing::warn!(error = ?error, statement = name, "the connection was lost; running the statement on a fresh one");
                self.database.forget_idle();
                // The first attempt may have taken the permit. Do not take a second one.
                let retry = Self { write_limit: self.write_limit.filter(|_| !may_have_run), ..*self };
                match retry.attempt(sql, params, Attempt::Last).await {
                    Ok(rows) => Ok(Rows::of_retry(rows, may_have_run)),
                    // The first attempt may have ended the session or removed the role, and so caused this refusal.
                    Err(AttemptFailure::Final(DbError::RequestRefused(refusal))) if may_have_run => {
                        Err(DbError::RetryRefused(refusal))
                    }
                    Err(failure) => Err(failure.into_error()),
                }
            }
        };
        deadline::record_statement(name, started.elapsed());
        result
    }

    /// Adds the audit event for the first refusal of a window. The refusal aborted its transaction, so this needs
    /// another.
    async fn note_refusal(&self, limit: Limit) {
        let session = self.caller.and_then(|caller| caller.proof.session()).map(|(session, _)| session);
        // Writes of administrators are limited by session, those of others by user.
        let by_session = self.caller.is_some_and(|caller| caller.as_admin);
        let (now, event) = (self.database.clock().now(), self.database.ids().next());
        let unlimited = LastAttempt(Self { write_limit: None, ..*self });
        let note = Statement::new(
            "audit.note_refused_write",
            "SELECT app.note_refused_write(:session, :by_session, :at, :burst, :seconds_per_permit, :event_id)",
        )
        .bind("session", &session)
        // The writes of administrators are limited by session, those of others by user.
        .bind("by_session", &by_session)
        .bind("at", &now)
        .bind("burst", &limit.burst)
        .bind("seconds_per_permit", &limit.seconds_per_permit)
        .bind("event_id", &event)
        .run(&unlimited);
        // The request is refused whether or not the event can be added.
        if let Err(error) = note.await {
            tracing::warn!(?error, "the audit event of a refused write could not be added");
        }
    }

    /// The SQL that opens the transaction. For a caller, it checks the session and sets the user for row-level
    /// security.
    pub(super) fn opening(&self) -> Cow<'static, str> {
        let begin = self.database.role().begin();
        let Some(caller) = self.caller else { return begin.into() };
        let (now, event) = (self.database.clock().now(), self.write_limit.map(|_| self.database.ids().next()));
        opening::text(begin, caller, self.write_limit, now, event).into()
    }

    /// Why the request was refused. For a rate limit: how long to wait, and whether this is the window's first refusal.
    pub(super) fn refusal(&self, error: tokio_postgres::Error, may_have_run: bool) -> AttemptFailure {
        let limited = error.as_db_error().filter(|error| error.code().code() == "UA004");
        let detail = limited.and_then(|error| error.detail()?.split_once(' '));
        match (self.write_limit, detail) {
            (Some(limit), Some((wait, first))) => {
                let wait = wait.parse().unwrap_or(limit.seconds_per_permit);
                let refused = LimitExceeded { name: LimitName::Writes, limit, wait };
                AttemptFailure::RateLimited { refused, first: first == "first" }
            }
            _ => AttemptFailure::of(error.into(), may_have_run),
        }
    }
}

/// Executes one attempt without a retry, with all the remaining time.
struct LastAttempt<'a>(Scope<'a>);

impl Executor for LastAttempt<'_> {
    async fn execute(&self, _: &'static str, sql: &str, params: &[Param<'_>]) -> Result<Rows, DbError> {
        self.0.attempt(sql, params, Attempt::Last).await.map(Rows::new).map_err(AttemptFailure::into_error)
    }
}
