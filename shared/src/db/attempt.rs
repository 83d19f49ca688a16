//! One attempt to run a statement, and what its failure means for another attempt.

use tokio::time::timeout_at;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use super::scope::Scope;
use super::statement::Param;
use super::{DbError, RequestRefusal};
use crate::deadline;
use crate::domain::LimitExceeded;

/// Whether this error of the opening proves that no later statement ran. Class 08 does not: a pooler sends it when it
/// has lost a server that may still be executing.
pub(super) fn ran_nothing(code: &SqlState) -> bool {
    !code.code().starts_with("08")
}

/// How long an attempt may take.
#[derive(Clone, Copy)]
pub(super) enum Attempt {
    /// It leaves time for a second attempt, and treats a silent connection as dead.
    First,
    /// It may take all the time that is left.
    Last,
}

/// Why an attempt failed, which decides whether [`Scope::execute`] retries it.
pub(super) enum AttemptFailure {
    /// The database answered, or nothing was sent. Another attempt would fail as well.
    Final(DbError),
    /// The connection ended or fell silent.
    Connection {
        error: DbError,
        /// Whether the statement may have taken effect.
        may_have_run: bool,
    },
    /// PostgreSQL chose this transaction to break a deadlock, and rolled it back.
    Deadlock(DbError),
    /// The caller exceeded the limit for writes.
    RateLimited {
        refused: LimitExceeded,
        /// Whether it is the first refusal of its window.
        first: bool,
    },
}

impl AttemptFailure {
    pub(super) fn of(error: DbError, may_have_run: bool) -> Self {
        match error {
            // The server refuses all writes; the statement itself is fine.
            error if error.is_read_only() => Self::Connection { error, may_have_run: false },
            error if error.lost_connection() => Self::Connection { error, may_have_run },
            error if error.is_deadlock() => Self::Deadlock(error),
            error => Self::Final(error),
        }
    }

    pub(super) fn into_error(self) -> DbError {
        match self {
            Self::Final(error) | Self::Connection { error, .. } | Self::Deadlock(error) => error,
            Self::RateLimited { refused, .. } => DbError::RequestRefused(RequestRefusal::RateLimited(refused)),
        }
    }
}

impl Scope<'_> {
    pub(super) async fn attempt(
        &self,
        sql: &str,
        params: &[Param<'_>],
        attempt: Attempt,
    ) -> Result<Vec<Row>, AttemptFailure> {
        let client = self.database.checkout().await.map_err(AttemptFailure::Final)?;
        // Connecting may have taken long, so the time of the statement starts now.
        let (first_answer, until) = match attempt {
            Attempt::First => (deadline::opening_deadline(), deadline::first_attempt_deadline()),
            Attempt::Last => (deadline::database_deadline(), deadline::database_deadline()),
        };
        let work = async {
            let opening = self.opening();
            let open = client.batch_execute(&opening);
            let statement = client.query_typed(sql, params);
            let commit = client.batch_execute("COMMIT");
            // A connection whose peer has vanished accepts what is written and never answers.
            let open = async { timeout_at(first_answer, open).await };
            // Polled in the order on the wire. Without an answer to the opening, the rest is not awaited.
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
            // COMMIT of a failed transaction succeeds as a ROLLBACK; the failure was returned above.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pooler_that_lost_its_server_may_have_run_everything() {
        assert!(!ran_nothing(&SqlState::PROTOCOL_VIOLATION) && !ran_nothing(&SqlState::CONNECTION_FAILURE));
        for code in ["UA001", "UA004", "40P01", "57014", "57P01"] {
            assert!(ran_nothing(&SqlState::from_code(code)), "{code}");
        }
    }
}
