//! What runs statements: a scope of a request, an open transaction, or a connection of its own.

use std::future::Future;

use tokio_postgres::{Client, Transaction as PgTransaction};

use super::statement::Param;
use super::{DbError, Rows};

/// Runs a rendered [`Statement`](super::Statement).
pub trait Executor: Sync {
    /// Sends the statement and returns its rows.
    ///
    /// # Errors
    /// As the implementation says.
    #[doc(hidden)]
    fn execute(
        &self,
        name: &'static str,
        sql: &str,
        params: &[Param<'_>],
    ) -> impl Future<Output = Result<Rows, DbError>> + Send;
}

/// A connection of its own, as migrations and imports have.
impl Executor for Client {
    async fn execute(&self, _: &'static str, sql: &str, params: &[Param<'_>]) -> Result<Rows, DbError> {
        Ok(Rows::new(self.query_typed(sql, params).await?))
    }
}

impl Executor for PgTransaction<'_> {
    async fn execute(&self, _: &'static str, sql: &str, params: &[Param<'_>]) -> Result<Rows, DbError> {
        Ok(Rows::new(self.query_typed(sql, params).await?))
    }
}
