//! Deletes what has expired, in batches with a commit each.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use shared::App;
use shared::db::DbError;
use shared::db::maintenance::{self, ExpiringTable};
use shared::lambda::Invocation;

/// How long an ended session is kept, so that its clients learn that it has ended, and how.
const SESSIONS: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long failed sign-ins count, unless they are so many that somebody must lift the block.
const FAILURES: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long an address that signed in before is remembered without being used.
const ADDRESSES: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How long audit events are kept.
const EVENTS: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Kept back to answer with, after two runs of a statement.
const RESERVE: SignedDuration = SignedDuration::from_secs(20);

/// How many rows were deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Purged {
    /// Sessions that ended a week ago.
    pub sessions: i64,
    /// Limits that nobody runs into any more.
    pub rate_limits: i64,
    /// Failed sign-ins of 30 days ago.
    pub sign_in_failures: i64,
    /// Addresses not used for 90 days.
    pub sign_in_addresses: i64,
    /// Events of 90 days ago.
    pub audit_events: i64,
    /// Signed-out tokens of the old backend that have expired.
    pub ended_legacy_tokens: i64,
    /// Whether there was time for everything.
    pub done: bool,
}

pub(crate) async fn run(app: &App, invocation: &Invocation) -> Result<Purged, DbError> {
    let now = app.clock.now();
    let mut purged = Purged::default();
    let last = invocation.deadline.map(|deadline| deadline - RESERVE);
    let in_time = || last.is_none_or(|last| app.clock.now() < last);
    let passes: [(ExpiringTable, Timestamp, &mut i64); 6] = [
        // What must go by a date comes first; the largest table to walk comes last.
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
                    tracing::error!(%error, ?table, "a table could not be purged; the others are");
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
    let Purged { sessions, rate_limits, sign_in_failures, sign_in_addresses, audit_events, ended_legacy_tokens, done } =
        &purged;
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
