//! Reads columns out of rows without panicking.

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::DbError;

/// The columns of a row, taken one after the other.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    row: &'a Row,
    next: usize,
}

impl<'a> Columns<'a> {
    /// Starts at the first column.
    #[must_use]
    pub(super) fn of(row: &'a Row) -> Self {
        Self { row, next: 0 }
    }

    /// The next column.
    ///
    /// # Errors
    /// [`DbError::Other`] if there is none, or it is of another type.
    pub(super) fn take<T: FromSql<'a>>(&mut self) -> Result<T, DbError> {
        let value = self.row.try_get(self.next).map_err(|error| DbError::Other(error.into()));
        self.next += 1;
        value
    }
}
