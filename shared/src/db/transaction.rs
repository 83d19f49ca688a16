//! Several statements in one transaction.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::{Instant, timeout_at};

use super::executor::{Executor, WriteExecutor};
use super::pool::Checkout;
use super::scope::Scope;
use super::statement::Param;
use super::{DbError, Rows};
use crate::deadline;

/// An open transaction. Statements run in it as in a scope.
#[derive(Debug)]
pub struct Transaction {
    client: Checkout,
    /// Whether a statement has failed: COMMIT would then succeed as a ROLLBACK.
    failed: AtomicBool,
}

/// Runs several statements in one transaction of `scope`; commits it if `work` succeeds and rolls it back if not.
/// Opening and committing take one round trip each, in addition to those of `work`. It is never retried.
///
/// # Errors
/// The error of `work`; [`DbError::TimedOut`] at the deadline of the request; [`DbError::Other`] if `work` succeeds
/// although a statement failed.
pub async fn transaction<'a, T>(
    scope: &impl AsRef<Scope<'a>>,
    work: impl AsyncFnOnce(&Transaction) -> Result<T, DbError>,
) -> Result<T, DbError> {
    let scope = scope.as_ref();
    let started = Instant::now();
    let transaction = Transaction { client: scope.database.checkout().await?, failed: AtomicBool::new(false) };
    let whole = async {
        let client = &transaction.client;
        let open = client.batch_execute(&scope.opening()).await;
        open.map_err(|error| scope.refusal(error, false).into_error())?;
        let value = work(&transaction).await?;
        if transaction.failed.load(Ordering::Relaxed) {
            return Err(DbError::other("a statement failed, so the transaction cannot be committed"));
        }
        client.batch_execute("COMMIT").await?;
        Ok(value)
    };
    let result = match timeout_at(deadline::database_deadline(), whole).await {
        Ok(result) => result,
        Err(elapsed) => Err(DbError::TimedOut(elapsed.into())),
    };
    deadline::record_statement("transaction", started.elapsed());
    // A failed transaction is rolled back by closing its connection. That is rare, and always works.
    if result.is_ok() {
        transaction.client.give_back();
    }
    result
}

impl WriteExecutor for Transaction {}

impl Executor for Transaction {
    async fn execute(&self, _: &'static str, sql: &str, params: &[Param<'_>]) -> Result<Rows, DbError> {
        let result = self.client.query_typed(sql, params).await;
        if result.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        Ok(Rows::new(result?))
    }
}
