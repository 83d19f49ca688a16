//! The transaction every statement runs in, sent in one go.
//!
//! `BEGIN; SET LOCAL ROLE …; SELECT app.open_request(…)`, the statement and `COMMIT` are written to one connection
//! without waiting in between, so a request takes one round trip, also through a pooler in transaction mode.
//! The server answers each of the three by itself, and each answer wakes the pooler and us: what opens the
//! transaction is one message. Statements are unnamed and typed; nothing outlives the transaction.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use super::attempt::{Attempt, AttemptFailure, ran_nothing};
use super::pool::{Checkout, Database};
use super::{DbError, Refusal, Role, opening};
use crate::config::{Limit, Policy, Refused};
use crate::http::deadline;
use crate::tokens::{Identity, Proof};

/// A parameter with its PostgreSQL type, which saves the round trip that would ask for it.
pub type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// Who asks. The session is checked by the database before anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user all rows must belong to.
    pub user: Uuid,
    /// What their access token rests on.
    pub proof: Proof,
    /// Whether the user must be an administrator.
    pub as_admin: bool,
}

impl From<Identity> for Caller {
    fn from(identity: Identity) -> Self {
        Self { user: identity.user, proof: identity.proof, as_admin: false }
    }
}

/// What a statement returned.
#[derive(Debug)]
pub struct Outcome {
    /// The rows.
    pub rows: Vec<Row>,
    /// Whether an earlier try may have taken effect although its answer was lost.
    pub retried: bool,
}

