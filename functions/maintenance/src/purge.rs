//! Deletes expired rows in batches, each in its own transaction.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use shared::App;
use shared::db::DbError;
use shared::db::maintenance::{self, ExpiringTable};
use shared::lambda::Invocation;

/// How long an ended session is kept, so that its clients learn that it has ended, and why.
const SESSIONS: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long failed sign-ins count. A count that blocks the account stays until an operator unlocks it.
const FAILURES: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long an unused known IP address is kept.
const ADDRESSES: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How long audit events are kept.
const EVENTS: SignedDuration = SignedDuration::from_hours(90 * 24);

/// No batch starts within this time of the deadline: it may run its statement twice, and the response takes time too.
const RESERVE: SignedDuration = SignedDuration::from_secs(20);

/// How many rows of each table were deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PurgeReport {
    /// Sessions that ended at least 7 days ago.
    pub sessions: i64,
    /// Rate limit counters whose window has passed.
    pub rate_limits: i64,
    /// Failed sign-ins, at least 30 days old.
    pub sign_in_failures: i64,
    /// Known IP addresses, not used for 90 days.
    pub sign_in_addresses: i64,
    /// Audit events, at least 90 days old.
    pub audit_events: i64,
    /// Signed-out legacy tokens that have expired.
    pub ended_legacy_tokens: i64,
    /// False if the time ran out before every table was purged.
    pub done: bool,
}

pub(crate) async fn run(app: &App, invocation: &Invocation) -> Result<PurgeReport, DbError> {
    let now = app.clock.now();
    let mut purged = PurgeReport::default();
    let last = invocation.deadline.map(|deadline| deadline - RESERVE);
    let in_time = || last.is_none_or(|last| app.clock.now() < last);
    let passes: [(ExpiringTable, Timestamp, &mut i64); 6] = [
        // Rows that must be deleted by a certain age come first, the largest table comes last.
        (ExpiringTable::AuditEvents, now - EVENTS, &mut purged.audit_events),
        (ExpiringTable::SignInAddresses, now - ADDRESSES, &mut purged.sign_in_addresses),
        (ExpiringTable::SignInFailures, now - FAILURES, &mut purged.sign_in_failures),
        (ExpiringTable::EndedLegacyTokens, now, &mut purged.ended_legacy_tokens),
        (ExpiringTable::RateLimits, now, &mut purged.rate_limits),
        (ExpiringTable::Sessions, now - SESSIONS, &mut purged.sessions),
    ];
    let (mut done, mut failed) = (true, None);
    'all: for (table, before, count) in passes {
        let mut from = None;
        loop {
            if !in_time() {
                done = false;
                break 'all;
            }
            let step = match maintenance::purge(&app.anonymous(), table, before, from.as_deref()).await {
                Ok(step) => step,
                Err(error) => {
                    tracing::error!(%error, ?table, "a table could not be purged; continuing with the others");
                    failed = Some(error);
                    break;
                }
            };
            *count += step.deleted;
            from = step.next;
            if from.is_none() {
                break;
            }
        }
    }
    purged.done = done;
    let PurgeReport {
        sessions,
        rate_limits,
        sign_in_failures,
        sign_in_addresses,
        audit_events,
        ended_legacy_tokens,
        done,
    } = &purged;
    tracing::info!(
        sessions,
        rate_limits,
        sign_in_failures,
        sign_in_addresses,
        audit_events,
        ended_legacy_tokens,
        done,
        "purged"
    );
    failed.map_or(Ok(purged), Err)
}
