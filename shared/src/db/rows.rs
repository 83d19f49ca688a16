//! The rows of a statement, and structs that declare their columns beside their fields.

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::DbError;

/// The rows of a statement.
#[derive(Debug)]
pub struct Rows {
    rows: Vec<Row>,
    /// Whether an earlier attempt may have taken effect although its answer was lost.
    pub(super) retried: bool,
}

impl Rows {
    pub(super) fn new(rows: Vec<Row>) -> Self {
        Self { rows, retried: false }
    }

    /// The rows of a second attempt; the first one may have taken effect.
    pub(super) fn of_retry(rows: Vec<Row>, may_have_run: bool) -> Self {
        Self { rows, retried: may_have_run }
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows one by one.
    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        self.rows.iter().map(Record)
    }

    /// The first row; `None` if there is no row.
    #[must_use]
    pub fn first(&self) -> Option<Record<'_>> {
        self.rows.first().map(Record)
    }

    /// The only row of a statement that always returns one.
    ///
    /// # Errors
    /// [`DbError::Other`] if there is no row.
    pub fn one(&self) -> Result<Record<'_>, DbError> {
        self.first().ok_or_else(|| DbError::other("the statement returned no row"))
    }

    /// The first row as a struct; `None` if there is no row.
    ///
    /// # Errors
    /// [`DbError::Other`] if a column has another type than its field.
    pub fn optional<T: FromRow>(&self) -> Result<Option<T>, DbError> {
        self.first().map(Record::read).transpose()
    }

    /// Every row as a struct.
    ///
    /// # Errors
    /// As [`Rows::optional`].
    pub fn all<T: FromRow>(&self) -> Result<Vec<T>, DbError> {
        self.iter().map(Record::read).collect()
    }
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a>(&'a Row);

impl<'a> Record<'a> {
    /// The column of this name.
    ///
    /// # Errors
    /// [`DbError::Other`] if there is no such column, or it has another type.
    pub fn get<T: FromSql<'a>>(self, name: &str) -> Result<T, DbError> {
        self.0.try_get(name).map_err(|error| DbError::Other(error.into()))
    }

    /// The struct whose columns come first in this row; other columns may follow them.
    ///
    /// # Errors
    /// As [`Record::get`].
    pub fn read<T: FromRow>(self) -> Result<T, DbError> {
        T::from_columns(&mut Columns { row: self.0, next: 0 })
    }
}

/// The columns of a row in the order in which [`FromRow::COLUMNS`] lists them.
#[derive(Debug)]
pub struct Columns<'a> {
    row: &'a Row,
    next: usize,
}

impl<'a> Columns<'a> {
    /// The next column, which must be called `name`.
    pub(super) fn next<T: FromSql<'a>>(&mut self, name: &'static str) -> Result<T, DbError> {
        debug_assert_eq!(self.row.columns().get(self.next).map(tokio_postgres::Column::name), Some(name));
        let value = self.row.try_get(self.next).map_err(|error| DbError::Other(error.into()));
        self.next += 1;
        value
    }
}

/// A struct that is read from the columns it lists. [`row!`](super::row) implements it.
pub trait FromRow: Sized {
    /// The columns for a `SELECT` or `RETURNING`, each named as its field.
    const COLUMNS: &'static str;

    /// Reads the columns.
    ///
    /// # Errors
    /// [`DbError::Other`] if a column has another type than its field.
    fn from_columns(columns: &mut Columns<'_>) -> Result<Self, DbError>;
}

/// Declares a struct with the SQL expression of each field, and implements [`FromRow`] for it.
macro_rules! row {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[$doc:meta])* $field_vis:vis $field:ident: $type:ty = $sql:literal,)+
        }
    ) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[$doc])* $field_vis $field: $type,)+
        }

        impl $crate::db::rows::FromRow for $name {
            // Without the first comma.
            const COLUMNS: &'static str = concat!($(", ", $sql, " AS ", stringify!($field)),+).split_at(2).1;

            fn from_columns(columns: &mut $crate::db::rows::Columns<'_>) -> Result<Self, $crate::db::DbError> {
                Ok(Self { $($field: columns.next(stringify!($field))?,)+ })
            }
        }
    };
}

pub(super) use row;
