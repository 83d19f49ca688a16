//! What is known of the request that is being answered: the time it has left, the time it spent in the database, and
//! whether its caller is authenticated.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

/// The longest a request may take; API Gateway gives up after 30 s.
const LONGEST: Duration = Duration::from_secs(25);

/// Kept back to answer with after the database used up its time.
const RESERVE: Duration = Duration::from_millis(500);

#[derive(Debug)]
struct Request {
    deadline: Instant,
    database: Cell<Duration>,
    /// Whether the caller has shown a valid access token.
    authenticated: Cell<bool>,
}

tokio::task_local! {
    static CURRENT: Request;
}

/// Runs a request that must have answered within `left`, at most 25 s.
pub async fn scope<F: Future>(left: Option<Duration>, request: F) -> F::Output {
    let left = left.map_or(LONGEST, |left| left.saturating_sub(RESERVE).min(LONGEST));
    let deadline = Instant::now() + left;
    let current = Request { deadline, database: Cell::new(Duration::ZERO), authenticated: Cell::new(false) };
    CURRENT.scope(current, request).await
}

/// When the database must have answered.
pub(crate) fn remaining() -> Instant {
    CURRENT.try_with(|request| request.deadline).unwrap_or_else(|_| Instant::now() + LONGEST)
}

/// The longest a first attempt may take: 5 s for the statement, 3 s for its locks, and the way there and back.
const FIRST_ATTEMPT: Duration = Duration::from_secs(9);

/// How long a connection may stay silent after a request was written to it, before it is taken for dead. A server that
/// lives answers the opening of a transaction at once.
const SILENCE: Duration = Duration::from_secs(2);

/// When a connection that has not answered anything is given up.
pub(crate) fn first_answer() -> Instant {
    let now = Instant::now();
    now + (remaining().saturating_duration_since(now) / 2).min(SILENCE)
}

/// When a first attempt gives up: in time for a second one.
pub(crate) fn first_attempt() -> Instant {
    let now = Instant::now();
    now + (remaining().saturating_duration_since(now) / 2).min(FIRST_ATTEMPT)
}

/// Whether another try makes sense.
pub(crate) fn has_time() -> bool {
    Instant::now() < remaining()
}

/// Notes that the caller has shown a valid access token.
pub(super) fn set_authenticated() {
    // Outside of a request nobody asks.
    let _ = CURRENT.try_with(|request| request.authenticated.set(true));
}

/// Whether the caller has shown a valid access token.
pub(super) fn is_authenticated() -> bool {
    CURRENT.try_with(|request| request.authenticated.get()).unwrap_or_default()
}

/// Counts time spent in the database.
pub(crate) fn add_database_time(spent: Duration) {
    // Outside of a request nobody asks.
    let _ = CURRENT.try_with(|request| request.database.set(request.database.get() + spent));
}

/// The time this request has spent in the database so far.
pub(crate) fn database_time() -> Duration {
    CURRENT.try_with(|request| request.database.get()).unwrap_or_default()
}
