//! What the request that is being answered knows of itself: its deadline, the time that it spent in the database, its slowest
//! statement, and whether its caller is authenticated.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

/// The longest time for a request; API Gateway gives up after 30 s.
const LONGEST: Duration = Duration::from_secs(25);

/// The time that is kept back to answer after the database used up its own.
const RESERVE: Duration = Duration::from_millis(500);

/// The longest time for a first attempt: 5 s for the statement, 3 s for its locks, and the way there and back.
const FIRST_ATTEMPT: Duration = Duration::from_secs(9);

/// How long a connection may stay silent after a request was written to it, before it counts as dead. A live server answers
/// the opening of a transaction at once.
const SILENCE: Duration = Duration::from_secs(2);

/// A statement that takes longer is named in the log line of its request.
const SLOW: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct Request {
    deadline: Instant,
    database: Cell<Duration>,
    slowest: Cell<Option<SlowStatement>>,
    authenticated: Cell<bool>,
}

tokio::task_local! {
    static CURRENT: Request;
}

/// A statement that took longer than 100 ms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlowStatement {
    /// Its name, such as `tasks.list`.
    pub(crate) name: &'static str,
    /// The time from sending it to its answer, with retries.
    pub(crate) took: Duration,
}

/// Runs a request that must be answered within `left`, at most 25 s.
pub async fn scope<F: Future>(left: Option<Duration>, request: F) -> F::Output {
    let left = left.map_or(LONGEST, |left| left.saturating_sub(RESERVE).min(LONGEST));
    let current = Request {
        deadline: Instant::now() + left,
        database: Cell::new(Duration::ZERO),
        slowest: Cell::new(None),
        authenticated: Cell::new(false),
    };
    CURRENT.scope(current, request).await
}

/// When the database must have answered.
pub(crate) fn remaining() -> Instant {
    CURRENT.try_with(|request| request.deadline).unwrap_or_else(|_| Instant::now() + LONGEST)
}

/// When a connection that has not answered anything is given up.
pub(crate) fn first_answer() -> Instant {
    half_of_remaining(SILENCE)
}

/// When a first attempt gives up: in time for a second one.
pub(crate) fn first_attempt() -> Instant {
    half_of_remaining(FIRST_ATTEMPT)
}

fn half_of_remaining(longest: Duration) -> Instant {
    let now = Instant::now();
    now + (remaining().saturating_duration_since(now) / 2).min(longest)
}

/// Whether there is time for another attempt.
pub(crate) fn has_time() -> bool {
    Instant::now() < remaining()
}

/// Records that the caller has shown a valid access token.
pub(crate) fn set_authenticated() {
    // Nothing to record outside of a request.
    let _ = CURRENT.try_with(|request| request.authenticated.set(true));
}

/// Whether the caller has shown a valid access token.
pub(crate) fn is_authenticated() -> bool {
    CURRENT.try_with(|request| request.authenticated.get()).unwrap_or_default()
}

/// Adds the time of a statement, or of a transaction, to that of the request.
pub(crate) fn record_statement(name: &'static str, took: Duration) {
    // Nothing to record outside of a request.
    let _ = CURRENT.try_with(|request| {
        request.database.set(request.database.get() + took);
        if took >= SLOW && request.slowest.get().is_none_or(|slowest| slowest.took < took) {
            request.slowest.set(Some(SlowStatement { name, took }));
        }
    });
}

/// The time that this request has spent in the database so far.
pub(crate) fn database_time() -> Duration {
    CURRENT.try_with(|request| request.database.get()).unwrap_or_default()
}

/// The slowest statement of this request that took longer than 100 ms.
pub(crate) fn slow_statement() -> Option<SlowStatement> {
    CURRENT.try_with(|request| request.slowest.get()).unwrap_or_default()
}
