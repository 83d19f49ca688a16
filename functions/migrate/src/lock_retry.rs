//! Retries a migration whose tables are in use, so that it does not block the requests that use them.
//!
//! While a migration waits for a table lock, every later request for that table waits behind it. A migration that holds
//! one table and waits for the next can also deadlock with a request. So each try waits half a second at most, which is
//! less than `deadlock_timeout`, then releases all locks, lets the requests pass, and starts again. If requests keep
//! taking the tables in the opposite order, short tries never succeed. So later tries wait longer: PostgreSQL then
//! breaks the deadlocks, and the functions retry the requests that it aborted.

use std::error::Error;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_postgres::error::SqlState;

/// The pause after the first try; it doubles after each try, up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_secs(4);

/// How many tries use [`SHORT_TIMEOUT`]; the others use [`LONG_TIMEOUT`].
const SHORT_TRIES: u32 = 5;

/// How long a short try waits for one lock: less than `deadlock_timeout`, which is 1 s.
const SHORT_TIMEOUT: Duration = Duration::from_millis(500);

/// How long a long try waits for one lock.
const LONG_TIMEOUT: Duration = Duration::from_secs(5);

/// Calls `work`, with the time that it may wait for one lock, until it succeeds, fails for another reason than a lock,
/// or `limit` is over.
pub(crate) async fn retry_on_locks<T, E>(
    limit: Duration,
    mut work: impl AsyncFnMut(Duration) -> Result<T, E>,
) -> Result<T, E>
where
    E: Error + 'static,
{
    let until = Instant::now() + limit;
    let mut pause = FIRST_PAUSE;
    for attempt in 0.. {
        match work(if attempt < SHORT_TRIES { SHORT_TIMEOUT } else { LONG_TIMEOUT }).await {
            Err(error) if is_about_locks(&error) && Instant::now() + pause < until => {
                tracing::info!("a table is in use; the migration starts again in {} ms", pause.as_millis());
                sleep(pause).await;
                pause = (2 * pause).min(MAX_PAUSE);
            }
            result => return result,
        }
    }
    unreachable!("there is always another attempt")
}

/// Whether a lock could not be taken in time, or PostgreSQL aborted the statement because of a deadlock.
fn is_about_locks(error: &(dyn Error + 'static)) -> bool {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(state) = error.downcast_ref::<tokio_postgres::Error>().and_then(tokio_postgres::Error::code) {
            return [&SqlState::LOCK_NOT_AVAILABLE, &SqlState::T_R_DEADLOCK_DETECTED].contains(&state);
        }
        current = error.source();
    }
    false
}
