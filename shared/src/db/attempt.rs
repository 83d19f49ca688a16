//! One attempt to run a statement, and what its failure means for another.

use tokio_postgres::error::SqlState;

use super::{DbError, Refusal};
use crate::config::Refused;

/// Whether this error of the opening proves that no later statement ran. Class 08 does not: a pooler sends it when it lost
/// a server that may still be executing.
pub(super) fn ran_nothing(code: &SqlState) -> bool {
    !code.code().starts_with("08")
}

/// How long an attempt may take.
#[derive(Clone, Copy)]
pub(super) enum Attempt {
    /// It leaves time for a second one, and takes a connection that stays silent for dead.
    First,
    /// It may take all the time that is left.
    Last,
}

/// Why an attempt failed, which decides whether `query` retries it.
pub(super) enum AttemptFailure {
    /// The database answered, or nothing was asked. Another attempt would fare no better.
    Final(DbError),
    /// The connection ended or fell silent.
    Connection {
        error: DbError,
        /// Whether the statement may have taken effect.
        may_have_run: bool,
    },
    /// PostgreSQL chose this transaction to break a deadlock, and rolled it back.
    Deadlock(DbError),
    /// The caller exceeded the limit of writes.
    RateLimited {
        refused: Refused,
        /// Whether it is the first refusal of its window.
        first: bool,
    },
}

impl AttemptFailure {
    pub(super) fn of(error: DbError, may_have_run: bool) -> Self {
        match error {
            // The server refused the write, and nothing else is wrong with the statement.
            error if error.is_read_only() => Self::Connection { error, may_have_run: false },
            error if error.lost_connection() => Self::Connection { error, may_have_run },
            error if error.is_deadlock() => Self::Deadlock(error),
            error => Self::Final(error),
        }
    }

    pub(super) fn into_error(self) -> DbError {
        match self {
            Self::Final(error) | Self::Connection { error, .. } | Self::Deadlock(error) => error,
            Self::RateLimited { refused, .. } => DbError::Refused(Refusal::Limited(refused)),
        }
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