/// Runs statements, each in a transaction of its own, as one role and for one caller.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    database: &'a Database,
    role: Role,
    caller: Option<Caller>,
    writes: Option<Limit>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(database: &'a Database, role: Role, caller: Option<Caller>) -> Self {
        Self { database, role, caller, writes: None }
    }

    /// The same for a write, which takes a permit of the caller's in the same round trip.
    #[must_use]
    pub fn limited(self, writes: Option<Limit>) -> Self {
        Self { writes, ..self }
    }

    /// The same without a caller.
    #[must_use]
    pub(super) fn as_nobody(&self) -> Self {
        Self { caller: None, writes: None, ..*self }
    }

    /// Runs one statement. If the connection turns out to be dead, or silent for too long, it is run once more
    /// on a fresh one: statements are written so that running twice is running once.
    ///
    /// # Errors
    /// [`DbError::Refused`] if the caller's session does not open requests any more.
    pub async fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Outcome, DbError> {
        let started = Instant::now();
        let result = match self.attempt(sql, params, Attempt::First).await {
            Ok(rows) => Ok(Outcome { rows, retried: false }),
            Err(AttemptFailure::Final(error)) => Err(error),
            Err(AttemptFailure::RateLimited { refused, first }) => {
                if first {
                    self.note(refused.limit).await;
                }
                Err(DbError::Refused(Refusal::Limited(refused)))
            }
            Err(AttemptFailure::Deadlock(error)) => {
                tracing::warn!(error = ?error, "a deadlock was broken at our cost; running the statement again");
                let rows = self.attempt(sql, params, Attempt::Last).await;
                rows.map(|rows| Outcome { rows, retried: false }).map_err(AttemptFailure::into_error)
            }
            Err(AttemptFailure::Connection { error, may_have_run }) => {
                tracing::warn!(error = ?error, "the connection was lost; running the statement on a fresh one");
                self.database.forget_idle();
                // The permit may have been taken, and is not taken twice.
                let again = Self { writes: self.writes.filter(|_| !may_have_run), ..*self };
                match again.attempt(sql, params, Attempt::Last).await {
                    Ok(rows) => Ok(Outcome { rows, retried: may_have_run }),
                    // The first run may have ended the session, or the role, that this one is refused for.
                    Err(AttemptFailure::Final(DbError::Refused(refusal))) if may_have_run => {
                        Err(DbError::RefusedAgain(refusal))
                    }
                    Err(lost) => Err(lost.into_error()),
                }
            }
        };
        deadline::add_database_time(started.elapsed());
        result
    }

    /// Notes the first refusal of a window, which took its own note back with its transaction.
    async fn note(&self, limit: Limit) {
        let session = self.caller.and_then(|caller| caller.proof.session()).map(|(session, _)| session);
        let by_session = self.caller.is_some_and(|caller| caller.as_admin);
        let (now, event) = (self.database.clock().now(), self.database.ids().next());
        let noting = Self { writes: None, ..*self };
        let params: [Param<'_>; 6] = [
            (&session, Type::UUID),
            (&by_session, Type::BOOL),
            (&now, Type::TIMESTAMPTZ),
            (&limit.burst, Type::INT4),
            (&limit.every, Type::FLOAT8),
            (&event, Type::UUID),
        ];
        let noted = noting.attempt("SELECT app.note_refused_write($1, $2, $3, $4, $5, $6)", &params, Attempt::Last);
        // The refusal stands whether it is noted or not.
        if let Err(error) = noted.await.map_err(AttemptFailure::into_error) {
            tracing::warn!(?error, "a refusal could not be noted");
        }
    }

    async fn attempt(&self, sql: &str, params: &[Param<'_>], attempt: Attempt) -> Result<Vec<Row>, AttemptFailure> {
        let client = self.database.checkout().await.map_err(AttemptFailure::Final)?;
        // Connecting may have taken long; the statement has its own time.
        let (first_answer, until) = match attempt {
            Attempt::First => (deadline::first_answer(), deadline::first_attempt()),
            Attempt::Last => (deadline::remaining(), deadline::remaining()),
        };
        let work = async {
            let opening = self.opening();
            let open = client.batch_execute(&opening);
            let statement = client.query_typed(sql, params);
            let commit = client.batch_execute("COMMIT");
            // A connection whose other end is gone takes what is written to it, and never answers.
            let open = async { timeout_at(first_answer, open).await };
            // Polled in this order, which is the order on the wire. Without an answer to the first nothing is waited for.
            let rest = async { Ok(futures_util::join!(statement, commit)) };
            let (open, (rows, commit)) = match futures_util::future::try_join(open, rest).await {
                Ok(answers) => answers,
                Err(elapsed) => {
                    let error = DbError::TimedOut(elapsed.into());
                    return Err(AttemptFailure::Connection { error, may_have_run: true });
                }
            };
            let may_have_run = !open.as_ref().is_err_and(|error| error.code().is_some_and(ran_nothing));
            open.map_err(|error| self.refusal(error, may_have_run))?;
            let rows = rows.map_err(|error| AttemptFailure::of(error.into(), may_have_run))?;
            // COMMIT of a failed transaction succeeds as a ROLLBACK; the failure was seen above.
            commit.map_err(|error| AttemptFailure::of(error.into(), may_have_run))?;
            Ok(rows)
        };
        let Ok(result) = timeout_at(until, work).await else {
            // Dropping the connection closes it: the answer may still be on its way.
            let error = DbError::TimedOut("the database did not answer in time".into());
            return Err(if deadline::has_time() {
                AttemptFailure::Connection { error, may_have_run: true }
            } else {
                AttemptFailure::Final(error)
            });
        };
        if !matches!(result, Err(AttemptFailure::Connection { .. })) {
            client.give_back();
        }
        result
    }

    /// What opens the transaction: for a caller, also names them to row-level security and checks their session.
    fn opening(&self) -> Cow<'static, str> {
        let begin = self.role.begin();
        let Some(caller) = self.caller else { return begin.into() };
        let (now, event) = (self.database.clock().now(), self.writes.map(|_| self.database.ids().next()));
        opening::text(begin, caller, self.writes, now, event).into()
    }

    /// Why the request was not opened. A limit says for how long, and whether it is the first refusal.
    fn refusal(&self, error: tokio_postgres::Error, may_have_run: bool) -> AttemptFailure {
        let limited = error.as_db_error().filter(|error| error.code().code() == "UA004");
        let detail = limited.and_then(|error| error.detail()?.split_once(' '));
        match (self.writes, detail) {
            (Some(limit), Some((wait, first))) => {
                let wait = wait.parse().unwrap_or(limit.every);
                AttemptFailure::RateLimited {
                    refused: Refused { policy: Policy::Writes, limit, wait },
                    first: first == "first",
                }
            }
            _ => AttemptFailure::of(error.into(), may_have_run),
        }
    }

    /// Runs several statements in one transaction, committed if `work` succeeds and rolled back if not.
    /// Takes a round trip to open and one to commit beside those of `work`; never retried.
    ///
    /// # Errors
    /// As `work`, or as [`Scope::query`].
    pub async fn transaction<T>(
        &self,
        work: impl AsyncFnOnce(&Transaction) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let started = Instant::now();
        let transaction = Transaction { client: self.database.checkout().await?, failed: AtomicBool::new(false) };
        let whole = async {
            let client = &transaction.client;
            let open = client.batch_execute(&self.opening()).await;
            open.map_err(|error| self.refusal(error, false).into_error())?;
            let value = work(&transaction).await?;
            if transaction.failed.load(Ordering::Relaxed) {
                return Err(DbError::other("a statement failed, so the transaction cannot be committed"));
            }
            client.batch_execute("COMMIT").await?;
            Ok(value)
        };
        let result = match timeout_at(deadline::remaining(), whole).await {
            Ok(result) => result,
            Err(elapsed) => Err(DbError::TimedOut(elapsed.into())),
        };
        deadline::add_database_time(started.elapsed());
        // A failed transaction is rolled back by closing its connection: rare, and certain.
        if result.is_ok() {
            transaction.client.give_back();
        }
        result
    }
}

/// An open transaction.
#[derive(Debug)]
pub struct Transaction {
    client: Checkout,
    /// A statement failed: COMMIT would succeed as a ROLLBACK.
    failed: AtomicBool,
}

impl Transaction {
    /// Runs one statement.
    ///
    /// # Errors
    /// If it fails; the transaction is lost then, whatever its closure answers.
    pub async fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        let result = self.client.query_typed(sql, params).await;
        if result.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        Ok(result?)
    }
}
