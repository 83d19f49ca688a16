//! Waiting for tables without making everybody wait: a short try for the locks, and another one later.
//!
//! A migration that waits for a table stands before every request for it, and one that holds a table while it waits
//! for the next can wait for a request that waits for it. So it waits half a second, less than PostgreSQL takes to
//! look for deadlocks, gives all locks back, lets the requests pass, and starts again. Where requests keep coming in
//! the other order, that never ends: after some tries it waits longer, PostgreSQL breaks the deadlocks, and the
//! functions run the requests that were broken once more.

use std::error::Error;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_postgres::error::SqlState;

/// The pause after the first try that found a table in use; it doubles, up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(250);

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// How many tries are short.
const SHORT_TRIES: u32 = 5;

/// How long a short try waits for one lock: less than `deadlock_timeout`, which is a second.
const SHORT: Duration = Duration::from_millis(500);

/// How long the others do.
const LONG: Duration = Duration::from_secs(5);

/// Tries `work` until it succeeds, fails for another reason than a table in use, or `patience` is over. It is told how
/// long to wait for one lock.
pub(crate) async fn patiently<T, E>(
    patience: Duration,
    mut work: impl AsyncFnMut(Duration) -> Result<T, E>,
) -> Result<T, E>
where
    E: Error + 'static,
{
    let until = Instant::now() + patience;
    let mut pause = PAUSE;
    for attempt in 0.. {
        match work(if attempt < SHORT_TRIES { SHORT } else { LONG }).await {
            Err(error) if is_about_locks(&error) && Instant::now() + pause < until => {
                tracing::info!("a table is in use; trying again in {} ms", pause.as_millis());
                sleep(pause).await;
                pause = (2 * pause).min(LONGEST_PAUSE);
            }
            result => return result,
        }
    }
    unreachable!("there is always another attempt")
}

/// Whether a lock was not to be had, or was part of a deadlock.
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
