//! The state of the current request (task-local): its deadline, the time that it spent in the database, its slowest
//! statement, and whether its caller is authenticated.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

/// The maximum time for a request; API Gateway gives up after 30 s.
const LONGEST: Duration = Duration::from_secs(25);

/// The time that is reserved for the response, in case the database uses up all of the rest.
const RESERVE: Duration = Duration::from_millis(500);

/// The maximum time for a first attempt: 5 s for the statement, 3 s for its locks, and the network round trip.
const FIRST_ATTEMPT: Duration = Duration::from_secs(9);

/// How long the server may take to answer the opening of a transaction. After that, the connection counts as dead: a
/// live server answers at once.
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
    /// The name of the statement, such as `tasks.list`.
    pub(crate) name: &'static str,
    /// The time from sending the statement to its result, retries included.
    pub(crate) took: Duration,
}

/// Runs `request` with a deadline: `left` minus 0.5 s for the response, at most 25 s; 25 s if `left` is unknown.
pub async fn run_with_deadline<F: Future>(left: Option<Duration>, request: F) -> F::Output {
    let left = left.map_or(LONGEST, |left| left.saturating_sub(RESERVE).min(LONGEST));
    let current = Request {
        deadline: Instant::now() + left,
        database: Cell::new(Duration::ZERO),
        slowest: Cell::new(None),
        authenticated: Cell::new(false),
    };
    CURRENT.scope(current, request).await
}

/// When waiting for the database ends.
pub(crate) fn database_deadline() -> Instant {
    CURRENT.try_with(|request| request.deadline).unwrap_or_else(|_| Instant::now() + LONGEST)
}

/// When a connection that has not answered the opening counts as dead: after 2 s, or after half of the remaining time.
pub(crate) fn opening_deadline() -> Instant {
    half_of_remaining(SILENCE)
}

/// When a first attempt ends: after 9 s, or after half of the remaining time, which leaves time for a second one.
pub(crate) fn first_attempt_deadline() -> Instant {
    half_of_remaining(FIRST_ATTEMPT)
}

fn half_of_remaining(longest: Duration) -> Instant {
    let now = Instant::now();
    now + (database_deadline().saturating_duration_since(now) / 2).min(longest)
}

/// Whether there is time for another attempt.
pub(crate) fn has_time() -> bool {
    Instant::now() < database_deadline()
}

/// Records that the caller has sent a valid access token.
pub(crate) fn set_authenticated() {
    // Nothing to record outside of a request.
    let _ = CURRENT.try_with(|request| request.authenticated.set(true));
}

/// Whether the caller has sent a valid access token.
pub(crate) fn is_authenticated() -> bool {
    CURRENT.try_with(|request| request.authenticated.get()).unwrap_or_default()
}

/// Adds the duration of a statement or a transaction to the database time of the request.
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
