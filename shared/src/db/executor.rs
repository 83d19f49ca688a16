//! Executors of statements: scopes, transactions, and connections outside the pool.

use std::future::Future;

use tokio_postgres::{Client, Transaction as PgTransaction};

use super::statement::Param;
use super::{DbError, Rows};

/// Runs a rendered [`Statement`](super::Statement).
pub trait Executor: Sync {
    /// Sends the statement and returns its rows.
    #[doc(hidden)]
    fn execute(
        &self,
        name: &'static str,
        sql: &str,
        params: &[Param<'_>],
    ) -> impl Future<Output = Result<Rows, DbError>> + Send;
}

/// An executor for statements that write: every executor except a [`ReadScope`](super::ReadScope).
pub trait WriteExecutor: Executor {}

/// A connection outside the pool, as migrations and imports have.
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
