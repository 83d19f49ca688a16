//! Why a statement failed.

use tokio_postgres::error::SqlState;

use crate::domain::LimitExceeded;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// `app.open_request` refused the caller.
    #[error("the request was refused: {0:?}")]
    RequestRefused(RequestRefusal),
    /// The same, on a retry after the answer was lost. The first attempt may have caused it, by ending the session.
    #[error("the request was refused when it was run again: {0:?}")]
    RetryRefused(RequestRefusal),
    /// A named constraint was violated.
    #[error("the constraint {name} was violated")]
    Constraint { name: String, source: tokio_postgres::Error },
    /// The database could not be reached, or the connection was lost.
    #[error("the database is unavailable")]
    Unavailable(#[source] Cause),
    /// The server is out of a resource, or aborted the statement in favour of another one.
    #[error("the database is overloaded")]
    Overloaded(#[source] Cause),
    /// The statement did not end in time.
    #[error("the statement took too long")]
    TimedOut(#[source] Cause),
    /// Any other failure, such as a mistake in the statement.
    #[error("the statement failed")]
    Other(#[source] Cause),
}

/// Why `app.open_request` refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RequestRefusal {
    /// The session was ended, or its account was deleted.
    SessionRevoked,
    /// The session reached its idle or its absolute expiry.
    SessionExpired,
    /// The account is disabled.
    AccountDisabled,
    /// The account is banned.
    AccountBanned,
    /// The user is not an administrator.
    NotAdmin,
    /// The caller has no write permit left.
    RateLimited(LimitExceeded),
}

impl DbError {
    /// Whether a constraint of this name was violated.
    #[must_use]
    pub fn is_on(&self, constraint: &str) -> bool {
        matches!(self, Self::Constraint { name, .. } if name == constraint)
    }

    /// Whether the connection failed, so that another one may succeed.
    pub(super) fn lost_connection(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// The SQLSTATE, if the server sent one.
    fn state(&self) -> Option<&str> {
        if matches!(self, Self::RequestRefused(_) | Self::RetryRefused(_)) {
            return None;
        }
        let cause = std::error::Error::source(self)?.downcast_ref::<tokio_postgres::Error>()?;
        cause.code().map(SqlState::code)
    }

    /// Whether the server rolled the transaction back in favour of another one, as in a deadlock.
    pub(super) fn is_deadlock(&self) -> bool {
        let lost = [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE];
        lost.iter().any(|state| self.state() == Some(state.code()))
    }

    /// Whether the server accepts no writes: it has become a standby, and another server has replaced it.
    pub(super) fn is_read_only(&self) -> bool {
        self.state() == Some(SqlState::READ_ONLY_SQL_TRANSACTION.code())
    }

    /// Whether the server refused the values of the statement (classes 22 and 23) and not the statement itself.
    #[must_use]
    pub fn is_about_values(&self) -> bool {
        self.state().is_some_and(|state| state.starts_with("22") || state.starts_with("23"))
    }

    pub(super) fn other(message: &'static str) -> Self {
        Self::Other(message.into())
    }
}

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(state) = error.code() else {
            return if error.is_closed() || has_io_cause(&error) {
                Self::Unavailable(error.into())
            } else {
                Self::Other(error.into())
            };
        };
        match state.code() {
            "UA001" => return Self::RequestRefused(RequestRefusal::SessionRevoked),
            "UA002" => return Self::RequestRefused(RequestRefusal::SessionExpired),
            "UA003" => return Self::RequestRefused(RequestRefusal::AccountDisabled),
            "UA005" => return Self::RequestRefused(RequestRefusal::NotAdmin),
            "UA006" => return Self::RequestRefused(RequestRefusal::AccountBanned),
            // Class 08: connection exceptions; PgBouncer answers with 08P01. 57P: the server stops, starts or has ended
            // the session. 25P03 and 25P04: it has ended a transaction that took too long.
            "25006" | "25P03" | "25P04" | "53300" => return Self::Unavailable(error.into()),
            class if class.starts_with("08") || class.starts_with("57P") => return Self::Unavailable(error.into()),
            // Class 53: out of disk, memory, connections or the like. Class 58: the disk fails. 40: see is_deadlock.
            "58030" | "40001" | "40P01" => return Self::Overloaded(error.into()),
            class if class.starts_with("53") => return Self::Overloaded(error.into()),
            _ => {}
        }
        if [SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE].contains(state) {
            return Self::TimedOut(error.into());
        }
        match error.as_db_error().and_then(|error| error.constraint()) {
            Some(name) => Self::Constraint { name: name.to_owned(), source: error },
            None => Self::Other(error.into()),
        }
    }
}

fn has_io_cause(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.downcast_ref::<std::io::Error>().is_some())
}
